/*
 * See mailboxes.h.
 */
#include "http/mailboxes.h"

#include "base/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

void mailbox_view_init(struct mailbox_view *view, const struct op_env *env, const struct store_mailbox *mailbox)
{
    *view = (struct mailbox_view){ .mailbox = *mailbox, .key = &env->id_key, .epoch = store_epoch(env->store) };
}

/* A code, or what is fatal. */
static int none(int r, const char *what, struct http_response *response)
{
    if (r < 0)
        return r;
    return rest_not_found(response, what) ? -ENOMEM : 1;
}

int mailbox_open(struct http_request *request, struct store_tx **ret_tx, struct mailbox_view *ret_view, struct http_response *response)
{
    struct store_mailbox mailbox;
    int r = store_read_begin(request->server->ops->store, ret_tx);
    if (r)
        return r;
    r = store_mailbox_by_address(*ret_tx, request->arena, request->parts[0], &mailbox);
    if (r)
        return none(r, "mailbox", response);
    mailbox_view_init(ret_view, request->server->ops, &mailbox);
    return 0;
}

int mailbox_folder(struct store_tx *tx, struct http_request *request, const struct mailbox_view *view, struct folder *ret_folder,
                   struct http_response *response)
{
    enum folder_role role = folder_role_by_id(request->parts[1]);
    uint64_t no;
    int r = CODE_ErrorFolderNotFound;
    if (role)
        r = store_folder_by_role(tx, request->arena, view->mailbox.mailbox_id, role, ret_folder);
    else if (rest_part(request->parts[1], &no))
        r = store_folder_get(tx, request->arena, view->mailbox.mailbox_id, no, ret_folder);
    return r ? none(r, "folder", response) : 0;
}

void mailbox_add_number(struct buf *out, const char *name, uint64_t number)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRIu64, number);
    json_add_text(out, name, span_of(text));
}

static void add_ews_id(struct buf *out, const struct mailbox_view *view, struct ews_id id)
{
    struct buf text = BUF_INIT(4 * ID_TEXT_MAX);
    memcpy(id.mailbox, view->mailbox.guid, GUID_SIZE);
    id_encode(view->key, &id, &text);
    json_add_text(out, "ews_id", buf_span(&text));
    if (buf_error(&text))
        out->error = buf_error(&text);
    buf_done(&text);
}

void mailbox_add_folder_id(struct buf *out, const struct mailbox_view *view, uint64_t folder_no)
{
    mailbox_add_number(out, "id", folder_no);
    add_ews_id(out, view, (struct ews_id){ .kind = ID_FOLDER, .folder = folder_no });
}

void mailbox_add_item_id(struct buf *out, const struct mailbox_view *view, const struct item *item)
{
    mailbox_add_number(out, "id", item->item_no);
    add_ews_id(out, view, (struct ews_id){ .kind = ID_ITEM, .folder = item->folder_no, .item = item->item_no });
}

void mailbox_add_change_key(struct buf *out, const struct mailbox_view *view, const struct item *item)
{
    struct buf text = BUF_INIT(4 * ID_TEXT_MAX);
    enum change_key_kind kind = item->kind == ITEM_KIND_CALENDAR ? CHANGE_KEY_CALENDAR : CHANGE_KEY_MESSAGE;
    change_key_encode(kind, view->epoch, item->key_no, &text);
    json_add_text(out, "change_key", buf_span(&text));
    if (buf_error(&text))
        out->error = buf_error(&text);
    buf_done(&text);
}

void mailbox_add_item_line(struct buf *out, const struct item *item)
{
    static const char *const importances[] = { "low", "normal", "high" };
    bool known = item->importance >= IMPORTANCE_LOW && item->importance <= IMPORTANCE_HIGH;
    json_add_text(out, "class", item->item_class);
    json_add_text(out, "subject", item->subject);
    rest_add_person(out, "from", &item->from);
    json_add_time(out, "time", item->received != WHEN_NONE ? item->received : item->created != WHEN_NONE ? item->created : 0);
    json_add_number(out, "size", item->size);
    json_add_bool(out, "read", item->flags & ITEM_READ);
    json_add_bool(out, "draft", item->flags & ITEM_DRAFT);
    json_add_text(out, "importance", span_of(importances[known ? item->importance : IMPORTANCE_NORMAL]));
}
