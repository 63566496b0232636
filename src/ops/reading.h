/*
 * An item of a request as CreateItem and CreateAttachment take it: its MIME
 * first, its elements over that, then what is attached, which may be items of
 * the same form.
 */
#ifndef EWSD_OPS_READING_H
#define EWSD_OPS_READING_H

#include "ops/call.h"

/* What item such an element makes; ITEM_KIND_NONE: none of kinds.def. */
enum item_kind reading_kind(const struct xml_node *node);
/* node: t:Message or the element of another kind. Positive codes as of
 * mime_read, shape_read_mime, shape_read_item and reading_attachment;
 * CODE_ErrorInvalidItemForOperationCreateItem (no kind of kinds.def),
 * -UnsupportedMimeConversion, -MessageSizeExceeded (limits.h). */
int reading_item(struct op_call *call, const struct xml_node *node, struct item *ret_item, struct op_result *ret_result);
/* node: t:FileAttachment or t:ItemAttachment. Nothing is stored yet. Positive
 * codes as of shape_read_attachment and reading_item;
 * CODE_ErrorInvalidItemForOperationCreateItemAttachment, -MissingItemForCreateItemAttachment,
 * -AttachmentNestLevelLimitExceeded. */
int reading_attachment(struct op_call *call, const struct xml_node *node, struct attachment *ret_attachment,
                       struct op_result *ret_result);

#endif
