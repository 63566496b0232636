/*
 * Forgetting what has had its time, but answers (forget_answers.c).
 */
#include "outbox/forget.h"

#include "base/when.h"
#include "store/store_queue.h"
#include "store/store_sync.h"

#define DAY_MS 86400000
#define AT_ONCE 2000 /* rows per job, so that senders don't wait for it */
#define ITEMS_AT_ONCE 50
#define MAILBOXES_AT_ONCE 256 /* that are looked at */
#define MEMORY (1u << 20)

struct step {
    uint64_t n;
    int64_t since;
};

static int marks_job(struct store_tx *tx, void *arg)
{
    struct step *step = arg;
    return store_deliveries_expire(tx, step->since, AT_ONCE, &step->n);
}

static int traces_job(struct store_tx *tx, void *arg)
{
    struct step *step = arg;
    return store_trace_expire(tx, step->since, AT_ONCE, &step->n);
}

int forget_marks(struct store *store, const atomic_bool *stop)
{
    struct step step = { .n = AT_ONCE, .since = when_now() };
    int r = 0;
    while (r == 0 && step.n == AT_ONCE && !atomic_load(stop))
        r = store_write(store, marks_job, &step);
    return r;
}

int forget_traces(struct store *store, const struct conf *conf, const atomic_bool *stop)
{
    struct step step = { .n = AT_ONCE, .since = when_now() - conf->outbox_trace_days * DAY_MS };
    int r = 0;
    while (r == 0 && step.n == AT_ONCE && !atomic_load(stop))
        r = store_write(store, traces_job, &step);
    return r;
}

/* ---- what was deleted ---- */

struct purge {
    struct store_recoverable *items;
    size_t n;
};

static int date_job(struct store_tx *tx, void *arg ATTR_UNUSED)
{
    return store_recoverable_date(tx, when_now());
}

/* Those of one mailbox (decisions 2). */
static int purge_job(struct store_tx *tx, void *arg)
{
    const struct purge *purge = arg;
    int r = 0;
    for (size_t i = 0; r == 0 && i < purge->n; i++)
        if (purge->items[i].mailbox_id == purge->items[0].mailbox_id)
            r = store_recoverable_purge(tx, &purge->items[i]);
    return r;
}

static int look_for_deleted(struct store *store, int64_t before, struct arena *arena, struct purge *purge)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    int r = store_read_begin(store, &tx);
    return r ? r : store_recoverable_due(tx, arena, before, ITEMS_AT_ONCE, &purge->items, &purge->n);
}

int forget_deleted(struct store *store, const struct conf *conf, const atomic_bool *stop)
{
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    struct purge purge = { .n = 1 };
    int64_t before = when_now() - conf->store_recoverable_days * DAY_MS;
    int r = arena_new(MEMORY, &arena);
    if (r == 0 && (r = look_for_deleted(store, 0, arena, &purge)) == 0 && purge.n > 0)
        r = store_write(store, date_job, NULL);
    for (purge.n = 1; r == 0 && purge.n > 0 && !atomic_load(stop); arena_reset(arena)) {
        r = look_for_deleted(store, before, arena, &purge);
        if (r == 0 && purge.n > 0)
            r = store_write(store, purge_job, &purge);
    }
    return r;
}

/* ---- what became of items ---- */

struct cut {
    int64_t mailbox_id, day;
    bool more;
};

static int cut_job(struct store_tx *tx, void *arg)
{
    struct cut *cut = arg;
    return store_changes_forget(tx, cut->mailbox_id, cut->day, &cut->more);
}

static int look_for_changes(struct store *store, int64_t day, struct arena *arena, int64_t *after, int64_t **ret_mailboxes,
                            size_t *ret_n)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    int r = store_read_begin(store, &tx);
    return r ? r : store_changes_old(tx, arena, day, MAILBOXES_AT_ONCE, after, ret_mailboxes, ret_n);
}

int forget_changes(struct store *store, const struct conf *conf, const atomic_bool *stop, int64_t *after)
{
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    struct cut cut = { .day = when_now() / DAY_MS - conf->store_change_days };
    int64_t *mailboxes = NULL;
    size_t n = 0;
    int r = arena_new(MEMORY, &arena);
    if (r == 0)
        r = look_for_changes(store, cut.day, arena, after, &mailboxes, &n);
    for (size_t i = 0; r == 0 && i < n; i++) {
        cut.mailbox_id = mailboxes[i];
        do {
            r = store_write(store, cut_job, &cut);
        } while (r == 0 && cut.more && !atomic_load(stop));
    }
    return r;
}
