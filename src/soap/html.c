/*
 * HTML to text over libxml2's HTML SAX parser: block elements begin lines,
 * white space collapses outside <pre>, scripts, styles and heads are silent.
 */
#include "soap/html.h"
#include "soap/html_feed.h"

struct state {
    struct buf *out;
    size_t base;      /* out's length at the start */
    unsigned silent;  /* open elements whose text is dropped */
    unsigned pre;     /* open <pre> */
    unsigned newlines; /* written at the end */
    bool gap;         /* white space is owed */
};

enum effect { INLINE, BLOCK, PARAGRAPH, BREAK, SILENT, PRE, CELL, ITEM };

static enum effect effect_of(const xmlChar *name)
{
    static const struct {
        const char *name;
        enum effect effect;
    } rows[] = {
        { "p", PARAGRAPH },  { "div", BLOCK },      { "br", BREAK },         { "li", ITEM },        { "tr", BLOCK },
        { "td", CELL },      { "th", CELL },        { "table", BLOCK },      { "ul", BLOCK },       { "ol", BLOCK },
        { "h1", PARAGRAPH }, { "h2", PARAGRAPH },   { "h3", PARAGRAPH },     { "h4", PARAGRAPH },   { "h5", PARAGRAPH },
        { "h6", PARAGRAPH }, { "hr", BLOCK },       { "pre", PRE },          { "blockquote", BLOCK }, { "dl", BLOCK },
        { "dt", BLOCK },     { "dd", BLOCK },       { "section", BLOCK },    { "article", BLOCK },  { "header", BLOCK },
        { "footer", BLOCK }, { "script", SILENT },  { "style", SILENT },     { "head", SILENT },    { "title", SILENT },
        { "template", SILENT },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (strcmp((const char *)name, rows[i].name) == 0)
            return rows[i].effect;
    return INLINE;
}

static void add_newline(struct state *state)
{
    buf_add(state->out, "\r\n", 2);
    state->newlines++;
    state->gap = false;
}

/* At least n line ends before what follows; none at the very start. */
static void break_lines(struct state *state, unsigned n)
{
    state->gap = false;
    while (state->out->len > state->base && state->newlines < n)
        add_newline(state);
}

static void on_start(void *arg, const xmlChar *name, const xmlChar **attrs ATTR_UNUSED)
{
    struct state *state = arg;

    switch (effect_of(name)) {
    case PARAGRAPH:
        break_lines(state, 2);
        break;
    case PRE:
        state->pre++;
        break_lines(state, 1);
        break;
    case BLOCK:
        break_lines(state, 1);
        break;
    case ITEM:
        break_lines(state, 1);
        buf_add_str(state->out, "* ");
        state->newlines = 0;
        break;
    case BREAK:
        add_newline(state);
        break;
    case SILENT:
        state->silent++;
        break;
    case CELL:
        state->gap = state->newlines == 0;
        break;
    case INLINE:
        break;
    }
}

static void on_end(void *arg, const xmlChar *name)
{
    struct state *state = arg;
    enum effect effect = effect_of(name);

    if (effect == SILENT && state->silent)
        state->silent--;
    if (effect == PRE && state->pre)
        state->pre--;
    if (effect == PARAGRAPH)
        break_lines(state, 2);
    if (effect == BLOCK || effect == PRE || effect == ITEM)
        break_lines(state, 1);
}

static void add_plain(struct state *state, char c)
{
    if (state->gap && state->newlines == 0 && state->out->len > state->base)
        buf_add_char(state->out, ' ');
    state->gap = false;
    state->newlines = 0;
    buf_add_char(state->out, c);
}

static void on_text(void *arg, const xmlChar *text, int len)
{
    struct state *state = arg;

    if (state->silent)
        return;
    for (int i = 0; i < len; i++) {
        char c = (char)text[i];

        if (state->pre && c == '\n')
            add_newline(state);
        else if (!state->pre && (c == ' ' || c == '\n' || c == '\t' || c == '\r'))
            state->gap = true;
        else if ((unsigned char)c == 0xc2 && i + 1 < len && text[i + 1] == 0xa0 && i++ >= 0)
            add_plain(state, ' ');
        else if (c != '\r')
            add_plain(state, c);
    }
}

int html_to_text(struct span html, struct buf *out)
{
    struct state state = { .out = out, .base = out->len };
    htmlSAXHandler sax = { 0 };
    struct html_feed feed;

    if (html.len == 0)
        return 0;
    sax.startElement = on_start;
    sax.endElement = on_end;
    sax.characters = on_text;
    sax.ignorableWhitespace = on_text;
    int r = html_feed_open(&feed, &sax, &state, 0);
    if (r < 0)
        return r;
    html_feed(&feed, html);
    html_feed_close(&feed);
    while (out->len >= state.base + 2 && memcmp(out->ptr + out->len - 2, "\r\n", 2) == 0)
        out->len -= 2;
    return 0;
}

void text_to_html(struct span text, struct buf *out)
{
    buf_add_str(out, "<html><head><meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\"></head><body>"
                     "<div style=\"white-space:pre-wrap\">");
    for (size_t i = 0; i < text.len; i++) {
        switch (text.ptr[i]) {
        case '&':
            buf_add_str(out, "&amp;");
            break;
        case '<':
            buf_add_str(out, "&lt;");
            break;
        case '>':
            buf_add_str(out, "&gt;");
            break;
        case '\r':
            break;
        case '\n':
            buf_add_str(out, "<br>\r\n");
            break;
        default:
            buf_add_char(out, text.ptr[i]);
        }
    }
    buf_add_str(out, "</div></body></html>");
}
