/*
 * CreateItem (protocol.md 3.1): for messages and posts the three dispositions;
 * MimeContent first, structured properties over it. Calendar items, contacts,
 * lists and tasks are saved in folders of their kind. What kinds.def does not
 * name is refused one by one with ErrorInvalidItemForOperationCreateItem.
 */
#include "mime/mime.h"
#include "model/conversation.h"
#include "ops/calendar.h"
#include "ops/limits.h"
#include "ops/once.h"
#include "ops/sending.h"
#include "store/store_content.h"

enum disposition { SAVE_ONLY, SEND_ONLY, SEND_AND_SAVE };

struct creates {
    bool has_disposition;
    enum disposition disposition;
    const struct xml_node *folder;
    const struct access *access; /* to its mailbox */
    int refused;                 /* why nothing may be put there, or 0 */
    struct item *items; /* as read from the request */
    struct item *saved; /* with its numbers */
    struct sent_ids sent;
    bool sends; /* some of them */
};

static bool is_mail(const struct item *item)
{
    return kind_is_message(item->kind) || item->kind == ITEM_KIND_POST;
}

/* Only mail can be sent. */
static enum disposition disposition_of(const struct creates *c, const struct item *item)
{
    return is_mail(item) ? c->disposition : SAVE_ONLY;
}

/* The message of the MIME, if there is one. */
static int read_mime(struct op_call *call, const struct xml_node *node, enum item_kind kind, struct span *ret_mime, struct item *item,
                     struct op_result *ret_result)
{
    int r = shape_read_mime(call->arena, node, ret_mime);
    if (r || !ret_mime->len)
        return r;
    if (kind != ITEM_KIND_POST && !kind_is_message(kind))
        return CODE_ErrorUnsupportedMimeConversion;
    if ((r = limits_size(call, ret_mime->len, ret_result)))
        return r;
    return mime_read(*ret_mime, call->arena, item);
}

/* What the MIME says, then what stands beside it. */
static int read_one(struct op_call *call, const struct xml_node *node, bool has_disposition, struct item *item,
                    struct op_result *ret_result)
{
    struct span mime;
    bool structured;
    enum item_kind kind = kind_by_element(node->name);
    if (kind == ITEM_KIND_NONE || xml_is(node, XML_NS_T, "Item"))
        return CODE_ErrorInvalidItemForOperationCreateItem;
    if (kind == ITEM_KIND_MESSAGE && !has_disposition)
        return CODE_ErrorMessageDispositionRequired;
    item_init(item);
    int r = read_mime(call, node, kind, &mime, item, ret_result);
    if (r)
        return r;
    item->item_class = span_of(kind_info(kind)->item_class);
    item->kind = kind;
    item->flags |= ITEM_UNMODIFIED | (is_mail(item) ? ITEM_DRAFT : ITEM_READ);
    r = shape_read_item(call->arena, node, item, &structured, &ret_result->culprit);
    if (!r && mime.len && !structured)
        item->mime = mime;
    if (r == 0 && !kind_is_message(kind))
        r = shape_settle(call->arena, NULL, item);
    if (r == 0)
        r = limits_attachments(call, item->attachments.n, ret_result);
    return r ? r : calendar_check(call, item, "SendMeetingInvitations", CODE_ErrorSendMeetingInvitationsRequired, ret_result);
}

/* In another's mailbox a message is from its owner (decisions 6). */
static int complete(const struct op_call *call, const struct access *access, struct item *item)
{
    const struct store_mailbox *owner = &access->mailbox, *mailbox = call->mailbox;
    const struct rcpt self = { .name = mailbox->display_name, .address = mailbox->address };
    item->mailbox_id = owner->mailbox_id;
    item->creator_id = access_creator(call, access);
    item->size = item_content_size(item);
    item->created = item->modified = when_now();
    item->last_modified_name = mailbox->display_name;
    if (is_mail(item) && !rcpt_is_set(&item->from))
        item->from = !access->own ? (struct rcpt){ .name = owner->display_name, .address = owner->address }
                     : rcpt_is_set(&item->sender) ? item->sender
                                                  : self;
    if (is_mail(item) && !rcpt_is_set(&item->sender))
        item->sender = self;
    if (item->kind == ITEM_KIND_CALENDAR) /* its organizer */
        item->from = (struct rcpt){ .name = owner->display_name, .address = owner->address };
    item->from.type = RCPT_FROM;
    item->sender.type = RCPT_SENDER;
    if (item->received == WHEN_NONE)
        item->received = item->created;
    if (!item->conversation_topic.len)
        item->conversation_topic = mapi_subject_plain(item->subject);
    return is_mail(item) ? conversation_begin(call->arena, item) : 0;
}

static int save_folder(struct op_call *call, struct store_tx *tx, const struct creates *c, const struct item *item,
                       struct target_folder *ret_folder)
{
    const enum disposition disposition = disposition_of(c, item);
    enum folder_role usual = disposition == SAVE_ONLY ? kind_info(item->kind)->folder : FOLDER_ROLE_sentitems;
    *ret_folder = (struct target_folder){ .access = &call->own };
    if (disposition == SEND_ONLY)
        return 0;
    if (!c->folder)
        target_own_folder(call, usual, ret_folder);
    int r = c->folder ? target_folder(call, tx, c->folder, FOLDER_RIGHT_CREATE, ret_folder) : 0;
    return r ? r : kind_check_folder(item->kind, ret_folder->folder.class);
}

