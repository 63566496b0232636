/*
 * See quote.h. The words are English whatever Culture says.
 */
#include "ops/quote.h"

#include "soap/html.h"

#include <errno.h>

#define NAMES_MAX 4096 /* bytes of the names in one line */

/* ---- what is answered ---- */

static void add_person(struct buf *out, const struct rcpt *rcpt)
{
    bool both = rcpt->name.len && rcpt->address.len && !span_eq(rcpt->name, rcpt->address);

    buf_add_span(out, rcpt->name.len ? rcpt->name : rcpt->address);
    if (both) {
        buf_add_str(out, " <");
        buf_add_span(out, rcpt->address);
        buf_add_char(out, '>');
    }
}

/* A line break in a name would be one of ours. */
static void flatten(struct buf *line, size_t from)
{
    for (size_t i = from; i < line->len; i++)
        if (line->ptr[i] == '\r' || line->ptr[i] == '\n')
            line->ptr[i] = ' ';
}

static void add_people(struct buf *out, const struct rcpt_list *list)
{
    const size_t from = out->len;

    for (size_t i = 0; i < list->n; i++) {
        if (i)
            buf_add_str(out, "; ");
        if (out->len - from > NAMES_MAX) {
            buf_add_str(out, "...");
            break;
        }
        add_person(out, &list->v[i]);
    }
    flatten(out, from);
}

/* NAME: value, in the form of the body. */
static void add_line(struct buf *out, const char *name, struct span value, enum body_type type)
{
    if (!value.len)
        return;
    buf_printf(out, type == BODY_HTML ? "<b>%s:</b> " : "%s: ", name);
    if (type == BODY_HTML)
        html_add_text(value, out);
    else
        buf_add_span(out, value);
    buf_add_str(out, type == BODY_HTML ? "<br>\r\n" : "\r\n");
}

static int add_lines(const struct item *item, enum body_type type, struct buf *out)
{
    char date[WHEN_RFC5322_SIZE] = "";
    struct rcpt from = rcpt_is_set(&item->from) ? item->from : item->sender;
    const struct rcpt_list lists[] = { { &from, 1 }, item->to, item->cc };
    static const char *const names[] = { "From", "To", "Cc" };
    int64_t at = item->sent != WHEN_NONE ? item->sent : item->received;
    int r = 0;

    if (at != WHEN_NONE)
        when_format_rfc5322(at, date);
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(names); i++) {
        struct buf people = BUF_INIT(4 * NAMES_MAX + 65536);
        add_people(&people, &lists[i]);
        r = buf_error(&people);
        add_line(out, names[i], buf_span(&people), type);
        buf_done(&people);
        if (i == 0)
            add_line(out, "Sent", span_of(date), type);
    }
    struct buf subject = BUF_INIT(item->subject.len + 1);
    buf_add_span(&subject, item->subject);
    flatten(&subject, 0);
    if (r == 0)
        r = buf_error(&subject);
    add_line(out, "Subject", buf_span(&subject), type);
    buf_done(&subject);
    return r;
}

/* ---- the parts ---- */

static int add_text(struct span text, enum body_type type, enum body_type wanted, struct buf *out)
{
    if (wanted == BODY_HTML && type == BODY_HTML)
        return html_add_inner(text, out);
    if (wanted == BODY_HTML)
        html_add_text(text, out);
    else if (type == BODY_HTML)
        return html_to_text(text, out);
    else
        buf_add_span(out, text);
    return 0;
}

static int add_all(const struct quote *quote, struct buf *out)
{
    const struct item *original = quote->original;
    bool html = quote->type == BODY_HTML;

    if (html)
        buf_add_str(out, "<html><head><meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\"></head><body>\r\n<div>");
    int r = add_text(quote->text, quote->text_type, quote->type, out);
    buf_add_str(out, html ? "</div>\r\n<hr>\r\n<div>" : "\r\n\r\n________________________________________\r\n");
    if (r == 0)
        r = add_lines(original, quote->type, out);
    buf_add_str(out, html ? "</div>\r\n<br>\r\n<div>" : "\r\n");
    if (r == 0)
        r = add_text(original->body, original->body_type, quote->type, out);
    if (html)
        buf_add_str(out, "</div>\r\n</body></html>\r\n");
    return r;
}

int quote_body(struct arena *arena, const struct quote *quote, size_t max, struct span *ret_body)
{
    struct buf out = BUF_INIT(max);
    int r = add_all(quote, &out);

    if (r == 0)
        r = buf_error(&out);
    if (r == 0)
        r = arena_copy(arena, buf_span(&out), ret_body);
    buf_done(&out);
    return r == -EFBIG ? 1 : r;
}
