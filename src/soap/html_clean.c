/*
 * See html_clean.h. libxml2 parses, so what is written is well-formed whatever
 * came: every attribute is quoted, every "<" of a text escaped. What is left out
 * html_allow.c knows.
 */
#include "soap/html_allow.h"
#include "soap/html_clean.h"
#include "soap/html_feed.h"

struct state {
    struct buf *out;
    const struct html_rules *rules;
    struct html_outcome outcome;
    unsigned silent;  /* open elements that are left out with all they hold */
    unsigned skipped; /* open elements since the cut */
    bool style;       /* inside <style> */
    bool fragment;    /* ours is the element around it all */
    unsigned open;    /* elements, of a fragment */
};

/* ---- writing ---- */

static void put_escaped(struct buf *out, struct span text, bool attribute)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '&')
            buf_add_str(out, "&amp;");
        else if (c == '<')
            buf_add_str(out, "&lt;");
        else if (c == '>')
            buf_add_str(out, "&gt;");
        else if (c == '"' && attribute)
            buf_add_str(out, "&quot;");
        else
            buf_add_char(out, c);
    }
}

static void put_attribute(struct state *state, struct span name, struct span value)
{
    buf_add_char(state->out, ' ');
    buf_add_span(state->out, name);
    buf_add_str(state->out, "=\"");
    put_escaped(state->out, value, true);
    buf_add_char(state->out, '"');
}

static bool name_is_safe(struct span name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == ':'))
            return false;
    }
    return name.len > 0;
}

/* Whether an attribute is left. */
static bool keep_attribute(struct state *state, struct span element, struct span name, struct span value, const char *const *attrs)
{
    const struct html_rules *rules = state->rules;
    const bool picture = html_attr_is_picture(name);
    const bool style = span_eq_nocase(name, SPAN("style"));
    const bool link = span_eq_nocase(name, SPAN("href")) && span_eq_nocase(element, SPAN("link"));
    if (!name_is_safe(name))
        return false;
    if ((rules->block_images || rules->filter) && (picture || link) && !html_url_inline(value) &&
        (rules->block_images || html_is_beacon(attrs))) {
        state->outcome.blocked = true;
        return false;
    }
    if (rules->block_images && style && html_style_loads(value)) {
        state->outcome.blocked = true;
        return false;
    }
    if (rules->blank_target && span_eq_nocase(element, SPAN("a")) && span_eq_nocase(name, SPAN("target")))
        return false;
    if (!rules->filter)
        return true;
    bool url = picture || (span_eq_nocase(name, SPAN("href")) || span_eq_nocase(name, SPAN("cite")));
    return html_attr_allowed(name) && (!url || html_url_allowed(value, picture)) && (!style || html_style_allowed(value));
}

/* <meta> that names the character set: it is UTF-8 now. */
static struct span attribute_value(const struct state *state, struct span element, struct span name, struct span value)
{
    if (!state->rules->utf8 || !span_eq_nocase(element, SPAN("meta")))
        return value;
    if (span_eq_nocase(name, SPAN("charset")))
        return SPAN("utf-8");
    return span_eq_nocase(name, SPAN("content")) && html_contains(value, "charset=") ? SPAN("text/html; charset=utf-8") : value;
}

static void put_start(struct state *state, struct span element, const char *const *attrs)
{
    buf_add_char(state->out, '<');
    buf_add_span(state->out, element);
    for (size_t i = 0; attrs && attrs[i]; i += 2) {
        struct span name = span_of(attrs[i]), value = span_of(attrs[i + 1]);
        if (keep_attribute(state, element, name, value, attrs))
            put_attribute(state, name, attribute_value(state, element, name, value));
    }
    if (state->rules->blank_target && span_eq_nocase(element, SPAN("a")) && html_attr(attrs, "href").len)
        put_attribute(state, SPAN("target"), SPAN("_blank"));
    buf_add_char(state->out, '>');
}

/* ---- events ---- */

static void on_start(void *arg, const xmlChar *name, const xmlChar **attributes)
{
    const char *const *attrs = (const char *const *)attributes;
    struct state *state = arg;
    struct span element = span_of((const char *)name);
    if (state->fragment && state->open++ == 0)
        return;
    if (state->rules->unique && !state->outcome.cut && !state->silent && html_begins_quote(element, attrs))
        state->outcome.cut = true;
    if (state->outcome.cut) {
        state->skipped++;
        return;
    }
    if (state->rules->filter && html_element_silent(element))
        state->silent++;
    if (state->silent || !name_is_safe(element))
        return;
    state->style = span_eq_nocase(element, SPAN("style"));
    if (!state->rules->filter || html_element_allowed(element))
        put_start(state, element, attrs);
}

static void on_end(void *arg, const xmlChar *name)
{
    struct state *state = arg;
    struct span element = span_of((const char *)name);
    if (state->fragment && --state->open == 0)
        return;
    if (state->skipped) {
        state->skipped--;
        return;
    }
    if (state->rules->filter && state->silent && html_element_silent(element)) {
        state->silent--;
        return;
    }
    state->style = false;
    if (state->silent || !name_is_safe(element) || html_element_void(element) ||
        (state->rules->filter && !html_element_allowed(element)))
        return;
    buf_add_str(state->out, "</");
    buf_add_span(state->out, element);
    buf_add_char(state->out, '>');
}

