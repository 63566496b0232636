/*
 * The threads of a lane. A ticket waits under the lease that came with it; one
 * that would not last for an attempt is renewed at pick-up, and a ticket whose
 * lease was lost is dropped: somebody else has the recipients.
 *
 * A relay is taken for dead after DEAD_AFTER failures of the line in a row.
 * From then on one message each PROBE_MS tries it; all others are put off with
 * the reason of the last failure, as if they had been tried.
 *
 * In a retired fleet a ticket is settled without an attempt, and due at once: so
 * its recipients, and no others of the entry, go where the settings now say.
 */
#include "outbox/runner.h"

#include "base/err.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/when.h"
#include "outbox/aside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define LANE_ROOM 1024
#define DEAD_AFTER 5
#define PROBE_MS 30000
#define IDLE_MS 30000  /* a connection is kept that long */
#define REASON_SIZE 600
#define AGAIN_MIN_MS 1000
#define AGAIN_MAX_MS 60000
#define LEASE_MARGIN_MS 60000
#define READY_TRIES 30 /* with a pause between */

struct lane {
    struct fleet *fleet;
    struct outbox *outbox;
    const struct relay *relay;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t filled;
    struct lane_ticket queue[LANE_ROOM];
    size_t first, n;
    unsigned failures;      /* of the line, in a row */
    int64_t next_probe;     /* monotonic; of a dead relay */
    char reason[REASON_SIZE];
    uint64_t refused;       /* put off since the lane was last empty */
    int64_t last_done;      /* monotonic; for pace_ms */
    int64_t pace_ms;        /* between two messages, smoothed */
    bool has_large;         /* a thread carries a large message; others come again */
    pthread_t threads[OUTBOX_THREADS_MAX];
    unsigned threads_n;
    atomic_uint running; /* of them */
};

/* ---- the state of the relay ---- */

static bool is_dead(const struct lane *lane)
{
    return lane->failures >= DEAD_AFTER;
}

static bool is_retired(const struct lane *lane)
{
    return atomic_load(&lane->fleet->retired);
}

static bool is_closing(const struct lane *lane)
{
    return atomic_load(&lane->outbox->closing);
}

/* A wait for tests that retry by the second. */
static int64_t probe_ms(const struct lane *lane)
{
    int64_t retry = lane->fleet->conf->outbox_retry_min * 1000;
    return retry < PROBE_MS ? retry : PROBE_MS;
}

static void note_line(struct lane *lane, bool failed, struct span reason)
{
    int64_t now = when_monotonic();
    pthread_mutex_lock(&lane->lock);
    bool was_dead = is_dead(lane);
    lane->failures = failed ? lane->failures + 1 : 0;
    if (failed) {
        snprintf(lane->reason, sizeof(lane->reason), "%.*s", (int)reason.len, reason.ptr);
        lane->next_probe = now + probe_ms(lane);
    }
    int64_t took = lane->last_done ? now - lane->last_done : 0;
    lane->pace_ms = (lane->pace_ms * 7 + (took < AGAIN_MAX_MS ? took : AGAIN_MAX_MS)) / 8;
    lane->last_done = now;
    bool dead = is_dead(lane);
    metric_set(METRIC_relay_down, lane->relay->number, dead);
    pthread_mutex_unlock(&lane->lock);
    if (dead != was_dead)
        log_event(dead ? LOG_WARN_LEVEL : LOG_INFO_LEVEL, dead ? "relay does not answer" : "relay answers again",
                  LOG_S("relay", lane->relay->name), LOG_V("status", reason));
}

void lane_forgive(struct lane *lane)
{
    pthread_mutex_lock(&lane->lock);
    if (is_dead(lane))
        lane->failures = DEAD_AFTER - 1; /* one more, and it is dead again */
    metric_set(METRIC_relay_down, lane->relay->number, false);
    pthread_mutex_unlock(&lane->lock);
}

/* ---- the queue ---- */

/* When the lane should come to what would be queued now. */
static int64_t again_at(struct lane *lane)
{
    int64_t ahead = (int64_t)(lane->n + lane->refused++);
    int64_t wait = lane->pace_ms * ahead;
    return when_now() + (wait < AGAIN_MIN_MS ? AGAIN_MIN_MS : wait > AGAIN_MAX_MS ? AGAIN_MAX_MS : wait);
}

