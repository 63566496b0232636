/*
 * What gives way over the bound is the answer to a SendItem whose draft is gone
 * or has a new ChangeKey: repeating that is refused, not sent again. An
 * Idempotency-Key may be all that keeps a CreateItem from being done twice, so
 * its record stays until it expires; while such records fill the bound alone,
 * requests with new keys are refused (ops/once.c).
 */
#include "outbox/forget.h"

#include "base/log.h"
#include "base/when.h"
#include "store/store_queue.h"

#define DAY_MS 86400000
#define AT_ONCE 2000 /* rows per job, so that senders don't wait for it */

struct step {
    uint64_t n;
    int64_t since;
};

static int expire_job(struct store_tx *tx, void *arg)
{
    struct step *step = arg;
    return store_expire(tx, when_now(), AT_ONCE, &step->n);
}

static int traces_job(struct store_tx *tx, void *arg)
{
    struct step *step = arg;
    return store_trace_expire(tx, step->since, AT_ONCE, &step->n);
}

static int drop_job(struct store_tx *tx, void *arg)
{
    struct step *step = arg;
    return store_replays_drop(tx, step->n < AT_ONCE ? step->n : AT_ONCE, &step->n);
}

static int count(struct store *store, struct store_replays *ret_replays)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    struct store_replays seen;
    store_replays_seen(store, &seen);
    int r = store_read_begin(store, &tx);
    return r ? r : store_replays_count(tx, &seen, ret_replays);
}

/* A sixteenth more than is over it goes, so that the count, which reads them
 * all, is seldom made. */
static int drop(struct store *store, uint64_t max, const atomic_bool *stop)
{
    struct store_replays kept;
    int r = count(store, &kept);
    uint64_t over = kept.drafts + kept.others, room = max - max / 16;
    if (r || over <= max)
        return r;
    over = over - room < kept.drafts ? over - room : kept.drafts;
    log_event(LOG_WARN_LEVEL, "too many answers are kept: the oldest of SendItem give way", LOG_N("answers", over));
    for (struct step step = { .n = over }; over > 0 && step.n > 0 && !atomic_load(stop); over -= step.n) {
        step.n = over;
        r = store_write(store, drop_job, &step);
        if (r)
            return r;
    }
    return count(store, &kept);
}

int forget_answers(struct store *store, const struct conf *conf, const atomic_bool *stop)
{
    struct store_replays seen;
    struct step step = { .n = AT_ONCE };
    int r = 0;
    while (r == 0 && step.n == AT_ONCE && !atomic_load(stop))
        r = store_write(store, expire_job, &step);
    store_replays_seen(store, &seen);
    if (r == 0 && seen.drafts + seen.others > (uint64_t)conf->send_replay_max)
        r = drop(store, (uint64_t)conf->send_replay_max, stop);
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
