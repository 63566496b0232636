/*
 * /dev/requests: the request log, and what is wrong with each request. Exists
 * only in `ewsd dev`.
 */
#include "http/reqlog.h"
#include "http/rest.h"

#include "base/json.h"
#include "soap/lint.h"

#include <errno.h>

/* ---- the list ---- */

struct listing {
    struct buf *out;
    struct span op, user;
    uint64_t status, limit, n;
};

static bool contains(struct span text, struct span wanted)
{
    for (size_t i = 0; i + wanted.len <= text.len; i++)
        if (span_eq_nocase((struct span){ text.ptr + i, wanted.len }, wanted))
            return true;
    return false;
}

static void add_common(struct buf *out, const struct reqlog_entry *entry)
{
    json_add_number(out, "id", entry->id);
    json_add_time(out, "time", entry->at);
    json_add_text(out, "user", entry->user);
    json_add_text(out, "op", entry->op);
    json_add_number(out, "status", (uint64_t)entry->status);
    json_add_open(out, "codes", '[');
    for (size_t i = 0; i < entry->codes_n; i++)
        json_add_text(out, NULL, entry->codes[i]);
    buf_add_char(out, ']');
    json_add_number(out, "ms", (uint64_t)entry->ms);
    json_add_text(out, "request_id", entry->request_id);
}

static bool write_line(void *arg, const struct reqlog_entry *entry)
{
    struct listing *listing = arg;
    struct buf *out = listing->out;
    if ((listing->op.len && !span_eq_nocase(listing->op, entry->op)) || !contains(entry->user, listing->user) ||
        (listing->status && listing->status != (uint64_t)entry->status))
        return true;
    json_add_open(out, NULL, '{');
    add_common(out, entry);
    json_add_number(out, "request_size", entry->request_size);
    json_add_number(out, "answer_size", entry->answer_size);
    buf_add_char(out, '}');
    return ++listing->n < listing->limit;
}

static int list(struct http_request *request, struct http_response *response)
{
    struct reqlog *log = request->server->log;
    struct listing listing = { .out = &response->body };
    struct rest_page page;
    uint64_t after = 0, before = 0, last = 0, dropped = 0;
    bool newest;
    if (!rest_page(request, &page, response) || !rest_number(request, "after", 0, INT64_MAX, &after, response) ||
        !rest_number(request, "before", 1, INT64_MAX, &before, response) || !rest_newest(request, &newest, response) ||
        !rest_text(request, "op", &listing.op, response) || !rest_text(request, "user", &listing.user, response) ||
        !rest_number(request, "status", 100, 599, &listing.status, response))
        return 0;
    listing.limit = page.limit;
    json_add_open(rest_begin(response), "requests", '[');
    if (log) {
        reqlog_counts(log, &last, &dropped);
        reqlog_each(log, after, before, newest, write_line, &listing);
    }
    buf_add_char(&response->body, ']');
    json_add_number(&response->body, "last", last);
    json_add_number(&response->body, "dropped", dropped);
    json_add_bool(&response->body, "on", log != NULL);
    return rest_end(response);
}

static int requests(struct http_request *request, struct http_response *response)
{
    struct reqlog *log = request->server->log;
    if (rest_is(request, "DELETE"))
        return rest_deleted(response, log ? reqlog_clear(log) : 0);
    return list(request, response);
}

/* ---- one ---- */

/* The next of "Name: value\n". */
static bool next_header(struct span *rest, struct span *ret_name, struct span *ret_value)
{
    const char *end = rest->len ? memchr(rest->ptr, '\n', rest->len) : NULL;
    if (!end)
        return false;
    struct span line = { rest->ptr, (size_t)(end - rest->ptr) };
    const char *colon = memchr(line.ptr, ':', line.len);
    *rest = (struct span){ end + 1, rest->len - line.len - 1 };
    *ret_name = (struct span){ line.ptr, colon ? (size_t)(colon - line.ptr) : line.len };
    *ret_value = colon ? span_trim((struct span){ colon + 1, (size_t)(end - colon - 1) }) : (struct span){ 0 };
    return true;
}

static void add_headers(struct buf *out, const char *name, struct span headers)
{
    struct span key, value;
    json_add_open(out, name, '[');
    while (next_header(&headers, &key, &value)) {
        json_add_open(out, NULL, '{');
        json_add_text(out, "name", key);
        json_add_text(out, "value", value);
        buf_add_char(out, '}');
    }
    buf_add_char(out, ']');
}

static struct span header_of(struct span headers, struct span wanted)
{
    struct span name, value;
    while (next_header(&headers, &name, &value))
        if (span_eq_nocase(name, wanted))
            return value;
    return (struct span){ 0 };
}

static void add_body(struct buf *out, const char *name, struct span text, uint64_t size)
{
    json_add_open(out, name, '{');
    json_add_text(out, "text", text);
    json_add_number(out, "size", size);
    json_add_bool(out, "cut", text.len < size);
    buf_add_char(out, '}');
}

static int add_findings(struct http_request *request, const struct reqlog_entry *entry, struct buf *out)
{
    static const char *const severities[] = { [LINT_ERROR] = "error", [LINT_WARNING] = "warning", [LINT_NOTE] = "note" };
    const struct lint_input input = { .body = entry->request, .content_type = header_of(entry->request_headers, SPAN("Content-Type")),
                                      .action = header_of(entry->request_headers, SPAN("SOAPAction")) };
    struct lint_finding *findings = NULL;
    size_t n = 0;
    int r = 0;
    if (span_is(entry->method, "POST"))
        r = entry->request.len && entry->request.len == entry->request_size
                ? lint_request(reqlog_linter(request->server->log), request->arena, &input, &findings, &n)
                : lint_headers(request->arena, &input, &findings, &n);
    if (r)
        return r;
    json_add_open(out, "findings", '[');
    for (size_t i = 0; i < n; i++) {
        json_add_open(out, NULL, '{');
        json_add_number(out, "line", findings[i].line);
        json_add_number(out, "column", findings[i].column);
        json_add_text(out, "severity", span_of(severities[findings[i].severity]));
        json_add_text(out, "rule", span_of(findings[i].rule));
        json_add_text(out, "message", findings[i].message);
        buf_add_char(out, '}');
    }
    buf_add_char(out, ']');
    return 0;
}

static int one(struct http_request *request, struct http_response *response)
{
    struct reqlog_entry entry;
    uint64_t id;
    if (!request->server->log || !rest_part(request->parts[0], &id))
        return rest_not_found(response, "request in the log");
    int r = reqlog_get(request->server->log, request->arena, id, &entry);
    if (r)
        return r < 0 ? r : rest_not_found(response, "request in the log");
    struct buf *out = rest_begin(response);
    add_common(out, &entry);
    json_add_text(out, "method", entry.method);
    json_add_text(out, "path", entry.path);
    add_headers(out, "request_headers", entry.request_headers);
    add_headers(out, "answer_headers", entry.answer_headers);
    add_body(out, "request", entry.request, entry.request_size);
    add_body(out, "answer", entry.answer, entry.answer_size);
    r = add_findings(request, &entry, out);
    return r ? r : rest_end(response);
}

const struct http_route http_route_dev_requests = {
    .path = "/dev/requests", .on = HTTP_ON_DEV, .methods = HTTP_GET | HTTP_DELETE, .rest = true, .handle = requests
};
const struct http_route http_route_dev_request = {
    .path = "/dev/requests/*", .on = HTTP_ON_DEV, .methods = HTTP_GET, .rest = true, .handle = one
};
