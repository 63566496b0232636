/*
 * A request's life: its headers are read and judged, its body is taken in, it is
 * worked on elsewhere, and its answer goes out. In VERIFY and WORK its connection
 * is suspended.
 */
#include "http/http_mhd.h"

#include "base/metrics.h"
#include "base/when.h"
#include "http/count.h"
#include "http/gate.h"
#include "http/guard.h"
#include "http/record.h"

#include <stdlib.h>

#define DRAIN_MAX 1048576
#define ANSWER_MAX ((size_t)1 << 30)
#define HEAVY_BODY ((size_t)1 << 20)
#define RETRY_AFTER "5"
#define PACED_PIECE 16384

/* ---- answers ---- */

static const char *header(struct call *call, const char *name)
{
    return MHD_lookup_connection_value(call->mhd, MHD_HEADER_KIND, name);
}

void call_suspend(struct call *call, enum stage stage)
{
    call->stage = stage;
    MHD_suspend_connection(call->mhd);
}

void call_resume(struct call *call)
{
    call->stage = call->stage == STAGE_VERIFY ? STAGE_VERIFIED : STAGE_ANSWER;
    MHD_resume_connection(call->mhd);
}

static bool has_header(const struct http_response *response, const char *name)
{
    for (size_t i = 0; i < HTTP_HEADERS_MAX && response->headers[i].name; i++)
        if (span_eq_nocase(span_of(response->headers[i].name), span_of(name)))
            return true;
    return false;
}

static void add_headers(struct call *call, struct MHD_Response *mhd)
{
    const struct http_response *response = &call->response;
    MHD_add_response_header(mhd, MHD_HTTP_HEADER_CONTENT_TYPE, response->content_type);
    MHD_add_response_header(mhd, MHD_HTTP_HEADER_CACHE_CONTROL, "private");
    MHD_add_response_header(mhd, "request-id", call->request_id);
    const char *wanted = header(call, "return-client-request-id"), *client = header(call, "client-request-id");
    if (wanted && strcmp(wanted, "true") == 0 && guard_is_guid(client))
        MHD_add_response_header(mhd, "client-request-id", client);
    if (response->status == 401)
        MHD_add_response_header(mhd, MHD_HTTP_HEADER_WWW_AUTHENTICATE, guard_challenge(&call->options, call->route));
    if (response->status == 405) {
        char allow[GUARD_ALLOW_SIZE];
        guard_allow(call->route, allow);
        MHD_add_response_header(mhd, MHD_HTTP_HEADER_ALLOW, allow);
    }
    if ((response->status == 429 || response->status == 503) && !has_header(response, MHD_HTTP_HEADER_RETRY_AFTER))
        MHD_add_response_header(mhd, MHD_HTTP_HEADER_RETRY_AFTER, RETRY_AFTER);
    if (call->http->stopping)
        MHD_add_response_header(mhd, MHD_HTTP_HEADER_CONNECTION, "close");
    for (size_t i = 0; i < HTTP_HEADERS_MAX && response->headers[i].name; i++)
        MHD_add_response_header(mhd, response->headers[i].name, response->headers[i].value.ptr);
}

/* Takes the response. */
static enum MHD_Result queue(struct call *call, struct MHD_Response *mhd)
{
    add_headers(call, mhd);
    call->stage = STAGE_ANSWER;
    call->conn->since = when_monotonic();
    enum MHD_Result r = MHD_queue_response(call->mhd, (unsigned)call->response.status, mhd);
    MHD_destroy_response(mhd);
    return r;
}

/* A body that goes out in pieces, each at its time. */
static ssize_t read_paced(void *arg, uint64_t sent, char *to, size_t room)
{
    struct call *call = arg;
    const struct buf *body = &call->response.body;
    const int64_t now = when_monotonic();
    int64_t wait_ms, n = pace_allows(&call->response.pace, body->len, sent, now - call->conn->since, &wait_ms);
    if (n == PACE_BROKEN)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (n == 0) {
        call_suspend(call, STAGE_ANSWER);
        gate_hold(call->http->gate, call, now + wait_ms);
        return 0;
    }
    n = n < (int64_t)room ? n : (int64_t)room;
    memcpy(to, body->ptr + sent, (size_t)n);
    return (ssize_t)n;
}

