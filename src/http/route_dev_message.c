/*
 * One captured message: raw, which a browser is told to save and never to show;
 * taken apart; as a page that can do nothing; its attachments. Exists only in
 * `ewsd dev`.
 */
#include "http/captured.h"

#include "mime/mime.h"

/* 0; 1: response says that there is none. */
static int read_raw(struct http_request *request, struct span *ret_raw, struct http_response *response)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    uint64_t no;
    if (!rest_part(request->parts[0], &no))
        return rest_not_found(response, "message") ? -ENOMEM : 1;
    int r = store_read_begin(request->server->ops->store, &tx);
    if (r == 0)
        r = store_capture_raw(tx, request->arena, no, ret_raw);
    return r > 0 && rest_not_found(response, "message") ? -ENOMEM : r;
}

static int read_item(struct http_request *request, struct item *ret_item, struct http_response *response)
{
    struct span raw;
    int r = read_raw(request, &raw, response);
    if (r)
        return r;
    item_init(ret_item);
    r = mime_read(raw, request->arena, ret_item);
    if (r > 0 && rest_error(response, 500, "Internal", "The message cannot be parsed; it can be fetched as it is."))
        return -ENOMEM;
    return r;
}

static int delete_job(struct store_tx *tx, void *arg)
{
    return store_capture_delete(tx, *(const uint64_t *)arg);
}

static int delete_one(struct http_request *request, struct http_response *response)
{
    uint64_t no;
    if (!rest_part(request->parts[0], &no))
        return rest_not_found(response, "message");
    int r = store_write(request->server->ops->store, delete_job, &no);
    if (r > 0)
        return rest_not_found(response, "message");
    return r ? r : rest_deleted(response, 1);
}

static int message(struct http_request *request, struct http_response *response)
{
    struct span raw;
    if (rest_is(request, "DELETE"))
        return delete_one(request, response);
    int r = read_raw(request, &raw, response);
    if (r)
        return r < 0 ? r : 0;
    return rest_save_message(request, response, raw);
}

static int details(struct http_request *request, struct http_response *response)
{
    uint64_t no;
    if (!rest_part(request->parts[0], &no))
        return rest_not_found(response, "message");
    return captured_answer(request, no, response);
}

static int html(struct http_request *request, struct http_response *response)
{
    struct item item;
    int r = read_item(request, &item, response);
    if (r)
        return r < 0 ? r : 0;
    return rest_show(&item, response);
}

static int attachment(struct http_request *request, struct http_response *response)
{
    struct item item;
    int r = read_item(request, &item, response);
    if (r)
        return r < 0 ? r : 0;
    return rest_save_attachment(request, &item, request->parts[1], response);
}

const struct http_route http_route_dev_message = {
    .path = "/dev/messages/*", .on = HTTP_ON_DEV, .methods = HTTP_GET | HTTP_DELETE, .rest = true, .handle = message
};
const struct http_route http_route_dev_message_json = {
    .path = "/dev/messages/*/json", .on = HTTP_ON_DEV, .methods = HTTP_GET, .rest = true, .handle = details
};
const struct http_route http_route_dev_message_html = {
    .path = "/dev/messages/*/html", .on = HTTP_ON_DEV, .methods = HTTP_GET, .rest = true, .handle = html
};
const struct http_route http_route_dev_message_attachment = {
    .path = "/dev/messages/*/attachments/*", .on = HTTP_ON_DEV, .methods = HTTP_GET, .rest = true, .handle = attachment
};
