/*
 * Finding things in a tree that was read, and places in its text.
 */
#include "base/codec.h"
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

int xml_bytes(struct arena *arena, const struct xml_node *node, struct span *ret_bytes)
{
    if (node->content == XML_TEXT)
        return base64_decode(arena, node->text, ret_bytes);
    if (node->content == XML_NO_BYTES)
        return 1;
    *ret_bytes = node->text;
    return 0;
}

void xml_locate(const struct xml_source *source, size_t offset, uint32_t *ret_line, uint32_t *ret_position)
{
    const struct xml_mark *mark = source->marks;
    struct xml_mark at = { .line = 1, .position = 1 };

    while (mark && mark->offset > offset)
        mark = mark->earlier;
    if (mark)
        at = *mark;
    else if (source->len >= 3 && memcmp(source->text, "\xef\xbb\xbf", 3) == 0)
        at.offset = 3;
    for (size_t i = at.offset; i < offset && i < source->len; i++) {
        if (source->text[i] == '\n') {
            at.line++;
            at.position = 1;
        } else if (((unsigned char)source->text[i] & 0xc0) != 0x80) {
            at.position++;
        }
    }
    *ret_line = at.line;
    *ret_position = at.position;
}
