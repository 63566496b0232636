/*
 * XML as ewsd needs it. Reading: a byte string becomes a tree of xml_node in
 * an arena, validated in the same pass when a schema is given. Writing: an
 * append-and-escape writer over a struct buf.
 * The tree holds what EWS speaks: elements, attributes, and the text of
 * elements without children. Comments and processing instructions are gone,
 * entities and CDATA are resolved. libxml2 is included only in xml.c,
 * schema.c, html.c, html_clean.c and html_quote.c.
 */
#ifndef EWSD_SOAP_XML_H
#define EWSD_SOAP_XML_H

#include "base/arena.h"
#include "base/buf.h"

#define NS_SOAP "http://schemas.xmlsoap.org/soap/envelope/"
#define NS_MESSAGES "http://schemas.microsoft.com/exchange/services/2006/messages"
#define NS_TYPES "http://schemas.microsoft.com/exchange/services/2006/types"
#define NS_ERRORS "http://schemas.microsoft.com/exchange/services/2006/errors"
#define NS_XSI "http://www.w3.org/2001/XMLSchema-instance"

enum xml_ns { XML_NS_NONE, XML_NS_SOAP, XML_NS_M, XML_NS_T, XML_NS_XSI, XML_NS_OTHER };

enum xml_content {
    XML_TEXT,
    XML_BYTES,    /* was base64, decoded by the reader */
    XML_NO_BYTES, /* should have been base64 */
};

struct xml_attr {
    enum xml_ns ns; /* XML_NS_NONE: unqualified */
    struct span name;
    struct span value;
};

struct xml_node {
    enum xml_ns ns;
    struct span name; /* local name */
    struct span uri;  /* namespace name, as declared */
    const struct xml_attr *attrs;
    size_t n_attrs;
    struct xml_node *parent;
    struct xml_node *child; /* first */
    struct xml_node *last;  /* last child */
    struct xml_node *next;  /* sibling */
    struct span text;       /* of an element without children */
    enum xml_content content; /* what text holds */
    size_t offset;          /* of its '<' in the text that was read */
};

/* What a text that is read may have at most: elements in each other, and bytes
 * in a tag. */
struct xml_limits {
    unsigned depth;
    size_t tag;
};
#define XML_LIMITS_USUAL ((struct xml_limits){ .depth = 128, .tag = 16384 })

/* Is it that element? */
bool xml_is(const struct xml_node *node, enum xml_ns ns, const char *name);
/* First child with this name in t: or m:, or NULL; node may be NULL. */
const struct xml_node *xml_child(const struct xml_node *node, const char *name);
/* Next sibling with the same name, or NULL. */
const struct xml_node *xml_next_same(const struct xml_node *node);
/* Text of that child (spans as read, untrimmed); false when there is none. */
bool xml_child_text(const struct xml_node *node, const char *name, struct span *ret_text);
/* Unqualified attribute; false when absent. */
bool xml_attr(const struct xml_node *node, const char *name, struct span *ret_value);
/* xs:boolean attribute; absent or malformed gives fallback. */
bool xml_attr_bool(const struct xml_node *node, const char *name, bool fallback);
/* The bytes of base64 text, in arena memory or where the reader decoded them.
 * 1: it is none. -ENOMEM. */
int xml_bytes(struct arena *arena, const struct xml_node *node, struct span *ret_bytes);
/* Children count. */
size_t xml_count(const struct xml_node *node);

/* ---- writing ---- */

#define XW_MAX_DEPTH 64

/* Names are given with their prefix ("t:ItemId"); they must outlive the
 * writer. Nothing is indented. Failures stay in buf->error; -EINVAL for a
 * close without open and for depth. */
struct xml_writer {
    struct buf *out;
    const char *stack[XW_MAX_DEPTH];
    unsigned depth;
    bool tag_open; /* "<name" is written, its ">" is not */
};

void xw_init(struct xml_writer *xw, struct buf *out);
void xw_open(struct xml_writer *xw, const char *name);
void xw_close(struct xml_writer *xw); /* an element without content closes as <a/> */
/* Right after xw_open. Values are escaped; characters XML 1.0 forbids, and
 * bytes that are not UTF-8, become U+FFFD. */
void xw_attr(struct xml_writer *xw, const char *name, struct span value);
void xw_attr_str(struct xml_writer *xw, const char *name, const char *value);
void xw_attr_int(struct xml_writer *xw, const char *name, int64_t value);
void xw_attr_bool(struct xml_writer *xw, const char *name, bool value);
void xw_text(struct xml_writer *xw, struct span text);
void xw_base64(struct xml_writer *xw, struct span bytes);
/* Bytes that are written into xw->out between these two become base64. */
size_t xw_base64_begin(struct xml_writer *xw);
void xw_base64_end(struct xml_writer *xw, size_t begin);
/* Bytes that are XML already. */
void xw_raw(struct xml_writer *xw, struct span xml);
/* A whole element. */
void xw_leaf(struct xml_writer *xw, const char *name, struct span text);
void xw_leaf_str(struct xml_writer *xw, const char *name, const char *text);
void xw_leaf_int(struct xml_writer *xw, const char *name, int64_t value);
void xw_leaf_bool(struct xml_writer *xw, const char *name, bool value);
/* A tree that was read, written again with t:/m: prefixes (other namespaces
 * are left out). Used to echo a FieldURI into MessageXml. */
void xw_node(struct xml_writer *xw, const struct xml_node *node);
/* 0, or what failed. */
int xw_error(const struct xml_writer *xw);

#endif
