/*
 * ewsctl queue retry, hold, release, bounce, remove: for messages by their ids,
 * all, or those that the filters choose. What is chosen is looked up first and
 * then done in small jobs, so that senders don't wait for a long queue.
 */
#include "bin/ctl_queue.h"

#include "base/when.h"
#include "mime/mime.h"
#include "model/code.h"
#include "outbox/names.h"
#include "store/store_keep.h"
#include "store/store_mail.h"
#include "store/store_queue.h"

#include <stdlib.h>

#define AT_ONCE 32 /* messages in one job */

enum fate {
    FATE_NONE, /* as it was: nothing was to be done */
    FATE_DONE,
    FATE_HELD, /* refused: it is held */
    FATE_BUSY, /* refused, for some recipients at least: an attempt is under way */
    FATE_DAMAGED, /* refused: it cannot be read */
};

struct chosen {
    struct store_outbox_key key;
    bool held;
    enum fate fate;
};

struct choice {
    struct chosen *v;
    size_t n, room;
    bool named; /* by ids */
};

struct action {
    /* 0; 1: nothing was to be done. */
    int (*act)(struct store_tx *tx, struct ctl_call *call, struct arena *arena, struct chosen *chosen, bool named);
    struct choice choice;
    struct arena *scratch; /* for one message */
    size_t at;             /* of the job */
};

/* ---- choosing ---- */

static int add(struct choice *choice, struct store_outbox_key key, bool held)
{
    if (choice->n == choice->room) {
        size_t room = choice->room ? choice->room * 2 : 64;
        struct chosen *larger = reallocarray(choice->v, room, sizeof(*larger));
        if (!larger)
            return -ENOMEM;
        choice->v = larger;
        choice->room = room;
    }
    choice->v[choice->n++] = (struct chosen){ .key = key, .held = held };
    return 0;
}

static int visit(struct ctl_call *call ATTR_UNUSED, const struct store_outbox *entry, const struct item *item ATTR_UNUSED, void *data)
{
    return add(data, (struct store_outbox_key){ entry->mailbox_id, entry->outbox_no }, entry->held);
}

static int choose_named(struct store_tx *tx, struct ctl_call *call, struct choice *choice)
{
    struct store_outbox_key key;
    struct store_outbox entry;
    struct item item;
    bool stopped = false;
    int64_t since;
    int r = queue_stopped(tx, &stopped, &since);

    for (size_t i = 0; r == 0 && i < call->operands_n; i++) {
        r = queue_read_id(call, call->operands[i], &key);
        if (r)
            return r;
        r = store_outbox_load(tx, call->arena, key, 0, STORE_DAMAGED, &entry, &item);
        if (r == CODE_ErrorCorruptData) /* it is there, and can be removed */
            r = entry.held = 0;
        if (r > 0)
            return ctl_fail(call, EX_NOUSER, "no message %s waits; it may have left (ewsctl queue list)", call->operands[i]);
        if (r == 0)
            r = add(choice, key, entry.held || stopped);
    }
    return r;
}

static int choose(struct store_tx *tx, struct ctl_call *call, void *data)
{
    struct choice *choice = data;
    struct queue_filter filter;

    queue_read_filter(call, &filter);
    return choice->named ? choose_named(tx, call, choice) : queue_walk(tx, call, &filter, visit, choice);
}

/* ---- doing ---- */

static int act_job(struct store_tx *tx, struct ctl_call *call, void *data)
{
    struct action *action = data;
    struct choice *choice = &action->choice;
    size_t end = action->at + AT_ONCE < choice->n ? action->at + AT_ONCE : choice->n;
    int r = 0;

    for (size_t i = action->at; r >= 0 && i < end; i++) {
        arena_reset(action->scratch);
        choice->v[i].fate = FATE_DONE;
        r = action->act(tx, call, action->scratch, &choice->v[i], choice->named);
        if (r > 0 && choice->v[i].fate == FATE_DONE)
            choice->v[i].fate = FATE_NONE;
    }
    return r < 0 ? r : 0;
}

/* The ids of what was changed; what was refused is an error. */
static int print(struct ctl_call *call, const struct choice *choice)
{
    char id[OUTBOX_ID_SIZE], refused[OUTBOX_ID_SIZE] = "";
    size_t refused_n = 0;
    enum fate fate = FATE_NONE;

    for (size_t i = 0; i < choice->n; i++) {
        outbox_id_write(choice->v[i].key, id);
        if (choice->v[i].fate > FATE_DONE) {
            fate = choice->v[i].fate;
            memcpy(refused, id, sizeof(id));
            refused_n++;
        }
        if (choice->v[i].fate != FATE_DONE)
            continue;
        out_record(&call->out);
        out_text(&call->out, "id", span_of(id));
        out_record_end(&call->out);
    }
    if (refused_n == 0)
        return 0;
    switch (fate) {
    case FATE_HELD:
        return ctl_fail(call, EX_TEMPFAIL, "%s is held: release it first (%zu such)", refused, refused_n);
    case FATE_BUSY:
        return ctl_fail(call, EX_TEMPFAIL, "%s is being sent at this moment: hold it first, or try again (%zu such)", refused,
                        refused_n);
    case FATE_NONE:
    case FATE_DONE:
    case FATE_DAMAGED:
        break;
    }
    return ctl_fail(call, EX_TEMPFAIL, "%s cannot be read, so nobody can be told of it: ewsctl queue remove (%zu such)", refused,
                    refused_n);
}

