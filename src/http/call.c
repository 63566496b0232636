/*
 * The worker's side of a call: checking its password, and having its route
 * answer it. Nothing here knows libmicrohttpd.
 */
#include "http/call.h"

#include "base/log.h"
#include "base/metrics.h"
#include "base/when.h"
#include "http/guard.h"
#include "http/record.h"
#include "http/rest.h"

#include <errno.h>
#include <stdlib.h>

#define ANSWER_USUAL 4096

void call_refuse(struct call *call, int status)
{
    call->response.status = status;
    call->response.content_type = "text/plain; charset=utf-8";
    buf_clear(&call->response.body);
    if (guard_is_rest(call->route, call->path))
        rest_refuse(status, &call->response);
    else
        buf_add_str(&call->response.body, guard_reason(status));
}

static char *copy_text(struct span text, struct span *ret_copy)
{
    char *copy = strndup(text.ptr ? text.ptr : "", text.len);
    *ret_copy = (struct span){ copy, copy ? text.len : 0 };
    return copy;
}

int call_set_caller(struct call *call, const struct store_mailbox *mailbox)
{
    struct store_mailbox own = { .mailbox_id = mailbox->mailbox_id };
    memcpy(own.guid, mailbox->guid, sizeof(own.guid));
    bool copied = copy_text(mailbox->address, &own.address) && copy_text(mailbox->display_name, &own.display_name);
    call->caller = own;
    return copied ? 0 : -ENOMEM;
}

void call_free_parts(struct call *call)
{
    buf_done(&call->body);
    buf_done(&call->recorded);
    buf_done(&call->response.body);
    buf_done(&call->line);
    free(call->headers);
    free((char *)call->caller.address.ptr);
    free((char *)call->caller.display_name.ptr);
}

void call_describe(struct call *call)
{
    const struct http_response *response = &call->response;
    char client[PEER_TEXT_SIZE];
    peer_format(&call->client, client);
    log_line(&call->line, LOG_INFO_LEVEL, "request",
             LOG_FIELDS(LOG_S("id", call->request_id), LOG_S("client", client), LOG_V("user", call->caller.address),
                        LOG_V("as", response->acting), LOG_S("method", call->method), LOG_S("path", call->path),
                        LOG_S("op", response->detail ? response->detail : "-"), LOG_N("items", response->items),
                        LOG_V("codes", response->codes), LOG_N("status", response->status), LOG_N("in", call->received),
                        LOG_N("out", response->body.len), LOG_MILLI("ms", when_monotonic_us() - call->started_us)));
}

void call_log_failure(const struct call *call)
{
    char client[PEER_TEXT_SIZE];
    peer_format(&call->client, client);
    log_event(LOG_WARN_LEVEL, "authentication failed", LOG_S("id", call->request_id), LOG_S("client", client),
              LOG_V("user", call->caller.address));
}

void http_response_add(struct http_response *response, const char *name, struct span value)
{
    size_t i = 0;
    while (i < HTTP_HEADERS_MAX && response->headers[i].name)
        i++;
    if (i == HTTP_HEADERS_MAX)
        return;
    response->headers[i].name = name;
    response->headers[i].value = value;
}

static const char *put_text(char **at, struct span text)
{
    char *begin = *at;
    if (text.len)
        memcpy(begin, text.ptr, text.len);
    begin[text.len] = 0;
    *at += text.len + 1;
    return begin;
}

/* They outlive the arena. Without memory for them there are none. */
static void keep_headers(struct call *call)
{
    struct http_response *response = &call->response;
    size_t n = 0, size = 0;
    for (; n < HTTP_HEADERS_MAX && response->headers[n].name; n++)
        size += strlen(response->headers[n].name) + response->headers[n].value.len + 2;
    char *at = call->headers = n ? malloc(size) : NULL;
    if (!at)
        response->headers[0].name = NULL;
    for (size_t i = 0; at && i < n; i++) {
        response->headers[i].name = put_text(&at, span_of(response->headers[i].name));
        response->headers[i].value.ptr = put_text(&at, response->headers[i].value);
    }
}

static bool finish(struct call *call, int r)
{
    if (r || buf_error(&call->response.body))
        call_refuse(call, 500);
    keep_headers(call);
    call_describe(call);
    record_end(call);
    call_done(call);
    return true;
}

bool call_work(struct pool_job *job, struct arena *arena)
{
    struct call *call = (struct call *)job;
    call->request = (struct http_request){ .server = &call->options, .arena = arena, .method = call->method,
                                           .path = span_of(call->path), .body = &call->body, .caller = call->caller,
                                           .request_id = span_of(call->request_id), .connection = call->mhd,
                                           .may_wait = job->may_wait, .can_wait = job->can_wait };
    guard_parts(call->route, call->request.path, call->request.parts);
    metric_add(METRIC_http_requests, 1);
    record_begin(call);
    call->received = call->body.len; /* a route may change it */
    call->response.status = 200;
    (void)buf_reserve(&call->response.body, ANSWER_USUAL); /* else it grows there step by step */
    int r = call->route->handle(&call->request, &call->response);
    return r == HTTP_LATER ? false : finish(call, r);
}

static bool go_on(struct pool_job *job, struct arena *arena ATTR_UNUSED)
{
    struct call *call = (struct call *)job;
    int r = call->request.go_on(&call->request, &call->response);
    return r == HTTP_LATER ? false : finish(call, r);
}

void http_go_on(struct http_request *request)
{
    struct call *call = (struct call *)((char *)request - offsetof(struct call, request));
    call->job.run = go_on;
    call_again(call);
}

/* Somebody else may have verified the same in the meantime. */
static int check(const struct call *call, struct arena *arena, struct store_mailbox *ret_mailbox, struct span *ret_user)
{
    struct span header = span_of(call->authorization);
    int r = auth_lookup(call->options.auth, arena, header, ret_mailbox);
    return r == AUTH_UNKNOWN ? auth_verify(call->options.auth, arena, header, ret_mailbox, ret_user) : r;
}

bool call_verify(struct pool_job *job, struct arena *arena)
{
    struct call *call = (struct call *)job;
    struct store_mailbox mailbox;
    struct span user = { 0 };
    int r = check(call, arena, &mailbox, &user);
    if (r == AUTH_OK)
        r = call_set_caller(call, &mailbox);
    else if (r > 0) /* a name for the log, nobody's mailbox */
        (void)call_set_caller(call, &(struct store_mailbox){ .address = user });
    if (r)
        call_refuse(call, r == -EIO ? 503 : r < 0 ? 500 : 401); /* the store is away, and may be back soon */
    call_done(call);
    return true;
}
