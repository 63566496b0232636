/*
 * The pre-parse scan: walks from '<' to '<' with memchr, so long text costs
 * little; only tags are read byte by byte, quotes respected, because '>' may
 * stand in an attribute's value.
 */
#include "soap/xml_scan.h"

#define PAIRS_MAX 64

struct scan {
    const char *at;
    const char *end;
    size_t tag_max;
};

static bool begins(const struct scan *scan, const char *word)
{
    size_t len = strlen(word);

    return (size_t)(scan->end - scan->at) >= len && memcmp(scan->at, word, len) == 0;
}

/* Moves behind the next occurrence of word, or to the end. */
static void skip_past(struct scan *scan, const char *word)
{
    size_t len = strlen(word);
    const char *found = memmem(scan->at, (size_t)(scan->end - scan->at), word, len);

    scan->at = found ? found + len : scan->end;
}

/* At '<' of a start or end tag. */
static const char *scan_tag(struct scan *scan)
{
    const char *start = scan->at;
    const char *limit = (size_t)(scan->end - start) > scan->tag_max ? start + scan->tag_max : scan->end;
    unsigned pairs = 0;
    char quote = 0;

    for (const char *p = start; p < limit; p++) {
        if (quote) {
            quote = *p == quote ? 0 : quote;
        } else if (*p == '"' || *p == '\'') {
            quote = *p;
        } else if (*p == '=' && ++pairs > PAIRS_MAX) {
            return "A tag has too many attributes.";
        } else if (*p == '>') {
            scan->at = p + 1;
            return NULL;
        }
    }
    if (limit != scan->end)
        return "A tag is too long.";
    scan->at = scan->end;
    return NULL;
}

static const char *scan_markup(struct scan *scan)
{
    if (begins(scan, "<!--")) {
        skip_past(scan, "-->");
        return NULL;
    }
    if (begins(scan, "<![CDATA[")) {
        skip_past(scan, "]]>");
        return NULL;
    }
    if (begins(scan, "<!"))
        return "For security reasons DTD is prohibited in this XML document.";
    if (begins(scan, "<?")) {
        skip_past(scan, "?>");
        return NULL;
    }
    return scan_tag(scan);
}

/* Does the XML declaration name an encoding that is not UTF-8? */
static bool declares_other_encoding(struct span text)
{
    const char *end, *name, *close;
    struct span value;

    if (!text.ptr || text.len < 6 || memcmp(text.ptr, "<?xml", 5) != 0)
        return false;
    end = memmem(text.ptr, text.len, "?>", 2);
    name = end ? memmem(text.ptr, (size_t)(end - text.ptr), "encoding", 8) : NULL;
    if (!name)
        return false;
    name += 8;
    while (name < end && (*name == ' ' || *name == '=' || *name == '\t' || *name == '\r' || *name == '\n'))
        name++;
    if (name >= end || (*name != '"' && *name != '\''))
        return false; /* malformed: the parser says so */
    close = memchr(name + 1, *name, (size_t)(end - name - 1));
    if (!close)
        return false;
    value = (struct span){ name + 1, (size_t)(close - name - 1) };
    return !span_eq_nocase(value, SPAN("utf-8")) && !span_eq_nocase(value, SPAN("utf8")) &&
           !span_eq_nocase(value, SPAN("us-ascii"));
}

const char *xml_scan(struct span text, size_t tag_max, size_t *ret_offset)
{
    struct scan scan = { text.ptr, text.ptr + text.len, tag_max };
    const char *flaw = NULL;

    *ret_offset = 0;
    if (!text.ptr)
        return NULL;
    if (text.len >= 3 && memcmp(text.ptr, "\xef\xbb\xbf", 3) == 0)
        scan.at += 3;
    if (text.len >= 2 && (memchr(text.ptr, 0, 2) || memcmp(text.ptr, "\xff\xfe", 2) == 0 ||
                          memcmp(text.ptr, "\xfe\xff", 2) == 0))
        return "The request must be encoded in UTF-8.";
    if (declares_other_encoding((struct span){ scan.at, (size_t)(scan.end - scan.at) }))
        return "The request must be encoded in UTF-8.";
    while (!flaw && scan.at < scan.end) {
        const char *open = memchr(scan.at, '<', (size_t)(scan.end - scan.at));

        if (!open)
            break;
        scan.at = open;
        flaw = scan_markup(&scan);
        if (flaw)
            *ret_offset = (size_t)(open - text.ptr);
    }
    return flaw;
}
