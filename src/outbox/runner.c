/*
 * The runner's threads: dispatchers that sleep until something is due, and the
 * lanes of the relays. Until a recipient is settled nothing of it is
 * forgotten, so a crash at any instant means another attempt, and every
 * transport makes that as harmless as it can be made.
 */
#include "outbox/runner.h"

#include "base/err.h"
#include "base/log.h"
#include "base/when.h"
#include "outbox/forget.h"
#include "store/store_content.h"

#include <errno.h>
#include <stdlib.h>

#define IDLE_MS 60000
#define SHARED_IDLE_MS 1000 /* other nodes commit, too */
#define PAUSE_MS 1000
#define EXPIRE_EVERY_MS 10000
#define CUT_EVERY_MS 3600000

/* ---- sleeping and waking ---- */

static bool is_earlier(int64_t at, int64_t than)
{
    return at != WHEN_NONE && (than == WHEN_NONE || at < than);
}

/* Until something happened since `seen`, or is due. */
static void sleep_until(struct outbox *outbox, uint64_t seen, int64_t next)
{
    int timed_out = 0;
    pthread_mutex_lock(&outbox->lock);
    if (is_earlier(next, outbox->next_due))
        outbox->next_due = next;
    while (!atomic_load(&outbox->stop) && outbox->wakes == seen && !timed_out) {
        int64_t wait = outbox->next_due == WHEN_NONE ? IDLE_MS : outbox->next_due - when_now();
        int64_t most = store_has_nodes(outbox->options.store) ? SHARED_IDLE_MS : IDLE_MS;
        struct timespec until = when_in(wait < 10 ? 10 : wait > most ? most : wait);
        timed_out = pthread_cond_timedwait(&outbox->wake, &outbox->lock, &until);
    }
    if (timed_out)
        outbox->next_due = WHEN_NONE; /* whoever wakes now looks, and finds the next */
    pthread_mutex_unlock(&outbox->lock);
}

/* A dispatcher that is at work looks again afterwards, so that nobody else needs
 * to be woken for every single message. */
void outbox_wake(struct outbox *outbox)
{
    if (!outbox)
        return;
    pthread_mutex_lock(&outbox->lock);
    outbox->wakes++;
    if (outbox->busy == 0)
        pthread_cond_signal(&outbox->wake);
    pthread_mutex_unlock(&outbox->lock);
}

void outbox_call_help(struct outbox *outbox)
{
    pthread_mutex_lock(&outbox->lock);
    outbox->wakes++;
    pthread_cond_signal(&outbox->wake);
    pthread_mutex_unlock(&outbox->lock);
}

void outbox_due_at(struct outbox *outbox, int64_t at)
{
    pthread_mutex_lock(&outbox->lock);
    if (is_earlier(at, outbox->next_due)) {
        outbox->next_due = at;
        pthread_cond_signal(&outbox->wake);
    }
    pthread_mutex_unlock(&outbox->lock);
}

enum lane_answer outbox_hand_over(struct outbox *outbox, const struct relay *relay, const struct lane_ticket *ticket,
                                  struct arena *arena, int64_t *ret_again, struct span *ret_reason)
{
    enum lane_answer answer = LANE_DEAD;
    for (; relay && answer == LANE_DEAD; relay = relay->next)
        answer = lane_push(outbox->lanes[relay - outbox->relays->v], ticket, arena, ret_again, ret_reason);
    return answer;
}

void outbox_hurry(struct outbox *outbox)
{
    if (!outbox)
        return;
    for (size_t i = 0; i < CONF_RELAYS_MAX; i++)
        if (outbox->lanes[i])
            lane_forgive(outbox->lanes[i]);
    outbox_call_help(outbox);
}

/* ---- a dispatcher's thread ---- */

static int sweep_job(struct store_tx *tx, void *arg)
{
    return store_sweep(tx, when_now(), arg);
}

/* Some mailboxes at a time, until all had their turn. */
static int cut_logs(struct outbox *outbox, int64_t now)
{
    pthread_mutex_lock(&outbox->lock);
    int64_t after = now >= outbox->next_cut ? outbox->cut_after : -1;
    pthread_mutex_unlock(&outbox->lock);
    int r = after < 0 ? 0 : forget_changes(outbox->options.store, outbox->options.conf, &outbox->stop, &after);
    if (after < 0)
        return r;
    pthread_mutex_lock(&outbox->lock);
    outbox->cut_after = after;
    if (after == 0)
        outbox->next_cut = now + CUT_EVERY_MS;
    pthread_mutex_unlock(&outbox->lock);
    return r;
}

/* One thread at a time forgets answers and marks whose time is over. */
static void forget_old(struct outbox *outbox)
{
    int64_t now = when_monotonic();
    pthread_mutex_lock(&outbox->lock);
    bool mine = now >= outbox->next_expire;
    if (mine)
        outbox->next_expire = now + EXPIRE_EVERY_MS;
    pthread_mutex_unlock(&outbox->lock);
    int r = mine ? forget_answers(outbox->options.store, outbox->options.conf, &outbox->stop) : 0;
    if (r == 0 && mine)
        r = forget_traces(outbox->options.store, outbox->options.conf, &outbox->stop);
    if (r == 0 && mine)
        r = forget_deleted(outbox->options.store, outbox->options.conf, &outbox->stop);
    if (r == 0 && mine)
        r = cut_logs(outbox, now);
    for (bool more = mine; r == 0 && more && !atomic_load(&outbox->stop);)
        r = store_write(outbox->options.store, sweep_job, &more);
    if (r < 0)
        log_event(LOG_ERROR_LEVEL, "old answers cannot be forgotten", LOG_S("error", err_text(r)));
}

