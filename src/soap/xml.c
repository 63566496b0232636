/*
 * The reader: libxml2's SAX2 events become nodes in an arena; the subtree that
 * the watch chose goes through the schema on the way. Names and plain text
 * point into the request; only what had entities or odd line ends is copied.
 * Base64 (MimeContent, Content) never reaches the validator; when it is long it
 * is decoded where it stands, so that a large message is in memory once
 * (decisions 18).
 */
#include "soap/xml_read.h"

#include "base/codec.h"
#include "base/pages.h"
#include "soap/xml_flaw.h"
#include "soap/xml_scan.h"

#include <errno.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <limits.h>
#include <stdlib.h>

#define DECODE_IN_PLACE 65536 /* from so many characters on */
#define HOLE_MIN 1048576      /* bytes that are left over by it and worth giving back */
#define NAMES_WORTH_KEEPING (1 << 20) /* bytes of the parser's dictionary */

struct xml_reader {
    xmlParserCtxtPtr parser;
    struct schema_check *check; /* NULL: no schema */
    struct xml_limits limits;
    /* one run: */
    struct arena *arena;
    struct xml_source *source;
    struct span text; /* the source's */
    const struct xml_watch *watch;
    struct xml_node *root;
    struct xml_node *cur;
    struct xml_node *subject; /* root of what is validated */
    bool checking;
    unsigned depth;
    size_t text_room; /* of cur's text when it was copied, else 0 */
    bool text_moved;  /* the source no longer has it where it was */
    int result;
    struct xml_flaw flaw;
};

/* ---- ends of a run ---- */

static void stop(struct xml_reader *reader, int result)
{
    if (reader->result == 0)
        reader->result = result;
    xmlStopParser(reader->parser);
}

static void stop_flawed(struct xml_reader *reader, bool well_formed, const char *text, size_t offset)
{
    if (reader->result != 0)
        return;
    reader->flaw.well_formed = well_formed;
    xml_locate(reader->source, offset, &reader->flaw.line, &reader->flaw.position);
    int r = arena_copy(reader->arena, span_of(text), &reader->flaw.text);

    stop(reader, r < 0 ? r : XML_READ_FLAWED);
}

static void judge(struct xml_reader *reader, const struct xml_node *node)
{
    const char *violation = schema_check_violation(reader->check);
    size_t offset;

    if (schema_check_failed(reader->check))
        stop(reader, -ENOMEM);
    if (!violation || reader->result != 0)
        return;
    int r = xml_flaw_describe(reader->arena, schema_check_code(reader->check), violation, node, reader->text,
                              &reader->flaw.text, &offset);

    reader->flaw.well_formed = true;
    xml_locate(reader->source, offset, &reader->flaw.line, &reader->flaw.position);
    if (r == 0 && reader->watch && reader->watch->flawed) {
        reader->watch->flawed(reader->watch->arg, &reader->flaw);
        schema_check_forgive(reader->check);
        return;
    }
    stop(reader, r < 0 ? r : XML_READ_FLAWED);
}

/* ---- text ---- */

static bool inside(const struct xml_reader *reader, const char *p)
{
    return p >= reader->text.ptr && p <= reader->text.ptr + reader->text.len;
}

/* Bytes that stay: in the request's copy already, or copied. */
static int keep(struct xml_reader *reader, const char *ptr, size_t len, struct span *ret_span)
{
    if (inside(reader, ptr)) {
        *ret_span = (struct span){ ptr, len };
        return 0;
    }
    return arena_copy(reader->arena, (struct span){ ptr, len }, ret_span);
}

static bool is_large_content(const struct xml_node *node)
{
    return node->ns == XML_NS_T && (span_is(node->name, "MimeContent") || span_is(node->name, "Content"));
}

/* Base64 moves together where it stands, over its line ends. */
static bool move_together(struct xml_reader *reader, struct span *text, const char *ptr, size_t len)
{
    if (text->len == 0 || reader->text_room != 0 || !inside(reader, ptr) || !is_large_content(reader->cur))
        return false;
    memmove((char *)(uintptr_t)(text->ptr + text->len), ptr, len);
    text->len += len;
    reader->text_moved = true;
    return true;
}

