/*
 * The runner: threads that lease due entries, hand each to its transports,
 * and settle what these report. An entry is loaded, delivered and settled by
 * one thread; until it is settled nothing of it is forgotten, so a crash at
 * any instant means another attempt, and every transport makes that harmless.
 */
#include "outbox/bounce.h"
#include "outbox/policy.h"

#include "base/err.h"
#include "base/log.h"
#include "base/metrics.h"
#include "mime/mime.h"
#include "store/store_content.h"
#include "store/store_mail.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define IDLE_MS 60000
#define TROUBLE_MS 1000 /* pause after the store refused work */
#define EXPIRE_EVERY_MS 10000
#define EXPIRE_AT_ONCE 5000 /* rows per job, so that senders don't wait for it */
#define OUTBOX_THREADS_MAX 64

struct outbox {
    struct outbox_options options;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    uint64_t wakes; /* counts outbox_wake, so that none is missed */
    int64_t next_expire; /* monotonic; when old answers are next forgotten */
    bool stopping;
    atomic_bool stop; /* the same, for transports at work */
    pthread_t threads[OUTBOX_THREADS_MAX];
    unsigned threads_n;
};

/* One attempt on one entry. */
struct attempt {
    struct outbox *outbox;
    struct arena *arena;
    struct store_outbox_key key;
    uint64_t owner;
    struct store_outbox entry;
    struct item item;
    struct buf raw;
    int unwritten; /* why there is no raw, or 0 */
    struct store_settle *settles;
    size_t settles_n;
    struct transport_job *jobs[2]; /* whose transport has a settle slot */
    const struct transport *transports[2];
    size_t jobs_n;
};

static int lease_job(struct store_tx *tx, void *arg)
{
    struct attempt *attempt = arg;
    int64_t now = when_now();
    return store_outbox_lease(tx, attempt->key, attempt->owner, now,
                              now + attempt->outbox->options.conf->outbox_lease * 1000);
}

static int load(struct attempt *attempt)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    int r = store_read_begin(attempt->outbox->options.store, &tx);
    return r ? r
             : store_outbox_load(tx, attempt->arena, attempt->key, attempt->owner, STORE_ALL, &attempt->entry, &attempt->item);
}

/* A report goes into the sender's Inbox: within this mailbox, so it belongs
 * into the job that settles. */
static int bounce(struct store_tx *tx, struct attempt *attempt)
{
    const struct store_outbox *entry = &attempt->entry;
    struct bounce_rcpt *failed = arena_array(attempt->arena, attempt->settles_n, sizeof(*failed));
    if (!failed)
        return -ENOMEM;
    size_t n = 0;
    for (size_t i = 0; i < attempt->settles_n; i++)
        if (attempt->settles[i].state == STORE_RCPT_FAILED)
            failed[n++] = (struct bounce_rcpt){ entry->rcpts[i].address, attempt->settles[i].status };
    if (n == 0 || entry->bounce || entry->envelope_sender.len == 0)
        return 0;
    struct item report;
    struct folder inbox;
    int r = bounce_make(attempt->arena, entry, &attempt->item, failed, n, &report);
    if (r == 0)
        r = store_folder_by_role(tx, attempt->arena, entry->mailbox_id, FOLDER_ROLE_inbox, &inbox);
    if (r)
        return r;
    report.folder_no = inbox.folder_no;
    return store_item_insert(tx, &report);
}

static int settle_job(struct store_tx *tx, void *arg)
{
    struct attempt *attempt = arg;
    uint32_t left;
    int r = store_outbox_settle(tx, attempt->key, attempt->owner, attempt->settles, attempt->settles_n, &left);
    for (size_t i = 0; r == 0 && i < attempt->jobs_n; i++)
        r = attempt->transports[i]->settle(tx, attempt->jobs[i]);
    if (r == 0)
        r = bounce(tx, attempt);
    if (r == 0 && left == 0)
        r = store_outbox_delete(tx, attempt->key);
    return r;
}

static void log_result(const struct attempt *attempt, const struct store_outbox_rcpt *rcpt,
                       const struct transport *transport, const struct transport_result *result)
{
    static const char *const names[] = { "sent", "deferred", "failed" };
    static const enum metric metrics[] = { METRIC_outbox_sent, METRIC_outbox_deferred, METRIC_outbox_failed };
    metric_add(metrics[result->outcome], 1);
    log_event(result->outcome == TRANSPORT_SENT ? LOG_INFO_LEVEL : LOG_WARN_LEVEL, "delivery",
              LOG_V("message_id", attempt->entry.message_id), LOG_V("to", rcpt->address), LOG_S("transport", transport->name),
              LOG_S("result", names[result->outcome]), LOG_V("status", result->status), LOG_N("attempt", rcpt->attempts + 1));
}

