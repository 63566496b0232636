/*
 * Dispatchers work in batches: what is due is leased, one snapshot reads it,
 * what stays in the store is delivered and settled in jobs that share their
 * commits. Recipients for
 * a relay are handed to its lane under the same lease and are no business of
 * the dispatcher's any more, unless the lane can't take them.
 */
#include "outbox/taking.h"

#include "base/err.h"
#include "base/log.h"
#include "outbox/aside.h"

#include <errno.h>

#define READ_TRIES 5 /* with a pause between */

/* ---- who goes which way ---- */

/* Those that stay in this store. */
static int add_stored(struct attempt *attempt, enum store_rcpt_kind kind, const struct transport *transport)
{
    struct attempt_part *part = NULL;
    int r = 0;
    for (size_t i = 0; r == 0 && i < attempt->entry.rcpts_n; i++) {
        if (attempt->entry.rcpts[i].kind != kind)
            continue;
        if (!part)
            r = attempt_add_part(attempt, transport, &part);
        if (r == 0)
            attempt_add_rcpt(part, &attempt->entry.rcpts[i]);
    }
    return r;
}

/* Recipients that their relay (NULL: none takes them) doesn't get now. */
static int add_kept(struct attempt *attempt, const struct relay *relay, const struct relay *const *ways, int64_t again,
                    struct span reason)
{
    struct attempt_part *part;
    int r = attempt_add_part(attempt, &transport_smtp, &part);
    if (r)
        return r;
    part->job.relay = relay;
    part->put_off = again;
    for (size_t i = 0; i < attempt->entry.rcpts_n; i++)
        if (attempt->entry.rcpts[i].kind == STORE_RCPT_REMOTE && ways[i] == relay)
            attempt_add_rcpt(part, &attempt->entry.rcpts[i]);
    attempt_all(part, TRANSPORT_DEFERRED, reason);
    return 0;
}

static int hand_over(struct attempt *attempt, const struct taking *taking, const struct relay *relay,
                     const struct relay *const *ways)
{
    const struct lane_ticket ticket = { .key = { attempt->entry.mailbox_id, attempt->entry.outbox_no }, .lease = taking->lease, .home = relay };
    int64_t again = 0;
    struct span reason = SPAN("4.4.4 no relay is configured for this domain");
    if (!relay)
        return add_kept(attempt, relay, ways, 0, reason);
    switch (fleet_hand_over(taking->fleet, relay, &ticket, attempt->arena, &again, &reason)) {
    case LANE_TAKEN:
        attempt->handed = true;
        return 0;
    case LANE_FULL:
        return add_kept(attempt, relay, ways, again, SPAN("4.3.2 many messages wait for this relay"));
    case LANE_DEAD:
        return add_kept(attempt, relay, ways, 0, reason);
    }
    return -EINVAL;
}

/* Each relay once, with all of its recipients. */
static int add_relayed(struct store_tx *tx, struct attempt *attempt, const struct taking *taking)
{
    const struct relay **ways = arena_array(attempt->arena, attempt->entry.rcpts_n, sizeof(*ways));
    int r = ways ? 0 : -ENOMEM;
    if (r == 0 && taking->fleet->relays->by_sender)
        r = attempt_read(attempt, tx, false);
    for (size_t i = 0; r == 0 && i < attempt->entry.rcpts_n; i++)
        r = relay_of(taking->fleet->relays, attempt->arena, attempt->entry.rcpts[i].address, attempt->entry.envelope_sender, &ways[i]);
    for (size_t i = 0; r == 0 && i < attempt->entry.rcpts_n; i++) {
        bool seen = attempt->entry.rcpts[i].kind != STORE_RCPT_REMOTE;
        for (size_t j = 0; j < i && !seen; j++)
            seen = attempt->entry.rcpts[j].kind == STORE_RCPT_REMOTE && ways[j] == ways[i];
        if (!seen)
            r = hand_over(attempt, taking, ways[i], ways);
    }
    return r;
}

static int plan(struct outbox *outbox, struct store_tx *tx, struct attempt *attempt, const struct taking *taking)
{
    int r = add_stored(attempt, STORE_RCPT_LOCAL, &transport_local);
    if (r == 0)
        r = add_stored(attempt, STORE_RCPT_FILE, &transport_file);
    if (r == 0 && outbox->options.capture)
        r = add_stored(attempt, STORE_RCPT_REMOTE, &transport_capture);
    if (r == 0 && attempt->parts_n > 0)
        r = attempt_read(attempt, tx, true);
    return r == 0 && !outbox->options.capture ? add_relayed(tx, attempt, taking) : r;
}

/* ---- a slice of the batch: as much as memory should hold ---- */

