/*
 * See xml_piece.h. In such text each '<' begins a tag and each '>' ends one,
 * since the writer escapes both everywhere else.
 */
#include "soap/xml_piece.h"

#include <errno.h>

/* The tag at the beginning of text, from '<' to '>'. */
static bool tag_at(struct span text, struct span *ret_tag)
{
    const char *end = text.len && text.ptr[0] == '<' ? memchr(text.ptr, '>', text.len) : NULL;
    if (!end)
        return false;
    *ret_tag = (struct span){ text.ptr, (size_t)(end - text.ptr) + 1 };
    return true;
}

static void read_tag(struct span tag, struct xml_piece *piece)
{
    const char *colon = memchr(tag.ptr, ':', tag.len);
    size_t at = colon ? (size_t)(colon - tag.ptr) + 1 : 1, end = at;
    while (end < tag.len - 1 && tag.ptr[end] != ' ' && tag.ptr[end] != '/')
        end++;
    piece->name = (struct span){ tag.ptr + at, end - at };
    piece->attrs = (struct span){ tag.ptr + end, tag.len - 1 - end };
}

bool xml_piece_next(struct span *rest, struct xml_piece *ret_piece)
{
    struct span tag;
    struct xml_piece piece = { 0 };
    size_t at = 0, depth = 0, begin = 0;
    do {
        const char *open = at < rest->len ? memchr(rest->ptr + at, '<', rest->len - at) : NULL;
        if (!open || (at == 0 && open != rest->ptr))
            return false;
        at = (size_t)(open - rest->ptr);
        if (!tag_at((struct span){ open, rest->len - at }, &tag) || tag.len < 3)
            return false;
        bool closing = tag.ptr[1] == '/', empty = !closing && tag.ptr[tag.len - 2] == '/';
        if (at == 0 && closing)
            return false;
        if (at == 0) {
            read_tag(tag, &piece);
            begin = tag.len;
        }
        depth = closing ? depth - 1 : depth + (empty ? 0 : 1);
        if (depth == 0 && begin <= at)
            piece.content = (struct span){ rest->ptr + begin, at - begin };
        at += tag.len;
    } while (depth > 0);
    piece.whole = (struct span){ rest->ptr, at };
    *rest = (struct span){ rest->ptr + at, rest->len - at };
    *ret_piece = piece;
    return true;
}

bool xml_piece_find(struct span xml, const char *name, struct xml_piece *ret_piece)
{
    struct xml_piece piece;
    if (!xml_piece_next(&xml, &piece))
        return false;
    struct span rest = piece.content;
    while (xml_piece_next(&rest, &piece))
        if (span_is(piece.name, name)) {
            *ret_piece = piece;
            return true;
        }
    return false;
}

struct span xml_piece_attr(const struct xml_piece *piece, const char *name)
{
    const size_t len = strlen(name);
    struct span rest = piece->attrs;
    while (rest.len > len + 3) {
        const char *open = memchr(rest.ptr, '"', rest.len);
        size_t at = open ? (size_t)(open - rest.ptr) + 1 : rest.len;
        const char *close = at < rest.len ? memchr(rest.ptr + at, '"', rest.len - at) : NULL;
        if (!close)
            break;
        struct span value = { rest.ptr + at, (size_t)(close - rest.ptr) - at };
        struct span key = span_trim((struct span){ rest.ptr, at - 1 });
        if (key.len == len + 1 && memcmp(key.ptr, name, len) == 0)
            return value;
        at += value.len + 1;
        rest = (struct span){ rest.ptr + at, rest.len - at };
    }
    return (struct span){ 0 };
}

/* The byte that an escape stands for, and its length. */
static char unescape(struct span at, size_t *ret_len)
{
    static const struct {
        struct span text;
        char byte;
    } escapes[] = { { { "&amp;", 5 }, '&' },  { { "&lt;", 4 }, '<' },    { { "&gt;", 4 }, '>' },   { { "&quot;", 6 }, '"' },
                    { { "&#xD;", 5 }, '\r' }, { { "&#xA;", 5 }, '\n' }, { { "&#x9;", 5 }, '\t' } };
    for (size_t i = 0; i < ARRAY_LEN(escapes); i++)
        if (span_starts(at, escapes[i].text)) {
            *ret_len = escapes[i].text.len;
            return escapes[i].byte;
        }
    *ret_len = 1;
    return at.ptr[0];
}

int xml_piece_text(struct arena *arena, struct span content, struct span *ret_text)
{
    char *text = arena_alloc(arena, content.len + 1);
    size_t n = 0, len;
    if (!text)
        return -ENOMEM;
    for (size_t i = 0; i < content.len; i += len)
        text[n++] = unescape((struct span){ content.ptr + i, content.len - i }, &len);
    *ret_text = (struct span){ text, n };
    return 0;
}
