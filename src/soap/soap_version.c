/*
 * Versions by their order in versions.def, names by their row of since.def.
 */
#include "soap/soap_version.h"

enum version {
#define VERSION(name) VERSION_##name,
#include "soap/versions.def"
    VERSION_DATED,
    VERSION_NONE,
};

static const char *const version_names[] = {
#define VERSION(name) #name,
#include "soap/versions.def"
};

static const struct {
    enum version version;
    const char *name;
    bool attribute; /* alone */
} since[] = {
#define SINCE(version, name) { VERSION_##version, #name, false },
#define SINCE_ATTRIBUTE(version, name) { VERSION_##version, #name, true },
#include "soap/since.def"
};

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

static enum version version_of(struct span name)
{
    for (size_t i = 0; i < ARRAY_LEN(version_names); i++)
        if (span_is(name, version_names[i]))
            return (enum version)i;
    return is_dated(name) ? VERSION_DATED : VERSION_NONE;
}

bool soap_version_take(const struct xml_node *header, struct span *ret_version, bool *ret_shape_2007)
{
    struct span name;

    if (!xml_attr(header, "Version", &name) || version_of(name) == VERSION_NONE)
        return false;
    *ret_version = name;
    *ret_shape_2007 = version_of(name) == VERSION_Exchange2007;
    return true;
}

static bool is_newer(enum version version, const struct xml_node *node, struct span name, struct soap_newer *ret_newer)
{
    for (size_t i = 0; i < ARRAY_LEN(since); i++) {
        if (since[i].version > version && span_is(name, since[i].name) &&
            !(since[i].attribute && name.ptr == node->name.ptr)) {
            *ret_newer = (struct soap_newer){ node, name, version_names[since[i].version] };
            return true;
        }
    }
    return false;
}

/* The folder or the property that an attribute names; empty: it names neither. */
static struct span named_by(const struct xml_node *node, const struct xml_attr *attr)
{
    const char *colon;

    if (xml_is(node, XML_NS_T, "DistinguishedFolderId") && span_is(attr->name, "Id"))
        return attr->value;
    if (!span_is(attr->name, "FieldURI"))
        return (struct span){ "", 0 };
    colon = memchr(attr->value.ptr, ':', attr->value.len);
    return colon ? (struct span){ colon + 1, attr->value.len - (size_t)(colon + 1 - attr->value.ptr) } : attr->value;
}

static bool node_is_newer(enum version version, const struct xml_node *node, struct soap_newer *ret_newer)
{
    if (is_newer(version, node, node->name, ret_newer))
        return true;
    for (size_t i = 0; i < node->n_attrs; i++)
        if (is_newer(version, node, node->attrs[i].name, ret_newer) ||
            is_newer(version, node, named_by(node, &node->attrs[i]), ret_newer))
            return true;
    return false;
}

/* The next node of the operation in the order of the text. */
static const struct xml_node *next_node(const struct xml_node *operation, const struct xml_node *node)
{
    if (node->child)
        return node->child;
    while (node != operation && !node->next)
        node = node->parent;
    return node == operation ? NULL : node->next;
}

static bool find_newer_from(const struct xml_node *operation, const struct xml_node *from, struct span version,
                            struct soap_newer *ret_newer)
{
    enum version asked = version_of(version);

    for (const struct xml_node *node = from; node; node = next_node(operation, node))
        if (node_is_newer(asked, node, ret_newer))
            return true;
    return false;
}

bool soap_version_find_newer(const struct xml_node *operation, struct span version, struct soap_newer *ret_newer)
{
    return find_newer_from(operation, operation, version, ret_newer);
}

bool soap_version_next_newer(const struct xml_node *operation, const struct xml_node *after, struct span version,
                             struct soap_newer *ret_newer)
{
    return find_newer_from(operation, next_node(operation, after), version, ret_newer);
}
