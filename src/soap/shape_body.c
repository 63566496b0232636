/*
 * Body and what is made of it: converted between HTML and text, filtered as the
 * ItemShape asks, without what earlier messages said (UniqueBody), its first
 * words (Preview), cut to a size. Nothing is parsed that needs no change.
 */
#include "soap/html.h"
#include "soap/html_clean.h"
#include "soap/shape_parts.h"

#define PREVIEW_MAX 255       /* characters */
#define PREVIEW_SOURCE 262144 /* bytes of a body that a preview is made of */

/* A body on its way: each step that changes it has a buffer of its own. */
struct passage {
    struct span text;
    enum body_type type;
    struct buf steps[3];
    size_t n;
};

static void passage_done(struct passage *p)
{
    for (size_t i = 0; i < ARRAY_LEN(p->steps); i++)
        buf_done(&p->steps[i]);
}

static struct buf *step(struct passage *p)
{
    p->steps[p->n] = BUF_INIT(SHAPE_BODY_MAX);
    return &p->steps[p->n++];
}

static void take(struct writing *w, struct passage *p, struct buf *out, int r)
{
    r = r ? r : buf_error(out);
    w->error = w->error ? w->error : r;
    p->text = buf_span(out);
}

static void convert(struct writing *w, struct passage *p, enum body_type type)
{
    if (p->type == type)
        return;
    struct buf *out = step(p);
    int r = 0;
    if (type == BODY_TEXT)
        r = html_to_text(p->text, out);
    else
        text_to_html(p->text, out);
    take(w, p, out, r);
    p->type = type;
}

static bool contains(struct span text, const char *word)
{
    return text.len && memmem(text.ptr, text.len, word, strlen(word));
}

/* Could there be something for the rules to do? */
static bool rules_matter(const struct html_rules *rules, struct span html)
{
    return rules->filter || rules->block_images || (rules->blank_target && contains(html, "<")) ||
           (rules->utf8 && (contains(html, "charset") || contains(html, "CHARSET")));
}

static void clean(struct writing *w, struct passage *p)
{
    const struct html_rules *rules = &w->shape->rules;
    struct html_outcome outcome = { 0 };
    if (p->type != BODY_HTML || !rules_matter(rules, p->text))
        return;
    struct buf *out = step(p);
    int r = html_clean(p->text, rules, out, &outcome);
    take(w, p, out, r);
    w->blocked = w->blocked || outcome.blocked;
}

static bool may_quote(struct span html)
{
    static const char *const marks[] = { "blockquote", "BLOCKQUOTE", "gmail_", "divRplyFwdMsg", "appendonsend", "moz-cite",
                                         "yahoo_quoted", "OutlookMessageHeader", "OLK_SRC", "stopSpelling", "reply-intro",
                                         "mail-editor-reference", "border-top:solid" };
    for (size_t i = 0; i < ARRAY_LEN(marks); i++)
        if (contains(html, marks[i]))
            return true;
    return false;
}

static void drop_quoted(struct writing *w, struct passage *p)
{
    static const struct html_rules rules = { .unique = true };
    struct html_outcome outcome = { 0 };
    const struct span whole = p->text;
    if (p->type == BODY_TEXT)
        p->text.len = text_quote_begins(whole);
    if (p->type == BODY_TEXT || !may_quote(whole))
        return;
    struct buf *out = step(p);
    int r = html_clean(whole, &rules, out, &outcome);
    take(w, p, out, r);
    if (!r && !outcome.cut)
        p->text = whole;
}

/* ---- where a plain text begins to quote ---- */

static bool line_at(struct span text, size_t at, struct span *ret_line, size_t *ret_next)
{
    if (at >= text.len)
        return false;
    const char *end = memchr(text.ptr + at, '\n', text.len - at);
    size_t len = end ? (size_t)(end - (text.ptr + at)) : text.len - at;
    *ret_line = span_trim((struct span){ text.ptr + at, len });
    *ret_next = at + len + (end ? 1 : 0);
    return true;
}

static bool ends_with(struct span text, const char *tail)
{
    size_t len = strlen(tail);
    return text.len >= len && memcmp(text.ptr + text.len - len, tail, len) == 0;
}

/* "From: ...", and then within a few lines when it was sent and to whom. */
static bool is_head(struct span text, size_t at)
{
    static const char *const names[] = { "Sent:", "Date:", "To:", "Subject:" };
    struct span line;
    size_t found = 0;
    if (!line_at(text, at, &line, &at) || !span_starts(line, SPAN("From:")))
        return false;
    for (size_t n = 0; n < 4 && line_at(text, at, &line, &at); n++)
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
            found += span_starts(line, span_of(names[i]));
    return found >= 2;
}

static bool next_is_quoted(struct span text, size_t at)
{
    struct span line;
    while (line_at(text, at, &line, &at))
        if (line.len)
            return line.ptr[0] == '>';
    return false;
}