static uint64_t begin_round(struct outbox *outbox)
{
    pthread_mutex_lock(&outbox->lock);
    uint64_t seen = outbox->wakes;
    outbox->busy++;
    pthread_mutex_unlock(&outbox->lock);
    return seen;
}

static void end_round(struct outbox *outbox)
{
    pthread_mutex_lock(&outbox->lock);
    outbox->busy--;
    pthread_mutex_unlock(&outbox->lock);
}

static void *run(void *arg)
{
    struct outbox *outbox = arg;
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    if (arena_new((size_t)outbox->options.conf->soap_max_memory, &arena))
        return NULL;
    while (!atomic_load(&outbox->stop)) {
        int64_t next = WHEN_NONE;
        uint64_t seen = begin_round(outbox);
        forget_old(outbox);
        int r = outbox_dispatch(outbox, arena, &next);
        arena_reset(arena);
        end_round(outbox);
        if (r < 0) {
            log_event(LOG_ERROR_LEVEL, "the outbox is in trouble", LOG_S("error", err_text(r)));
            next = when_now() + outbox->pause_ms;
        }
        if (r)
            sleep_until(outbox, seen, next);
    }
    return NULL;
}

/* ---- starting and stopping ---- */

int outbox_check(const struct conf *conf, char ret_error[CONF_ERROR_SIZE])
{
    struct relays *relays = NULL;
    struct signer *signer = NULL;
    int r = relays_load(conf, &relays, ret_error);
    if (r == 0)
        r = signer_load(conf, &signer, ret_error);
    relays_free(relays);
    signer_free(signer);
    return r;
}

static int load_relays(struct outbox *outbox)
{
    char error[CONF_ERROR_SIZE];
    bool none = outbox->options.capture || outbox->options.conf->outbox_workers == 0;
    int r = none ? 0 : relays_load(outbox->options.conf, &outbox->relays, error);
    if (r == 0 && !none)
        r = signer_load(outbox->options.conf, &outbox->signer, error);
    return r > 0 ? -EINVAL : r;
}

static int start_lanes(struct outbox *outbox)
{
    int r = 0;
    for (size_t i = 0; r == 0 && outbox->relays && i < outbox->relays->n; i++)
        r = lane_start(outbox, &outbox->relays->v[i], &outbox->lanes[i]);
    return r;
}

static int start_dispatchers(struct outbox *outbox)
{
    unsigned wanted = (unsigned)outbox->options.conf->outbox_workers;
    while (outbox->threads_n < wanted && outbox->threads_n < OUTBOX_THREADS_MAX) {
        int r = pthread_create(&outbox->threads[outbox->threads_n], NULL, run, outbox);
        if (r)
            return -r;
        outbox->threads_n++;
    }
    return 0;
}

int outbox_start(const struct outbox_options *options, struct outbox **ret_outbox)
{
    struct outbox *outbox = calloc(1, sizeof(*outbox));
    if (!outbox)
        return -ENOMEM;
    outbox->options = *options;
    outbox->pause_ms = options->pause_ms ? options->pause_ms : PAUSE_MS;
    outbox->next_due = WHEN_NONE;
    pthread_mutex_init(&outbox->lock, NULL);
    pthread_mutex_init(&outbox->large, NULL);
    when_cond_init(&outbox->wake);
    int r = load_relays(outbox);
    if (r == 0)
        r = node_start(options, outbox->relays, outbox_call_help, outbox, &outbox->node);
    if (r == 0)
        r = start_lanes(outbox);
    if (r == 0)
        r = start_dispatchers(outbox);
    if (r) {
        outbox_stop(outbox);
        return r;
    }
    *ret_outbox = outbox;
    return 0;
}

void outbox_stop(struct outbox *outbox)
{
    if (!outbox)
        return;
    atomic_store(&outbox->stop, true);
    pthread_mutex_lock(&outbox->lock);
    pthread_cond_broadcast(&outbox->wake);
    pthread_mutex_unlock(&outbox->lock);
    for (size_t i = 0; i < CONF_RELAYS_MAX; i++)
        if (outbox->lanes[i])
            lane_stop(outbox->lanes[i]);
    for (unsigned i = 0; i < outbox->threads_n; i++)
        pthread_join(outbox->threads[i], NULL);
    for (size_t i = 0; i < CONF_RELAYS_MAX; i++)
        lane_free(outbox->lanes[i]);
    node_stop(outbox->node);
    relays_free(outbox->relays);
    signer_free(outbox->signer);
    pthread_cond_destroy(&outbox->wake);
    pthread_mutex_destroy(&outbox->lock);
    pthread_mutex_destroy(&outbox->large);
    free(outbox);
}
