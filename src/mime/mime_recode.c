/*
 * GMime's side of parsing, and the recoding of parts that can't be sent as
 * they are: raw 8-bit, NULs or long lines become quoted-printable or base64.
 */
#include "mime/mime.h"
#include "mime/mime_gmime.h"
#include "mime/mime_text.h"

#define COLONS_MAX 1000 /* of one list of addresses */

/* GMime descends into groups by calling itself, so colons are counted. */
static bool addresses_sane(struct span name, struct span field)
{
    static const char *const names[] = { "To",     "Cc",       "Bcc",      "From",      "Sender",
                                         "Reply-To", "Disposition-Notification-To", "Return-Receipt-To" };
    bool is_list = name.len > 7 && span_eq_nocase((struct span){ name.ptr, 7 }, SPAN("Resent-"));
    size_t colons = 0;

    for (size_t i = 0; i < ARRAY_LEN(names) && !is_list; i++)
        is_list = span_eq_nocase(name, span_of(names[i]));
    for (size_t i = 0; is_list && i < field.len; i++)
        colons += field.ptr[i] == ':' || field.ptr[i] == '(' ? 1 : 0;
    return colons <= COLONS_MAX;
}

/* Up to a line end that no continuation follows; only LF ends a line here. */
static size_t folded_length(struct span rest)
{
    size_t at = 0;

    do {
        const char *end = memchr(rest.ptr + at, '\n', rest.len - at);
        at = end ? (size_t)(end - rest.ptr) + 1 : rest.len;
    } while (at < rest.len && (rest.ptr[at] == ' ' || rest.ptr[at] == '\t'));
    return at;
}

static struct span field_name(struct span line)
{
    const char *colon = memchr(line.ptr, ':', line.len < 100 ? line.len : 100);
    return colon ? span_trim((struct span){ line.ptr, (size_t)(colon - line.ptr) }) : SPAN("");
}

/* A look before the parser, which calls itself for every level: the first line
 * is a field, and wherever fields may stand there are no more Content-Types
 * than a message may have parts. */
static bool looks_sane(struct span bytes)
{
    struct head_cursor cursor = { bytes };
    struct span message = bytes, name, raw;
    size_t kinds = 0;

    if (bytes.len > INT32_MAX || !head_next(&cursor, &name, &raw))
        return false;
    while (bytes.len > 0) {
        struct span field = { bytes.ptr, folded_length(bytes) };
        name = field_name(field);
        kinds += span_eq_nocase(name, SPAN("Content-Type")) ? 1 : 0;
        if (kinds > MIME_PARTS_MAX || !addresses_sane(name, field))
            return false;
        bytes = (struct span){ bytes.ptr + field.len, bytes.len - field.len };
    }
    return mime_structure_sane(message);
}

static void let_go(void *array, GObject *stream ATTR_UNUSED)
{
    g_byte_array_free(array, FALSE);
}

/* The bytes where they are, which the stream only reads. */
static GMimeStream *stream_over(struct span bytes)
{
    GByteArray *array = g_byte_array_new_take((guint8 *)(uintptr_t)bytes.ptr, bytes.len);
    GMimeStream *stream = g_mime_stream_mem_new_with_byte_array(array);
    g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(stream), FALSE);
    g_object_weak_ref(G_OBJECT(stream), let_go, array);
    return stream;
}

GMimeMessage *mime_parse(struct span bytes)
{
    if (!looks_sane(bytes))
        return NULL;
    CLEANUP(free_ptr_stream) GMimeStream *stream = stream_over(bytes);
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    g_mime_parser_set_persist_stream(parser, TRUE);
    GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
    g_object_unref(parser);
    return message;
}

GMimeStream *mime_part_bytes(GMimePart *part, bool decoded)
{
    GMimeDataWrapper *content = g_mime_part_get_content(part);
    GMimeStream *stream;

    if (!content)
        return NULL;
    stream = g_mime_stream_mem_new();
    if (decoded) {
        g_mime_data_wrapper_write_to_stream(content, stream);
    } else {
        GMimeStream *raw = g_mime_data_wrapper_get_stream(content);
        g_mime_stream_reset(raw);
        g_mime_stream_write_to_stream(raw, stream);
        g_mime_stream_reset(raw);
    }
    return stream;
}

struct recode {
    bool eight_bit;
    int depth;
    size_t parts;
};

static void recode_part(const struct recode *recode, GMimePart *part)
{
    GMimeContentEncoding encoding = g_mime_part_get_content_encoding(part);
    CLEANUP(free_ptr_stream) GMimeStream *bytes = NULL;

    if (encoding == GMIME_CONTENT_ENCODING_BASE64 || encoding == GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE)
        return;
    bytes = mime_part_bytes(part, false);
    if (!bytes)
        return;
    struct span raw = mime_stream_span(bytes);
    struct text_scan scan = text_scan(raw);
    bool binary = encoding == GMIME_CONTENT_ENCODING_BINARY || scan.nul;
    if (!binary && !scan.long_line && (recode->eight_bit || !scan.eight_bit))
        return;
    bool text = g_mime_content_type_is_type(g_mime_object_get_content_type(GMIME_OBJECT(part)), "text", "*");
    if (text && !scan.nul && scan.high <= raw.len / 4)
        g_mime_part_set_content_encoding(part, GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
    else
        g_mime_part_set_content_encoding(part, GMIME_CONTENT_ENCODING_BASE64);
}

static bool recode_object(struct recode *recode, GMimeObject *object)
{
    bool good = ++recode->depth <= MIME_DEPTH_MAX && ++recode->parts <= MIME_PARTS_MAX;

    if (good && GMIME_IS_MULTIPART(object)) {
        g_mime_object_remove_header(object, "Content-Transfer-Encoding");
        int n = g_mime_multipart_get_count(GMIME_MULTIPART(object));
        for (int i = 0; i < n && good; i++)
            good = recode_object(recode, g_mime_multipart_get_part(GMIME_MULTIPART(object), i));
    } else if (good && GMIME_IS_MESSAGE_PART(object)) {
        GMimeMessage *inner = g_mime_message_part_get_message(GMIME_MESSAGE_PART(object));
        g_mime_object_remove_header(object, "Content-Transfer-Encoding");
        if (inner && g_mime_message_get_mime_part(inner))
            good = recode_object(recode, g_mime_message_get_mime_part(inner));
    } else if (good && GMIME_IS_PART(object)) {
        recode_part(recode, GMIME_PART(object));
    }
    recode->depth--;
    return good;
}

int mime_recode(struct span bytes, bool eight_bit, struct buf *out)
{
    struct recode recode = { .eight_bit = eight_bit };
    CLEANUP(free_ptr_message) GMimeMessage *message = mime_parse(bytes);

    if (!message || !g_mime_message_get_mime_part(message))
        return 1;
    if (!recode_object(&recode, g_mime_message_get_mime_part(message)))
        return 1;
    CLEANUP(free_ptr_stream) GMimeStream *stream = g_mime_stream_mem_new();
    g_mime_object_write_to_stream(GMIME_OBJECT(message), NULL, stream);
    buf_add_span(out, mime_stream_span(stream));
    return buf_error(out);
}
