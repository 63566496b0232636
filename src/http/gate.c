/*
 * The rules of gate.h. The delayed cannot be many: only passwords that were
 * looked at are delayed, and one thread looks at some sixty a second.
 */
#include "http/gate.h"

#include "base/log.h"
#include "base/metrics.h"
#include "base/when.h"
#include "http/guard.h"

#include <errno.h>
#include <stdlib.h>

#define SCRATCH_MAX 65536

struct gate {
    const struct http_options *options;
    struct arena *scratch;
    struct limits *limits;
    struct pool *verifier;
    struct call *verifying; /* by next_verifying: one for each password */
    unsigned verifying_n;
    struct call *delayed; /* wait for resume_at */
    int64_t due;          /* the least resume_at */
    uint64_t in_flight;   /* bytes of bodies */
    bool closed;
};

int gate_new(const struct http_options *options, struct gate **ret_gate)
{
    struct gate *gate = calloc(1, sizeof(*gate));
    if (!gate)
        return -ENOMEM;
    gate->options = options;
    gate->due = INT64_MAX;
    int r = arena_new(SCRATCH_MAX, &gate->scratch);
    if (r == 0)
        r = limits_new(options->conf, &gate->limits);
    if (r == 0)
        r = pool_new(1, 0, SCRATCH_MAX, &gate->verifier);
    if (r) {
        gate_free(gate);
        return r;
    }
    *ret_gate = gate;
    return 0;
}

void gate_stop(struct gate *gate)
{
    pool_free(gate->verifier);
    gate->verifier = NULL;
}

void gate_free(struct gate *gate)
{
    if (!gate)
        return;
    gate_stop(gate);
    limits_free(gate->limits);
    arena_free(gate->scratch);
    free(gate);
}

int gate_reload(struct gate *gate)
{
    return limits_reload(gate->limits, gate->options->conf);
}

struct limits *gate_limits(struct gate *gate)
{
    return gate->limits;
}

/* ---- in ---- */

/* Everything that the headers alone decide; 0, or the status of a refusal. */
static int judge(struct gate *gate, struct call *call)
{
    const struct http_options *options = gate->options;
    if (!guard_host_ok(options, call->host))
        return 421;
    call->route = guard_route(options, call->path);
    if (!call->route)
        return 404;
    int status = guard_status(call->route, call->method, call->content_type);
    if (status == 0 && call->route->rest)
        status = guard_rest_status(call->method, call->host, call->origin, call->content_type);
    if (status == 0 && call->route->rest && !call->route->free && options->sessions)
        status = sessions_judge(options->sessions, &call->proof, guard_changes(call->method));
    if (status)
        return status;
    if (guard_needs_caller(call->route, call->method) && !call->authorization[0])
        return 401;
    call->body_max = guard_body_max(call->route, call->options.conf);
    call->body = BUF_INIT(call->body_max + 1); /* and a NUL */
    if (call->length != UINT64_MAX && call->length > call->body_max)
        return 413;
    return gate->closed ? 503 : 0;
}

/* Only who is known may claim memory for a body. */
static int claim_body(struct gate *gate, struct call *call)
{
    uint64_t expected = call->length == UINT64_MAX ? 0 : call->length;
    if (gate->in_flight + expected > (uint64_t)gate->options->conf->http_body_budget)
        return 503;
    call->budgeted = expected;
    gate->in_flight += expected;
    return 0;
}

/* Suspends the call until its password is judged. One that is already being
 * judged is not judged again: a client that opens 256 connections at once
 * costs one hash. */
static int queue_verification(struct gate *gate, struct call *call)
{
    if (!limits_may_try(gate->limits, &call->client, when_monotonic()))
        return 429;
    for (struct call *first = gate->verifying; first; first = first->next_verifying) {
        if (strcmp(first->authorization, call->authorization) == 0) {
            call->next = first->followers;
            first->followers = call;
            call_suspend(call, STAGE_VERIFY);
            return 0;
        }
    }
    if (gate->verifying_n >= (unsigned)gate->options->conf->auth_queue)
        return 503;
    gate->verifying_n++;
    call->next_verifying = gate->verifying;
    gate->verifying = call;
    call_suspend(call, STAGE_VERIFY);
    call->job.run = call_verify;
    pool_push(gate->verifier, &call->job);
    return 0;
}

