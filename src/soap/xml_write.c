/*
 * The writer of xml.h. Plain stretches of text are appended whole; a
 * stretch ends at the first byte that needs more.
 */
#include "soap/xml.h"

#include "base/codec.h"

#include <errno.h>

enum { PLAIN = 0, ESCAPE, CONTROL, HIGH };

static unsigned classify(unsigned char c)
{
    if (c >= 0x80)
        return HIGH;
    if (c < 0x20)
        return c == '\t' || c == '\n' ? PLAIN : c == '\r' ? ESCAPE : CONTROL;
    return c == '&' || c == '<' || c == '>' || c == '"' ? ESCAPE : PLAIN;
}

/* Most bytes of most texts, in attributes too. */
static const unsigned char *skip_plain(const unsigned char *p, const unsigned char *end)
{
    static const uint64_t below_64 =
        UINT64_C(0xffffffff00000000) & ~(UINT64_C(1) << '&' | UINT64_C(1) << '<' | UINT64_C(1) << '>' | UINT64_C(1) << '"');

    while (p < end && (*p < 64 ? (below_64 >> *p) & 1 : *p < 0x80))
        p++;
    return p;
}

static const char replacement[] = "\xef\xbf\xbd";

/* Length of the well-formed UTF-8 sequence at p that XML 1.0 allows, or 0. */
static size_t utf8_length(const unsigned char *p, size_t left)
{
    size_t len = *p >= 0xf0 ? 4 : *p >= 0xe0 ? 3 : 2;

    if (*p < 0xc2 || *p > 0xf4 || left < len)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) || (*p == 0xf0 && p[1] < 0x90) ||
        (*p == 0xf4 && p[1] > 0x8f))
        return 0;
    if (*p == 0xef && p[1] == 0xbf && p[2] >= 0xbe)
        return 0; /* U+FFFE, U+FFFF */
    return len;
}

static void add_escape(struct buf *out, char c)
{
    switch (c) {
    case '&':
        buf_add(out, "&amp;", 5);
        break;
    case '<':
        buf_add(out, "&lt;", 4);
        break;
    case '>':
        buf_add(out, "&gt;", 4);
        break;
    case '"':
        buf_add(out, "&quot;", 6);
        break;
    default:
        buf_printf(out, "&#x%X;", (unsigned)(unsigned char)c);
    }
}

static void add_escaped(struct buf *out, struct span text, bool attribute)
{
    if (text.len == 0)
        return;
    const unsigned char *p = (const unsigned char *)text.ptr, *end = p + text.len, *plain = p;
    while ((p = skip_plain(p, end)) < end) {
        unsigned class = classify(*p);
        size_t len = 1;

        if (class == PLAIN && !(attribute && (*p == '\n' || *p == '\t'))) {
            p++;
            continue;
        }
        if (class == HIGH && (len = utf8_length(p, (size_t)(end - p))) > 0) {
            p += len;
            continue;
        }
        if (p > plain)
            buf_add(out, plain, (size_t)(p - plain));
        if (class == CONTROL || class == HIGH)
            buf_add(out, replacement, 3);
        else if (*p == '"' && !attribute)
            buf_add_char(out, '"');
        else
            add_escape(out, (char)*p);
        plain = ++p;
    }
    if (p > plain)
        buf_add(out, plain, (size_t)(p - plain));
}

static void fail(struct xml_writer *xw)
{
    if (xw->out->error == 0)
        xw->out->error = -EINVAL;
}

static void end_tag(struct xml_writer *xw)
{
    if (xw->tag_open)
        buf_add_char(xw->out, '>');
    xw->tag_open = false;
}

void xw_init(struct xml_writer *xw, struct buf *out)
{
    *xw = (struct xml_writer){ .out = out };
}

/* The name between two short texts, which are most of an answer. */
static void add_tag(struct buf *out, const char *before, const char *name, const char *after)
{
    const size_t before_len = strlen(before), len = strlen(name), after_len = strlen(after);
    char *at = buf_reserve(out, before_len + len + after_len);

    if (!at)
        return;
    memcpy(at, before, before_len);
    memcpy(at + before_len, name, len);
    memcpy(at + before_len + len, after, after_len);
    out->len += before_len + len + after_len;
}

void xw_open(struct xml_writer *xw, const char *name)
{
    if (xw->depth == XW_MAX_DEPTH) {
        fail(xw);
        return;
    }
    add_tag(xw->out, xw->tag_open ? "><" : "<", name, "");
    xw->stack[xw->depth++] = name;
    xw->tag_open = true;
}

