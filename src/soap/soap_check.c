/*
 * The list of versions, and the search for properties given twice.
 */
#include "soap/soap_check.h"

#include "model/kind.h"

static bool is_dated(struct span version)
{
    static const char mask[] = "V20dd_dd_dd";

    if (version.len != sizeof(mask) - 1)
        return false;
    for (size_t i = 0; i < version.len; i++) {
        bool digit = version.ptr[i] >= '0' && version.ptr[i] <= '9';

        if (mask[i] == 'd' ? !digit : version.ptr[i] != mask[i])
            return false;
    }
    return true;
}

bool soap_version_take(const struct xml_node *header, struct span *ret_version, bool *ret_shape_2007)
{
    static const char *const known[] = {
        "Exchange2007",     "Exchange2007_SP1", "Exchange2009", "Exchange2010",     "Exchange2010_SP1", "Exchange2010_SP2",
        "Exchange2012",     "Exchange2013",     "Exchange2013_SP1", "Exchange2015", "Exchange2016",
    };
    struct span version;
    bool ok;

    if (!xml_attr(header, "Version", &version))
        return false;
    ok = is_dated(version);
    for (size_t i = 0; i < ARRAY_LEN(known) && !ok; i++)
        ok = span_is(version, known[i]);
    if (!ok)
        return false;
    *ret_version = version;
    *ret_shape_2007 = span_is(version, "Exchange2007");
    return true;
}

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

static const struct xml_node *twice_in_attachments(const struct xml_node *attachments);

static const struct xml_node *twice_in_items(const struct xml_node *items)
{
    const struct xml_node *found = NULL;

    for (const struct xml_node *item = items ? items->child : NULL; item && !found; item = item->next) {
        if (kind_by_element(item->name) == ITEM_KIND_NONE)
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
