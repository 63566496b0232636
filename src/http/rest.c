/*
 * See rest.h. Names of attachments and types come from strangers: none of
 * either gets into a header but in a form that cannot end it.
 */
#include "http/rest.h"

#include "base/json.h"
#include "http/guard.h"

#include <inttypes.h>
#include <stdio.h>

#define LIMIT_USUAL 100
#define LIMIT_MAX 1000
#define OFFSET_MAX 1000000000

/* ---- errors ---- */

static int write_error(struct http_response *response, int status, const char *code, struct span message)
{
    response->status = status;
    response->content_type = "application/json";
    buf_clear(&response->body);
    buf_add_str(&response->body, "{\"error\":{\"code\":");
    json_add_string(&response->body, span_of(code));
    buf_add_str(&response->body, ",\"message\":");
    json_add_string(&response->body, message);
    buf_add_str(&response->body, "}}\n");
    return buf_error(&response->body);
}

int rest_error(struct http_response *response, int status, const char *code, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    size_t n = len < 0 ? 0 : (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1;
    return write_error(response, status, code, (struct span){ text, n });
}

int rest_not_found(struct http_response *response, const char *what)
{
    return rest_error(response, 404, "NotFound", "There is no such %s.", what);
}

void rest_refuse(int status, struct http_response *response)
{
    static const struct {
        int status;
        const char *code, *message;
    } rows[] = {
        { 401, "NotLoggedIn", "Log in first." },
        { 403, "Forbidden", "The request comes from a page of another server (Origin), or without the token of its session (X-Ewsd-Token). Call from a page "
          "of this one, or from a program; log in again." },
        { 404, "NotFound", "There is nothing here. /dev/openapi.json of ewsd dev describes what there is." },
        { 405, "MethodNotAllowed", "This method is not allowed here; the header Allow names those that are." },
        { 413, "TooLarge", "The body is larger than what is taken here." },
        { 415, "WrongContentType", "Send JSON: Content-Type application/json." },
        { 503, "Busy", "The server is busy. Try again later." },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].status == status) {
            (void)write_error(response, status, rows[i].code, span_of(rows[i].message));
            return;
        }
    struct span reason = span_of(guard_reason(status));
    (void)write_error(response, status, status == 500 ? "Internal" : "Refused", (struct span){ reason.ptr, reason.len - 1 });
}

/* ---- parameters ---- */

bool rest_number(const struct http_request *request, const char *name, uint64_t least, uint64_t most, uint64_t *ret_value,
                 struct http_response *response)
{
    struct span text;
    int64_t value;
    if (!http_query(request, name, &text))
        return true;
    if (!span_int(text, false, (int64_t)least, (int64_t)most, &value)) {
        (void)rest_error(response, 400, "BadParameter", "%s is a number from %" PRIu64 " to %" PRIu64 ".", name, least, most);
        return false;
    }
    *ret_value = (uint64_t)value;
    return true;
}

bool rest_text(const struct http_request *request, const char *name, struct span *ret_value, struct http_response *response)
{
    struct span text;
    if (!http_query(request, name, &text))
        return true;
    if (text.len > REST_TEXT_MAX || !span_utf8_ok(text)) {
        (void)rest_error(response, 400, "BadParameter", "%s is UTF-8 of at most %d bytes.", name, REST_TEXT_MAX);
        return false;
    }
    *ret_value = text;
    return true;
}

bool rest_newest(const struct http_request *request, bool *ret_newest, struct http_response *response)
{
    struct span order = SPAN("oldest");
    if (!rest_text(request, "order", &order, response))
        return false;
    *ret_newest = span_is(order, "newest");
    if (*ret_newest || span_is(order, "oldest"))
        return true;
    (void)rest_error(response, 400, "BadParameter", "order is oldest or newest: what comes first.");
    return false;
}

bool rest_page(const struct http_request *request, struct rest_page *ret_page, struct http_response *response)
{
    *ret_page = (struct rest_page){ .limit = LIMIT_USUAL };
    return rest_number(request, "limit", 1, LIMIT_MAX, &ret_page->limit, response) &&
           rest_number(request, "offset", 0, OFFSET_MAX, &ret_page->offset, response);
}

bool rest_part(struct span part, uint64_t *ret_value)
{
    int64_t value;
    if (!span_int(part, false, 1, INT64_MAX, &value))
        return false;
    *ret_value = (uint64_t)value;
    return true;
}

bool rest_is(const struct http_request *request, const char *method)
{
    return strcmp(request->method, method) == 0;
}

/* ---- JSON ---- */

struct buf *rest_begin(struct http_response *response)
{
    response->content_type = "application/json";
    buf_add_char(&response->body, '{');
    return &response->body;
}

int rest_end(struct http_response *response)
{
    buf_add_str(&response->body, "}\n");
    return buf_error(&response->body);
}

int rest_end_page(struct http_response *response, const struct rest_page *page, size_t n, uint64_t total)
{
    struct buf *out = &response->body;
    buf_add_char(out, ']');
    json_add_number(out, "total", total);
    if (page->offset + n < total)
        json_add_number(out, "next", page->offset + n);
    else
        json_add_null(out, "next");
    return rest_end(response);
}

int rest_deleted(struct http_response *response, uint64_t n)
{
    json_add_number(rest_begin(response), "deleted", n);
    return rest_end(response);
}
