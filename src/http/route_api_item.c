/*
 * One item of a mailbox: taken apart, as a message to be saved, as a page that
 * can do nothing, its attachments.
 */
#include "http/mailboxes.h"

#include "base/json.h"
#include "mime/mime.h"
#include "ops/mimeof.h"

#include <errno.h>

/* 1: response says that there is none. */
static int open_item(struct http_request *request, unsigned depth, struct store_tx **ret_tx, struct mailbox_view *ret_view,
                     struct item *ret_item, struct http_response *response)
{
    uint64_t no;
    int r = mailbox_open(request, ret_tx, ret_view, response);
    if (r)
        return r;
    r = rest_part(request->parts[1], &no) ? store_item_get(*ret_tx, request->arena, ret_view->mailbox.mailbox_id, no,
                                                           depth | STORE_DAMAGED, ret_item)
                                          : CODE_ErrorItemNotFound;
    return r > 0 && rest_not_found(response, "item") ? -ENOMEM : r;
}

/* As GetItem's MimeContent. 1: it cannot be written as a message. */
static int write_raw(struct item *item, struct buf *out)
{
    int r = mime_of_item(item, NULL, out);
    return r > 0 ? 1 : r ? r : buf_error(out);
}

static int read_headers(struct http_request *request, struct item *item, struct item_header_list *ret_headers, struct buf *raw)
{
    *ret_headers = (struct item_header_list){ 0 };
    int r = write_raw(item, raw);
    return r > 0 ? 0 : r ? r : mime_fields(buf_span(raw), request->arena, ret_headers);
}

static int write_details(const struct mailbox_view *view, const struct item *item, const struct item_header_list *headers,
                         struct http_response *response)
{
    struct buf *out = rest_begin(response);
    mailbox_add_item_id(out, view, item);
    mailbox_add_change_key(out, view, item);
    mailbox_add_number(out, "folder", item->folder_no);
    mailbox_add_item_line(out, item);
    rest_add_person(out, "sender", &item->sender);
    rest_add_people(out, "to", &item->to);
    rest_add_people(out, "cc", &item->cc);
    rest_add_people(out, "bcc", &item->bcc);
    rest_add_people(out, "reply_to", &item->reply_to);
    json_add_time(out, "created", item->created);
    json_add_time(out, "sent", item->sent);
    json_add_text(out, "message_id", item->message_id);
    rest_add_headers(out, "headers", headers);
    int r = rest_add_content(out, item);
    return r ? r : rest_end(response);
}

static int details(struct http_request *request, struct http_response *response)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    struct buf raw = BUF_INIT(response->body.max);
    struct item_header_list headers;
    struct mailbox_view view;
    struct item item;
    int r = open_item(request, STORE_ALL, &tx, &view, &item, response);
    if (r)
        return r < 0 ? r : 0;
    r = read_headers(request, &item, &headers, &raw);
    if (r == 0)
        r = write_details(&view, &item, &headers, response);
    buf_done(&raw);
    return r;
}

static int raw(struct http_request *request, struct http_response *response)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    struct buf bytes = BUF_INIT(response->body.max);
    struct mailbox_view view;
    struct item item;
    int r = open_item(request, STORE_ALL, &tx, &view, &item, response);
    if (r)
        return r < 0 ? r : 0;
    r = write_raw(&item, &bytes);
    if (r == 0)
        r = rest_save_message(request, response, buf_span(&bytes));
    buf_done(&bytes);
    return r > 0 ? rest_error(response, 404, "NotFound", "The item cannot be written as a message.") : r;
}

static int html(struct http_request *request, struct http_response *response)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    struct mailbox_view view;
    struct item item;
    int r = open_item(request, STORE_BODY | STORE_ATTACHMENTS | STORE_DATA, &tx, &view, &item, response);
    if (r)
        return r < 0 ? r : 0;
    return rest_show(&item, response);
}

static int attachment(struct http_request *request, struct http_response *response)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    struct mailbox_view view;
    struct item item;
    int r = open_item(request, STORE_ATTACHMENTS | STORE_DATA | STORE_LAZY, &tx, &view, &item, response);
    if (r)
        return r < 0 ? r : 0;
    return rest_save_attachment(request, &item, request->parts[2], response);
}

const struct http_route http_route_api_item = {
    .path = "/api/mailboxes/*/items/*", .on = HTTP_ON_DEV | HTTP_ON_ADMIN, .methods = HTTP_GET, .rest = true, .handle = details
};
const struct http_route http_route_api_item_raw = {
    .path = "/api/mailboxes/*/items/*/raw", .on = HTTP_ON_DEV | HTTP_ON_ADMIN, .methods = HTTP_GET, .rest = true, .handle = raw
};
const struct http_route http_route_api_item_html = {
    .path = "/api/mailboxes/*/items/*/html", .on = HTTP_ON_DEV | HTTP_ON_ADMIN, .methods = HTTP_GET, .rest = true, .handle = html
};
const struct http_route http_route_api_attachment = {
    .path = "/api/mailboxes/*/items/*/attachments/*", .on = HTTP_ON_DEV | HTTP_ON_ADMIN, .methods = HTTP_GET, .rest = true,
    .handle = attachment
};