/* A delegate who may not send leaves the message in the principal's Drafts
 * (protocol.md 2.8, D4), as far as it may write there. */
static int leave_in_drafts(struct op_call *call, struct store_tx *tx, struct creates *c, size_t index,
                           const struct target_folder *folder, struct op_result *ret_result)
{
    struct item item = c->items[index];
    uint32_t rights;
    int r = access_rights(call, tx, folder->access, FOLDER_ROLE_drafts, &rights);
    if (r || !(rights & FOLDER_RIGHT_CREATE))
        return r;
    item.folder_no = FOLDER_ROLE_drafts;
    ret_result->keep = true;
    return store_item_insert(tx, &item);
}

static int send_new(struct op_call *call, struct store_tx *tx, struct creates *c, size_t index, const struct target_folder *folder,
                    struct op_result *ret_result)
{
    struct item item = c->items[index];
    struct outbox_sent *sent = &c->sent.v[index];
    struct outbox_submit submit = sending_submit(call, folder->access);
    sending_into(&submit, folder);
    c->sent.copies = folder->access;
    int code = outbox_submit_new(tx, &submit, &item, sent), r = 0;
    if (code == CODE_ErrorSendAsDenied && submit.save_folder && !folder->access->own)
        r = leave_in_drafts(call, tx, c, index, folder, ret_result);
    if (r)
        return r;
    return code > 0 ? sending_refused(call, code, sent, ret_result) : code;
}

static int create_one(struct op_call *call, struct store_tx *tx, size_t index, struct op_result *ret_result, void *arg)
{
    struct creates *c = arg;
    struct item item = c->items[index]; /* the job may run again */
    struct target_folder folder;
    int r = save_folder(call, tx, c, &item, &folder);
    if (r)
        return r;
    if (disposition_of(c, &item) != SAVE_ONLY)
        return send_new(call, tx, c, index, &folder, ret_result);
    item.folder_no = folder.folder.folder_no;
    if ((r = store_item_insert(tx, &item)))
        return r;
    c->saved[index] = item;
    return 0;
}

/* Completes an item that was read, and stores what is long of it. What is only
 * sent is in no folder, so in one's own mailbox (protocol.md 2.8, D3). */
static int prepare(struct op_call *call, const struct creates *c, struct item *item)
{
    bool send_only = disposition_of(c, item) == SEND_ONLY;
    if (c->refused && !send_only)
        return c->refused;
    int r = complete(call, send_only ? &call->own : c->access, item);
    return r ? r : op_code_of(store_stage_item(call->env->store, item));
}

static void parse(const struct op_call *call, struct creates *c)
{
    struct span text;
    c->has_disposition = xml_attr(call->node, "MessageDisposition", &text);
    if (c->has_disposition)
        c->disposition = span_is(text, "SendOnly") ? SEND_ONLY : span_is(text, "SendAndSaveCopy") ? SEND_AND_SAVE : SAVE_ONLY;
}

static void answer(struct op_call *call, size_t index, const struct op_result *result, void *arg)
{
    const struct creates *c = arg;
    const struct item *saved = &c->saved[index];
    struct shape_ids ids = access_ids(call, c->access);
    op_message_begin(call, "m:CreateItemResponseMessage", result);
    xw_open(call->xw, "m:Items");
    if (!result->code && saved->item_no)
        shape_write_item_ref(call->xw, &ids, saved);
    xw_close(call->xw);
    op_message_end(call);
}

static int finish(struct op_call *call, int r, struct op_items *items)
{
    struct creates *c = items->arg;
    for (size_t i = 0; i < items->n; i++)
        if (r || items->results[i].code || items->results[i].kept)
            (void)store_stage_discard(call->env->store, &c->items[i]); /* in vain: an hour later */
    if (r)
        return r;
    if (c->sends)
        sending_done(call, &c->sent, items->results);
    return items_answer(call, items);
}

static int read_all(struct op_call *call, struct creates *c, const struct op_items *items)
{
    const int full = limits_room(call);
    for (size_t i = 0; i < items->n; i++) {
        struct op_result *result = &items->results[i];
        int code = full ? full : read_one(call, items->nodes[i], c->has_disposition, &c->items[i], result);
        if (code == 0)
            code = prepare(call, c, &c->items[i]);
        c->sends = c->sends || (code == 0 && disposition_of(c, &c->items[i]) != SAVE_ONLY);
        if (code < 0)
            return code;
        result->code = code;
    }
    return 0;
}

int op_run_CreateItem(struct op_call *call)
{
    static const struct op_verbs verbs = { create_one, answer, finish };
    struct op_items *items;
    struct creates *c = arena_alloc(call->arena, sizeof(*c));
    int r = c ? items_of(call, "Items", &verbs, c, &items) : -ENOMEM;
    if (r)
        return r;
    const size_t n = items->n;
    *c = (struct creates){ .folder = target_saved_folder(call), .items = arena_array(call->arena, n + 1, sizeof(*c->items)),
                           .saved = arena_array(call->arena, n + 1, sizeof(*c->saved)),
                           .sent = { .v = arena_array(call->arena, n + 1, sizeof(*c->sent.v)), .n = n } };
    if (!c->items || !c->saved || !c->sent.v)
        return -ENOMEM;
    if ((r = once_check(call, n)))
        return r;
    parse(call, c);
    c->refused = target_folder_ahead(call, c->folder, FOLDER_RIGHT_CREATE, &c->access);
    r = c->refused < 0 ? c->refused : read_all(call, c, items);
    return r ? r : once_write_items(call, items, &c->sent);
}