static void on_text(void *arg, const xmlChar *text, int len)
{
    struct state *state = arg;
    if (!state->silent && !state->outcome.cut)
        put_escaped(state->out, (struct span){ (const char *)text, (size_t)len }, false);
}

/* A style sheet without its comments, if nothing in it loads or runs anything. */
static void put_style(struct state *state, struct span style)
{
    struct buf plain = BUF_INIT(style.len + 1);
    for (size_t i = 0; i < style.len; i++) {
        struct span rest = { style.ptr + i, style.len - i };
        const char *end = span_starts(rest, SPAN("/*")) ? memmem(rest.ptr + 2, rest.len - 2, "*/", 2) : NULL;
        if (end)
            i += (size_t)(end - rest.ptr) + 1;
        else if (span_starts(rest, SPAN("<!--")))
            i += 3;
        else if (span_starts(rest, SPAN("-->")))
            i += 2;
        else
            buf_add_char(&plain, rest.ptr[0]);
    }
    if (buf_error(&plain))
        state->out->error = buf_error(&plain);
    else if (html_style_allowed(buf_span(&plain)))
        buf_add_span(state->out, buf_span(&plain));
    buf_done(&plain);
}

/* What is in <script> and <style>. */
static void on_raw(void *arg, const xmlChar *text, int len)
{
    struct state *state = arg;
    const struct span raw = { (const char *)text, (size_t)len };
    if (state->silent || state->outcome.cut)
        return;
    if (state->rules->filter && state->style)
        put_style(state, raw);
    else if (state->rules->block_images && state->style && raw.len && html_style_loads(raw))
        state->outcome.blocked = true;
    else if (!state->rules->filter)
        buf_add_span(state->out, raw);
}

static void on_comment(void *arg, const xmlChar *text)
{
    struct state *state = arg;
    if (state->silent || state->outcome.cut || state->rules->filter || state->rules->block_images)
        return;
    buf_add_str(state->out, "<!--");
    buf_add_str(state->out, (const char *)text);
    buf_add_str(state->out, "-->");
}

static void on_doctype(void *arg, const xmlChar *name ATTR_UNUSED, const xmlChar *public_id ATTR_UNUSED,
                       const xmlChar *system_id ATTR_UNUSED)
{
    struct state *state = arg;
    buf_add_str(state->out, "<!DOCTYPE html>");
}

/* Does it begin with <html>, <head> or <body>, behind comments and the like? */
static bool is_document(struct span html)
{
    static const char *const tags[] = { "<html", "<head", "<body" };
    while ((html = span_trim(html)).len > 5) {
        for (size_t i = 0; i < ARRAY_LEN(tags); i++)
            if (span_eq_nocase((struct span){ html.ptr, 5 }, span_of(tags[i])))
                return true;
        if (html.ptr[0] != '<' || (html.ptr[1] != '!' && html.ptr[1] != '?'))
            break;
        bool comment = span_starts(html, SPAN("<!--"));
        const char *end = comment ? memmem(html.ptr, html.len, "-->", 3) : memchr(html.ptr, '>', html.len);
        if (!end)
            break;
        size_t skip = (size_t)(end - html.ptr) + (comment ? 3 : 1);
        html = (struct span){ html.ptr + skip, html.len - skip };
    }
    return false;
}

/* Where </body> or </html> stands next (html.len: nowhere), and its length. What is
 * behind them is content all the same, but the parser would not say so. */
static size_t next_end(struct span html, size_t *ret_len)
{
    for (const char *at = html.ptr; (at = memmem(at, html.len - (size_t)(at - html.ptr), "</", 2)); at += 2) {
        struct span rest = { at, html.len - (size_t)(at - html.ptr) };
        struct span name = { rest.ptr + 2, rest.len > 6 ? 4 : 0 };
        if (!span_eq_nocase(name, SPAN("body")) && !span_eq_nocase(name, SPAN("html")))
            continue;
        const char *close = memchr(rest.ptr, '>', rest.len < 32 ? rest.len : 32);
        if (!close)
            continue;
        *ret_len = (size_t)(close - at) + 1;
        return (size_t)(at - html.ptr);
    }
    *ret_len = 0;
    return html.len;
}

static void feed(struct html_feed *parsing, struct span html)
{
    while (html.len) {
        size_t len, at = next_end(html, &len);
        html_feed(parsing, (struct span){ html.ptr, at });
        html = (struct span){ html.ptr + at + len, html.len - at - len };
    }
}

int html_clean(struct span html, const struct html_rules *rules, struct buf *out, struct html_outcome *ret_outcome)
{
    struct state state = { .out = out, .rules = rules, .fragment = !is_document(html) };
    htmlSAXHandler sax = { 0 };
    struct html_feed parsing;

    *ret_outcome = state.outcome;
    if (html.len == 0)
        return 0;
    sax.startElement = on_start;
    sax.endElement = on_end;
    sax.characters = on_text;
    sax.ignorableWhitespace = on_text;
    sax.cdataBlock = on_raw;
    sax.comment = on_comment;
    sax.internalSubset = on_doctype;
    int r = html_feed_open(&parsing, &sax, &state, HTML_PARSE_NODEFDTD | (state.fragment ? HTML_PARSE_NOIMPLIED : 0));
    if (r < 0)
        return r;
    if (state.fragment)
        html_feed(&parsing, SPAN("<ewsd>"));
    feed(&parsing, html);
    html_feed_close(&parsing);
    *ret_outcome = state.outcome;
    return 0;
}