/* 0: the caller is known, or the call is suspended until he is. */
static int know_caller(struct gate *gate, struct call *call)
{
    struct store_mailbox mailbox;
    int r = auth_lookup(gate->options->auth, gate->scratch, span_of(call->authorization), &mailbox);
    int status = r == AUTH_MISSING ? 401 : r == AUTH_OK && call_set_caller(call, &mailbox) ? 500 : 0;
    arena_reset(gate->scratch);
    return r == AUTH_UNKNOWN ? queue_verification(gate, call) : status;
}

int gate_enter(struct gate *gate, struct call *call)
{
    int status = judge(gate, call);
    call->stage = STAGE_BODY;
    if (status == 0 && guard_needs_caller(call->route, call->method))
        status = know_caller(gate, call);
    if (status == 0 && call->stage == STAGE_BODY)
        status = claim_body(gate, call);
    return status;
}

int gate_enter_verified(struct gate *gate, struct call *call)
{
    call->stage = STAGE_BODY;
    return call->response.status ? call->response.status : claim_body(gate, call);
}

int gate_take_body(struct gate *gate, struct call *call, const char *bytes, size_t len)
{
    if (call->length == UINT64_MAX) {
        call->budgeted += len;
        gate->in_flight += len;
    }
    if (call->body.len == 0 && call->length != UINT64_MAX)
        (void)buf_reserve(&call->body, (size_t)call->length + 1); /* once, so that it does not grow by copies */
    buf_add(&call->body, bytes, len);
    if (buf_error(&call->body) == -EFBIG || call->body.len > call->body_max)
        return 413;
    return buf_error(&call->body) || gate->in_flight > (uint64_t)gate->options->conf->http_body_budget ? 503 : 0;
}

bool gate_begin_work(struct gate *gate, struct call *call)
{
    if (!guard_needs_caller(call->route, call->method))
        return true;
    call->counted = limits_begin(gate->limits, call->caller.mailbox_id);
    return call->counted;
}

void gate_leave(struct gate *gate, struct call *call)
{
    gate->in_flight -= call->budgeted;
    if (call->counted)
        limits_end(gate->limits, call->caller.mailbox_id);
}

/* ---- judged ---- */

static void delay(struct gate *gate, struct call *call)
{
    if (call->resume_at < gate->due)
        gate->due = call->resume_at;
    call->next = gate->delayed;
    gate->delayed = call;
}

void gate_hold(struct gate *gate, struct call *call, int64_t at)
{
    call->resume_at = at;
    delay(gate, call);
}

/* A wrong password is answered later, and counts. */
static void judged(struct gate *gate, struct call *call, int64_t now)
{
    if (call->response.status != 401) {
        call_resume(call);
        return;
    }
    metric_add(METRIC_auth_failures, 1);
    call_log_failure(call);
    limits_failed(gate->limits, &call->client, now);
    gate_hold(gate, call, now + gate->options->conf->auth_failure_delay);
}

void gate_verified(struct gate *gate, struct call *call, int64_t now)
{
    struct call **at = &gate->verifying;
    while (*at != call)
        at = &(*at)->next_verifying;
    *at = call->next_verifying;
    gate->verifying_n--;
    for (struct call *follower = call->followers, *next; follower; follower = next) {
        next = follower->next;
        if (call->response.status)
            call_refuse(follower, call->response.status);
        if (call_set_caller(follower, &call->caller))
            call_refuse(follower, 500);
        judged(gate, follower, now);
    }
    call->followers = NULL;
    judged(gate, call, now);
}

void gate_resume_delayed(struct gate *gate, int64_t now)
{
    if (now < gate->due && !gate->closed)
        return;
    struct call *delayed = gate->delayed;
    gate->delayed = NULL;
    gate->due = INT64_MAX;
    for (struct call *call = delayed, *next; call; call = next) {
        next = call->next;
        if (call->resume_at > now && !gate->closed)
            delay(gate, call);
        else
            call_resume(call);
    }
}

int64_t gate_due(const struct gate *gate)
{
    return gate->due;
}

void gate_close(struct gate *gate)
{
    gate->closed = true;
}