static int run(struct ctl_call *call, struct action *action)
{
    struct choice *choice = &action->choice;
    int r = ctl_read(call, choose, choice);

    if (r == 0)
        r = arena_new(CTL_MEMORY, &action->scratch);
    for (action->at = 0; r == 0 && action->at < choice->n; action->at += AT_ONCE)
        r = ctl_write(call, act_job, action);
    if (r == 0)
        r = print(call, choice);
    arena_free(action->scratch);
    free(choice->v);
    return r;
}

static int queue_act(struct ctl_call *call, int (*act)(struct store_tx *, struct ctl_call *, struct arena *, struct chosen *, bool))
{
    struct queue_filter filter;
    bool named = call->operands_n > 0, all = ctl_option(call, "all") != NULL, chosen = queue_read_filter(call, &filter);

    if (named + all + chosen != 1)
        return ctl_fail(call, EX_USAGE, "which messages? ids, --all, or --sender, --recipient and --relay");
    return run(call, &(struct action){ .act = act, .choice = { .named = named } });
}

/* ---- the commands ---- */

/* What a client deferred (PidTagDeferredSendTime) is hurried by its id alone. */
static int retry(struct store_tx *tx, struct ctl_call *call ATTR_UNUSED, struct arena *arena ATTR_UNUSED, struct chosen *chosen,
                 bool named)
{
    if (chosen->held) {
        chosen->fate = named ? FATE_HELD : FATE_NONE;
        return 1;
    }
    return store_outbox_hurry(tx, chosen->key, when_now(), named ? 0 : 1);
}

int ctl_queue_retry(struct ctl_call *call)
{
    int r = queue_act(call, retry);
    outbox_hurry(call->outbox);
    return r;
}

static int hold(struct store_tx *tx, struct ctl_call *call ATTR_UNUSED, struct arena *arena ATTR_UNUSED, struct chosen *chosen,
                bool named ATTR_UNUSED)
{
    return store_outbox_set_held(tx, chosen->key, true);
}

int ctl_queue_hold(struct ctl_call *call)
{
    return queue_act(call, hold);
}

static int release(struct store_tx *tx, struct ctl_call *call ATTR_UNUSED, struct arena *arena ATTR_UNUSED, struct chosen *chosen,
                   bool named ATTR_UNUSED)
{
    return store_outbox_set_held(tx, chosen->key, false);
}

/* --all also ends the hold on the outbox as a whole, without which nothing of
 * it can be released. */
static int release_store(struct store_tx *tx, struct ctl_call *call, void *data ATTR_UNUSED)
{
    bool stopped = false;
    int64_t since;
    int r = queue_stopped(tx, &stopped, &since);

    if (r || !stopped)
        return r;
    return ctl_option(call, "all") && call->operands_n == 0
               ? store_release(tx)
               : ctl_fail(call, EX_TEMPFAIL, "the whole outbox is held: ewsctl queue release --all");
}

int ctl_queue_release(struct ctl_call *call)
{
    int r = ctl_write(call, release_store, NULL);
    if (r == 0)
        r = queue_act(call, release);
    outbox_wake(call->outbox);
    return r;
}

static int bounce(struct store_tx *tx, struct ctl_call *call, struct arena *arena, struct chosen *chosen, bool named ATTR_UNUSED)
{
    size_t left = 0;
    int r = outbox_give_up(tx, call->conf, arena, chosen->key, &left);

    if (left > 0)
        chosen->fate = FATE_BUSY;
    if (r == CODE_ErrorItemCorrupt)
        chosen->fate = FATE_DAMAGED;
    return r;
}

int ctl_queue_bounce(struct ctl_call *call)
{
    if (!call->outbox)
        mime_init();
    int r = queue_act(call, bounce);
    outbox_wake(call->outbox); /* a report may be on its way to another mailbox */
    return r;
}

static int discard(struct store_tx *tx, struct ctl_call *call, struct arena *arena, struct chosen *chosen, bool named ATTR_UNUSED)
{
    return outbox_remove(tx, call->conf, arena, chosen->key);
}

int ctl_queue_remove(struct ctl_call *call)
{
    return queue_act(call, discard);
}
