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

void text_lines_add(struct text_lines *lines, struct span piece)
{
    if (piece.len == 0)
        return;
    if (lines->cr && piece.ptr[0] == '\n')
        piece = (struct span){ piece.ptr + 1, piece.len - 1 };
    if (lines->cr)
        buf_add_str(lines->out, "\r\n");
    lines->cr = piece.len > 0 && piece.ptr[piece.len - 1] == '\r';
    text_add_crlf(lines->out, (struct span){ piece.ptr, piece.len - lines->cr });
}

void text_lines_end(struct text_lines *lines)
{
    if (lines->cr)
        buf_add_str(lines->out, "\r\n");
    lines->cr = false;
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

struct base64_lines {
    struct buf *out;
    char begun[BASE64_LINE]; /* of a line that the next piece ends */
    size_t n;
};

static void end_line(struct base64_lines *lines)
{
    base64_encode(lines->out, lines->begun, lines->n);
    buf_add(lines->out, "\r\n", 2);
    lines->n = 0;
}

static int add_base64_piece(void *arg, struct span piece)
{
    struct base64_lines *lines = arg;

    while (piece.len > 0) {
        size_t n = piece.len < BASE64_LINE - lines->n ? piece.len : BASE64_LINE - lines->n;
        memcpy(lines->begun + lines->n, piece.ptr, n);
        lines->n += n;
        piece = (struct span){ piece.ptr + n, piece.len - n };
        if (lines->n == BASE64_LINE)
            end_line(lines);
    }
    return buf_error(lines->out);
}

int text_add_base64(struct buf *out, struct source *source, struct span bytes)
{
    struct base64_lines lines = { .out = out };
    int r = source_each(source, bytes, add_base64_piece, &lines);

    if (r == 0 && lines.n > 0)
        end_line(&lines);
    return r;
}

bool text_contains(struct span text, struct span wanted)
{
    return text.len && memmem(text.ptr, text.len, wanted.ptr, wanted.len) != NULL;
}
