/*
 * Line ends and transfer encodings of bodies. Every encoder ends its text with
 * CRLF only where the text had one, but base64, whose last line is ended.
 */
#include "mime/mime_text.h"

#include "base/codec.h"

#define BASE64_LINE 57 /* bytes that make 76 characters */
#define QP_LINE 76

/* Does a line that begins here begin as mail software's own marks do? */
static bool is_tricky(struct span text, size_t at)
{
    return text.ptr[at] == '.' || (text.len - at >= 5 && memcmp(text.ptr + at, "From ", 5) == 0);
}

/* A byte that needs a look: all but printable ASCII. */
static inline bool is_odd(unsigned char c)
{
    return c < ' ' || c >= 0x7f;
}

static void scan_odd(struct span text, size_t i, struct text_scan *scan)
{
    unsigned char c = (unsigned char)text.ptr[i];

    scan->eight_bit |= c >= 0x80;
    scan->high += c >= 0x80 ? 1 : 0;
    scan->nul |= c == 0;
    scan->control |= c < 0x80 && c != '\t' && c != '\r' && c != '\n';
    scan->bare_cr |= c == '\r' && !(i + 1 < text.len && text.ptr[i + 1] == '\n');
}

struct text_scan text_scan(struct span text)
{
    struct text_scan scan = { 0 };
    size_t start = 0; /* of the line */

    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (!is_odd(c))
            continue;
        scan_odd(text, i, &scan);
        if (c != '\n' && c != '\r')
            continue;
        scan.tricky |= i > start && is_tricky(text, start);
        scan.long_line |= i - start > MIME_LINE_MAX;
        start = i + 1;
    }
    scan.tricky |= text.len > start && is_tricky(text, start);
    scan.long_line |= text.len - start > MIME_LINE_MAX;
    return scan;
}

void text_add_crlf(struct buf *out, struct span text)
{
    size_t from = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if ((unsigned char)c > '\r' || (c != '\r' && c != '\n' && c != 0))
            continue;
        if (i > from)
            buf_add(out, text.ptr + from, i - from);
        if (c == '\r' && i + 1 < text.len && text.ptr[i + 1] == '\n')
            i++;
        if (c != 0)
            buf_add(out, "\r\n", 2);
        from = i + 1;
    }
    if (text.len > from)
        buf_add(out, text.ptr + from, text.len - from);
}

static void qp_hex(struct buf *out, unsigned char c)
{
    const char digits[] = "0123456789ABCDEF";
    const char hex[] = { '=', digits[c >> 4], digits[c & 15] };

    buf_add(out, hex, sizeof(hex));
}

void text_add_qp(struct buf *out, struct span text)
{
    size_t column = 0;

    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool end = i + 1 == text.len || text.ptr[i + 1] == '\r' || text.ptr[i + 1] == '\n';
        if (c == '\r' && i + 1 < text.len && text.ptr[i + 1] == '\n') {
            buf_add(out, "\r\n", 2);
            column = 0;
            i++;
            continue;
        }
        bool plain = (c > ' ' && c < 127 && c != '=') || ((c == ' ' || c == '\t') && !end);
        if (column + (plain ? 1 : 3) > QP_LINE - 1) {
            buf_add(out, "=\r\n", 3);
            column = 0;
        }
        if (column == 0 && is_tricky(text, i))
            plain = false;
        if (plain)
            buf_add_char(out, (char)c);
        else
            qp_hex(out, c);
        column += plain ? 1 : 3;
    }
}

void text_add_base64(struct buf *out, struct span bytes)
{
    for (size_t at = 0; at < bytes.len; at += BASE64_LINE) {
        size_t n = bytes.len - at < BASE64_LINE ? bytes.len - at : BASE64_LINE;
        base64_encode(out, bytes.ptr + at, n);
        buf_add(out, "\r\n", 2);
    }
}

bool text_contains(struct span text, struct span wanted)
{
    return text.len && memmem(text.ptr, text.len, wanted.ptr, wanted.len) != NULL;
}
