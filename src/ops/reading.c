/*
 * See reading.h. Elements of a request are at most soap.max_depth in each
 * other, and so is what is attached.
 */
#include "ops/reading.h"

#include "mime/mime.h"
#include "ops/limits.h"

/* The message of the MIME, if there is one. */
static int read_mime(struct op_call *call, const struct xml_node *node, enum item_kind kind, struct span *ret_mime, struct item *item,
                     struct op_result *ret_result)
{
    int r = shape_read_mime(call->arena, node, ret_mime);
    if (r || !ret_mime->len)
        return r;
    if (!kind_is_mail(kind))
        return CODE_ErrorUnsupportedMimeConversion;
    if ((r = limits_size(call, ret_mime->len, ret_result)))
        return r;
    return mime_read(*ret_mime, call->arena, item);
}

/* Behind those that the MIME has. */
static int read_attachments(struct op_call *call, const struct xml_node *list, struct item *item, struct op_result *ret_result)
{
    struct attachment_list all = { .v = arena_array(call->arena, item->attachments.n + xml_count(list) + 1, sizeof(*all.v)) };
    if (!all.v)
        return -ENOMEM;
    for (; all.n < item->attachments.n; all.n++)
        all.v[all.n] = item->attachments.v[all.n];
    for (const struct xml_node *c = list->child; c; c = c->next) {
        int r = reading_attachment(call, c, &all.v[all.n], ret_result);
        if (r)
            return r;
        if (!all.v[all.n++].is_inline)
            item->flags |= ITEM_HAS_ATTACHMENTS;
    }
    item->attachments = all;
    return 0;
}

/* t:Item is what its class says it is, a message where that says nothing. */
enum item_kind reading_kind(const struct xml_node *node)
{
    const struct xml_node *item_class = xml_child(node, "ItemClass");
    if (!xml_is(node, XML_NS_T, "Item"))
        return kind_by_element(node->name);
    return item_class ? item_kind_of_class(item_class->text) : ITEM_KIND_MESSAGE;
}

int reading_item(struct op_call *call, const struct xml_node *node, struct item *ret_item, struct op_result *ret_result)
{
    const struct xml_node *attachments = xml_child(node, "Attachments");
    struct span mime;
    bool structured;
    struct item item;
    enum item_kind kind = reading_kind(node);
    if (kind == ITEM_KIND_NONE)
        return CODE_ErrorInvalidItemForOperationCreateItem;
    item_init(&item);
    int r = read_mime(call, node, kind, &mime, &item, ret_result);
    if (r)
        return r;
    item.item_class = span_of(kind_info(kind)->item_class);
    item.kind = kind;
    item.flags |= ITEM_UNMODIFIED | (kind_is_mail(kind) ? ITEM_DRAFT : ITEM_READ);
    if ((r = shape_read_item(call->arena, node, &item, &structured, &ret_result->culprit)))
        return r;
    if (!kind_is_message(kind) && (r = shape_settle(call->arena, NULL, &item)))
        return r;
    if (attachments && (r = read_attachments(call, attachments, &item, ret_result)))
        return r;
    if (mime.len && !structured)
        item.mime = mime;
    *ret_item = item;
    return 0;
}

/* ---- what is attached ---- */

/* What is attached keeps no MIME: it would be stored once for each level. */
static void complete(struct item *item)
{
    item->mime = (struct span){ 0 };
    item->created = item->modified = when_now();
    if (item->received == WHEN_NONE)
        item->received = item->sent != WHEN_NONE ? item->sent : item->created;
    if (!item->conversation_topic.len)
        item->conversation_topic = mapi_subject_plain(item->subject);
    item->size = item_content_size(item);
}

static int read_attached(struct op_call *call, const struct xml_node *node, struct attachment *attachment, struct op_result *ret_result)
{
    const struct xml_node *element = shape_attached_node(node);
    if (!element)
        return CODE_ErrorMissingItemForCreateItemAttachment;
    attachment->item = arena_alloc(call->arena, sizeof(*attachment->item));
    if (!attachment->item)
        return -ENOMEM;
    int r = reading_item(call, element, attachment->item, ret_result);
    if (r)
        return r == CODE_ErrorInvalidItemForOperationCreateItem ? CODE_ErrorInvalidItemForOperationCreateItemAttachment : r;
    if (item_levels(attachment->item) >= ATTACHMENT_LEVELS_MAX)
        return CODE_ErrorAttachmentNestLevelLimitExceeded;
    complete(attachment->item);
    attachment->size = attachment->item->size;
    if (!attachment->content_type.len && kind_is_mail(attachment->item->kind))
        attachment->content_type = SPAN("message/rfc822");
    return 0;
}

int reading_attachment(struct op_call *call, const struct xml_node *node, struct attachment *ret_attachment,
                       struct op_result *ret_result)
{
    bool file = xml_is(node, XML_NS_T, "FileAttachment");
    if (!file && !xml_is(node, XML_NS_T, "ItemAttachment"))
        return CODE_ErrorInvalidItemForOperationCreateItemAttachment;
    int r = shape_read_attachment(call->arena, node, when_now(), ret_attachment);
    if (r)
        ret_result->culprit = r == CODE_ErrorRequiredPropertyMissing ? node : NULL;
    return r || file ? r : read_attached(call, node, ret_attachment, ret_result);
}
