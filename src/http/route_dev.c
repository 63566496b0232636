/*
 * GET /dev/messages: what was captured, as JSON, newest last; after= and
 * limit= page it. GET /dev/messages/ID: the raw message, which a browser is
 * told to save and never to show. Both exist only in `ewsd dev`.
 */
#include "http/http.h"

#include "base/json.h"
#include "base/when.h"
#include "store/store_capture.h"

#define ITEM_PATH "/dev/messages/"
#define LIMIT_MAX 100000

static void json_entry(struct buf *out, const struct store_capture *entry)
{
    char time[WHEN_XS_SIZE];
    when_format_xs(entry->at, time);
    buf_add_str(out, "{\"id\":");
    buf_add_u64(out, entry->capture_no);
    buf_add_str(out, ",\"sender\":");
    json_add_string(out, entry->sender);
    buf_add_str(out, ",\"recipients\":[");
    for (size_t i = 0; i < entry->rcpts_n; i++) {
        if (i)
            buf_add_char(out, ',');
        json_add_string(out, entry->rcpts[i]);
    }
    buf_add_str(out, "],\"subject\":");
    json_add_string(out, entry->subject);
    buf_add_str(out, ",\"size\":");
    buf_add_u64(out, entry->size);
    buf_add_str(out, ",\"time\":");
    json_add_string(out, span_of(time));
    buf_add_char(out, '}');
}

static int plain(struct http_response *response, int status, const char *text)
{
    response->status = status;
    response->content_type = "text/plain; charset=utf-8";
    buf_add_str(&response->body, text);
    return buf_error(&response->body);
}

/* An absent parameter leaves ret_value as it is. */
static bool number_of(const struct http_request *request, const char *name, int64_t max, uint64_t *ret_value)
{
    struct span text;
    int64_t value;
    if (!http_query(request, name, &text))
        return true;
    if (!span_int(text, false, 0, max, &value))
        return false;
    *ret_value = (uint64_t)value;
    return true;
}

static int list(struct http_request *request, uint64_t after, uint64_t limit, struct http_response *response)
{
    struct store_tx *tx;
    struct store_capture *entries;
    size_t n;
    int r = store_read_begin(request->server->ops->store, &tx);
    if (r)
        return r;
    r = store_capture_list(tx, request->arena, after, limit, &entries, &n);
    store_read_end(tx);
    if (r)
        return r < 0 ? r : -EIO;
    response->content_type = "application/json";
    buf_add_char(&response->body, '[');
    for (size_t i = 0; i < n; i++) {
        buf_add_str(&response->body, i ? ",\n" : "\n");
        json_entry(&response->body, &entries[i]);
    }
    buf_add_str(&response->body, n ? "\n]\n" : "]\n");
    return buf_error(&response->body);
}

static int messages(struct http_request *request, struct http_response *response)
{
    uint64_t after = 0, limit = 0;
    if (!number_of(request, "after", INT64_MAX, &after) || !number_of(request, "limit", LIMIT_MAX, &limit))
        return plain(response, 400, "after and limit are numbers\n");
    return list(request, after, limit, response);
}

static int message(struct http_request *request, struct http_response *response)
{
    struct span id = { request->path.ptr + sizeof(ITEM_PATH) - 1, request->path.len - (sizeof(ITEM_PATH) - 1) };
    struct store_tx *tx;
    struct span raw;
    int64_t number;
    if (!span_int(id, false, 1, INT64_MAX, &number))
        return plain(response, 404, "there is no such message\n");
    int r = store_read_begin(request->server->ops->store, &tx);
    if (r)
        return r;
    r = store_capture_raw(tx, request->arena, (uint64_t)number, &raw);
    store_read_end(tx);
    if (r > 0)
        return plain(response, 404, "there is no such message\n");
    if (r)
        return r;
    response->content_type = "message/rfc822";
    response->headers[0].name = "X-Content-Type-Options";
    response->headers[0].value = SPAN("nosniff");
    response->headers[1].name = "Content-Disposition";
    response->headers[1].value = SPAN("attachment; filename=\"message.eml\"");
    buf_add_span(&response->body, raw);
    return buf_error(&response->body);
}

const struct http_route http_route_dev_messages = {
    .path = "/dev/messages", .on = HTTP_ON_DEV, .methods = HTTP_GET, .handle = messages
};
const struct http_route http_route_dev_message = {
    .path = ITEM_PATH, .on = HTTP_ON_DEV, .prefix = true, .methods = HTTP_GET, .handle = message
};
