/*
 * Settling: first deliveries into mailboxes, each in a job of its mailbox; then
 * one job per entry, of the sender's mailbox: transports that work there, policy
 * turning each report into a state, one report to the sender of what failed,
 * and the rows; all of it stands or none does. A job may run twice, so it starts
 * from the parts each time and logging waits until it is through.
 */
#include "outbox/attempt.h"

#include "base/err.h"
#include "base/log.h"
#include "base/metrics.h"
#include "mime/mime.h"
#include "outbox/aside.h"
#include "outbox/header.h"
#include "outbox/names.h"
#include "outbox/notify.h"
#include "outbox/policy.h"
#include "store/store_content.h"
#include "store/store_mail.h"
#include "store/store_queue.h"

#include <errno.h>
#include <stdlib.h>

#define LET_GO_MS 10000
#define SETTLE_TRIES 30 /* with a pause between */

static const char *const outcome_names[] = { "sent", "deferred", "failed" };
static const char *const transport_names[] = {
#define TRANSPORT(name) #name,
#include "outbox/transports.def"
#undef TRANSPORT
};

int attempt_init(struct attempt *attempt, struct store_tx *tx, struct store *store, const struct conf *conf, struct arena *arena,
                 struct store_outbox_key key, uint64_t owner)
{
    *attempt = (struct attempt){ .store = store, .conf = conf, .arena = arena, .owner = owner,
                                 .raw = BUF_INIT((size_t)conf->send_max_size * 2) };
    int r = store_has_nodes(store) ? arena_new((size_t)conf->soap_max_memory, &attempt->own) : 0;
    if (attempt->own)
        attempt->arena = attempt->own;
    if (r == 0)
        r = store_outbox_rcpts(tx, attempt->arena, key, owner, &attempt->entry);
    if (r)
        return r;
    attempt->settles = arena_array(attempt->arena, attempt->entry.rcpts_n, sizeof(*attempt->settles));
    return attempt->settles ? 0 : -ENOMEM;
}

void attempt_done(struct attempt *attempt)
{
    buf_done(&attempt->raw);
    arena_free(attempt->own);
    attempt->own = NULL;
}

int attempt_read(struct attempt *attempt, struct store_tx *tx, bool content)
{
    if (attempt->loaded || (attempt->frozen && !content))
        return 0;
    const unsigned depth = content ? STORE_ALL | STORE_LAZY | STORE_LAZY_BODY : STORE_HOT;
    int r = store_outbox_message(tx, attempt->arena, depth, &attempt->entry, &attempt->item);
    if (r == 0) {
        store_item_detach(&attempt->item); /* the entry keeps the content */
        attempt->frozen = true;
        attempt->loaded = content;
    }
    return r;
}

struct span attempt_message(const struct attempt *attempt)
{
    struct span all = buf_span(&attempt->raw);
    return all.len < attempt->traced ? SPAN("") : (struct span){ all.ptr + attempt->traced, all.len - attempt->traced };
}

void attempt_write(struct attempt *attempt)
{
    header_add_received(&attempt->raw, attempt->conf, &attempt->entry);
    attempt->traced = attempt->raw.len;
    attempt->unwritten = mime_write(&attempt->item, &(struct mime_options){ .keep_bcc = false }, &attempt->raw);
    if (!attempt->unwritten && header_hops(attempt_message(attempt)) > (size_t)attempt->conf->outbox_max_hops)
        attempt->unwritten = -ELOOP;
    for (size_t p = 0; p < attempt->parts_n; p++) {
        attempt->parts[p].job.raw = attempt_message(attempt);
        attempt->parts[p].job.traced = buf_span(&attempt->raw);
    }
}

int attempt_add_part(struct attempt *attempt, const struct transport *transport, struct attempt_part **ret_part)
{
    struct attempt_part *part = &attempt->parts[attempt->parts_n];
    size_t n = attempt->entry.rcpts_n;
    *part = (struct attempt_part){ .transport = transport };
    part->job = (struct transport_job){ .store = attempt->store, .conf = attempt->conf, .arena = attempt->arena,
                                        .entry = &attempt->entry, .item = &attempt->item, .added = &part->added };
    part->job.rcpts = arena_array(attempt->arena, n, sizeof(*part->job.rcpts));
    part->results = arena_array(attempt->arena, n, sizeof(*part->results));
    if (!part->job.rcpts || !part->results)
        return -ENOMEM;
    attempt->parts_n++;
    *ret_part = part;
    return 0;
}

void attempt_add_rcpt(struct attempt_part *part, const struct store_outbox_rcpt *rcpt)
{
    part->job.rcpts[part->job.n++] = rcpt;
}

void attempt_all(struct attempt_part *part, enum transport_outcome outcome, struct span status)
{
    for (size_t i = 0; i < part->job.n; i++)
        part->results[i] = (struct transport_result){ outcome, status };
}

