/*
 * What an administrator does to an entry: outbox_give_up and outbox_remove. Both
 * work inside a job, whether or not a runner is at work: what it holds a lease
 * on is left to it, as nobody can know what a relay has already.
 */
#include "outbox/attempt.h"

#include "outbox/aside.h"
#include "store/store_mail.h"
#include "store/store_queue.h"

#include <errno.h>

#define JOB_MS 60000 /* a lease that lasts for the job */

static int take(struct store_tx *tx, struct store_outbox_key key, uint64_t owner, const struct store_outbox *all, size_t *ret_taken,
                size_t *ret_left)
{
    int64_t now = when_now();
    *ret_taken = *ret_left = 0;
    for (size_t i = 0; i < all->rcpts_n; i++) {
        const struct store_outbox_rcpt *rcpt = &all->rcpts[i];
        if (rcpt->state != STORE_RCPT_QUEUED)
            continue;
        int r = rcpt->kind == STORE_RCPT_FILE ? 1 : store_outbox_hold(tx, key, rcpt->no, owner, now, now + JOB_MS);
        if (r < 0)
            return r;
        ++*(r ? ret_left : ret_taken);
    }
    return 0;
}

static int fill(struct attempt *attempt)
{
    static const char words[] = "5.0.0 given up by the administrator";
    struct attempt_part *part;
    int r = attempt_add_part(attempt, &transport_smtp, &part);
    for (size_t i = 0; r == 0 && i < attempt->entry.rcpts_n; i++) {
        const struct store_outbox_rcpt *rcpt = &attempt->entry.rcpts[i];
        struct transport_result *result = &part->results[part->job.n];
        result->outcome = TRANSPORT_FAILED;
        result->status = SPAN(words);
        if (rcpt->status.len)
            r = arena_printf(attempt->arena, &result->status, "%s; the last try failed with: %.*s", words, (int)rcpt->status.len,
                             rcpt->status.ptr);
        attempt_add_rcpt(part, rcpt);
    }
    return r;
}

int outbox_give_up(struct store_tx *tx, const struct conf *conf, struct arena *arena, struct store_outbox_key key, size_t *ret_left)
{
    struct store_outbox all;
    struct attempt attempt = { 0 };
    uint64_t owner;
    size_t taken = 0;
    int r = random_bytes(&owner, sizeof(owner));
    owner = (owner >> 1) | 1;
    if (r == 0)
        r = store_outbox_rcpts(tx, arena, key, 0, &all);
    if (r == 0)
        r = take(tx, key, owner, &all, &taken, ret_left);
    if (r || taken == 0)
        return r ? r : 1;
    r = attempt_init(&attempt, tx, store_of(tx), conf, arena, key, owner);
    if (r == 0)
        r = fill(&attempt);
    if (r == 0)
        r = attempt_settle_in(tx, &attempt);
    attempt_done(&attempt);
    return aside_wanted(r) ? CODE_ErrorItemCorrupt : r > 0 ? -EIO : r;
}

int outbox_remove(struct store_tx *tx, const struct conf *conf, struct arena *arena, struct store_outbox_key key)
{
    struct store_outbox entry;
    struct item item;
    int r = store_outbox_load(tx, arena, key, 0, STORE_DAMAGED, &entry, &item);
    if (r == CODE_ErrorCorruptData) {
        entry.rcpts_n = 0;
        r = 0;
    }
    for (size_t i = 0; r == 0 && conf->outbox_trace_days > 0 && i < entry.rcpts_n; i++) {
        const struct store_outbox_rcpt *rcpt = &entry.rcpts[i];
        if (rcpt->state == STORE_RCPT_QUEUED && rcpt->kind != STORE_RCPT_FILE)
            r = store_trace_put(tx, entry.message_id,
                                &(struct store_trace){ .key = key, .no = rcpt->no, .address = rcpt->address, .at = when_now(),
                                                       .state = STORE_RCPT_REMOVED, .relay = rcpt->relay, .status = rcpt->status });
    }
    return r ? r : store_outbox_delete(tx, key);
}
