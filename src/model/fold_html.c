/*
 * The words of an HTML body, for searching (fold.h): a scanner that needs no
 * tree and never fails, whatever the markup is. What is shown to anybody is
 * made elsewhere.
 */
#include "model/fold.h"

#include <stdlib.h>

static const char *const within_words[] = { "a", "abbr", "b", "big", "code", "em", "font", "i", "s", "small", "span", "strike",
                                            "strong", "sub", "sup", "tt", "u", "wbr" };
static const char *const unseen[] = { "script", "style", "title" };

/* Named characters of Latin-1 that are letters, from U+00C0 on; the two that
 * are none have no name here. */
static const char *const latin[] = {
    "Agrave", "Aacute", "Acirc", "Atilde", "Auml", "Aring", "AElig", "Ccedil", "Egrave", "Eacute", "Ecirc", "Euml", "Igrave",
    "Iacute", "Icirc", "Iuml", "ETH", "Ntilde", "Ograve", "Oacute", "Ocirc", "Otilde", "Ouml", "", "Oslash", "Ugrave",
    "Uacute", "Ucirc", "Uuml", "Yacute", "THORN", "szlig", "agrave", "aacute", "acirc", "atilde", "auml", "aring", "aelig",
    "ccedil", "egrave", "eacute", "ecirc", "euml", "igrave", "iacute", "icirc", "iuml", "eth", "ntilde", "ograve", "oacute",
    "ocirc", "otilde", "ouml", "", "oslash", "ugrave", "uacute", "ucirc", "uuml", "yacute", "thorn", "yuml",
};

static const struct {
    const char *name;
    char is;
} ascii[] = { { "amp", '&' }, { "lt", '<' }, { "gt", '>' }, { "quot", '"' }, { "apos", '\'' }, { "nbsp", ' ' } };

static bool is_one_of(struct span name, const char *const *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (span_eq_nocase(name, span_of(v[i])))
            return true;
    return false;
}

static void add_code(struct buf *out, int64_t code)
{
    if (code < 0x80) {
        buf_add_char(out, code > 0x20 ? (char)code : ' ');
    } else if (code < 0x800) {
        buf_add_char(out, (char)(unsigned char)(0xc0 | code >> 6));
        buf_add_char(out, (char)(unsigned char)(0x80 | (code & 0x3f)));
    } else if (code < 0x10000) {
        buf_add_char(out, (char)(unsigned char)(0xe0 | code >> 12));
        buf_add_char(out, (char)(unsigned char)(0x80 | (code >> 6 & 0x3f)));
        buf_add_char(out, (char)(unsigned char)(0x80 | (code & 0x3f)));
    }
}

/* name is between & and ;. */
static void add_entity(struct buf *out, struct span name)
{
    int64_t code = ' ';

    if (name.len > 1 && name.ptr[0] == '#') {
        bool hex = name.ptr[1] == 'x' || name.ptr[1] == 'X';
        char text[12] = "0x";
        size_t from = hex ? 2 : 1, n = hex ? 2 : 0;
        if (name.len - from < sizeof(text) - n) {
            memcpy(text + n, name.ptr + from, name.len - from);
            (void)span_int((struct span){ text, n + name.len - from }, hex, 0, 0xffff, &code);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(ascii); i++)
        if (span_is(name, ascii[i].name))
            code = ascii[i].is;
    for (size_t i = 0; name.len > 0 && i < ARRAY_LEN(latin); i++)
        if (span_is(name, latin[i]))
            code = 0xc0 + (int64_t)i;
    add_code(out, code);
}

static size_t find_char(struct span text, size_t from, char c)
{
    const char *at = from < text.len ? memchr(text.ptr + from, c, text.len - from) : NULL;
    return at ? (size_t)(at - text.ptr) : text.len;
}

/* Behind the end of <script> and the like that begins before from. */
static size_t skip_unseen(struct span html, size_t from, struct span name)
{
    for (size_t at = find_char(html, from, '<'); at < html.len; at = find_char(html, at + 1, '<')) {
        if (html.len - at < name.len + 2 || html.ptr[at + 1] != '/')
            continue;
        if (span_eq_nocase((struct span){ html.ptr + at + 2, name.len }, name))
            return at;
    }
    return html.len;
}

/* From a '<'; gives where the text goes on. */
static size_t pass_tag(struct span html, size_t at, struct buf *out)
{
    size_t begin = at + 1, end;

    if (html.len - at >= 4 && memcmp(html.ptr + at, "<!--", 4) == 0) {
        const char *close = memmem(html.ptr + at + 4, html.len - at - 4, "-->", 3);
        return close ? (size_t)(close - html.ptr) + 3 : html.len;
    }
    bool closing = begin < html.len && html.ptr[begin] == '/';
    begin += closing ? 1 : 0;
    for (end = begin; end < html.len; end++) {
        char c = (char)(html.ptr[end] | 0x20);
        if (!((c >= 'a' && c <= 'z') || (html.ptr[end] >= '0' && html.ptr[end] <= '9')))
            break;
    }
    struct span name = { html.ptr + begin, end - begin };
    if (name.len == 0 && !(begin < html.len && html.ptr[begin] == '!')) {
        buf_add_char(out, '<');
        return at + 1;
    }
    size_t behind = find_char(html, end, '>');
    behind += behind < html.len ? 1 : 0;
    if (!is_one_of(name, within_words, ARRAY_LEN(within_words)))
        buf_add_char(out, ' ');
    if (!closing && is_one_of(name, unseen, ARRAY_LEN(unseen)))
        return skip_unseen(html, behind, name);
    return behind;
}

void fold_html(struct span html, struct buf *out)
{
    enum { ENTITY_MAX = 10 };

    for (size_t at = 0; at < html.len;) {
        size_t n = at;
        while (n < html.len && html.ptr[n] != '<' && html.ptr[n] != '&')
            n++;
        buf_add(out, html.ptr + at, n - at);
        at = n;
        if (at == html.len)
            return;
        if (html.ptr[at] == '<') {
            at = pass_tag(html, at, out);
            continue;
        }
        size_t rest = html.len - at < ENTITY_MAX ? html.len - at : ENTITY_MAX;
        size_t end = find_char((struct span){ html.ptr + at, rest }, 1, ';');
        if (end == rest) {
            buf_add_char(out, '&');
            at++;
            continue;
        }
        add_entity(out, (struct span){ html.ptr + at + 1, end - 1 });
        at += end + 1;
    }
}