enum lane_answer lane_push(struct lane *lane, const struct lane_ticket *ticket, struct arena *arena, int64_t *ret_again,
                           struct span *ret_reason)
{
    enum lane_answer answer = LANE_TAKEN;
    int64_t now = when_monotonic();
    pthread_mutex_lock(&lane->lock);
    bool probe = is_dead(lane) && now >= lane->next_probe;
    if (is_retired(lane)) {
        answer = LANE_FULL;
        *ret_again = when_now();
    } else if (is_dead(lane) && !probe) {
        answer = LANE_DEAD;
        if (arena_copy(arena, span_of(lane->reason), ret_reason))
            *ret_reason = SPAN("4.4.1 the relay does not answer");
    } else if (lane->n == LANE_ROOM) {
        answer = LANE_FULL;
        *ret_again = again_at(lane);
    } else {
        struct lane_ticket *slot = &lane->queue[(lane->first + lane->n++) % LANE_ROOM];
        *slot = *ticket;
        slot->probe = probe;
        if (probe)
            lane->next_probe = now + probe_ms(lane);
        pthread_cond_signal(&lane->filled);
    }
    pthread_mutex_unlock(&lane->lock);
    return answer;
}

/* Under the lock; there is one. */
static void take_first(struct lane *lane, struct lane_ticket *ret_ticket)
{
    *ret_ticket = lane->queue[lane->first];
    lane->first = (lane->first + 1) % LANE_ROOM;
    if (--lane->n == 0)
        lane->refused = 0;
}

/* False: none came within IDLE_MS, or none will come any more. ret_reason is set when
 * the relay is dead and the ticket is no probe. */
static bool pull(struct lane *lane, struct lane_ticket *ret_ticket, char ret_reason[REASON_SIZE])
{
    const struct timespec until = when_in(IDLE_MS);
    ret_reason[0] = '\0';
    pthread_mutex_lock(&lane->lock);
    int timed_out = 0;
    while (lane->n == 0 && !timed_out && !is_closing(lane) && !is_retired(lane))
        timed_out = pthread_cond_timedwait(&lane->filled, &lane->lock, &until);
    bool found = lane->n > 0 && !is_closing(lane);
    if (found) {
        take_first(lane, ret_ticket);
        if (is_dead(lane) && !ret_ticket->probe)
            memcpy(ret_reason, lane->reason, REASON_SIZE);
    }
    pthread_mutex_unlock(&lane->lock);
    return found;
}

/* ---- one entry ---- */

/* Makes it last for one attempt (decisions 15). 1: it was lost. */
static int keep_lease(struct lane *lane, struct lane_ticket *ticket)
{
    const struct conf_relay *relay = lane->relay->conf;
    int64_t need = (relay->timeout + relay->final_timeout) * 1000 + LEASE_MARGIN_MS;
    int64_t whole = lane->fleet->conf->outbox_lease * 1000;
    if (ticket->lease.until - when_now() >= need && ticket->lease.end - when_monotonic() >= need)
        return 0;
    if (whole < need)
        whole = need;
    struct lease lease = ticket->lease;
    lease.until = when_now() + whole;
    lease.end = when_monotonic() + whole;
    int r = attempt_renew(lane->outbox->options.store, ticket->key, lease.owner, lease.until);
    if (r == 0)
        ticket->lease = lease;
    return r;
}

/* The recipients that the ticket is about, as the attempt's one part. */
static int fill_part(struct lane *lane, const struct lane_ticket *ticket, struct attempt *attempt, struct smtp_link **link)
{
    struct attempt_part *part;
    int r = attempt_add_part(attempt, &transport_smtp, &part);
    if (r)
        return r;
    part->job.relay = lane->relay;
    part->job.link = link;
    part->job.stop = &lane->outbox->stop;
    part->job.lease = &ticket->lease;
    for (size_t i = 0; r == 0 && i < attempt->entry.rcpts_n; i++) {
        const struct store_outbox_rcpt *rcpt = &attempt->entry.rcpts[i];
        const struct relay *relay = NULL;
        if (rcpt->kind == STORE_RCPT_REMOTE && rcpt->state == STORE_RCPT_QUEUED)
            r = relay_of(lane->fleet->relays, attempt->arena, rcpt->address, attempt->entry.envelope_sender, &relay);
        if (relay == ticket->home)
            attempt_add_rcpt(part, rcpt);
    }
    return r;
}

static int load(struct lane *lane, struct arena *arena, const struct lane_ticket *ticket, bool content, struct attempt *attempt)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    const struct outbox_options *options = &lane->outbox->options;
    int r = store_read_begin(options->store, &tx);
    if (r == 0)
        r = attempt_init(attempt, tx, options->store, lane->fleet->conf, arena, ticket->key, ticket->lease.owner);
    if (r == 0 && attempt->entry.rcpts_n == 0)
        r = 1;
    return r ? r : attempt_read(attempt, tx, content);
}