size_t text_quote_begins(struct span text)
{
    struct span line;
    size_t next;
    for (size_t at = 0; line_at(text, at, &line, &next); at = next) {
        if (!line.len)
            continue;
        bool ruled = span_starts(line, SPAN("-----Original Message-----")) ||
                     (span_starts(line, SPAN("________________________________")) && is_head(text, next));
        bool said = line.ptr[line.len - 1] == ':' && (ends_with(line, "wrote:") || span_starts(line, SPAN("On "))) &&
                    next_is_quoted(text, next);
        if (ruled || said || (line.ptr[0] == 'F' && is_head(text, at)))
            return at;
    }
    return text.len;
}

/* ---- writing ---- */

static enum body_type type_wanted(const struct writing *w, enum shape_body wanted)
{
    return wanted == SHAPE_BODY_HTML ? BODY_HTML : wanted == SHAPE_BODY_TEXT ? BODY_TEXT : w->item->body_type;
}

/* At most max bytes, of whole characters; of HTML none of a tag or an entity
 * that would not be whole. */
static bool cut(struct passage *p, size_t max)
{
    if (p->text.len <= max)
        return false;
    p->text.len = max;
    while (p->text.len && ((unsigned char)p->text.ptr[p->text.len] & 0xc0) == 0x80)
        p->text.len--;
    if (p->type == BODY_TEXT)
        return true;
    for (size_t i = p->text.len; i > 0 && p->text.ptr[i - 1] != '>'; i--) {
        bool entity = p->text.ptr[i - 1] == '&' && !memchr(p->text.ptr + i, ';', p->text.len - i);
        if (entity || p->text.ptr[i - 1] == '<')
            p->text.len = i - 1;
    }
    return true;
}

static void put(struct writing *w, const char *element, struct passage *p, bool limited)
{
    const bool truncated = limited && cut(p, w->shape->body_max);
    xw_open(w->xw, element);
    xw_attr_str(w->xw, "BodyType", p->type == BODY_HTML ? "HTML" : "Text");
    if (truncated)
        xw_attr_str(w->xw, "IsTruncated", "true");
    xw_text(w->xw, p->text);
    xw_close(w->xw);
}

/* The first characters of the text, white space as single spaces. */
static void put_preview(struct writing *w, struct span text)
{
    char out[4 * PREVIEW_MAX];
    size_t n = 0, chars = 0;
    bool gap = false;
    for (size_t i = 0; i < text.len && chars < PREVIEW_MAX;) {
        size_t len = 1;
        while (i + len < text.len && ((unsigned char)text.ptr[i + len] & 0xc0) == 0x80)
            len++;
        const bool space = memchr(" \t\r\n", text.ptr[i], 4) != NULL;
        gap = gap || (space && n > 0);
        if (!space && len <= 4 && chars + (gap ? 2 : 1) <= PREVIEW_MAX) {
            if (gap)
                out[n++] = ' ';
            memcpy(out + n, text.ptr + i, len);
            n += len;
            chars += gap ? 2 : 1;
            gap = false;
        } else if (!space) {
            break;
        }
        i += len;
    }
    xw_leaf(w->xw, "t:Preview", (struct span){ out, n });
}

struct span shape_body_as(struct writing *w, enum body_type type, struct buf *out)
{
    int r = 0;
    if (type == w->item->body_type)
        return w->item->body;
    if (type == BODY_TEXT)
        r = html_to_text(w->item->body, out);
    else
        text_to_html(w->item->body, out);
    r = r ? r : buf_error(out);
    w->error = w->error ? w->error : r;
    return buf_span(out);
}

void shape_put_body(struct writing *w, enum prop prop)
{
    const struct shape *shape = w->shape;
    CLEANUP(passage_done) struct passage p = { .text = w->item->body, .type = w->item->body_type };
    if (prop == PROP_ID_Body) {
        convert(w, &p, type_wanted(w, shape->body));
        clean(w, &p);
        put(w, "t:Body", &p, true);
    } else if (prop == PROP_ID_UniqueBody) {
        drop_quoted(w, &p);
        convert(w, &p, type_wanted(w, shape->unique_body));
        clean(w, &p);
        put(w, "t:UniqueBody", &p, false);
    } else if (prop == PROP_ID_NormalizedBody) {
        convert(w, &p, type_wanted(w, shape->normalized_body));
        clean(w, &p);
        put(w, "t:NormalizedBody", &p, false);
    } else if (prop == PROP_ID_TextBody) {
        convert(w, &p, BODY_TEXT);
        put(w, "t:TextBody", &p, false);
    } else {
        p.text.len = p.text.len < PREVIEW_SOURCE ? p.text.len : PREVIEW_SOURCE;
        convert(w, &p, BODY_TEXT);
        put_preview(w, p.text);
    }
}
