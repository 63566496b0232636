/*
 * HTML that somebody else wrote, to stand inside a document of ours: what is
 * written is well-formed whatever came, so that nothing of it can swallow or
 * end what stands around it. Over libxml2's HTML SAX parser.
 */
#include "soap/html.h"
#include "soap/html_feed.h"

struct quoting {
    struct buf *out;
    struct buf open; /* names of the elements that were begun, each with its NUL */
    unsigned silent; /* open elements whose content is dropped */
    bool style;      /* in a style element */
};

enum effect { KEPT, TAG_DROPPED, DROPPED, EMPTY };

static enum effect effect_of(const char *name)
{
    static const struct {
        const char *name;
        enum effect effect;
    } rows[] = {
        { "html", TAG_DROPPED },     { "head", TAG_DROPPED },     { "body", TAG_DROPPED },  { "frameset", TAG_DROPPED },
        { "plaintext", TAG_DROPPED }, { "xmp", TAG_DROPPED },     { "textarea", TAG_DROPPED }, { "noscript", TAG_DROPPED },
        { "noframes", TAG_DROPPED }, { "noembed", TAG_DROPPED },  { "listing", TAG_DROPPED }, { "select", TAG_DROPPED },
        { "template", TAG_DROPPED }, { "form", TAG_DROPPED },     { "meta", TAG_DROPPED },  { "base", TAG_DROPPED },
        { "link", TAG_DROPPED },     { "param", TAG_DROPPED },    { "frame", TAG_DROPPED }, { "input", TAG_DROPPED },
        { "script", DROPPED },       { "title", DROPPED },        { "object", DROPPED },    { "applet", DROPPED },
        { "iframe", DROPPED },       { "embed", DROPPED },        { "svg", DROPPED },       { "math", DROPPED },
        { "br", EMPTY },             { "hr", EMPTY },             { "img", EMPTY },         { "col", EMPTY },
        { "area", EMPTY },           { "wbr", EMPTY },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (strcmp(name, rows[i].name) == 0)
            return rows[i].effect;
    for (const char *c = name; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == ':' || *c == '-'))
            return TAG_DROPPED;
    return KEPT;
}

static void add_escaped(struct buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        const char *entity = text[i] == '&' ? "&amp;" : text[i] == '<' ? "&lt;" : text[i] == '>' ? "&gt;"
                             : text[i] == '"' ? "&quot;" : NULL;
        if (entity)
            buf_add_str(out, entity);
        else
            buf_add_char(out, text[i]);
    }
}

static bool is_name(const char *name)
{
    for (const char *c = name; *c; c++)
        if (!(((*c | 0x20) >= 'a' && (*c | 0x20) <= 'z') || (*c >= '0' && *c <= '9') || strchr("-_:", *c)))
            return false;
    return *name;
}

/* Nothing that runs. */
static bool attribute_kept(const char *name, const char *value)
{
    char word[12];
    size_t n = 0;

    if (!is_name(name) || span_starts(span_of(name), SPAN("on")))
        return false;
    for (const char *c = value; *c && n + 1 < sizeof(word); c++)
        if ((unsigned char)*c > ' ')
            word[n++] = *c;
    word[n] = '\0';
    return !span_eq_nocase(span_of(word), SPAN("javascript:")) && !span_starts(span_of(word), SPAN("vbscript:"));
}

/* Where the last name before end begins. */
static size_t last_name(const struct buf *open, size_t end)
{
    const char *nul = end > 1 ? memrchr(open->ptr, '\0', end - 1) : NULL;
    return nul ? (size_t)(nul + 1 - open->ptr) : 0;
}

/* Ends the innermost element. */
static void end_one(struct quoting *q)
{
    const size_t at = last_name(&q->open, q->open.len);
    buf_printf(q->out, "</%s>", q->open.ptr + at);
    q->open.len = at;
}

/* Ends the innermost element of that name, and those in it: libxml2 does not
 * tell of the end of one whose tag broke off. */
static void end_named(struct quoting *q, const char *name)
{
    size_t at = q->open.len;
    do {
        if (at == 0)
            return;
        at = last_name(&q->open, at);
    } while (strcmp(q->open.ptr + at, name) != 0);
    while (q->open.len > at)
        end_one(q);
}

static void on_start(void *arg, const xmlChar *name, const xmlChar **attrs)
{
    struct quoting *q = arg;
    enum effect effect = effect_of((const char *)name);

    q->silent += effect == DROPPED;
    if (q->silent || effect == TAG_DROPPED)
        return;
    q->style = strcmp((const char *)name, "style") == 0;
    buf_printf(q->out, "<%s", (const char *)name);
    for (size_t i = 0; attrs && attrs[i]; i += 2) {
        const char *value = attrs[i + 1] ? (const char *)attrs[i + 1] : "";
        if (!attribute_kept((const char *)attrs[i], value))
            continue;
        buf_printf(q->out, " %s=\"", (const char *)attrs[i]);
        add_escaped(q->out, value, strlen(value));
        buf_add_char(q->out, '"');
    }
    buf_add_char(q->out, '>');
    if (effect == KEPT)
        buf_add(&q->open, name, strlen((const char *)name) + 1);
}

static void on_end(void *arg, const xmlChar *name)
{
    struct quoting *q = arg;
    enum effect effect = effect_of((const char *)name);

    if (effect == DROPPED && q->silent)
        q->silent--;
    else if (!q->silent && effect == KEPT)
        end_named(q, (const char *)name);
    q->style = false;
}

static void on_text(void *arg, const xmlChar *text, int len)
{
    struct quoting *q = arg;

    if (q->silent || len <= 0)
        return;
    if (!q->style)
        add_escaped(q->out, (const char *)text, (size_t)len);
    else if (!memchr(text, '<', (size_t)len)) /* a style sheet is not escaped */
        buf_add(q->out, (const char *)text, (size_t)len);
}

int html_add_inner(struct span html, struct buf *out)
{
    struct quoting q = { .out = out, .open = BUF_INIT(SIZE_MAX) };
    htmlSAXHandler sax = { .startElement = on_start, .endElement = on_end, .characters = on_text, .ignorableWhitespace = on_text,
                           .cdataBlock = on_text };
    struct html_feed feed;

    if (html.len == 0)
        return 0;
    int r = html_feed_open(&feed, &sax, &q, 0);
    if (r < 0)
        return r;
    html_feed(&feed, html);
    html_feed_close(&feed);
    while (q.open.len)
        end_one(&q);
    r = buf_error(&q.open);
    buf_done(&q.open);
    return r;
}

void html_add_text(struct span text, struct buf *out)
{
    size_t from = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '\n' && text.ptr[i] != '\r')
            continue;
        add_escaped(out, text.ptr + from, i - from);
        if (text.ptr[i] == '\n')
            buf_add_str(out, "<br>\r\n");
        from = i + 1;
    }
    add_escaped(out, text.ptr + from, text.len - from);
}
