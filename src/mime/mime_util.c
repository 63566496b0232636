/*
 * Line ends, header fields as bytes, and characters: everything that reading
 * and writing have in common and that needs no parser.
 */
#include "mime/mime_util.h"

#include <errno.h>
#include <gmime/gmime.h>
#include <iconv.h>

void mime_init(void)
{
    g_mime_init();
}

void mime_normalise(struct span text, struct buf *out)
{
    size_t start = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c != '\r' && c != '\n' && c != '\0')
            continue;
        buf_add(out, text.ptr + start, i - start);
        if (c != '\0')
            buf_add(out, "\r\n", 2);
        if (c == '\r' && i + 1 < text.len && text.ptr[i + 1] == '\n')
            i++;
        start = i + 1;
    }
    if (start < text.len)
        buf_add(out, text.ptr + start, text.len - start);
}

/* Takes a line, its line end included. */
static struct span take_line(struct span *rest)
{
    const char *end = rest->len ? memchr(rest->ptr, '\n', rest->len) : NULL;
    struct span line = { rest->ptr, end ? (size_t)(end - rest->ptr) + 1 : rest->len };

    rest->ptr += line.len;
    rest->len -= line.len;
    return line;
}

bool mime_field_name_ok(struct span name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] <= 32 || name.ptr[i] >= 127 || name.ptr[i] == ':')
            return false;
    return name.len > 0 && name.len <= 256;
}

bool mime_one_of(struct span name, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (span_eq_nocase(name, span_of(names[i])))
            return true;
    return false;
}

bool mime_field_next(struct span *rest, struct mime_field *ret_field)
{
    struct span line = take_line(rest);
    struct mime_field field = { .whole = line };
    const char *colon;

    if (line.len == 0 || span_eq(line, SPAN("\r\n")))
        return false;
    while (rest->len && (rest->ptr[0] == ' ' || rest->ptr[0] == '\t'))
        field.whole.len += take_line(rest).len;
    colon = memchr(line.ptr, ':', line.len);
    if (colon) {
        field.name = span_trim((struct span){ line.ptr, (size_t)(colon - line.ptr) });
        field.value.ptr = colon + 1;
        field.value.len = field.whole.len - (size_t)(colon + 1 - line.ptr);
        if (field.value.len >= 2 && field.value.ptr[field.value.len - 1] == '\n')
            field.value.len -= 2;
    }
    if (!mime_field_name_ok(field.name))
        field.name.len = 0;
    *ret_field = field;
    return true;
}

int mime_unfold(struct arena *arena, struct span value, struct span *ret_text)
{
    char *text = arena_alloc(arena, value.len + 1);
    size_t n = 0;

    if (!text)
        return -ENOMEM;
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] != '\r' && value.ptr[i] != '\n')
            text[n++] = value.ptr[i] ? value.ptr[i] : ' ';
    *ret_text = span_trim((struct span){ text, n });
    text[(size_t)(ret_text->ptr - text) + ret_text->len] = '\0';
    return 0;
}

/* Length of the UTF-8 sequence at text, 0 when there is none. */
static size_t sequence(struct span text)
{
    unsigned char c = (unsigned char)text.ptr[0];
    size_t n = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;

    if (n == 0 || n > text.len || !span_utf8_ok((struct span){ text.ptr, n }))
        return 0;
    return n;
}

static int clean_utf8(struct arena *arena, struct span text, struct span *ret_text)
{
    size_t n = 0;
    char *to;

    if (span_utf8_ok(text))
        return arena_copy(arena, text, ret_text);
    if (text.len > SIZE_MAX / 4 || !(to = arena_alloc(arena, text.len * 3 + 1)))
        return -ENOMEM;
    while (text.len) {
        size_t step = sequence(text);
        if (step) {
            memcpy(to + n, text.ptr, step);
            n += step;
        } else if (text.ptr[0]) {
            memcpy(to + n, "\xef\xbf\xbd", 3);
            n += 3;
        }
        step = step ? step : 1;
        text.ptr += step;
        text.len -= step;
    }
    *ret_text = (struct span){ to, n };
    return 0;
}

static int convert(iconv_t conv, struct span text, struct buf *out)
{
    char *from = (char *)(uintptr_t)text.ptr;
    size_t left = text.len;

    while (left) {
        char *to = buf_reserve(out, 4096);
        size_t room = 4096, r;
        if (!to)
            return buf_error(out);
        r = iconv(conv, &from, &left, &to, &room);
        out->len += 4096 - room;
        if (r != (size_t)-1 || errno == E2BIG)
            continue;
        buf_add_str(out, "\xef\xbf\xbd");
        from++;
        left--;
        iconv(conv, NULL, NULL, NULL, NULL);
    }
    return buf_error(out);
}

int mime_to_utf8(struct arena *arena, struct span text, const char *charset, struct span *ret_text)
{
    struct buf out CLEANUP(buf_done) = BUF_INIT(text.len * 4 + 65536);
    iconv_t conv;
    int r;

    if (text.len == 0 || !charset || !g_ascii_strcasecmp(charset, "utf-8") || !g_ascii_strcasecmp(charset, "us-ascii"))
        return clean_utf8(arena, text, ret_text);
    conv = strlen(charset) > 40 || strchr(charset, '/') ? (iconv_t)-1
                                                         : iconv_open("UTF-8", g_mime_charset_iconv_name(charset));
    if (conv == (iconv_t)-1)
        return clean_utf8(arena, text, ret_text);
    r = convert(conv, text, &out);
    iconv_close(conv);
    return r ? -ENOMEM : clean_utf8(arena, buf_span(&out), ret_text);
}

bool mime_is_7bit(struct span text)
{
    size_t column = 0;

    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c >= 0x80 || c == 0)
            return false;
        column = c == '\n' ? 0 : column + 1;
        if (column > MIME_LINE_MAX && c != '\r')
            return false;
    }
    return true;
}