static int append_text(struct xml_reader *reader, struct span *text, const char *ptr, size_t len)
{
    bool adjacent = text->ptr && text->ptr + text->len == ptr && reader->text_room == 0;

    if (!adjacent && move_together(reader, text, ptr, len))
        return 0;
    if (text->len == 0 && inside(reader, ptr)) {
        *text = (struct span){ ptr, len };
        reader->text_room = 0;
        return 0;
    }
    if (!adjacent && reader->text_room < text->len + len) {
        size_t room = (text->len + len) * 2 + 64;
        char *copy = arena_alloc(reader->arena, room);

        if (!copy)
            return -ENOMEM;
        if (text->len)
            memcpy(copy, text->ptr, text->len);
        text->ptr = copy;
        reader->text_room = room;
    }
    if (!adjacent)
        memcpy((char *)(uintptr_t)(text->ptr + text->len), ptr, len);
    text->len += len;
    return 0;
}

/* The element's text so far goes to the validator. White space says nothing
 * between elements, so it is told only of a leaf. */
static void check_text(struct xml_reader *reader, struct xml_node *node, bool leaf)
{
    bool blank = span_trim(node->text).len == 0;

    if (!reader->checking || node->text.len == 0 || is_large_content(node) || (blank && !leaf))
        return;
    int len = node->text.len > INT_MAX ? INT_MAX : (int)node->text.len;

    schema_check_text(reader->check, (const unsigned char *)node->text.ptr, len);
    if (schema_check_failed(reader->check))
        stop(reader, -ENOMEM);
}

/* Where lines and positions go on behind what was decoded, as the parser knows
 * it. */
static int mark_place(struct xml_reader *reader)
{
    const xmlParserInput *input = reader->parser->input;
    struct xml_mark *mark = arena_alloc(reader->arena, sizeof(*mark));

    if (!mark)
        return -ENOMEM;
    *mark = (struct xml_mark){ .offset = (size_t)((const char *)input->cur - reader->text.ptr),
                               .line = (uint32_t)input->line,
                               .position = (uint32_t)input->col,
                               .earlier = reader->source->marks };
    reader->source->marks = mark;
    return 0;
}

static void decode_content(struct xml_reader *reader, struct xml_node *node)
{
    char *text = (char *)(uintptr_t)node->text.ptr; /* ours, or the source's */
    bool decode = is_large_content(node) && node->text.len >= DECODE_IN_PLACE;

    if ((decode || reader->text_moved) && mark_place(reader) < 0)
        stop(reader, -ENOMEM);
    reader->text_moved = false;
    if (!decode || reader->result != 0)
        return;
    size_t len = node->text.len;
    node->content = base64_decode_in_place(text, &node->text.len) ? XML_BYTES : XML_NO_BYTES;
    if (node->content == XML_BYTES && len - node->text.len > HOLE_MIN)
        pages_give_back(text + node->text.len, len - node->text.len);
}

static void on_text(void *arg, const xmlChar *text, int len)
{
    struct xml_reader *reader = arg;

    if (!reader->cur || reader->result != 0)
        return;
    int r = append_text(reader, &reader->cur->text, (const char *)text, (size_t)len);

    if (r < 0)
        stop(reader, r);
}

/* ---- elements ---- */

static enum xml_ns ns_of(const xmlChar *uri, const char **ret_uri)
{
    static const struct {
        enum xml_ns ns;
        const char *uri;
    } known[] = { { XML_NS_T, NS_TYPES }, { XML_NS_M, NS_MESSAGES }, { XML_NS_SOAP, NS_SOAP }, { XML_NS_XSI, NS_XSI } };

    *ret_uri = "";
    if (!uri)
        return XML_NS_NONE;
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strcmp((const char *)uri, known[i].uri) == 0) {
            *ret_uri = known[i].uri;
            return known[i].ns;
        }
    *ret_uri = (const char *)uri;
    return XML_NS_OTHER;
}

static size_t tag_offset(const struct xml_reader *reader)
{
    const xmlParserInput *input = reader->parser->input;
    const char *at = input ? (const char *)input->cur : NULL;

    if (!at || !inside(reader, at))
        return 0;
    while (at > reader->text.ptr && *at != '<')
        at--;
    return (size_t)(at - reader->text.ptr);
}

/* libxml2 leaves "&" as "&#38;" in attributes for a tree builder to resolve. */
static void resolve_ampersands(char *text, size_t *len)
{
    size_t to = 0;

    for (size_t from = 0; from < *len; from++, to++) {
        text[to] = text[from];
        if (*len - from >= 5 && memcmp(text + from, "&#38;", 5) == 0)
            from += 4;
    }
    *len = to;
}