void xw_close(struct xml_writer *xw)
{
    if (xw->depth == 0) {
        fail(xw);
        return;
    }
    const char *name = xw->stack[--xw->depth];

    if (xw->tag_open) {
        buf_add(xw->out, "/>", 2);
        xw->tag_open = false;
        return;
    }
    add_tag(xw->out, "</", name, ">");
}

void xw_attr(struct xml_writer *xw, const char *name, struct span value)
{
    if (!xw->tag_open) {
        fail(xw);
        return;
    }
    add_tag(xw->out, " ", name, "=\"");
    add_escaped(xw->out, value, true);
    buf_add_char(xw->out, '"');
}

void xw_attr_str(struct xml_writer *xw, const char *name, const char *value)
{
    xw_attr(xw, name, span_of(value));
}

static void add_int(struct buf *out, int64_t value)
{
    if (value < 0)
        buf_add_char(out, '-');
    buf_add_u64(out, value < 0 ? (uint64_t)0 - (uint64_t)value : (uint64_t)value);
}

void xw_attr_int(struct xml_writer *xw, const char *name, int64_t value)
{
    struct buf text = BUF_INIT(32);

    add_int(&text, value);
    xw_attr(xw, name, buf_span(&text));
    buf_done(&text);
}

void xw_attr_bool(struct xml_writer *xw, const char *name, bool value)
{
    xw_attr_str(xw, name, value ? "true" : "false");
}

void xw_text(struct xml_writer *xw, struct span text)
{
    if (text.len == 0)
        return;
    end_tag(xw);
    add_escaped(xw->out, text, false);
}

void xw_base64(struct xml_writer *xw, struct span bytes)
{
    if (bytes.len == 0)
        return;
    end_tag(xw);
    base64_encode(xw->out, bytes.ptr, bytes.len);
}

size_t xw_base64_begin(struct xml_writer *xw)
{
    end_tag(xw);
    return xw->out->len;
}

void xw_base64_end(struct xml_writer *xw, size_t begin)
{
    if (buf_error(xw->out) == 0)
        base64_encode_in_place(xw->out, begin);
}

void xw_raw(struct xml_writer *xw, struct span xml)
{
    end_tag(xw);
    buf_add_span(xw->out, xml);
}

void xw_leaf(struct xml_writer *xw, const char *name, struct span text)
{
    xw_open(xw, name);
    xw_text(xw, text);
    xw_close(xw);
}

void xw_leaf_str(struct xml_writer *xw, const char *name, const char *text)
{
    xw_leaf(xw, name, span_of(text));
}

void xw_leaf_int(struct xml_writer *xw, const char *name, int64_t value)
{
    xw_open(xw, name);
    end_tag(xw);
    add_int(xw->out, value);
    xw_close(xw);
}

void xw_leaf_bool(struct xml_writer *xw, const char *name, bool value)
{
    xw_leaf_str(xw, name, value ? "true" : "false");
}

/* A tree has its names in spans, so it is written without the stack. */
static void write_node(struct buf *out, const struct xml_node *node)
{
    const char *prefix = node->ns == XML_NS_M ? "m:" : "t:";

    if (node->ns != XML_NS_M && node->ns != XML_NS_T)
        return;
    buf_add_char(out, '<');
    buf_add_str(out, prefix);
    buf_add_span(out, node->name);
    for (size_t i = 0; i < node->n_attrs; i++) {
        if (node->attrs[i].ns != XML_NS_NONE)
            continue;
        buf_add_char(out, ' ');
        buf_add_span(out, node->attrs[i].name);
        buf_add(out, "=\"", 2);
        add_escaped(out, node->attrs[i].value, true);
        buf_add_char(out, '"');
    }
    buf_add_char(out, '>');
    add_escaped(out, node->text, false);
    for (const struct xml_node *child = node->child; child; child = child->next)
        write_node(out, child);
    buf_add(out, "</", 2);
    buf_add_str(out, prefix);
    buf_add_span(out, node->name);
    buf_add_char(out, '>');
}

void xw_node(struct xml_writer *xw, const struct xml_node *node)
{
    end_tag(xw);
    write_node(xw->out, node);
}

int xw_error(const struct xml_writer *xw)
{
    return buf_error(xw->out);
}
