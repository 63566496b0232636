/*
 * CreateItem for messages (protocol.md 3.1): the three dispositions; MimeContent
 * first, structured properties over it. Other kinds of items are refused one
 * by one with ErrorInvalidItemForOperationCreateItem.
 */
#include "mime/mime.h"
#include "ops/sending.h"
#include "ops/target.h"
#include "store/store_content.h"

enum disposition { SAVE_ONLY, SEND_ONLY, SEND_AND_SAVE };

struct creates {
    enum disposition disposition;
    const struct xml_node *folder;
    struct item *items; /* as read from the request */
    struct item *saved; /* with its numbers */
    struct sent_ids sent;
};

/* The message of the MIME, then what stands beside it. */
static int read_one(struct op_call *call, const struct xml_node *node, struct item *item, struct op_result *ret_result)
{
    struct span mime;
    bool structured;
    if (!xml_is(node, XML_NS_T, "Message"))
        return CODE_ErrorInvalidItemForOperationCreateItem;
    int r = shape_read_mime(call->arena, node, &mime);
    if (r)
        return r;
    if (mime.len > (size_t)call->env->conf->send_max_size)
        return CODE_ErrorMessageSizeExceeded;
    item_init(item);
    if (mime.len && (r = mime_read(mime, call->arena, item)))
        return r;
    item->flags |= ITEM_DRAFT | ITEM_UNMODIFIED;
    if (!item->item_class.len)
        item->item_class = SPAN("IPM.Note");
    r = shape_read_item(call->arena, node, item, &structured, &ret_result->culprit);
    if (!r && mime.len && !structured)
        item->mime = mime;
    return r;
}

static uint64_t size_of(const struct item *item)
{
    uint64_t size = item->body.len + item->subject.len;
    for (size_t i = 0; i < item->attachments.n; i++)
        size += item->attachments.v[i].data.len;
    return item->mime.len > size ? item->mime.len : size;
}

static void complete(const struct op_call *call, struct item *item)
{
    const struct store_mailbox *mailbox = call->mailbox;
    const struct rcpt self = { .name = mailbox->display_name, .address = mailbox->address };
    item->mailbox_id = mailbox->mailbox_id;
    item->size = size_of(item);
    item->created = item->modified = when_now();
    item->last_modified_name = mailbox->display_name;
    if (!rcpt_is_set(&item->from))
        item->from = rcpt_is_set(&item->sender) ? item->sender : self;
    if (!rcpt_is_set(&item->sender))
        item->sender = self;
    item->from.type = RCPT_FROM;
    item->sender.type = RCPT_SENDER;
    if (item->received == WHEN_NONE)
        item->received = item->created;
    if (!item->conversation_topic.len)
        item->conversation_topic = item->subject;
}

static int save_folder(struct op_call *call, struct store_tx *tx, const struct creates *c, uint64_t *ret_folder_no)
{
    struct folder folder;
    int r;
    *ret_folder_no = 0;
    if (c->disposition == SEND_ONLY)
        return 0;
    if (c->folder)
        r = target_folder(call, tx, c->folder, &folder);
    else
        r = store_folder_by_role(tx, call->arena, call->mailbox->mailbox_id,
                                 c->disposition == SAVE_ONLY ? FOLDER_ROLE_drafts : FOLDER_ROLE_sentitems, &folder);
    if (!r)
        *ret_folder_no = folder.folder_no;
    return r;
}

static int create_one(struct op_call *call, struct store_tx *tx, size_t index, struct op_result *ret_result, void *arg)
{
    struct creates *c = arg;
    struct item item = c->items[index]; /* the job may run again */
    uint64_t folder_no;
    int r = save_folder(call, tx, c, &folder_no);
    if (r)
        return r;
    if (c->disposition != SAVE_ONLY) {
        r = outbox_submit_new(tx, call->env->conf, call->arena, call->mailbox, &item, folder_no, &c->sent.v[index]);
        return r > 0 ? sending_refused(call, r, &c->sent.v[index], ret_result) : r;
    }
    item.folder_no = folder_no;
    if ((r = store_item_insert(tx, &item)))
        return r;
    c->saved[index] = item;
    return 0;
}

static int disposition_of(const struct op_call *call, enum disposition *ret_disposition)
{
    struct span text;
    if (!xml_attr(call->node, "MessageDisposition", &text))
        return CODE_ErrorMessageDispositionRequired;
    *ret_disposition = span_is(text, "SendOnly") ? SEND_ONLY : span_is(text, "SendAndSaveCopy") ? SEND_AND_SAVE : SAVE_ONLY;
    return 0;
}

static void answer(struct op_call *call, const struct op_result *result, const struct creates *c, size_t index)
{
    op_message_begin(call, "m:CreateItemResponseMessage", result);
    xw_open(call->xw, "m:Items");
    if (!result->code && c->disposition == SAVE_ONLY) {
        xw_open(call->xw, "t:Message");
        shape_write_item_id(call->xw, &call->ids, &c->saved[index]);
        xw_close(call->xw);
    }
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
    if (!results || !c.items || !c.saved || !c.sent.v)
        return -ENOMEM;
    int missing = disposition_of(call, &c.disposition);
    for (const struct xml_node *node = list ? list->child : NULL; node; node = node->next, i++) {
        bool message = xml_is(node, XML_NS_T, "Message");
        results[i].code = missing && message ? missing : read_one(call, node, &c.items[i], &results[i]);
        if (results[i].code < 0)
            return results[i].code;
        if (!results[i].code) {
            complete(call, &c.items[i]);
            results[i].code = op_code_of(store_stage_item(call->env->store, &c.items[i]));
        }
    }
    int r = op_write_items(call, n, results, create_one, &c);
    if (r)
        return r;
    for (i = 0; i < n; i++)
        if (results[i].code)
            (void)store_stage_discard(call->env->store, &c.items[i]); /* in vain: an hour later */
    if (c.disposition != SAVE_ONLY)
        sending_done(call, &c.sent, results);
    op_messages_begin(call);
    for (i = 0; i < n; i++)
        answer(call, &results[i], &c, i);
    op_messages_end(call);
    return 0;
}