/* An attribute as libxml2 tells it: name, prefix, URI, begin and end of value. */
static int take_attr(struct xml_reader *reader, const xmlChar *const *raw, struct xml_attr *attr)
{
    const char *value = (const char *)raw[3], *unused;
    int r = keep(reader, value, (size_t)((const char *)raw[4] - value), &attr->value);

    if (r == 0 && !inside(reader, value)) /* a copy of ours */
        resolve_ampersands((char *)(uintptr_t)attr->value.ptr, &attr->value.len);
    if (r == 0)
        r = arena_copy(reader->arena, span_of((const char *)raw[0]), &attr->name);
    attr->ns = ns_of(raw[2], &unused);
    return r;
}

static int take_attrs(struct xml_reader *reader, struct xml_node *node, int n, const xmlChar **raw)
{
    struct xml_attr *attrs = n ? arena_array(reader->arena, (size_t)n, sizeof(*attrs)) : NULL;
    int r = n && !attrs ? -ENOMEM : 0;

    for (int i = 0; i < n && r == 0; i++)
        r = take_attr(reader, raw + 5 * i, &attrs[i]);
    node->attrs = attrs;
    node->n_attrs = (size_t)n;
    return r;
}

static int take_names(struct xml_reader *reader, struct xml_node *node, const xmlChar *name, const xmlChar *prefix,
                      const xmlChar *uri)
{
    const char *uri_text;
    size_t skip = 1 + (prefix ? strlen((const char *)prefix) + 1 : 0), len = strlen((const char *)name);

    node->ns = ns_of(uri, &uri_text);
    node->uri = span_of(uri_text);
    node->offset = tag_offset(reader);
    if (node->offset + skip + len <= reader->text.len &&
        memcmp(reader->text.ptr + node->offset + skip, name, len) == 0)
        node->name = (struct span){ reader->text.ptr + node->offset + skip, len };
    else if (arena_copy(reader->arena, (struct span){ (const char *)name, len }, &node->name) < 0)
        return -ENOMEM;
    return node->ns == XML_NS_OTHER ? arena_copy(reader->arena, node->uri, &node->uri) : 0;
}

static void link_node(struct xml_reader *reader, struct xml_node *node)
{
    struct xml_node *parent = reader->cur;

    node->parent = parent;
    if (!parent) {
        reader->root = node;
    } else {
        if (parent->last)
            parent->last->next = node;
        else
            parent->child = node;
        parent->last = node;
        check_text(reader, parent, false);
        parent->text = (struct span){ NULL, 0 };
    }
    reader->cur = node;
    reader->text_room = 0;
}

/* Asks the watch; true when reading goes on. */
static bool ask_watch(struct xml_reader *reader, struct xml_node *node)
{
    enum xml_verdict verdict = XML_VERDICT_GO_ON;

    if (reader->watch && !reader->checking)
        verdict = reader->watch->start(reader->watch->arg, node);
    if (verdict == XML_VERDICT_VALIDATE && reader->check) {
        int r = schema_check_begin(reader->check);

        reader->subject = node;
        reader->checking = r == 0;
        if (r < 0)
            stop(reader, r);
        return r == 0;
    }
    return true;
}

static void on_start(void *arg, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int n_namespaces,
                     const xmlChar **namespaces, int n_attrs, int n_defaulted, const xmlChar **attrs)
{
    struct xml_reader *reader = arg;
    struct xml_node *node;

    if (reader->result != 0)
        return;
    node = arena_alloc(reader->arena, sizeof(*node));
    if (!node || take_names(reader, node, name, prefix, uri) < 0 || take_attrs(reader, node, n_attrs, attrs) < 0) {
        stop(reader, -ENOMEM);
        return;
    }
    if (++reader->depth > reader->limits.depth) {
        stop_flawed(reader, false, "The maximum depth of elements has been exceeded.", node->offset);
        return;
    }
    link_node(reader, node);
    if (reader->result != 0 || !ask_watch(reader, node) || !reader->checking)
        return;
    schema_check_start(reader->check, name, prefix, uri, n_namespaces, namespaces, n_attrs, n_defaulted, attrs);
    judge(reader, node);
}

static void on_end(void *arg, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
    struct xml_reader *reader = arg;
    struct xml_node *node = reader->cur;

    if (reader->result != 0 || !node)
        return;
    if (reader->checking) {
        check_text(reader, node, !node->child);
        if (reader->result != 0)
            return;
        schema_check_end(reader->check, name, prefix, uri);
        judge(reader, node);
        reader->checking = node != reader->subject;
    }
    if (node->child)
        node->text = (struct span){ NULL, 0 };
    decode_content(reader, node);
    reader->depth--;
    reader->cur = node->parent;
    reader->text_room = 0;
}

/* ---- the reader ---- */