static int read_slice(struct outbox *outbox, struct arena *arena, struct taking *taking, size_t *at, struct attempt *attempts,
                      size_t *ret_n)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    const struct outbox_options *options = &outbox->options;
    uint64_t bytes = 0;
    int r = store_read_begin(options->store, &tx);
    *ret_n = 0;
    while (r == 0 && *at < taking->n && bytes < OUTBOX_LARGE) {
        struct attempt *attempt = &attempts[*ret_n];
        struct store_outbox_key key = taking->keys[(*at)++];
        int done = attempt_init(attempt, tx, options->store, taking->fleet->conf, arena, key, taking->lease.owner);
        if (done == 0)
            done = plan(outbox, tx, attempt, taking);
        if (aside_wanted(done)) {
            aside_put(options->store, key, done);
        } else if (done < 0) {
            if (!attempt->handed) /* else it would have it twice */
                taking->keys[taking->unread++] = key;
            log_event(LOG_ERROR_LEVEL, "outbox entry failed", LOG_N("mailbox", key.mailbox_id), LOG_N("entry", key.outbox_no),
                      LOG_S("error", err_text(done)));
        }
        if (done == 0 && attempt->parts_n > 0) {
            bytes += attempt->loaded ? attempt->item.size : 0;
            ++*ret_n;
        } else {
            attempt_done(attempt);
        }
    }
    return r;
}

/* Makes messages of what was read, delivers and settles. */
static int carry_out(struct outbox *outbox, struct attempt *attempts, size_t n)
{
    struct attempt *pointers[TAKING_MAX] = { 0 };
    for (size_t i = 0; i < n; i++) {
        pointers[i] = &attempts[i];
        if (attempts[i].loaded)
            attempt_write(&attempts[i]);
        attempts[i].over = aside_wanted(attempts[i].unwritten);
        if (attempts[i].over)
            aside_put(outbox->options.store, (struct store_outbox_key){ attempts[i].entry.mailbox_id, attempts[i].entry.outbox_no },
                      attempts[i].unwritten);
    }
    int r = attempt_settle_surely(pointers, n, &outbox->stop, outbox->pause_ms);
    for (size_t i = 0; i < n; i++) {
        if (r == 0)
            outbox_due_at(outbox, attempts[i].next);
        attempt_done(&attempts[i]);
    }
    return r;
}

static int do_slice(struct outbox *outbox, struct arena *arena, struct taking *taking, size_t *at)
{
    struct attempt *attempts = arena_array(arena, TAKING_MAX, sizeof(*attempts));
    size_t n;
    int r = attempts ? read_slice(outbox, arena, taking, at, attempts, &n) : -ENOMEM;
    if (r)
        return r;
    bool large = false;
    for (size_t i = 0; i < n; i++)
        large = large || (attempts[i].loaded && attempts[i].item.size > OUTBOX_LARGE);
    if (large)
        pthread_mutex_lock(&outbox->large);
    r = carry_out(outbox, attempts, n);
    if (large)
        pthread_mutex_unlock(&outbox->large);
    return r;
}

/* All of a batch but what can't be read. */
static int do_batch(struct outbox *outbox, struct arena *arena, struct taking *taking)
{
    size_t at = 0;
    int r = 0;
    taking->unread = 0;
    while (r == 0 && at < taking->n && !atomic_load(&outbox->closing)) {
        r = do_slice(outbox, arena, taking, &at);
        arena_reset(arena);
    }
    memmove(taking->keys + taking->unread, taking->keys + at, (taking->n - at) * sizeof(*taking->keys));
    taking->n = taking->unread + taking->n - at;
    return r;
}

/* What can't be read is somebody's turn again soon. Only what can't be written
 * down either stays. */
static void let_go(struct outbox *outbox, struct taking *taking)
{
    size_t left = 0;
    for (size_t i = 0; i < taking->n; i++) {
        int64_t again;
        if (attempt_let_go(outbox->options.store, taking->keys[i], taking->lease.owner, &again))
            taking->keys[left++] = taking->keys[i];
        else
            outbox_due_at(outbox, again);
    }
    taking->n = left;
}

static int dispatch(struct outbox *outbox, struct arena *arena, struct fleet *fleet, int64_t *ret_next)
{
    struct taking taking;
    int r = taking_begin(outbox, arena, fleet, &taking, ret_next);
    if (r)
        return r;
    if (taking.n == TAKING_MAX)
        outbox_call_help(outbox);
    r = do_batch(outbox, arena, &taking);
    for (int i = 1; taking.n > 0 && !atomic_load(&outbox->closing); i++) {
        when_sleep(outbox->pause_ms);
        if (i >= READ_TRIES)
            let_go(outbox, &taking);
        r = do_batch(outbox, arena, &taking);
    }
    return r ? r : taking.error;
}

int outbox_dispatch(struct outbox *outbox, struct arena *arena, int64_t *ret_next)
{
    struct fleet *fleet = fleet_hold(outbox);
    int r = dispatch(outbox, arena, fleet, ret_next);
    fleet_release(fleet);
    return r;
}