/* Turns what a transport reported into what the store will keep. */
static void note_results(struct attempt *attempt, const struct transport *transport, const struct transport_job *job,
                         const struct transport_result *results)
{
    for (size_t i = 0; i < job->n; i++) {
        const struct store_outbox_rcpt *rcpt = job->rcpts[i];
        struct policy_verdict verdict = policy_decide(attempt->outbox->options.conf, results[i].outcome, rcpt->attempts,
                                                      when_now(), attempt->entry.expires);
        attempt->settles[rcpt - attempt->entry.rcpts] = (struct store_settle){
            .no = rcpt->no, .state = verdict.state, .next_attempt = verdict.next_attempt, .status = results[i].status
        };
        log_result(attempt, rcpt, transport, &results[i]);
    }
}

/* A message that cannot be written will not be the next time, unless memory
 * was short. */
static struct transport_result without_raw(int r)
{
    if (r == -EFBIG)
        return (struct transport_result){ TRANSPORT_FAILED, SPAN("5.3.4 the message is too big") };
    if (r > 0)
        return (struct transport_result){ TRANSPORT_FAILED, SPAN("5.6.0 the message cannot be transmitted") };
    return (struct transport_result){ TRANSPORT_DEFERRED, span_of(err_text(r)) };
}

static int deliver_kind(struct attempt *attempt, enum store_rcpt_kind kind, const struct transport *transport)
{
    const struct store_outbox *entry = &attempt->entry;
    const struct outbox_options *options = &attempt->outbox->options;
    struct transport_job *job = arena_alloc(attempt->arena, sizeof(*job));
    struct transport_result *results = arena_array(attempt->arena, entry->rcpts_n, sizeof(*results));
    if (!job || !results)
        return -ENOMEM;
    *job = (struct transport_job){ .store = options->store, .conf = options->conf, .arena = attempt->arena, .entry = entry,
                                   .item = &attempt->item, .raw = buf_span(&attempt->raw),
                                   .stop = &attempt->outbox->stop };
    job->rcpts = arena_array(attempt->arena, entry->rcpts_n, sizeof(struct store_outbox_rcpt *));
    if (!job->rcpts)
        return -ENOMEM;
    for (size_t i = 0; i < entry->rcpts_n; i++)
        if (entry->rcpts[i].kind == kind)
            job->rcpts[job->n++] = &entry->rcpts[i];
    if (job->n == 0)
        return 0;
    int r = attempt->unwritten ? attempt->unwritten : transport->deliver(job, results);
    for (size_t i = 0; r && i < job->n; i++)
        results[i] = without_raw(r);
    note_results(attempt, transport, job, results);
    if (r == 0 && transport->settle) {
        attempt->transports[attempt->jobs_n] = transport;
        attempt->jobs[attempt->jobs_n++] = job;
    }
    return 0;
}

static int deliver(struct attempt *attempt)
{
    const struct outbox_options *options = &attempt->outbox->options;
    attempt->settles_n = attempt->entry.rcpts_n;
    attempt->settles = arena_array(attempt->arena, attempt->settles_n, sizeof(*attempt->settles));
    if (!attempt->settles)
        return -ENOMEM;
    attempt->unwritten = mime_write(&attempt->item, &(struct mime_options){ .keep_bcc = false }, &attempt->raw);
    int r = deliver_kind(attempt, STORE_RCPT_LOCAL, &transport_local);
    if (r == 0)
        r = deliver_kind(attempt, STORE_RCPT_REMOTE, options->capture ? &transport_capture : &transport_smtp);
    return r ? r : store_write(options->store, settle_job, attempt);
}

static int attempt_entry(struct outbox *outbox, struct arena *arena, struct store_outbox_key key, uint64_t owner)
{
    struct attempt attempt = { .outbox = outbox, .arena = arena, .key = key, .owner = owner,
                               .raw = BUF_INIT((size_t)outbox->options.conf->send_max_size * 2) };
    int r = store_write(outbox->options.store, lease_job, &attempt);
    if (r > 0)
        return 0; /* another thread was faster */
    if (r == 0)
        r = load(&attempt);
    if (r == 0)
        r = deliver(&attempt);
    if (r < 0)
        log_event(LOG_ERROR_LEVEL, "outbox entry failed", LOG_N("mailbox", key.mailbox_id), LOG_N("entry", key.outbox_no),
                  LOG_S("error", err_text(r)));
    buf_done(&attempt.raw);
    return r < 0 ? r : 0;
}

/* One entry at a time, so that threads share a burst. False: nothing to do
 * before ret_next. */
