/*
 * See record.h. Credentials are left out: whoever sees the log sees no password.
 */
#include "http/record.h"

#include "base/when.h"
#include "http/reqlog.h"

#define HEADERS_SIZE_MAX 32768

static bool is_recorded(const struct call *call)
{
    return call->options.log && call->route && call->route->logged;
}

void record_begin(struct call *call)
{
    if (!is_recorded(call))
        return;
    call->recorded = BUF_INIT(REQLOG_BODY_MAX + 1);
    size_t len = call->recorded_size = call->body.len;
    buf_add(&call->recorded, call->body.ptr, len < REQLOG_BODY_MAX ? len : REQLOG_BODY_MAX);
}

static void add_header(void *arg, const char *name, const char *value)
{
    struct buf *out = arg;
    bool secret = span_eq_nocase(span_of(name), SPAN("Authorization")) || span_eq_nocase(span_of(name), SPAN("Cookie")) ||
                  span_eq_nocase(span_of(name), SPAN("Proxy-Authorization"));
    buf_printf(out, "%s: %s\n", name, secret ? "(left out)" : value);
}

static void add_answer_headers(const struct call *call, struct buf *out)
{
    add_header(out, "Content-Type", call->response.content_type ? call->response.content_type : "");
    for (size_t i = 0; i < HTTP_HEADERS_MAX && call->response.headers[i].name; i++)
        add_header(out, call->response.headers[i].name, call->response.headers[i].value.ptr);
}

/* The first element in Body, when the answer does not say what was asked for. */
static struct span find_op(struct span body)
{
    const char *end = body.ptr + body.len, *at = body.len ? memmem(body.ptr, body.len, "Body>", 5) : NULL;
    at = at ? memchr(at, '<', (size_t)(end - at)) : NULL;
    if (!at)
        return (struct span){ 0 };
    struct span name = { at + 1, 0 };
    while (name.ptr + name.len < end && !strchr(" \t\r\n/>", name.ptr[name.len]))
        if (name.ptr[name.len++] == ':')
            name = (struct span){ name.ptr + name.len, 0 };
    return name.len <= 64 ? name : (struct span){ 0 };
}

void record_end(struct call *call)
{
    if (!is_recorded(call))
        return;
    struct buf asked = BUF_INIT(HEADERS_SIZE_MAX), answered = BUF_INIT(HEADERS_SIZE_MAX);
    call_each_header(call, add_header, &asked);
    add_answer_headers(call, &answered);
    struct reqlog_entry entry = {
        .at = when_now(), .ms = (when_monotonic_us() - call->started_us) / 1000, .status = call->response.status,
        .request_id = span_of(call->request_id), .user = call->caller.address,
        .op = span_of(call->response.detail ? call->response.detail : ""), .method = span_of(call->method),
        .path = span_of(call->path), .request_headers = buf_span(&asked), .answer_headers = buf_span(&answered),
        .request = buf_span(&call->recorded), .answer = buf_span(&call->response.body),
        .request_size = call->recorded_size, .answer_size = call->response.body.len,
    };
    if (!op_is_served(entry.op))
        entry.op = find_op(entry.request);
    reqlog_find_codes(entry.answer, &entry);
    reqlog_add(call->options.log, &entry);
    buf_done(&asked);
    buf_done(&answered);
    buf_done(&call->recorded);
}
