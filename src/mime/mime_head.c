/*
 * Header fields as bytes. Whatever a client put into a value, one field comes
 * out: control characters are left out, other text is quoted or becomes
 * encoded words (RFC 2047), long values are folded.
 */
#include "base/codec.h"
#include "mime/mime_util.h"

#define FOLD_AT 76

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

/* Does the value need encoded words: other characters, what looks like an
 * encoded word, or no place to fold? */
static bool needs_words(struct span value)
{
    size_t run = 0;

    for (size_t i = 0; i < value.len; i++) {
        if ((unsigned char)value.ptr[i] >= 0x80 || (value.ptr[i] == '=' && i + 1 < value.len && value.ptr[i + 1] == '?'))
            return true;
        run = value.ptr[i] == ' ' ? 0 : run + 1;
        if (run > 200)
            return true;
    }
    return false;
}

/* Value without control characters, tabs and line ends as one space, trimmed. */
static void flatten(struct span value, struct buf *out)
{
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        if (c == '\t' || c == '\r' || c == '\n')
            c = ' ';
        else if (is_control(c))
            continue;
        if (c == ' ' && (out->len == 0 || (c != value.ptr[i] && out->ptr[out->len - 1] == ' ')))
            continue;
        buf_add_char(out, c);
    }
    while (out->len && out->ptr[out->len - 1] == ' ')
        out->len--;
}

/* Encoded words of at most 45 bytes, one a line. */
static void put_words(struct buf *out, struct span value)
{
    for (size_t at = 0; at < value.len;) {
        size_t n = value.len - at < 42 ? value.len - at : 42;
        while (n < value.len - at && n > 38 && ((unsigned char)value.ptr[at + n] & 0xc0) == 0x80)
            n--;
        buf_add_str(out, at ? "\r\n =?utf-8?B?" : "=?utf-8?B?");
        base64_encode(out, value.ptr + at, n);
        buf_add_str(out, "?=");
        at += n;
    }
}

/* Folds before single spaces, so unfolding gives the same text. */
static void put_folded(struct buf *out, struct span value, size_t column)
{
    for (size_t i = 0; i < value.len; i++) {
        size_t next = i + 1;
        if (value.ptr[i] == ' ' && i > 0) {
            while (next < value.len && value.ptr[next] != ' ')
                next++;
            if (column + (next - i) > FOLD_AT && next > i + 1) {
                buf_add(out, "\r\n", 2);
                column = 0;
            }
        }
        buf_add_char(out, value.ptr[i]);
        column++;
    }
}

void mime_put_text(struct buf *out, const char *name, struct span value)
{
    struct buf flat CLEANUP(buf_done) = BUF_INIT(SIZE_MAX / 2);

    flatten(value, &flat);
    buf_add_str(out, name);
    buf_add_str(out, ": ");
    if (needs_words(buf_span(&flat)))
        put_words(out, buf_span(&flat));
    else
        put_folded(out, buf_span(&flat), strlen(name) + 2);
    buf_add(out, "\r\n", 2);
    if (buf_error(&flat))
        out->error = buf_error(&flat);
}

static void put_name(struct buf *out, struct span name)
{
    struct buf flat CLEANUP(buf_done) = BUF_INIT(SIZE_MAX / 2);

    flatten(name, &flat);
    if (flat.len == 0)
        return;
    if (flat.len > 200 || needs_words(buf_span(&flat))) {
        put_words(out, buf_span(&flat));
    } else {
        buf_add_char(out, '"');
        for (size_t i = 0; i < flat.len; i++) {
            if (flat.ptr[i] == '"' || flat.ptr[i] == '\\')
                buf_add_char(out, '\\');
            buf_add_char(out, flat.ptr[i]);
        }
        buf_add_char(out, '"');
    }
    buf_add_char(out, ' ');
}

void mime_put_addresses(struct buf *out, const char *name, const struct rcpt *v, size_t n)
{
    bool any = false;

    for (size_t i = 0; i < n; i++) {
        if (!rcpt_address_ok(v[i].address))
            continue;
        if (any)
            buf_add_str(out, ",\r\n ");
        else
            buf_printf(out, "%s: ", name);
        any = true;
        if (span_eq_nocase(v[i].name, v[i].address)) {
            buf_add_span(out, v[i].address);
            continue;
        }
        put_name(out, v[i].name);
        buf_add_char(out, '<');
        buf_add_span(out, v[i].address);
        buf_add_char(out, '>');
    }
    if (any)
        buf_add(out, "\r\n", 2);
}

void mime_put_ids(struct buf *out, const char *name, struct span value)
{
    size_t written = 0;

    for (size_t i = 0; i < value.len;) {
        size_t start = i;
        while (i < value.len && value.ptr[i] > ' ' && value.ptr[i] < 127)
            i++;
        if (i > start && i - start <= 900) {
            if (written++)
                buf_add_str(out, "\r\n ");
            else
                buf_printf(out, "%s: ", name);
            buf_add(out, value.ptr + start, i - start);
        }
        i += i == start;
    }
    if (written)
        buf_add(out, "\r\n", 2);
}

void mime_put_date(struct buf *out, int64_t at)
{
    char text[WHEN_RFC5322_SIZE];

    if (at == WHEN_NONE)
        return;
    when_format_rfc5322(at, text);
    buf_printf(out, "Date: %s\r\n", text);
}

static bool is_attribute_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c && strchr("!#$&+-.^_`{|}~", c));
}

static void put_extended(struct buf *out, const char *name, struct span value)
{
    size_t column = 0, section = 0;

    for (size_t i = 0; i < value.len; i++) {
        if (i == 0 || column > 50) {
            buf_printf(out, ";\r\n %s*%zu*=%s", name, section, section ? "" : "utf-8''");
            section++;
            column = 0;
        }
        if (is_attribute_char(value.ptr[i]))
            buf_add_char(out, value.ptr[i]);
        else
            buf_printf(out, "%%%02X", (unsigned)(unsigned char)value.ptr[i]);
        column += is_attribute_char(value.ptr[i]) ? 1 : 3;
    }
}

void mime_put_parameter(struct buf *out, const char *name, struct span value)
{
    struct buf flat CLEANUP(buf_done) = BUF_INIT(SIZE_MAX / 2);

    flatten(value, &flat);
    if (flat.len > 55 || needs_words(buf_span(&flat))) {
        put_extended(out, name, buf_span(&flat));
        return;
    }
    buf_printf(out, ";\r\n %s=\"", name);
    for (size_t i = 0; i < flat.len; i++) {
        if (flat.ptr[i] == '"' || flat.ptr[i] == '\\')
            buf_add_char(out, '\\');
        buf_add_char(out, flat.ptr[i]);
    }
    buf_add_char(out, '"');
}

const struct rcpt *mime_from(const struct item *item)
{
    if (rcpt_address_ok(item->from.address))
        return &item->from;
    return rcpt_address_ok(item->sender.address) ? &item->sender : NULL;
}

const struct rcpt *mime_sender(const struct item *item)
{
    const struct rcpt *from = mime_from(item);

    if (!from || !rcpt_address_ok(item->sender.address) || span_eq_nocase(from->address, item->sender.address))
        return NULL;
    return &item->sender;
}