/* True: the relay behind this one has the ticket, and the lease with it. */
static bool pass_on(struct lane *lane, const struct lane_ticket *ticket, struct arena *arena)
{
    struct lane_ticket onward = *ticket;
    struct span reason;
    int64_t again;
    onward.probe = false;
    if (!lane->relay->next || fleet_hand_over(lane->fleet, lane->relay->next, &onward, arena, &again, &reason) != LANE_TAKEN)
        return false;
    log_event(LOG_INFO_LEVEL, "handed over", LOG_N("mailbox", ticket->key.mailbox_id), LOG_N("entry", ticket->key.outbox_no),
              LOG_S("relay", lane->relay->name), LOG_S("to", lane->relay->next->name));
    return true;
}

/* 1: nothing is settled here, as the program ends or another relay has it; nor
 * with what aside_wanted. */
static int carry(struct lane *lane, const struct lane_ticket *ticket, struct attempt *attempt)
{
    struct attempt_part *part = &attempt->parts[0];
    attempt_write(attempt);
    int r = attempt->unwritten;
    if (aside_wanted(r))
        return r;
    if (r == 0)
        r = signer_sign(lane->fleet->signer, attempt->arena, &attempt->item, attempt->entry.created, part->job.raw,
                        &part->job.signature);
    if (r == 0)
        r = transport_smtp.deliver(&part->job, part->results);
    if (attempt->unwritten || r < 0) {
        attempt_failed(part, r);
        return 0;
    }
    if (r == TRANSPORT_STOPPED)
        return 1;
    note_line(lane, r != 0, part->results[part->job.n - 1].status);
    return r == TRANSPORT_UNREACHABLE && pass_on(lane, ticket, attempt->arena) ? 1 : 0;
}

/* At most one large message of a lane is in memory. False: another one is. */
static bool claim_memory(struct lane *lane, const struct attempt *attempt)
{
    if (attempt->item.size <= OUTBOX_LARGE)
        return true;
    pthread_mutex_lock(&lane->lock);
    bool mine = !lane->has_large;
    lane->has_large = true;
    pthread_mutex_unlock(&lane->lock);
    return mine;
}

static void release_memory(struct lane *lane, struct attempt *attempt)
{
    if (attempt->item.size <= OUTBOX_LARGE)
        return;
    buf_done(&attempt->raw); /* a report would make it again */
    pthread_mutex_lock(&lane->lock);
    lane->has_large = false;
    pthread_mutex_unlock(&lane->lock);
}

/* Transmits, unless there is no memory for it now. 1 as carry. */
static int carry_within_memory(struct lane *lane, const struct lane_ticket *ticket, struct attempt *attempt)
{
    if (!claim_memory(lane, attempt)) {
        attempt->parts[0].put_off = when_now() + AGAIN_MIN_MS;
        return 0;
    }
    int r = carry(lane, ticket, attempt);
    release_memory(lane, attempt);
    return r;
}

/* 1: the lease was lost, or nothing is left to be done. */
static int make_ready(struct lane *lane, struct arena *arena, struct lane_ticket *ticket, bool content,
                      struct smtp_link **link, struct attempt *attempt)
{
    int r = keep_lease(lane, ticket);
    if (r == 0)
        r = load(lane, arena, ticket, content, attempt);
    if (r == 0)
        r = fill_part(lane, ticket, attempt, link);
    return r == 0 && attempt->parts[0].job.n == 0 ? 1 : r;
}

/* Somebody's turn again soon, as soon as that can be written down. */
static void let_go(struct lane *lane, const struct lane_ticket *ticket)
{
    int64_t again;
    while (attempt_let_go(lane->outbox->options.store, ticket->key, ticket->lease.owner, &again) != 0) {
        if (atomic_load(&lane->outbox->stop))
            return;
        when_sleep(lane->outbox->pause_ms);
    }
    outbox_due_at(lane->outbox, again);
}

/* What is to be settled, or 1 when nothing is; a ticket that is not carried
 * needs no content. */
static int ready_surely(struct lane *lane, struct arena *arena, struct lane_ticket *ticket, bool content, struct smtp_link **link,
                        struct attempt *attempt)
{
    const atomic_bool *stop = &lane->outbox->stop;
    int r = make_ready(lane, arena, ticket, content, link, attempt);
    for (int i = 1; r < 0 && !aside_wanted(r) && (i < READY_TRIES || r == -ENOSPC) && !atomic_load(stop); i++) {
        attempt_done(attempt);
        arena_reset(arena);
        when_sleep(lane->outbox->pause_ms);
        r = make_ready(lane, arena, ticket, content, link, attempt);
    }
    if (r < 0 && !aside_wanted(r))
        let_go(lane, ticket);
    return r;
}

