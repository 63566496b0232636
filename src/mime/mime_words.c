/*
 * Encoded words that stand side by side (RFC 2047 2, 6.2). GMime decodes
 * neighbours as one piece of base64 and stops at the first padding, so that the
 * rest would be lost; here they become one word before it sees them.
 */
#include "mime/mime_gmime.h"
#include "mime/mime_text.h"

#include <string.h>

struct word {
    struct span charset;
    struct span payload;
    struct span rest; /* behind it */
};

static struct span behind(struct span text, size_t n)
{
    return (struct span){ text.ptr + n, text.len - n };
}

static struct span skip_space(struct span text)
{
    while (text.len > 0 && strchr(" \t\r\n", text.ptr[0]))
        text = behind(text, 1);
    return text;
}

static bool take_until(struct span *text, char c, struct span *ret_piece)
{
    const char *end = memchr(text->ptr, c, text->len);
    if (!end)
        return false;
    *ret_piece = (struct span){ text->ptr, (size_t)(end - text->ptr) };
    *text = behind(*text, ret_piece->len + 1);
    return true;
}

/* =?charset?B?payload?= at the beginning of text. */
static bool read_word(struct span text, struct word *ret_word)
{
    struct span encoding;
    if (text.len < 2 || memcmp(text.ptr, "=?", 2) != 0)
        return false;
    text = behind(text, 2);
    if (!take_until(&text, '?', &ret_word->charset) || !take_until(&text, '?', &encoding) || !span_eq_nocase(encoding, SPAN("B")) ||
        !take_until(&text, '?', &ret_word->payload) || text.len == 0 || text.ptr[0] != '=')
        return false;
    ret_word->rest = behind(text, 1);
    return true;
}

static void add_decoded(GByteArray *bytes, struct span payload)
{
    gsize len = payload.len;
    if (len < 2) /* not one byte; and GLib insists */
        return;
    gchar *text = g_strndup(payload.ptr, payload.len);
    guchar *decoded = g_base64_decode_inplace(text, &len);
    g_byte_array_append(bytes, decoded, (guint)len);
    g_free(text);
}

/* The word and all like it that follow with nothing but space between. */
static struct span join_run(struct word word, GString *out)
{
    GByteArray *bytes = g_byte_array_new();
    struct word next = word;
    struct span rest;
    do {
        word = next;
        rest = word.rest;
        add_decoded(bytes, word.payload);
    } while (read_word(skip_space(rest), &next) && span_eq_nocase(next.charset, word.charset));
    gchar *text = g_base64_encode(bytes->data, bytes->len);
    g_string_append_printf(out, "=?%.*s?B?%s?=", (int)word.charset.len, word.charset.ptr, text);
    g_free(text);
    g_byte_array_unref(bytes);
    return rest;
}

/* Whether padding ends a word and another follows. */
static bool is_split(const char *text)
{
    while ((text = strstr(text, "=?="))) {
        text += 3;
        const char *next = text + strspn(text, " \t\r\n");
        if (next > text && next[0] == '=' && next[1] == '?')
            return true;
    }
    return false;
}

char *mime_join_words(const char *text)
{
    struct span rest = span_of(text);
    struct word word;
    if (!text || !is_split(text))
        return NULL;
    GString *out = g_string_sized_new(rest.len);
    while (rest.len > 0) {
        if (read_word(rest, &word)) {
            rest = join_run(word, out);
            continue;
        }
        g_string_append_c(out, rest.ptr[0]);
        rest = behind(rest, 1);
    }
    return g_string_free(out, FALSE);
}

void mime_join_fields(GMimeObject *object)
{
    GMimeHeaderList *list = g_mime_object_get_header_list(object);
    int n = g_mime_header_list_get_count(list);
    for (int i = 0; i < n; i++) {
        GMimeHeader *header = g_mime_header_list_get_header_at(list, i);
        char *joined = mime_join_words(g_mime_header_get_raw_value(header));
        if (joined)
            g_mime_header_set_raw_value(header, joined);
        g_free(joined);
    }
}
