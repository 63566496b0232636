/*
 * Text of any charset as UTF-8. Never fails for bad input: what is none
 * becomes U+FFFD, an unknown charset is read as UTF-8.
 */
#include "mime/mime_gmime.h"
#include "mime/mime_text.h"

#include <errno.h>
#include <stdlib.h>

#define REPLACEMENT "\xef\xbf\xbd"

static size_t good_length(const char *p, size_t left)
{
    for (size_t n = 1; n <= 4 && n <= left; n++)
        if (span_utf8_ok((struct span){ p, n }))
            return n;
    return 0;
}

static void add_repaired(struct buf *out, struct span bytes)
{
    for (size_t at = 0; at < bytes.len;) {
        size_t n = good_length(bytes.ptr + at, bytes.len - at);
        if (n > 0)
            buf_add(out, bytes.ptr + at, n);
        else if (bytes.ptr[at] != 0)
            buf_add_str(out, REPLACEMENT);
        at += n > 0 ? n : 1;
    }
}

static bool is_utf8_name(const char *charset)
{
    static const char *const names[] = { "utf-8", "utf8", "us-ascii", "ascii", "unknown-8bit", "ansi_x3.4-1968" };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (span_eq_nocase(span_of(charset), span_of(names[i])))
            return true;
    return false;
}

static void convert(iconv_t conversion, struct span bytes, struct buf *out)
{
    char *in = (char *)(uintptr_t)bytes.ptr;
    size_t left = bytes.len;

    while (left > 0) {
        char room[4096];
        char *to = room;
        size_t free_room = sizeof(room), before = left;
        size_t r = iconv(conversion, &in, &left, &to, &free_room);
        buf_add(out, room, sizeof(room) - free_room);
        if (r != (size_t)-1)
            break;
        if (errno == E2BIG && (left < before || free_room < sizeof(room)))
            continue;
        buf_add_str(out, REPLACEMENT);
        in++;
        left--;
    }
}

bool mime_is_utf8(struct span bytes, const char *charset)
{
    return (!charset || !*charset || is_utf8_name(charset)) && span_utf8_ok(bytes);
}

int mime_to_utf8(struct arena *arena, struct span bytes, const char *charset, struct span *ret_text)
{
    struct buf converted = BUF_INIT(bytes.len * 4 + 64);
    struct buf clean = BUF_INIT(bytes.len * 12 + 256);
    struct span text = bytes;
    int r = 0;

    if (charset && *charset && !is_utf8_name(charset)) {
        iconv_t conversion = g_mime_iconv_open("UTF-8", charset);
        if (conversion != (iconv_t)-1) {
            convert(conversion, bytes, &converted);
            g_mime_iconv_close(conversion);
            text = buf_span(&converted);
        }
    }
    if (!span_utf8_ok(text)) {
        add_repaired(&clean, text);
        text = buf_span(&clean);
    }
    if (buf_error(&converted) || buf_error(&clean))
        r = -ENOMEM;
    if (r == 0)
        r = arena_copy(arena, text, ret_text);
    buf_done(&converted);
    buf_done(&clean);
    return r;
}

int mime_decode_text(struct arena *arena, const char *text, struct span *ret_text)
{
    if (!text)
        return arena_copy(arena, SPAN(""), ret_text);
    char *unfolded = g_strdup(text);
    size_t to = 0;
    for (size_t i = 0; unfolded[i]; i++)
        if (unfolded[i] != '\r' && unfolded[i] != '\n')
            unfolded[to++] = unfolded[i];
    unfolded[to] = 0;
    char *joined = mime_join_words(unfolded);
    char *decoded = g_mime_utils_header_decode_text(NULL, joined ? joined : unfolded);
    int r = mime_to_utf8(arena, span_trim(span_of(decoded)), NULL, ret_text);
    g_free(decoded);
    g_free(joined);
    g_free(unfolded);
    return r;
}