/* ---- what the store will keep ---- */

void attempt_failed(struct attempt_part *part, int r)
{
    struct span status;
    if (r == -EFBIG)
        attempt_all(part, TRANSPORT_FAILED, SPAN("5.3.4 the message is too big"));
    else if (r == -ELOOP)
        attempt_all(part, TRANSPORT_FAILED, SPAN("5.4.6 the message went through too many mail servers: it goes in circles"));
    else if (r > 0)
        attempt_all(part, TRANSPORT_FAILED, SPAN("5.6.0 the message cannot be transmitted"));
    else if (arena_printf(part->job.arena, &status, "4.3.0 this server is in trouble: %s", err_text(r)))
        attempt_all(part, TRANSPORT_DEFERRED, SPAN("4.3.0 this server is out of memory"));
    else
        attempt_all(part, TRANSPORT_DEFERRED, status);
}

static struct policy_verdict verdict_of(const struct attempt *attempt, const struct attempt_part *part, size_t i)
{
    if (part->put_off)
        return (struct policy_verdict){ .state = STORE_RCPT_QUEUED, .next_attempt = part->put_off };
    return policy_decide(attempt->conf, part->results[i].outcome, part->job.rcpts[i]->attempts, when_now(), attempt->entry.expires);
}

/* Fills settles from the parts, and failed with what the sender is told. */
static size_t judge(struct attempt *attempt, struct bounce_rcpt *failed, size_t *ret_failed)
{
    size_t n = 0, bad = 0;
    attempt->next = WHEN_NONE;
    for (size_t p = 0; p < attempt->parts_n; p++) {
        const struct attempt_part *part = &attempt->parts[p];
        if (part->added)
            attempt->next = when_now();
        for (size_t i = 0; i < part->job.n; i++) {
            const struct store_outbox_rcpt *rcpt = part->job.rcpts[i];
            struct policy_verdict verdict = verdict_of(attempt, part, i);
            struct span status = part->put_off ? rcpt->status : part->results[i].status;
            attempt->settles[n++] = (struct store_settle){ .no = rcpt->no, .state = verdict.state, .next_attempt = verdict.next_attempt,
                                                           .status = status, .untried = part->put_off != 0,
                                                           .relay = part->job.relay ? span_of(part->job.relay->name) : SPAN("") };
            if (verdict.state == STORE_RCPT_FAILED && rcpt->kind != STORE_RCPT_FILE)
                failed[bad++] = (struct bounce_rcpt){ .no = rcpt->no, .address = rcpt->address, .status = status,
                                                      .expired = part->results[i].outcome == TRANSPORT_DEFERRED };
            else if (verdict.state == STORE_RCPT_QUEUED && (attempt->next == WHEN_NONE || verdict.next_attempt < attempt->next))
                attempt->next = verdict.next_attempt;
        }
    }
    *ret_failed = bad;
    return n;
}

/* For those who ask later: what became of each recipient. */
static int trace(struct store_tx *tx, const struct attempt *attempt, const struct attempt_part *part, const struct store_settle *settles)
{
    const struct store_outbox_key key = { attempt->entry.mailbox_id, attempt->entry.outbox_no };
    int64_t now = when_now();
    int r = 0;
    for (size_t i = 0; r == 0 && i < part->job.n; i++)
        if (settles[i].state != STORE_RCPT_QUEUED && part->job.rcpts[i]->kind != STORE_RCPT_FILE)
            r = store_trace_put(tx, attempt->entry.message_id,
                                &(struct store_trace){ .key = key, .no = settles[i].no, .address = part->job.rcpts[i]->address,
                                                       .state = settles[i].state, .at = now, .relay = settles[i].relay,
                                                       .status = settles[i].status });
    return r;
}

static int trace_all(struct store_tx *tx, const struct attempt *attempt)
{
    int r = 0;
    size_t at = 0;
    for (size_t p = 0; r == 0 && attempt->conf->outbox_trace_days > 0 && p < attempt->parts_n; p++) {
        r = trace(tx, attempt, &attempt->parts[p], &attempt->settles[at]);
        at += attempt->parts[p].job.n;
    }
    return r;
}

/* ---- the job ---- */

int attempt_settle_in(struct store_tx *tx, struct attempt *attempt)
{
    struct bounce_rcpt *failed = arena_array(attempt->arena, attempt->entry.rcpts_n, sizeof(*failed));
    size_t failed_n, n;
    uint32_t left;
    int r = failed ? attempt_read(attempt, tx, false) : -ENOMEM;
    for (size_t p = 0; r == 0 && p < attempt->parts_n; p++) {
        struct attempt_part *part = &attempt->parts[p];
        if (part->transport->store && attempt->unwritten)
            attempt_failed(part, attempt->unwritten);
        else if (part->transport->store)
            r = part->transport->store(tx, &part->job, part->results);
    }
    if (r)
        return r;
    n = judge(attempt, failed, &failed_n);
    r = notify_sender(tx, attempt, n, failed, failed_n);
    if (r == 0)
        r = trace_all(tx, attempt);
    return r ? r : store_outbox_settle(tx, &attempt->entry, attempt->owner, attempt->settles, n, &left);
}