static enum MHD_Result answer_paced(struct call *call)
{
    struct http_response *response = &call->response;
    struct MHD_Response *mhd = NULL; /* which ends the connection */
    if (!response->pace.dropped)
        mhd = MHD_create_response_from_callback(response->body.len, PACED_PIECE, read_paced, call, NULL);
    return mhd ? queue(call, mhd) : MHD_NO;
}

static enum MHD_Result answer(struct call *call)
{
    struct http_response *response = &call->response;
    if (response->pace.dropped || response->pace.broken || response->pace.rate)
        return answer_paced(call);
    /* MHD frees the bytes; ours are given away. */
    struct MHD_Response *mhd = MHD_create_response_from_buffer(response->body.len, response->body.ptr, MHD_RESPMEM_MUST_FREE);
    if (!mhd)
        return MHD_NO;
    response->body = BUF_INIT(ANSWER_MAX);
    count_answer(&call->options, response->status);
    return queue(call, mhd);
}

/* A small body (or none) is read before its refusal, so that the connection
 * stays usable: what is answered at the headers ends with its connection. */
static enum MHD_Result answer_refused(struct call *call)
{
    bool drain = call->length <= DRAIN_MAX && !header(call, MHD_HTTP_HEADER_EXPECT);
    metric_add(METRIC_http_refused, 1);
    call->stage = STAGE_BODY;
    return drain ? MHD_YES : answer(call);
}

static enum MHD_Result refuse_early(struct call *call, int status)
{
    call_refuse(call, status);
    record_end(call);
    return answer_refused(call);
}

/* ---- a request comes in ---- */

static enum MHD_Result begin(struct call *call)
{
    int status = gate_enter(call->http->gate, call);
    return status ? refuse_early(call, status) : MHD_YES;
}

static void take_body(struct call *call, const char *bytes, size_t len)
{
    if (call->response.status)
        return; /* refused: drained */
    int status = gate_take_body(call->http->gate, call, bytes, len);
    if (status) {
        call_refuse(call, status);
        buf_done(&call->body);
    }
}

/* The user has as many requests in execution as he may. */
static enum MHD_Result answer_busy(struct call *call)
{
    metric_add(METRIC_http_refused, 1);
    call->response.status = 503;
    if (!call->route->busy || call->route->busy(&call->options, &call->response))
        call_refuse(call, 503);
    call_describe(call);
    log_gather(&call->http->lines, &call->line);
    log_flush(&call->http->lines);
    record_end(call);
    return answer(call);
}

static enum MHD_Result start_work(struct call *call)
{
    struct http *http = call->http;
    if (http->over)
        return MHD_NO; /* nobody works any more */
    if (!gate_begin_work(http->gate, call))
        return answer_busy(call);
    call_suspend(call, STAGE_WORK);
    call->job.run = call_work;
    call->pool = http->heavy && call->body.len > HEAVY_BODY ? http->heavy : http->workers;
    call->next = NULL;
    *http->last_begun = call;
    http->last_begun = &call->next;
    http->alone = http->calls == 1 ? http->alone + 1 : 0;
    return MHD_YES;
}

static enum MHD_Result proceed(struct call *call, const char *bytes, size_t *len)
{
    if (call->stage == STAGE_VERIFIED) {
        int status = gate_enter_verified(call->http->gate, call);
        if (status)
            return refuse_early(call, status);
        if (*len == 0)
            return MHD_YES; /* the headers again: the body, or its end, follows */
    }
    if (call->stage == STAGE_BODY && *len > 0) {
        take_body(call, bytes, *len);
        *len = 0;
        return MHD_YES;
    }
    if (call->stage == STAGE_BODY && !call->response.status)
        return start_work(call);
    return answer(call);
}

struct each {
    void (*call)(void *arg, const char *name, const char *value);
    void *arg;
};

static enum MHD_Result on_header(void *arg, enum MHD_ValueKind kind ATTR_UNUSED, const char *name, const char *value)
{
    const struct each *each = arg;
    each->call(each->arg, name, value ? value : "");
    return MHD_YES;
}

void call_each_header(struct call *call, void (*each)(void *arg, const char *name, const char *value), void *arg)
{
    MHD_get_connection_values(call->mhd, MHD_HEADER_KIND, on_header, &(struct each){ each, arg });
}

