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
#define ANSWERS_EVERY_MS 3600000
#define MANY_ANSWERS_EVERY_MS 60000 /* while there are as many as may be */
#define CUT_EVERY_MS 3600000
#define FINISH_LOOK_MS 20

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
    while (!atomic_load(&outbox->closing) && outbox->wakes == seen && !timed_out) {
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

void outbox_look_around(struct outbox *outbox)
{
    if (outbox)
        node_look(outbox->node);
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

bool outbox_runs(const struct outbox *outbox)
{
    return outbox && !atomic_load(&outbox->stop) && !atomic_load(&outbox->trouble);
}

void outbox_hurry(struct outbox *outbox)
{
    if (!outbox)
        return;
    struct fleet *fleet = fleet_hold(outbox);
    fleet_forgive(fleet);
    fleet_release(fleet);
    outbox_call_help(outbox);
}

/* ---- a dispatcher's thread ---- */

static int sweep_job(struct store_tx *tx, void *arg)
{
    return store_sweep(tx, when_now(), arg);
}

/* Some mailboxes at a time, until all had their turn. */
static int cut_logs(struct outbox *outbox, const struct conf *conf, int64_t now)
{
    pthread_mutex_lock(&outbox->lock);
    int64_t after = now >= outbox->next_cut ? outbox->cut_after : -1;
    pthread_mutex_unlock(&outbox->lock);
    int r = after < 0 ? 0 : forget_changes(outbox->options.store, conf, &outbox->closing, &after);
    if (after < 0)
        return r;
    pthread_mutex_lock(&outbox->lock);
    outbox->cut_after = after;
    if (after == 0)
        outbox->next_cut = now + CUT_EVERY_MS;
    pthread_mutex_unlock(&outbox->lock);
    return r;
}

static int go_through_answers(struct outbox *outbox, const struct conf *conf, int64_t now)
{
    int64_t sooner = forget_has_many(outbox->options.store, conf) ? ANSWERS_EVERY_MS - MANY_ANSWERS_EVERY_MS : 0;
    pthread_mutex_lock(&outbox->lock);
    bool due = now >= outbox->next_answers - sooner;
    if (due)
        outbox->next_answers = now + ANSWERS_EVERY_MS;
    pthread_mutex_unlock(&outbox->lock);
    return due ? forget_answers(outbox->options.store, conf, &outbox->closing) : 0;
}

/* One thread at a time forgets what has had its time. */
static void forget_old(struct outbox *outbox, const struct conf *conf)
{
    int64_t now = when_monotonic();
    pthread_mutex_lock(&outbox->lock);
    bool mine = now >= outbox->next_expire;
    if (mine)
        outbox->next_expire = now + EXPIRE_EVERY_MS;
    pthread_mutex_unlock(&outbox->lock);
    int r = mine ? go_through_answers(outbox, conf, now) : 0;
    if (r == 0 && mine)
        r = forget_marks(outbox->options.store, &outbox->closing);
    if (r == 0 && mine)
        r = forget_traces(outbox->options.store, conf, &outbox->closing);
    if (r == 0 && mine)
        r = forget_deleted(outbox->options.store, conf, &outbox->closing);
    if (r == 0 && mine)
        r = cut_logs(outbox, conf, now);
    for (bool more = mine; r == 0 && more && !atomic_load(&outbox->closing);)
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

static void look_after(struct outbox *outbox, struct arena *arena)
{
    struct fleet *fleet = fleet_hold(outbox);
    forget_old(outbox, fleet->conf);
    fleet_release(fleet);
    fleet_give_back(outbox, arena);
    fleet_reap(outbox);
}

static void *run(void *arg)
{
    struct outbox *outbox = arg;
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    if (arena_new((size_t)outbox->options.conf->soap_max_memory, &arena))
        return NULL;
    while (!atomic_load(&outbox->closing)) {
        int64_t next = WHEN_NONE;
        uint64_t seen = begin_round(outbox);
        look_after(outbox, arena);
        int r = outbox_dispatch(outbox, arena, &next);
        arena_reset(arena);
        end_round(outbox);
        atomic_store(&outbox->trouble, r < 0);
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

int outbox_check(const struct conf *conf, struct conf_report *report)
{
    struct relays *relays = NULL;
    struct signer *signer = NULL;
    int r = relays_load(conf, &relays, report), s = r < 0 ? 0 : signer_load(conf, &signer, report);
    relays_free(relays);
    signer_free(signer);
    return r ? r : s;
}

static void tell_nobody(void *arg ATTR_UNUSED, const char *text ATTR_UNUSED)
{
}

static int start_fleet(struct outbox *outbox)
{
    struct conf_report report = { .tell = tell_nobody };
    int r = fleet_new(outbox, outbox->options.conf, &report, &outbox->fleet);
    return r > 0 ? -EINVAL : r;
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
    attempt_name_counts();
    int r = start_fleet(outbox);
    if (r == 0)
        r = node_start(options, outbox->fleet->relays, outbox_call_help, outbox, &outbox->node);
    if (r == 0)
        r = start_dispatchers(outbox);
    if (r) {
        outbox_stop(outbox);
        return r;
    }
    *ret_outbox = outbox;
    return 0;
}

int outbox_reload(struct outbox *outbox, const struct conf *conf, struct conf_report *report)
{
    struct fleet *fleet;
    int r = fleet_new(outbox, conf, report, &fleet);
    if (r)
        return r;
    fleet_take_over(fleet);
    fleet_reap(outbox);
    return 0;
}

/* All threads see what has changed. */
static void wake_all(struct outbox *outbox)
{
    pthread_mutex_lock(&outbox->lock);
    pthread_cond_broadcast(&outbox->wake);
    if (outbox->fleet)
        fleet_wake(outbox->fleet);
    for (struct fleet *fleet = outbox->retired; fleet; fleet = fleet->next)
        fleet_wake(fleet);
    pthread_mutex_unlock(&outbox->lock);
}

void outbox_close(struct outbox *outbox)
{
    atomic_store(&outbox->closing, true);
    wake_all(outbox);
}

static bool is_idle(struct outbox *outbox)
{
    pthread_mutex_lock(&outbox->lock);
    bool idle = outbox->busy == 0 && fleet_is_through(outbox->fleet);
    for (const struct fleet *fleet = outbox->retired; idle && fleet; fleet = fleet->next)
        idle = fleet_is_through(fleet);
    pthread_mutex_unlock(&outbox->lock);
    return idle;
}

bool outbox_finish(struct outbox *outbox, int64_t until)
{
    outbox_close(outbox);
    while (!is_idle(outbox)) {
        if (when_monotonic() >= until)
            return false;
        when_sleep(FINISH_LOOK_MS);
    }
    return true;
}

void outbox_stop(struct outbox *outbox)
{
    if (!outbox)
        return;
    atomic_store(&outbox->stop, true);
    outbox_close(outbox);
    for (unsigned i = 0; i < outbox->threads_n; i++)
        pthread_join(outbox->threads[i], NULL);
    for (struct fleet *fleet = outbox->retired, *next; fleet; fleet = next) {
        next = fleet->next;
        fleet_free(fleet);
    }
    fleet_free(outbox->fleet);
    node_stop(outbox->node);
    pthread_cond_destroy(&outbox->wake);
    pthread_mutex_destroy(&outbox->lock);
    pthread_mutex_destroy(&outbox->large);
    free(outbox);
}
