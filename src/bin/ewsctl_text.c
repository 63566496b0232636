/*
 * See ewsctl_move.h: line ends, and the names of folders as files have them.
 */
#include "bin/ewsctl_move.h"

#include <ctype.h>
#include <stdio.h>

void text_add_lf(struct buf *out, struct span text)
{
    for (size_t i = 0; i < text.len;) {
        const char *end = memchr(text.ptr + i, '\r', text.len - i);
        size_t len = end ? (size_t)(end - text.ptr) - i : text.len - i;
        buf_add(out, text.ptr + i, len);
        i += len;
        if (i < text.len && !(i + 1 < text.len && text.ptr[i + 1] == '\n'))
            buf_add_char(out, '\r');
        i++;
    }
}

static size_t bare_lines(struct span text, bool *ret_some)
{
    size_t n = 0;

    *ret_some = false;
    for (const char *at = text.ptr, *end = text.ptr + text.len; at < end && (at = memchr(at, '\n', (size_t)(end - at))); at++) {
        bool crlf = at > text.ptr && at[-1] == '\r';
        n += !crlf;
        *ret_some = *ret_some || crlf;
    }
    return n;
}

void text_make_crlf(struct buf *text, bool all)
{
    bool some;
    size_t n = text->len ? bare_lines(buf_span(text), &some) : 0;

    if (n == 0 || (some && !all) || !buf_reserve(text, n))
        return;
    char *from = text->ptr + text->len, *to = from + n;
    text->len += n;
    while (to > from) {
        *--to = *--from;
        if (*to == '\n' && (from == text->ptr || from[-1] != '\r'))
            *--to = '\r';
    }
}

/* ---- names in a Maildir ---- */

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

/* The character at *at, which moves behind it; text is UTF-8. */
static uint32_t next_character(struct span text, size_t *at)
{
    unsigned char c = (unsigned char)text.ptr[(*at)++];
    unsigned more = c < 0xc0 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
    uint32_t value = more == 0 ? c : c & (0x3fu >> more);

    for (; more > 0 && *at < text.len; more--)
        value = value << 6 | ((unsigned char)text.ptr[(*at)++] & 0x3fu);
    return value;
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '&' && c != '.' && c != '/';
}

struct bits {
    uint32_t value;
    unsigned n;
};

static void add_unit(struct buf *out, struct bits *bits, uint32_t unit)
{
    bits->value = bits->value << 16 | unit;
    for (bits->n += 16; bits->n >= 6; bits->n -= 6)
        buf_add_char(out, letters[bits->value >> (bits->n - 6) & 63]);
    bits->value &= (1u << bits->n) - 1;
}

static void add_encoded(struct buf *out, struct span text, size_t *at)
{
    struct bits bits = { 0 };

    buf_add_char(out, '&');
    while (*at < text.len && (!is_plain((unsigned char)text.ptr[*at]) && text.ptr[*at] != '&')) {
        uint32_t c = next_character(text, at);
        if (c >= 0x10000)
            add_unit(out, &bits, 0xd800 + ((c - 0x10000) >> 10));
        add_unit(out, &bits, c >= 0x10000 ? 0xdc00 + ((c - 0x10000) & 0x3ff) : c);
    }
    if (bits.n)
        buf_add_char(out, letters[bits.value << (6 - bits.n) & 63]);
    buf_add_char(out, '-');
}

void text_add_maildir(struct buf *out, struct span name)
{
    for (size_t i = 0; i < name.len;) {
        if (name.ptr[i] == '&') {
            buf_add_str(out, "&-");
            i++;
        } else if (is_plain((unsigned char)name.ptr[i])) {
            buf_add_char(out, name.ptr[i++]);
        } else {
            add_encoded(out, name, &i);
        }
    }
}

static void add_utf8(struct buf *out, uint32_t c)
{
    unsigned more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const unsigned char first[] = { 0, 0xc0, 0xe0, 0xf0 };

    buf_add_char(out, (char)(first[more] | c >> (6 * more)));
    while (more-- > 0)
        buf_add_char(out, (char)(0x80 | (c >> (6 * more) & 0x3f)));
}

/* What stands between & and -; false: no UTF-16. */
static bool read_encoded(struct span text, struct buf *out)
{
    struct bits bits = { 0 };
    uint32_t high = 0;

    for (size_t i = 0; i < text.len; i++) {
        const char *letter = text.ptr[i] ? strchr(letters, text.ptr[i]) : NULL;
        if (!letter)
            return false;
        bits.value = bits.value << 6 | (uint32_t)(letter - letters);
        bits.n += 6;
        if (bits.n < 16)
            continue;
        bits.n -= 16;
        uint32_t unit = bits.value >> bits.n & 0xffff;
        bits.value &= (1u << bits.n) - 1;
        bool low = unit >= 0xdc00 && unit < 0xe000;
        if (low != (high != 0))
            return false;
        if (unit >= 0xd800 && unit < 0xdc00) {
            high = unit;
            continue;
        }
        add_utf8(out, low ? 0x10000 + ((high - 0xd800) << 10) + (unit - 0xdc00) : unit);
        high = 0;
    }
    return high == 0;
}

bool text_read_maildir(struct span text, struct buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '&') {
            buf_add_char(out, text.ptr[i]);
            continue;
        }
        const char *begin = text.ptr + i + 1, *end = memchr(begin, '-', text.len - i - 1);
        if (!end)
            return false;
        if (end == begin)
            buf_add_char(out, '&');
        else if (!read_encoded((struct span){ begin, (size_t)(end - begin) }, out))
            return false;
        i = (size_t)(end - text.ptr);
    }
    return true;
}

/* ---- names of files ---- */

void text_add_file(struct buf *out, struct span name)
{
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        if (c < 0x20 || c == '/' || c == '%' || (c == '.' && i == 0))
            buf_printf(out, "%%%02X", c);
        else
            buf_add_char(out, (char)c);
    }
}

void text_read_file(struct span text, struct buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned value = 0;
        bool coded = text.ptr[i] == '%' && i + 2 < text.len && isxdigit((unsigned char)text.ptr[i + 1]) &&
                     isxdigit((unsigned char)text.ptr[i + 2]) && sscanf(text.ptr + i + 1, "%2x", &value) == 1;
        buf_add_char(out, coded ? (char)value : text.ptr[i]);
        i += coded ? 2 : 0;
    }
}
