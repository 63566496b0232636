/*
 * CreateItem (protocol.md 3.1): for messages and posts the three dispositions;
 * MimeContent first, structured properties over it. Calendar items, contacts,
 * lists and tasks are saved in folders of their kind. Response objects (respond.h)
 * make a message of another, and go the same way. What kinds.def does not
 * name is refused one by one with ErrorInvalidItemForOperationCreateItem.
 */
#include "model/conversation.h"
#include "ops/calendar.h"
#include "ops/limits.h"
#include "ops/once.h"
#include "ops/reading.h"
#include "ops/respond.h"
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
    struct response *responses; /* info: NULL where an item is no response */
    struct sent_ids sent;
    bool sends; /* some of them */
};

/* Only mail can be sent. A reply to a post is one more post. */
static enum disposition disposition_of(const struct creates *c, size_t index)
{
    const struct respond_info *info = c->responses[index].info;
    bool sent = kind_is_mail(c->items[index].kind) && (!info || respond_needs_disposition(info));
    return sent ? c->disposition : SAVE_ONLY;
}

static int read_one(struct op_call *call, const struct xml_node *node, bool has_disposition, struct item *item,
                    struct op_result *ret_result)
{
    if (reading_kind(node) == ITEM_KIND_MESSAGE && !has_disposition)
        return CODE_ErrorMessageDispositionRequired;
    int r = reading_item(call, node, item, ret_result);
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
    if (kind_is_mail(item->kind) && !rcpt_is_set(&item->from))
        item->from = !access->own ? (struct rcpt){ .name = owner->display_name, .address = owner->address }
                     : rcpt_is_set(&item->sender) ? item->sender
                                                  : self;
    if (kind_is_mail(item->kind) && !rcpt_is_set(&item->sender))
        item->sender = self;
    if (item->kind == ITEM_KIND_CALENDAR) /* its organizer */
        item->from = (struct rcpt){ .name = owner->display_name, .address = owner->address };
    item->from.type = RCPT_FROM;
    item->sender.type = RCPT_SENDER;
    if (item->received == WHEN_NONE)
        item->received = item->created;
    if (!item->conversation_topic.len)
        item->conversation_topic = mapi_subject_plain(item->subject);
    return kind_is_mail(item->kind) ? conversation_begin(call->arena, item) : 0;
}

static int save_folder(struct op_call *call, struct store_tx *tx, const struct creates *c, size_t index,
                       struct target_folder *ret_folder)
{
    const struct item *item = &c->items[index];
    const enum disposition disposition = disposition_of(c, index);
    enum folder_role usual = disposition == SAVE_ONLY ? kind_info(item->kind)->folder : FOLDER_ROLE_sentitems;
    *ret_folder = (struct target_folder){ .access = &call->own };
    if (disposition == SEND_ONLY)
        return 0;
    if (!c->folder)
        target_own_folder(call, usual, ret_folder);
    const uint64_t beside = c->folder ? 0 : respond_folder(call, &c->responses[index]);
    int r = c->folder ? target_folder(call, tx, c->folder, FOLDER_RIGHT_CREATE, ret_folder) : 0;
    if (beside)
        r = store_folder_get(tx, call->arena, call->mailbox->mailbox_id, beside, &ret_folder->folder);
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
    if (code == 0 && c->responses[index].info)
        code = respond_mark(call, tx, &c->responses[index], item.mailbox_id);
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
    const struct response *response = &c->responses[index];
    struct target_folder folder;
    if (response->info && !respond_creates(response->info))
        return respond_suppress(call, tx, response);
    int r = response->info ? respond_check(call, tx, response) : 0;
    if (r || (r = save_folder(call, tx, c, index, &folder)))
        return r;
    if (disposition_of(c, index) != SAVE_ONLY)
        return send_new(call, tx, c, index, &folder, ret_result);
    item.folder_no = folder.folder.folder_no;
    if ((r = store_item_insert(tx, &item)))
        return r;
    c->saved[index] = item;
    return 0;
}

/* Completes an item that was read, and stores what is long of it. What is only
 * sent is in no folder, so in one's own mailbox (protocol.md 2.8, D3). */
static int prepare(struct op_call *call, const struct creates *c, size_t index)
{
    struct item *item = &c->items[index];
    bool send_only = disposition_of(c, index) == SEND_ONLY;
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

/* What a response is made of; nothing for one that makes no item. */
static int read_response(struct op_call *call, struct creates *c, size_t index, const struct xml_node *node,
                         struct op_result *ret_result)
{
    const struct respond_info *info = respond_find(node);
    bool own = c->disposition == SEND_ONLY || c->refused;
    if (respond_needs_disposition(info) && !c->has_disposition)
        return CODE_ErrorMessageDispositionRequired;
    if (c->refused && c->disposition != SEND_ONLY && respond_creates(info))
        return c->refused;
    int r = respond_compose(call, node, own ? call->mailbox->mailbox_id : c->access->mailbox.mailbox_id, &c->responses[index],
                            &c->items[index], ret_result);
    if (r == 0 && !respond_creates(info))
        c->items[index].kind = ITEM_KIND_NONE;
    return r;
}

static int read_all(struct op_call *call, struct creates *c, const struct op_items *items)
{
    const int full = limits_room(call);
    for (size_t i = 0; i < items->n; i++) {
        struct op_result *result = &items->results[i];
        bool response = respond_find(items->nodes[i]);
        int code = full ? full : response ? read_response(call, c, i, items->nodes[i], result)
                                          : read_one(call, items->nodes[i], c->has_disposition, &c->items[i], result);
        if (code == 0 && c->items[i].kind)
            code = prepare(call, c, i);
        c->sends = c->sends || (code == 0 && disposition_of(c, i) != SAVE_ONLY);
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
                           .responses = arena_array(call->arena, n + 1, sizeof(*c->responses)),
                           .sent = { .v = arena_array(call->arena, n + 1, sizeof(*c->sent.v)), .n = n } };
    if (!c->items || !c->saved || !c->responses || !c->sent.v)
        return -ENOMEM;
    if ((r = once_check(call, n)))
        return r;
    parse(call, c);
    c->refused = target_folder_ahead(call, c->folder, FOLDER_RIGHT_CREATE, &c->access);
    r = c->refused < 0 ? c->refused : read_all(call, c, items);
    return r ? r : once_write_items(call, items, &c->sent);
}