static bool work_once(struct outbox *outbox, struct arena *arena, uint64_t owner, int64_t *ret_next)
{
    struct store_outbox_key *keys;
    size_t n = 0;
    int64_t now = when_now();
    *ret_next = WHEN_NONE;
    struct store_tx *tx = NULL;
    int r = store_read_begin(outbox->options.store, &tx);
    if (r == 0) {
        r = store_outbox_due(tx, arena, now, outbox->threads_n, &keys, &n, ret_next);
        store_read_end(tx);
    }
    if (r) {
        log_event(LOG_ERROR_LEVEL, "outbox cannot be read", LOG_S("error", err_text(r)));
        *ret_next = now + TROUBLE_MS;
        return false;
    }
    if (n == 0)
        return false;
    if (attempt_entry(outbox, arena, keys[(owner >> 1) % n], owner) == 0)
        return true;
    *ret_next = now + TROUBLE_MS;
    return false;
}

static void sleep_until(struct outbox *outbox, uint64_t seen, int64_t next)
{
    int64_t wait = next == WHEN_NONE ? IDLE_MS : next - when_now();
    if (wait > IDLE_MS)
        wait = IDLE_MS;
    if (wait < 10)
        wait = 10;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait / 1000;
    until.tv_nsec += (wait % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&outbox->lock);
    while (!outbox->stopping && outbox->wakes == seen)
        if (pthread_cond_timedwait(&outbox->wake, &outbox->lock, &until))
            break;
    pthread_mutex_unlock(&outbox->lock);
}

static bool look(struct outbox *outbox, uint64_t *ret_seen)
{
    pthread_mutex_lock(&outbox->lock);
    *ret_seen = outbox->wakes;
    bool stopping = outbox->stopping;
    pthread_mutex_unlock(&outbox->lock);
    return !stopping;
}

static int expire_job(struct store_tx *tx, void *arg)
{
    (void)arg;
    return store_expire(tx, when_now(), EXPIRE_AT_ONCE);
}

static int sweep_job(struct store_tx *tx, void *arg)
{
    return store_sweep(tx, when_now(), arg);
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
    int r = mine ? store_write(outbox->options.store, expire_job, NULL) : 0;
    for (bool more = mine; r == 0 && more && !atomic_load(&outbox->stop);)
        r = store_write(outbox->options.store, sweep_job, &more);
    if (r < 0)
        log_event(LOG_ERROR_LEVEL, "old answers cannot be forgotten", LOG_S("error", err_text(r)));
}

static void *run(void *arg)
{
    struct outbox *outbox = arg;
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    uint64_t owner, seen;
    int64_t next;
    if (random_bytes(&owner, sizeof(owner)) || arena_new((size_t)outbox->options.conf->soap_max_memory, &arena))
        return NULL;
    owner = (owner >> 1) | 1; /* 0 is nobody; the store's numbers are signed */
    while (look(outbox, &seen)) {
        forget_old(outbox);
        if (!work_once(outbox, arena, owner, &next))
            sleep_until(outbox, seen, next);
        arena_reset(arena);
    }
    return NULL;
}

int outbox_start(const struct outbox_options *options, struct outbox **ret_outbox)
{
    struct outbox *outbox = calloc(1, sizeof(*outbox));
    if (!outbox)
        return -ENOMEM;
    outbox->options = *options;
    pthread_mutex_init(&outbox->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&outbox->wake, &attr);
    pthread_condattr_destroy(&attr);
    unsigned wanted = (unsigned)options->conf->outbox_workers;
    outbox->threads_n = wanted < OUTBOX_THREADS_MAX ? wanted : OUTBOX_THREADS_MAX;
    for (unsigned i = 0; i < outbox->threads_n; i++) {
        int r = pthread_create(&outbox->threads[i], NULL, run, outbox);
        if (r) {
            outbox->threads_n = i;
            outbox_stop(outbox);
            return -r;
        }
    }
    *ret_outbox = outbox;
    return 0;
}

void outbox_wake(struct outbox *outbox)
{
    if (!outbox)
        return;
    pthread_mutex_lock(&outbox->lock);
    outbox->wakes++;
    pthread_cond_broadcast(&outbox->wake);
    pthread_mutex_unlock(&outbox->lock);
}

void outbox_stop(struct outbox *outbox)
{
    if (!outbox)
        return;
    pthread_mutex_lock(&outbox->lock);
    outbox->stopping = true;
    atomic_store(&outbox->stop, true);
    pthread_cond_broadcast(&outbox->wake);
    pthread_mutex_unlock(&outbox->lock);
    for (unsigned i = 0; i < outbox->threads_n; i++)
        pthread_join(outbox->threads[i], NULL);
    pthread_cond_destroy(&outbox->wake);
    pthread_mutex_destroy(&outbox->lock);
    free(outbox);
}