static int attempt_ticket(struct lane *lane, struct arena *arena, struct lane_ticket *ticket, const char *dead,
                          struct smtp_link **link)
{
    struct attempt attempt = { 0 };
    bool retired = is_retired(lane);
    if (*dead && !retired && pass_on(lane, ticket, arena))
        return 0;
    int r = ready_surely(lane, arena, ticket, !*dead && !retired, link, &attempt);
    if (r == 0 && (attempt.entry.held || retired))
        attempt.parts[0].put_off = when_now(); /* due when it is released; or at once, for the next fleet */
    else if (r == 0 && *dead)
        attempt_all(&attempt.parts[0], TRANSPORT_DEFERRED, span_of(dead));
    else if (r == 0)
        r = carry_within_memory(lane, ticket, &attempt);
    if (r == 0)
        r = attempt_settle_surely(&(struct attempt *){ &attempt }, 1, &lane->outbox->stop, lane->outbox->pause_ms);
    if (r == 0)
        outbox_due_at(lane->outbox, attempt.next);
    attempt_done(&attempt);
    return r;
}

static void do_ticket(struct lane *lane, struct arena *arena, struct lane_ticket *ticket, const char *dead, struct smtp_link **link)
{
    int r = attempt_ticket(lane, arena, ticket, dead, link);
    if (aside_wanted(r))
        aside_put(lane->outbox->options.store, ticket->key, r);
    else if (r < 0)
        log_event(LOG_ERROR_LEVEL, "outbox entry failed", LOG_N("mailbox", ticket->key.mailbox_id),
                  LOG_N("entry", ticket->key.outbox_no), LOG_S("error", err_text(r)));
    arena_reset(arena);
}

static void work(struct lane *lane, struct arena *arena)
{
    struct smtp_link *link = NULL;
    struct lane_ticket ticket;
    char dead[REASON_SIZE];
    bool found = true;
    while (!is_closing(lane) && (found || !is_retired(lane))) {
        found = pull(lane, &ticket, dead);
        if (found) {
            do_ticket(lane, arena, &ticket, dead, &link);
        } else {
            smtp_link_free(link);
            link = NULL;
        }
    }
    smtp_link_free(link);
}

bool lane_is_laden(struct lane *lane)
{
    pthread_mutex_lock(&lane->lock);
    bool laden = lane->n > 0;
    pthread_mutex_unlock(&lane->lock);
    return laden;
}

void lane_give_back(struct lane *lane, struct arena *arena)
{
    struct smtp_link *none = NULL;
    struct lane_ticket ticket;
    while (!is_closing(lane)) {
        pthread_mutex_lock(&lane->lock);
        bool found = lane->n > 0;
        if (found)
            take_first(lane, &ticket);
        pthread_mutex_unlock(&lane->lock);
        if (!found)
            return;
        do_ticket(lane, arena, &ticket, "", &none);
    }
}

static void *run(void *arg)
{
    struct lane *lane = arg;
    struct arena *arena;
    if (arena_new((size_t)lane->fleet->conf->soap_max_memory, &arena) == 0) {
        work(lane, arena);
        arena_free(arena);
    }
    atomic_fetch_sub(&lane->running, 1);
    return NULL;
}

/* ---- the lane ---- */

int lane_start(struct fleet *fleet, const struct relay *relay, struct lane **ret_lane)
{
    struct lane *lane = calloc(1, sizeof(*lane));
    if (!lane)
        return -ENOMEM;
    lane->fleet = fleet;
    lane->outbox = fleet->outbox;
    lane->relay = relay;
    pthread_mutex_init(&lane->lock, NULL);
    when_cond_init(&lane->filled);
    *ret_lane = lane; /* also a half-started one is the fleet's to free */
    while (lane->threads_n < relay->conf->connections) {
        atomic_fetch_add(&lane->running, 1);
        int r = pthread_create(&lane->threads[lane->threads_n], NULL, run, lane);
        if (r) {
            atomic_fetch_sub(&lane->running, 1);
            return -r;
        }
        lane->threads_n++;
    }
    return 0;
}

bool lane_is_over(const struct lane *lane)
{
    return atomic_load(&lane->running) == 0;
}

void lane_wake(struct lane *lane)
{
    pthread_mutex_lock(&lane->lock);
    pthread_cond_broadcast(&lane->filled);
    pthread_mutex_unlock(&lane->lock);
}

void lane_free(struct lane *lane)
{
    if (!lane)
        return;
    for (unsigned i = 0; i < lane->threads_n; i++)
        pthread_join(lane->threads[i], NULL);
    metric_set(METRIC_relay_down, lane->relay->number, false); /* nobody knows */
    pthread_cond_destroy(&lane->filled);
    pthread_mutex_destroy(&lane->lock);
    free(lane);
}
