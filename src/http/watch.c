/*
 * The watch of watch.h. The queue is the one thing whose reading takes longer
 * the more there is of it; everybody who asks meanwhile gets what was read last.
 */
#include "http/watch.h"

#include "base/metrics.h"
#include "base/when.h"
#include "outbox/outbox.h"
#include "store/store_keep.h"
#include "store/store_queue.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define COST_SHARE 100

struct watch {
    const struct op_env *ops;
    int64_t started; /* ms since 1970 */
    atomic_bool serving, stopping;
    pthread_mutex_t lock; /* guards what follows */
    struct store_queue queue;
    int64_t read_at, next_read; /* ms, monotonic */
};

static const char *const states[STORE_QUEUE_STATES] = { "due", "waiting", "sending", "held" };

int watch_new(const struct op_env *ops, struct watch **ret_watch)
{
    struct watch *watch = calloc(1, sizeof(*watch));
    if (!watch)
        return -ENOMEM;
    watch->ops = ops;
    watch->started = when_now();
    pthread_mutex_init(&watch->lock, NULL);
    metric_names(METRIC_LABEL_state, states, ARRAY_LEN(states));
    *ret_watch = watch;
    return 0;
}

void watch_free(struct watch *watch)
{
    if (!watch)
        return;
    pthread_mutex_destroy(&watch->lock);
    free(watch);
}

void watch_start(struct watch *watch)
{
    atomic_store(&watch->serving, true);
}

void watch_stop(struct watch *watch)
{
    atomic_store(&watch->stopping, true);
}

/* ---- ready ---- */

static int ask_store(struct store *store)
{
    struct store_tx *tx;
    bool local;
    int r = store_read_begin(store, &tx);
    if (r)
        return r;
    r = store_domain_is_local(tx, SPAN("localhost"), &local);
    store_read_end(tx);
    return r;
}

const char *watch_unready(const struct watch *watch)
{
    if (!atomic_load(&watch->serving))
        return "the server is starting";
    if (atomic_load(&watch->stopping))
        return "the server is stopping";
    if (ask_store(watch->ops->store))
        return "the store does not answer";
    return outbox_runs(watch->ops->outbox) ? NULL : "the outbox does not run";
}

/* ---- gauges ---- */

static int read_queue(struct store *store, struct store_queue *ret_queue, bool *ret_held)
{
    struct store_tx *tx;
    int64_t since;
    int r = store_read_begin(store, &tx);
    if (r)
        return r;
    int held = store_held(tx, &since);
    r = held < 0 ? held : store_queue_count(tx, when_now(), ret_queue);
    store_read_end(tx);
    *ret_held = held == 0;
    return r;
}

/* Under the lock. */
static void refresh_queue(struct watch *watch)
{
    bool held;
    int64_t begun = when_monotonic();
    if (begun < watch->next_read)
        return;
    int r = read_queue(watch->ops->store, &watch->queue, &held);
    int64_t now = when_monotonic();
    watch->next_read = now + (now - begun) * COST_SHARE;
    if (r)
        return;
    watch->read_at = now;
    metric_set(METRIC_outbox_held, 0, held);
}

static void tell_queue(struct watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    refresh_queue(watch);
    int64_t now = when_now();
    for (unsigned i = 0; i < STORE_QUEUE_STATES; i++) {
        int64_t oldest = watch->queue.states[i].entries ? watch->queue.states[i].oldest : now;
        metric_set(METRIC_queue_messages, i, watch->queue.states[i].entries);
        metric_set(METRIC_queue_oldest_seconds, i, oldest < now ? (uint64_t)(now - oldest) : 0);
    }
    metric_set(METRIC_queue_read_age_seconds, 0, (uint64_t)(when_monotonic() - watch->read_at));
    pthread_mutex_unlock(&watch->lock);
}

void watch_read(struct watch *watch)
{
    metrics_read_process(watch->started);
    metric_set(METRIC_ready, 0, watch_unready(watch) == NULL);
    tell_queue(watch);
}
