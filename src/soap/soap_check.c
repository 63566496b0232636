/*
 * The search for properties given twice.
 */
#include "soap/soap_check.h"

#include "model/kind.h"

static const struct xml_node *twice_in_item(const struct xml_node *item)
{
    for (const struct xml_node *node = item->child; node; node = node->next) {
        if (span_is(node->name, "ExtendedProperty"))
            continue;
        for (const struct xml_node *other = item->child; other != node; other = other->next)
            if (other->name.len == node->name.len && span_eq(other->name, node->name))
                return node;
    }
    return NULL;
}

static bool is_response(const struct xml_node *item)
{
    static const char *const names[] = { "ReplyToItem", "ReplyAllToItem", "ForwardItem", "PostReplyItem" };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (span_is(item->name, names[i]))
            return true;
    return false;
}

static const struct xml_node *twice_in_attachments(const struct xml_node *attachments);

static const struct xml_node *twice_in_items(const struct xml_node *items)
{
    const struct xml_node *found = NULL;

    for (const struct xml_node *item = items ? items->child : NULL; item && !found; item = item->next) {
        if (kind_by_element(item->name) == ITEM_KIND_NONE && !is_response(item))
            continue;
        found = twice_in_item(item);
        if (!found)
            found = twice_in_attachments(xml_child(item, "Attachments"));
    }
    return found;
}

/* Depth is bounded by the reader. */
static const struct xml_node *twice_in_attachments(const struct xml_node *attachments)
{
    const struct xml_node *found = NULL;

    for (const struct xml_node *one = attachments ? attachments->child : NULL; one && !found; one = one->next)
        if (span_is(one->name, "ItemAttachment"))
            found = twice_in_items(one);
    return found;
}

const struct xml_node *soap_find_twice(const struct xml_node *operation)
{
    const struct xml_node *found = twice_in_items(xml_child(operation, "Items"));

    return found ? found : twice_in_attachments(xml_child(operation, "Attachments"));
}
