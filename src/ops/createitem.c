/*
 * CreateItem (protocol.md 3.1): for messages and posts the three dispositions;
 * MimeContent first, structured properties over it. Calendar items, contacts,
 * lists and tasks are saved in folders of their kind. What kinds.def does not
 * name is refused one by one with ErrorInvalidItemForOperationCreateItem.
 */
#include "mime/mime.h"
#include "ops/calendar.h"
#include "ops/limits.h"
#include "ops/once.h"
#include "ops/sending.h"
#include "ops/target.h"
#include "store/store_content.h"

enum disposition { SAVE_ONLY, SEND_ONLY, SEND_AND_SAVE };

struct creates {
    bool has_disposition;
    enum disposition disposition;
    const struct xml_node *folder;
    struct item *items; /* as read from the request */
    struct item *saved; /* with its numbers */
    struct sent_ids sent;
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
    return r ? r : calendar_check(call, item, "SendMeetingInvitations", CODE_ErrorSendMeetingInvitationsRequired, ret_result);
}

static void complete(const struct op_call *call, struct item *item)
{
    const struct store_mailbox *mailbox = call->mailbox;
    const struct rcpt self = { .name = mailbox->display_name, .address = mailbox->address };
    item->mailbox_id = mailbox->mailbox_id;
    item->size = item_content_size(item);
    item->created = item->modified = when_now();
    item->last_modified_name = mailbox->display_name;
    if (is_mail(item) && !rcpt_is_set(&item->from))
        item->from = rcpt_is_set(&item->sender) ? item->sender : self;
    if (is_mail(item) && !rcpt_is_set(&item->sender))
        item->sender = self;
    item->from.type = RCPT_FROM;
    item->sender.type = RCPT_SENDER;
    if (item->received == WHEN_NONE)
        item->received = item->created;
    if (!item->conversation_topic.len)
        item->conversation_topic = item->subject;
}

static int save_folder(struct op_call *call, struct store_tx *tx, const struct creates *c, const struct item *item,
                       uint64_t *ret_folder_no)
{
    const enum disposition disposition = disposition_of(c, item);
    struct folder folder;
    int r;
    *ret_folder_no = 0;
    if (disposition == SEND_ONLY)
        return 0;
    if (c->folder)
        r = target_folder(call, tx, c->folder, &folder);
    else
        r = store_folder_by_role(tx, call->arena, call->mailbox->mailbox_id,
                                 disposition == SAVE_ONLY ? kind_info(item->kind)->folder : FOLDER_ROLE_sentitems, &folder);
    if (r || (r = kind_check_folder(item->kind, folder.class)))
        return r;
    *ret_folder_no = folder.folder_no;
    return 0;
}

static int create_one(struct op_call *call, struct store_tx *tx, size_t index, struct op_result *ret_result, void *arg)
{
    struct creates *c = arg;
    struct item item = c->items[index]; /* the job may run again */
    uint64_t folder_no;
    int r = save_folder(call, tx, c, &item, &folder_no);
    if (r)
        return r;
    if (disposition_of(c, &item) != SAVE_ONLY) {
        r = outbox_submit_new(tx, call->env->conf, call->arena, call->mailbox, &item, folder_no, &c->sent.v[index]);
        return r > 0 ? sending_refused(call, r, &c->sent.v[index], ret_result) : r;
    }
    item.folder_no = folder_no;
    if ((r = store_item_insert(tx, &item)))
        return r;
    c->saved[index] = item;
    return 0;
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
    op_message_begin(call, "m:CreateItemResponseMessage", result);
    xw_open(call->xw, "m:Items");
    if (!result->code && saved->item_no)
        shape_write_item_ref(call->xw, &call->ids, saved);
    xw_close(call->xw);
    op_message_end(call);
}

int op_run_CreateItem(struct op_call *call)
{
    const struct xml_node *list = xml_child(call->node, "Items");
    size_t n = list ? xml_count(list) : 0, i = 0;
    struct op_result *results = arena_array(call->arena, n + 1, sizeof(*results));
    struct creates c = { .folder = target_saved_folder(call), .items = arena_array(call->arena, n + 1, sizeof(*c.items)),
                         .saved = arena_array(call->arena, n + 1, sizeof(*c.saved)),
                         .sent = { .v = arena_array(call->arena, n + 1, sizeof(*c.sent.v)), .n = n } };
    const struct once_items items = { n, results, create_one, answer, c.sent.v, &c };
    bool sends = false;
    if (!results || !c.items || !c.saved || !c.sent.v)
        return -ENOMEM;
    int r = once_check(call, n);
    if (r)
        return r;
    parse(call, &c);
    for (const struct xml_node *node = list ? list->child : NULL; node; node = node->next, i++) {
        results[i].code = read_one(call, node, c.has_disposition, &c.items[i], &results[i]);
        if (results[i].code < 0)
            return results[i].code;
        if (results[i].code)
            continue;
        complete(call, &c.items[i]);
        results[i].code = op_code_of(store_stage_item(call->env->store, &c.items[i]));
        sends = sends || disposition_of(&c, &c.items[i]) != SAVE_ONLY;
    }
    r = once_write_items(call, &items);
    for (i = 0; i < n; i++)
        if (r || results[i].code || results[i].kept)
            (void)store_stage_discard(call->env->store, &c.items[i]); /* in vain: an hour later */
    if (r)
        return r;
    if (sends)
        sending_done(call, &c.sent, results);
    once_answer_items(call, &items);
    return 0;
}