static int settle_job(struct store_tx *tx, void *arg)
{
    return attempt_settle_in(tx, arg);
}

/* ---- deliveries before it ---- */

struct delivery {
    struct attempt_part *part;
    size_t i; /* of part->job.rcpts */
    size_t round; /* those of one round may be under way at the same time */
    void *ready;
};

static int delivery_job(struct store_tx *tx, void *arg)
{
    const struct delivery *delivery = arg;
    struct attempt_part *part = delivery->part;
    return part->transport->store_one(tx, &part->job, delivery->i, delivery->ready, &part->results[delivery->i]);
}

static void note_delivery(const struct delivery *delivery, int r)
{
    if (r < 0)
        delivery->part->results[delivery->i] =
            (struct transport_result){ TRANSPORT_DEFERRED, SPAN("4.3.0 the mailbox store is not available") };
}

/* At most n of them; those that could not be made ready are noted already. */
static size_t make_ready(struct attempt_part *part, struct delivery *deliveries)
{
    size_t n = 0;
    for (size_t i = 0; i < part->job.n; i++) {
        struct delivery delivery = { .part = part, .i = i };
        int r = part->transport->ready ? part->transport->ready(&part->job, i, &delivery.ready) : 0;
        if (r)
            note_delivery(&delivery, r);
        else
            deliveries[n++] = delivery;
    }
    return n;
}

static int deliver_all(struct store *store, struct arena *arena, struct delivery *deliveries, size_t n)
{
    struct store_work *work = arena_array(arena, n, sizeof(*work));
    if (!work)
        return -ENOMEM;
    for (size_t round = 0, done = 0; done < n; round++) {
        size_t now = 0;
        for (size_t i = 0; i < n; i++)
            if (deliveries[i].round == round)
                work[now++] = (struct store_work){ .job = delivery_job, .arg = &deliveries[i] };
        store_write_all(store, work, now);
        for (size_t i = 0; i < now; i++)
            note_delivery(work[i].arg, work[i].result);
        done += now;
    }
    return 0;
}

static int deliver(struct attempt *const *attempts, size_t n)
{
    size_t most = 0, ready = 0;
    for (size_t i = 0; i < n; i++)
        most += attempts[i]->entry.rcpts_n;
    struct delivery *deliveries = arena_array(attempts[0]->arena, most, sizeof(*deliveries));
    if (!deliveries)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        size_t first = ready;
        for (size_t p = 0; p < attempts[i]->parts_n && !attempts[i]->over; p++) {
            struct attempt_part *part = &attempts[i]->parts[p];
            if (part->transport->store_one && attempts[i]->unwritten)
                attempt_failed(part, attempts[i]->unwritten);
            else if (part->transport->store_one)
                ready += make_ready(part, &deliveries[ready]);
        }
        for (size_t round = 0; store_has_nodes(attempts[i]->store) && first < ready; round++)
            deliveries[first++].round = round;
    }
    return ready ? deliver_all(attempts[0]->store, attempts[0]->arena, deliveries, ready) : 0;
}

/* ---- and what is said of it ---- */

static void count_rcpt(const struct attempt_part *part, enum transport_outcome outcome)
{
    metric_add_by(METRIC_deliveries, part->transport->number, outcome, 1);
    if (part->job.relay)
        metric_add_by(METRIC_relay_deliveries, part->job.relay->number, outcome, 1);
}

/* state: what came of it; a deferral may have been the last. */
static void log_rcpt(const struct attempt *attempt, const struct attempt_part *part, size_t i, enum store_rcpt_state state)
{
    const struct store_outbox_rcpt *rcpt = part->job.rcpts[i];
    const struct transport_result *result = &part->results[i];
    const struct store_outbox *entry = &attempt->entry;
    const char *status = result->outcome == TRANSPORT_SENT ? "sent" : state == STORE_RCPT_FAILED ? "bounced" : "deferred";
    char id[OUTBOX_ID_SIZE];
    outbox_id_write((struct store_outbox_key){ entry->mailbox_id, entry->outbox_no }, id);
    log_event(result->outcome == TRANSPORT_SENT ? LOG_INFO_LEVEL : LOG_WARN_LEVEL, "delivery", LOG_S("id", id),
              LOG_V("message_id", entry->message_id), LOG_V("to", rcpt->address),
              LOG_S("relay", part->job.relay ? part->job.relay->name : part->transport->name), LOG_S("status", status),
              LOG_V("reply", result->status), LOG_N("attempt", rcpt->attempts + 1),
              LOG_MILLI("delay", when_now() - entry->created));
}

