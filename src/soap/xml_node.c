/*
 * Finding things in a tree that was read, and places in its text.
 */
#include "soap/xml_read.h"

bool xml_is(const struct xml_node *node, enum xml_ns ns, const char *name)
{
    return node && node->ns == ns && span_is(node->name, name);
}

static bool is_ews(const struct xml_node *node)
{
    return node->ns == XML_NS_T || node->ns == XML_NS_M;
}

const struct xml_node *xml_child(const struct xml_node *node, const char *name)
{
    struct span wanted = span_of(name);

    for (const struct xml_node *child = node ? node->child : NULL; child; child = child->next)
        if (is_ews(child) && span_eq(child->name, wanted))
            return child;
    return NULL;
}

const struct xml_node *xml_next_same(const struct xml_node *node)
{
    const struct xml_node *next = node->next;

    while (next && (next->ns != node->ns || !span_eq(next->name, node->name)))
        next = next->next;
    return next;
}

bool xml_child_text(const struct xml_node *node, const char *name, struct span *ret_text)
{
    const struct xml_node *child = xml_child(node, name);

    if (!child)
        return false;
    *ret_text = child->text;
    return true;
}

bool xml_attr(const struct xml_node *node, const char *name, struct span *ret_value)
{
    for (size_t i = 0; node && i < node->n_attrs; i++)
        if (node->attrs[i].ns == XML_NS_NONE && span_is(node->attrs[i].name, name)) {
            *ret_value = node->attrs[i].value;
            return true;
        }
    return false;
}

bool xml_attr_bool(const struct xml_node *node, const char *name, bool fallback)
{
    struct span value;
    bool result;

    if (!xml_attr(node, name, &value) || !span_bool(span_trim(value), &result))
        return fallback;
    return result;
}

size_t xml_count(const struct xml_node *node)
{
    size_t n = 0;

    for (const struct xml_node *child = node ? node->child : NULL; child; child = child->next)
        n++;
    return n;
}

void xml_locate(struct span text, size_t offset, uint32_t *ret_line, uint32_t *ret_position)
{
    uint32_t line = 1, position = 1;
    size_t i = 0;

    if (text.len >= 3 && memcmp(text.ptr, "\xef\xbb\xbf", 3) == 0)
        i = 3;
    for (; i < offset && i < text.len; i++) {
        if (text.ptr[i] == '\n') {
            line++;
            position = 1;
        } else if (((unsigned char)text.ptr[i] & 0xc0) != 0x80) {
            position++;
        }
    }
    *ret_line = line;
    *ret_position = position;
}