static enum MHD_Result on_forwarded(void *arg, enum MHD_ValueKind kind ATTR_UNUSED, const char *name, const char *value)
{
    struct call *call = arg;
    if (span_eq_nocase(span_of(name), SPAN("X-Forwarded-For")))
        peer_forwarded(limits_trusted(gate_limits(call->http->gate)), &call->conn->peer, span_of(value), &call->client);
    return MHD_YES;
}

static void read_headers(struct call *call)
{
    const char *authorization = header(call, MHD_HTTP_HEADER_AUTHORIZATION);
    const char *length = header(call, MHD_HTTP_HEADER_CONTENT_LENGTH);
    int64_t number = 0;
    call->host = header(call, MHD_HTTP_HEADER_HOST);
    call->origin = header(call, MHD_HTTP_HEADER_ORIGIN);
    call->content_type = header(call, MHD_HTTP_HEADER_CONTENT_TYPE);
    call->authorization = authorization ? authorization : "";
    if (call->options.sessions)
        call->proof = (struct session_proof){ header(call, MHD_HTTP_HEADER_COOKIE), header(call, SESSION_TOKEN), header(call, SESSION_IDLE) };
    if (header(call, MHD_HTTP_HEADER_TRANSFER_ENCODING))
        call->length = UINT64_MAX;
    else if (length && span_int(span_of(length), false, 0, INT64_MAX, &number))
        call->length = (uint64_t)number;
    call->client = call->conn->peer;
    if (peer_nets_have(limits_trusted(gate_limits(call->http->gate)), &call->conn->peer))
        MHD_get_connection_values(call->mhd, MHD_HEADER_KIND, on_forwarded, call);
}

static struct call *call_new(struct http *http, struct MHD_Connection *mhd, const char *url, const char *method)
{
    struct conn *conn = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    struct call *call = conn ? calloc(1, sizeof(*call)) : NULL;
    uint8_t guid[GUID_SIZE];
    if (!call || random_bytes(guid, sizeof(guid))) {
        free(call);
        return NULL;
    }
    guid_format(guid, call->request_id);
    call->http = http;
    call->options = http->options;
    if (http->options.live)
        conf_hold_same(http->options.live, http->options.conf);
    if (http->options.ops) {
        call->ops = *http->options.ops;
        call->ops.conf = http->options.conf;
        call->options.ops = &call->ops;
    }
    call->mhd = mhd;
    call->conn = conn;
    conn->call = call;
    http->calls++;
    conn->since = when_monotonic();
    call->started_us = when_monotonic_us();
    call->method = method;
    call->path = url;
    call->response.body = BUF_INIT(ANSWER_MAX);
    read_headers(call);
    return call;
}

enum MHD_Result http_on_request(void *arg, struct MHD_Connection *mhd, const char *url, const char *method,
                                const char *version ATTR_UNUSED, const char *bytes, size_t *len, void **context)
{
    struct call *call = *context;
    if (call)
        return proceed(call, bytes, len);
    *context = call = call_new(arg, mhd, url, method);
    return call ? begin(call) : MHD_NO;
}

void http_on_completed(void *arg, struct MHD_Connection *mhd ATTR_UNUSED, void **context,
                       enum MHD_RequestTerminationCode why ATTR_UNUSED)
{
    struct http *http = arg;
    struct call *call = *context;
    if (!call)
        return;
    gate_leave(http->gate, call);
    http->calls--;
    call->conn->call = NULL;
    call->conn->since = when_monotonic();
    call_free_parts(call);
    if (http->options.live)
        conf_release(http->options.live, call->options.conf);
    free(call);
    *context = NULL;
}

/* ---- what a route sees ---- */

static bool look_up(const struct http_request *request, enum MHD_ValueKind kind, const char *name, struct span *ret_value)
{
    const char *value = MHD_lookup_connection_value(request->connection, kind, name);
    if (value)
        *ret_value = span_of(value);
    return value != NULL;
}

bool http_query(const struct http_request *request, const char *name, struct span *ret_value)
{
    return look_up(request, MHD_GET_ARGUMENT_KIND, name, ret_value);
}

bool http_header(const struct http_request *request, const char *name, struct span *ret_value)
{
    return look_up(request, MHD_HEADER_KIND, name, ret_value);
}
