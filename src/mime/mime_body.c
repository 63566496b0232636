/*
 * Leaf parts: bodies as 7bit or quoted-printable text, attachments as base64.
 * The encoders are ours because dots and "From " at the start of a line are
 * encoded too, which no relay can then stumble over.
 */
#include "base/codec.h"
#include "mime/mime_util.h"

#define QP_COLUMNS 76
#define BASE64_LINE 57 /* bytes that make 76 columns */

static bool has_risky_line(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        struct span rest = { text.ptr + i, text.len - i };
        if ((i == 0 || text.ptr[i - 1] == '\n') &&
            (text.ptr[i] == '.' || span_starts(rest, SPAN("--")) || span_starts(rest, SPAN("From "))))
            return true;
        if ((unsigned char)text.ptr[i] < ' ' && !strchr("\t\r\n", text.ptr[i]))
            return true;
    }
    return false;
}

static bool qp_literal(struct span text, size_t at, size_t column)
{
    char c = text.ptr[at];

    if (c == ' ' || c == '\t')
        return at + 1 < text.len && text.ptr[at + 1] != '\r';
    if (column == 0 && (c == '.' || c == 'F' || c == '-'))
        return false;
    return c > ' ' && c < 127 && c != '=';
}

/* text is normalised. */
static void put_qp(struct buf *out, struct span text)
{
    size_t column = 0;

    for (size_t i = 0; i < text.len; i++) {
        bool literal;
        if (text.ptr[i] == '\r') {
            buf_add(out, "\r\n", 2);
            i++;
            column = 0;
            continue;
        }
        if (column > QP_COLUMNS - 4) {
            buf_add(out, "=\r\n", 3);
            column = 0;
        }
        literal = qp_literal(text, i, column);
        if (literal)
            buf_add_char(out, text.ptr[i]);
        else
            buf_printf(out, "=%02X", (unsigned)(unsigned char)text.ptr[i]);
        column += literal ? 1 : 3;
    }
}

static void put_base64(struct buf *out, struct span bytes)
{
    for (size_t at = 0; at < bytes.len; at += BASE64_LINE) {
        size_t n = bytes.len - at < BASE64_LINE ? bytes.len - at : BASE64_LINE;
        base64_encode(out, bytes.ptr + at, n);
        buf_add(out, "\r\n", 2);
    }
}

static bool mostly_binary(struct span text)
{
    size_t high = 0;

    for (size_t i = 0; i < text.len; i++)
        high += (unsigned char)text.ptr[i] >= 0x80;
    return high > text.len / 3;
}

void mime_put_body(struct buf *out, const struct item *item)
{
    struct buf text CLEANUP(buf_done) = BUF_INIT(SIZE_MAX / 2);
    const char *encoding = "quoted-printable";

    mime_normalise(item->body, &text);
    if (mime_is_7bit(buf_span(&text)) && !has_risky_line(buf_span(&text)))
        encoding = "7bit";
    else if (mostly_binary(buf_span(&text)))
        encoding = "base64";
    buf_printf(out, "Content-Type: text/%s; charset=utf-8\r\n", item->body_type == BODY_HTML ? "html" : "plain");
    buf_printf(out, "Content-Transfer-Encoding: %s\r\n\r\n", encoding);
    if (encoding[0] == 'b')
        put_base64(out, buf_span(&text));
    else if (encoding[0] == 'q')
        put_qp(out, buf_span(&text));
    else
        buf_add_span(out, buf_span(&text));
    if (out->len < 2 || out->ptr == NULL || out->ptr[out->len - 1] != '\n')
        buf_add(out, "\r\n", 2);
    if (buf_error(&text))
        out->error = buf_error(&text);
}

static bool type_ok(struct span type)
{
    size_t slashes = 0;

    for (size_t i = 0; i < type.len; i++) {
        if (type.ptr[i] <= ' ' || type.ptr[i] >= 127 || strchr("()<>@,;:\\\"[]?=", type.ptr[i]))
            return false;
        slashes += type.ptr[i] == '/';
    }
    return slashes == 1 && type.len <= 100 && type.ptr[0] != '/' && type.ptr[type.len - 1] != '/';
}

static struct span media_type(const struct attachment *attachment)
{
    struct span type = attachment->content_type;
    const char *semicolon = type.len ? memchr(type.ptr, ';', type.len) : NULL;

    if (semicolon)
        type.len = (size_t)(semicolon - type.ptr);
    type = span_trim(type);
    return type_ok(type) ? type : SPAN("application/octet-stream");
}

bool mime_attachment_is_plain(const struct attachment *attachment)
{
    struct span data = attachment->data;

    return span_eq_nocase(media_type(attachment), SPAN("message/rfc822")) && data.len > 0 && mime_is_7bit(data) &&
           !has_risky_line(data);
}

/* message/ and multipart/ may not be encoded, so such data gets no type. */
static void put_type(struct buf *out, const struct attachment *attachment, bool plain)
{
    struct span type = media_type(attachment);
    bool composite = type.len > 8 && (span_eq_nocase((struct span){ type.ptr, 8 }, SPAN("message/")) ||
                                      (type.len > 10 && span_eq_nocase((struct span){ type.ptr, 10 }, SPAN("multipart/"))));

    buf_add_str(out, "Content-Type: ");
    buf_add_span(out, composite && !plain ? SPAN("application/octet-stream") : type);
    buf_add(out, "\r\n", 2);
}

static void put_content_id(struct buf *out, struct span id)
{
    size_t written = 0;

    for (size_t i = 0; i < id.len && written < 900; i++) {
        if (id.ptr[i] <= ' ' || id.ptr[i] >= 127 || id.ptr[i] == '<' || id.ptr[i] == '>')
            continue;
        if (written++ == 0)
            buf_add_str(out, "Content-ID: <");
        buf_add_char(out, id.ptr[i]);
    }
    if (written)
        buf_add_str(out, ">\r\n");
}

void mime_put_attachment(struct buf *out, const struct attachment *attachment)
{
    bool plain = mime_attachment_is_plain(attachment);

    put_type(out, attachment, plain);
    buf_printf(out, "Content-Transfer-Encoding: %s\r\n", plain ? "7bit" : "base64");
    put_content_id(out, attachment->content_id);
    if (attachment->content_location.len && attachment->content_location.len < 900)
        mime_put_text(out, "Content-Location", attachment->content_location);
    buf_printf(out, "Content-Disposition: %s", attachment->is_inline ? "inline" : "attachment");
    if (attachment->name.len)
        mime_put_parameter(out, "filename", attachment->name);
    buf_add_str(out, "\r\n\r\n");
    if (plain)
        mime_normalise(attachment->data, out);
    else
        put_base64(out, attachment->data);
    if (!buf_error(out) && out->ptr[out->len - 1] != '\n')
        buf_add(out, "\r\n", 2);
}