void attempt_name_counts(void)
{
    metric_names(METRIC_LABEL_transport, transport_names, ARRAY_LEN(transport_names));
    metric_names(METRIC_LABEL_outcome, outcome_names, ARRAY_LEN(outcome_names));
}

static void log_attempt(const struct attempt *attempt)
{
    const struct store_settle *settle = attempt->settles;
    for (size_t p = 0; p < attempt->parts_n; p++)
        for (size_t i = 0; i < attempt->parts[p].job.n; i++, settle++)
            if (!attempt->parts[p].put_off) {
                count_rcpt(&attempt->parts[p], attempt->parts[p].results[i].outcome);
                log_rcpt(attempt, &attempt->parts[p], i, settle->state);
            }
}

static void log_unsettled(const struct attempt *attempt, int r)
{
    if (aside_wanted(r)) /* what a report would quote */
        aside_put(attempt->store, (struct store_outbox_key){ attempt->entry.mailbox_id, attempt->entry.outbox_no }, r);
    if (r > 0) /* or leased by somebody else meanwhile, who settles it */
        return;
    log_event(LOG_ERROR_LEVEL, "outbox entry not settled", LOG_N("mailbox", attempt->entry.mailbox_id),
              LOG_N("entry", attempt->entry.outbox_no), LOG_S("error", err_text(r)));
}

/* Nodes that write to the same mailboxes do so in the same order. */
static int by_mailbox(const void *a, const void *b)
{
    const struct attempt *one = ((const struct store_work *)a)->arg, *other = ((const struct store_work *)b)->arg;
    return one->entry.mailbox_id < other->entry.mailbox_id ? -1 : one->entry.mailbox_id > other->entry.mailbox_id;
}

int attempt_settle(struct attempt *const *attempts, size_t n)
{
    int first = n ? deliver(attempts, n) : 0;
    struct store_work *work = n && !first ? arena_array(attempts[0]->arena, n, sizeof(*work)) : NULL;
    if (!work)
        return first || n == 0 ? first : -ENOMEM;
    size_t left = 0;
    for (size_t i = 0; i < n; i++)
        if (!attempts[i]->over)
            work[left++] = (struct store_work){ .job = settle_job, .arg = attempts[i] };
    if (store_has_nodes(attempts[0]->store))
        qsort(work, left, sizeof(*work), by_mailbox);
    store_write_all(attempts[0]->store, work, left);
    for (size_t i = 0; i < left; i++) {
        struct attempt *attempt = work[i].arg;
        attempt->over = work[i].result >= 0;
        if (work[i].result == 0)
            log_attempt(attempt);
        else
            log_unsettled(attempt, work[i].result);
        if (work[i].result < 0)
            first = work[i].result;
    }
    return first;
}

struct renewal {
    struct store_outbox_key key;
    uint64_t owner;
    int64_t until;
};

static int renew_job(struct store_tx *tx, void *arg)
{
    const struct renewal *renewal = arg;
    return store_outbox_renew(tx, renewal->key, renewal->owner, renewal->until);
}

int attempt_renew(struct store *store, struct store_outbox_key key, uint64_t owner, int64_t until)
{
    return store_write(store, renew_job, &(struct renewal){ key, owner, until });
}

int attempt_let_go(struct store *store, struct store_outbox_key key, uint64_t owner, int64_t *ret_again)
{
    *ret_again = when_now() + LET_GO_MS;
    int r = attempt_renew(store, key, owner, *ret_again);
    return r < 0 ? r : 0;
}

/* Does the store take any work? Then it is the settling that it refuses. */
static bool takes_work(struct attempt *const *attempts, size_t n)
{
    size_t i = 0;
    while (i < n - 1 && attempts[i]->over)
        i++;
    const struct attempt *attempt = attempts[i];
    const struct store_outbox_key key = { attempt->entry.mailbox_id, attempt->entry.outbox_no };
    return attempt_renew(attempt->store, key, attempt->owner, when_now() + attempt->conf->outbox_lease * 1000) >= 0;
}

int attempt_settle_surely(struct attempt *const *attempts, size_t n, const atomic_bool *stop, unsigned pause_ms)
{
    int r = attempt_settle(attempts, n);
    for (int tries = 1; r < 0 && (tries < SETTLE_TRIES || r == -ENOSPC) && !atomic_load(stop);) {
        when_sleep(pause_ms);
        tries += takes_work(attempts, n);
        r = attempt_settle(attempts, n);
    }
    return r;
}