static void set_handlers(xmlParserCtxtPtr parser, struct xml_reader *reader)
{
    memset(parser->sax, 0, sizeof(*parser->sax));
    parser->sax->initialized = XML_SAX2_MAGIC;
    parser->sax->startElementNs = on_start;
    parser->sax->endElementNs = on_end;
    parser->sax->characters = on_text;
    parser->sax->ignorableWhitespace = on_text;
    parser->sax->cdataBlock = on_text;
    parser->userData = reader;
}

static void ignore_error(void *arg ATTR_UNUSED, xmlErrorPtr error ATTR_UNUSED)
{
}

int xml_reader_new(const struct schema *schema, struct xml_limits limits, struct xml_reader **ret_reader)
{
    struct xml_reader *reader = calloc(1, sizeof(*reader));
    int r = reader ? 0 : -ENOMEM;

    if (r == 0)
        reader->limits = limits;
    if (r == 0 && schema)
        r = schema_check_new(schema, &reader->check);
    if (r == 0) {
        reader->parser = xmlNewParserCtxt();
        r = reader->parser ? 0 : -ENOMEM;
    }
    if (r < 0) {
        xml_reader_free(reader);
        return r;
    }
    *ret_reader = reader;
    return 0;
}

void xml_reader_free(struct xml_reader *reader)
{
    if (!reader)
        return;
    schema_check_free(reader->check);
    xmlFreeParserCtxt(reader->parser);
    free(reader);
}

bool xml_reader_fresh(const struct xml_reader *reader)
{
    return xmlDictGetUsage(reader->parser->dict) < NAMES_WORTH_KEEPING;
}

/* Gives the parser the text without copying it: an input without a buffer of
 * its own is never shrunk, so positions in it are positions in the text. */
static int feed(struct xml_reader *reader)
{
    xmlParserCtxtPtr parser = reader->parser;
    xmlParserInputPtr input;

    xmlCtxtReset(parser);
    xmlCtxtUseOptions(parser, XML_PARSE_NONET | XML_PARSE_HUGE | XML_PARSE_IGNORE_ENC);
    set_handlers(parser, reader);
    parser->sax->serror = ignore_error;
    input = xmlNewInputStream(parser);
    if (!input)
        return -ENOMEM;
    input->base = input->cur = (const xmlChar *)reader->text.ptr;
    input->end = input->base + reader->text.len;
    return inputPush(parser, input) < 0 ? -ENOMEM : 0;
}

static int explain_malformed(struct xml_reader *reader)
{
    const xmlError *error = &reader->parser->lastError;
    uint32_t line = error->line > 0 ? (uint32_t)error->line : 1;
    uint32_t position = error->int2 > 0 ? (uint32_t)error->int2 : 1;

    if (error->code == XML_ERR_NO_MEMORY)
        return -ENOMEM;
    reader->flaw = (struct xml_flaw){ .line = line, .position = position };
    int r = xml_flaw_malformed(reader->arena, error->code, error->message, line, position, &reader->flaw.text);

    return r < 0 ? r : XML_READ_FLAWED;
}

/* What the scan refuses never reaches the parser. */
static int refuse_scanned(struct xml_reader *reader, const char *words, size_t offset)
{
    reader->flaw = (struct xml_flaw){ .well_formed = false };
    xml_locate(reader->source, offset, &reader->flaw.line, &reader->flaw.position);
    int r = arena_copy(reader->arena, span_of(words), &reader->flaw.text);

    return r < 0 ? r : XML_READ_FLAWED;
}

static int run(struct xml_reader *reader)
{
    size_t offset;
    const char *refused = xml_scan(reader->text, reader->limits.tag, &offset);

    if (refused)
        return refuse_scanned(reader, refused, offset);
    int r = feed(reader);

    if (r < 0)
        return r;
    r = xmlParseDocument(reader->parser);
    if (reader->check)
        schema_check_finish(reader->check);
    if (reader->result != 0)
        return reader->result;
    if (r < 0 || !reader->parser->wellFormed || !reader->root)
        return explain_malformed(reader);
    return 0;
}

int xml_read(struct xml_reader *reader, struct xml_source *source, struct arena *arena, const struct xml_watch *watch,
             struct xml_node **ret_root, struct xml_flaw *ret_flaw)
{
    if (source->len > INT_MAX)
        return -EFBIG;
    *reader = (struct xml_reader){ .parser = reader->parser, .check = reader->check, .limits = reader->limits, .arena = arena, .watch = watch,
                                   .source = source, .text = { source->text, source->len } };
    int r = run(reader);

    if (r == 0)
        *ret_root = reader->root;
    if (r == XML_READ_FLAWED)
        *ret_flaw = reader->flaw;
    return r;
}
