/*
 * A structured item as a message: fixed order of fields, boundaries from the
 * item's seed, text as UTF-8, everything else as base64. Supplied messages go
 * to mime_edit.c.
 */
#include "mime/mime.h"
#include "mime/mime_text.h"

#include "base/codec.h"

#include <errno.h>
#include <stdio.h>

#define BOUNDARY_MARK "=_ewsd_"
#define INDEX_TEXT_MAX 900 /* of a Thread-Index, which is one word of a line */

struct body_text {
    struct buf text;      /* CRLF */
    const char *encoding; /* Content-Transfer-Encoding */
};

/* ---- header ---- */


static void add_date(struct buf *out, const struct item *item)
{
    char date[WHEN_RFC5322_SIZE];
    int64_t at = item->sent > 0 ? item->sent : item->created > 0 ? item->created : 0;

    when_format_rfc5322(at, date);
    field_add_tokens(out, "Date", span_of(date));
}

typedef int add_people(struct buf *out, const char *name, const struct rcpt *v, size_t n);

static int add_originators(const struct item *item, add_people *add, struct buf *out)
{
    const struct rcpt *from = rcpt_is_set(&item->from) ? &item->from : &item->sender;
    bool differs = rcpt_is_set(&item->sender) && !span_eq_nocase(item->sender.address, from->address);
    int r = add(out, "From", from, 1);

    if (r == 0 && differs)
        r = add(out, "Sender", &item->sender, 1);
    return r;
}

static int add_recipients(const struct item *item, bool keep_bcc, add_people *add, struct buf *out)
{
    int r = add(out, "Reply-To", item->reply_to.v, item->reply_to.n);

    if (r == 0)
        r = add(out, "To", item->to.v, item->to.n);
    if (r == 0)
        r = add(out, "Cc", item->cc.v, item->cc.n);
    if (r == 0 && keep_bcc)
        r = add(out, "Bcc", item->bcc.v, item->bcc.n);
    return r;
}

static void add_marks(const struct item *item, struct buf *out)
{
    static const char *const importance[] = { "Low", NULL, "High" };
    static const char *const sensitivity[] = { NULL, "Personal", "Private", "Company-Confidential" };

    if (item->importance >= 0 && item->importance <= IMPORTANCE_HIGH && importance[item->importance])
        field_add_tokens(out, "Importance", span_of(importance[item->importance]));
    if (item->sensitivity >= 0 && item->sensitivity <= SENSITIVITY_CONFIDENTIAL && sensitivity[item->sensitivity])
        field_add_tokens(out, "Sensitivity", span_of(sensitivity[item->sensitivity]));
}

/* ConversationTopic and -Index of an answer, as Exchange tells them to others;
 * a message that begins a conversation has 22 bytes. */
static void add_thread(const struct item *item, struct buf *out)
{
    struct buf index = BUF_INIT(INDEX_TEXT_MAX);

    if (item->conversation_index.len > 22)
        base64_encode(&index, item->conversation_index.ptr, item->conversation_index.len);
    if (index.len > 0 && !buf_error(&index)) {
        field_add_text(out, "Thread-Topic", item->conversation_topic);
        field_add_tokens(out, "Thread-Index", buf_span(&index));
    }
    buf_done(&index);
}

static bool none_present(const void *arg, struct span name)
{
    (void)arg;
    (void)name;
    return false;
}

int mime_add_header(const struct item *item, const struct mime_options *options, struct buf *out)
{
    add_people *add = options->attached ? field_add_sound_rcpts : field_add_rcpts;
    int r = add_originators(item, add, out);

    if (r == 0)
        r = add_recipients(item, options->keep_bcc, add, out);
    if (r)
        return r;
    if (item->subject.len)
        field_add_text(out, "Subject", item->subject);
    add_date(out, item);
    field_add_tokens(out, "Message-ID", item->message_id);
    field_add_tokens(out, "In-Reply-To", item->in_reply_to);
    field_add_tokens(out, "References", item->references);
    add_marks(item, out);
    add_thread(item, out);
    r = mime_add_extras(item, none_present, NULL, out);
    if (r == 0)
        buf_add_str(out, "MIME-Version: 1.0\r\n");
    return r;
}

/* ---- body ---- */

static void body_done(struct body_text *body)
{
    buf_done(&body->text);
}

static int add_body_lines(void *arg, struct span piece)
{
    text_lines_add(arg, piece);
    return 0;
}

/* Text in CRLF lines and the encoding that carries it. */
static int body_prepare(const struct item *item, bool eight_bit, struct body_text *ret_body)
{
    *ret_body = (struct body_text){ .text = BUF_INIT(item->body.len * 2 + 2), .encoding = "7bit" };
    struct text_lines into = { .out = &ret_body->text };
    int r = source_each(item->body_source, item->body, add_body_lines, &into);
    text_lines_end(&into);
    if (r == 0)
        r = buf_error(&ret_body->text);
    if (r)
        return r;
    struct span lines = buf_span(&ret_body->text);
    struct text_scan scan = text_scan(lines);
    if (scan.high > lines.len / 4 && !(eight_bit && !scan.long_line && !scan.control))
        ret_body->encoding = "base64";
    else if (scan.long_line || scan.control || scan.tricky || text_contains(lines, SPAN(BOUNDARY_MARK)) || (scan.eight_bit && !eight_bit))
        ret_body->encoding = "quoted-printable";
    else if (scan.eight_bit)
        ret_body->encoding = "8bit";
    return 0;
}

/* Bytes that are no UTF-8 are told as what they are: unknown. */
static int add_text_part(const struct item *item, bool eight_bit, bool last, struct buf *out)
{
    CLEANUP(body_done) struct body_text body;

    int r = body_prepare(item, eight_bit, &body);
    if (r)
        return r;
    struct span text = buf_span(&body.text);
    const char *charset = span_utf8_ok(item->body_source ? text : item->body) ? "utf-8" : "unknown-8bit";
    buf_printf(out, "Content-Type: text/%s; charset=%s\r\nContent-Transfer-Encoding: %s\r\n\r\n",
               item->body_type == BODY_HTML ? "html" : "plain", charset, body.encoding);
    if (body.encoding[0] == 'b')
        r = text_add_base64(out, NULL, text);
    else if (body.encoding[0] == 'q')
        text_add_qp(out, text);
    else
        buf_add_span(out, text);
    if (last && body.encoding[0] != 'b' && text.len && text.ptr[text.len - 1] != '\n')
        buf_add_str(out, "\r\n");
    return r;
}

/* ---- attachments ---- */

static bool type_ok(struct span type)
{
    size_t slash = 0, slashes = 0;

    for (size_t i = 0; i < type.len; i++) {
        char c = type.ptr[i];
        bool alnum = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        if (c == '/') {
            slash = i;
            slashes++;
        } else if (!alnum && !memchr("-+._!#$&^", c, 9)) {
            return false;
        }
    }
    return slashes == 1 && slash > 0 && slash + 1 < type.len && type.len <= 100;
}

/* Messages and multiparts may not be base64, so they travel as bytes. */
static struct span attachment_type(const struct attachment *attachment)
{
    const struct span families[] = { SPAN("message/"), SPAN("multipart/") };
    struct span type = attachment->content_type;
    const char *end = type.len ? memchr(type.ptr, ';', type.len) : NULL;

    if (end)
        type.len = (size_t)(end - type.ptr);
    type = span_trim(type);
    for (size_t i = 0; i < ARRAY_LEN(families); i++)
        if (type.len >= families[i].len && span_eq_nocase((struct span){ type.ptr, families[i].len }, families[i]))
            return SPAN("application/octet-stream");
    return type_ok(type) ? type : SPAN("application/octet-stream");
}

static struct span content_id(const struct attachment *attachment)
{
    struct span id = span_trim(attachment->content_id);

    if (id.len >= 2 && id.ptr[0] == '<' && id.ptr[id.len - 1] == '>')
        id = (struct span){ id.ptr + 1, id.len - 2 };
    for (size_t i = 0; i < id.len; i++)
        if (id.ptr[i] <= ' ' || id.ptr[i] > '~' || id.ptr[i] == '<' || id.ptr[i] == '>')
            return SPAN("");
    return id.len <= 250 ? id : SPAN("");
}

static bool is_related(const struct item *item, const struct attachment *attachment)
{
    return item->body_type == BODY_HTML && attachment->is_inline && content_id(attachment).len > 0;
}

/* What its boundaries are made of: different in each item, the same each time. */
static uint64_t inner_seed(uint64_t seed, uint64_t no)
{
    uint64_t x = seed + no * 0x9e3779b97f4a7c15u;

    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* An attached item, of whatever kind, is a message (RFC 2046, 5.2.1), so that
 * nothing but its own text has to be read by whoever gets it. */
static int add_item(const struct item *holder, const struct attachment *attachment, struct buf *out)
{
    const struct mime_options options = { .attached = true };
    struct item item = *attachment->item;

    item.boundary_seed = inner_seed(holder->boundary_seed, attachment->no);
    buf_add_str(out, "Content-Type: message/rfc822\r\n");
    struct field disposition = field_open(out, "Content-Disposition");
    field_word(&disposition, attachment->is_inline ? SPAN("inline") : SPAN("attachment"));
    field_close(&disposition);
    struct span id = content_id(attachment);
    if (id.len)
        buf_printf(out, "Content-ID: <%.*s>\r\n", (int)id.len, id.ptr);
    buf_add_str(out, "Content-Transfer-Encoding: 7bit\r\n\r\n");
    return mime_write(&item, &options, out);
}

static int add_attachment(const struct item *item, const struct attachment *attachment, struct buf *out)
{
    if (attachment->item)
        return add_item(item, attachment, out);
    struct field type = field_open(out, "Content-Type");
    field_word(&type, attachment_type(attachment));
    if (attachment->name.len)
        field_parameter(&type, "name", attachment->name);
    field_close(&type);
    struct field disposition = field_open(out, "Content-Disposition");
    field_word(&disposition, attachment->is_inline ? SPAN("inline") : SPAN("attachment"));
    if (attachment->name.len)
        field_parameter(&disposition, "filename", attachment->name);
    field_close(&disposition);
    struct span id = content_id(attachment);
    if (id.len)
        buf_printf(out, "Content-ID: <%.*s>\r\n", (int)id.len, id.ptr);
    field_add_tokens(out, "Content-Location", attachment->content_location);
    buf_add_str(out, "Content-Transfer-Encoding: base64\r\n\r\n");
    return text_add_base64(out, attachment->source, attachment->data);
}

/* ---- structure ---- */

static void boundary_line(const struct item *item, int level, const char *end, struct buf *out)
{
    buf_printf(out, "\r\n--" BOUNDARY_MARK "%016llx_%d%s\r\n", (unsigned long long)item->boundary_seed, level, end);
}

static void open_multipart(const struct item *item, int level, const char *type, struct buf *out)
{
    buf_printf(out, "Content-Type: %s;\r\n boundary=\"" BOUNDARY_MARK "%016llx_%d\"\r\n", type,
               (unsigned long long)item->boundary_seed, level);
    boundary_line(item, level, "", out);
}

static int add_attachments(const struct item *item, bool related, int level, struct buf *out)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < item->attachments.n; i++) {
        const struct attachment *attachment = &item->attachments.v[i];
        if (is_related(item, attachment) != related)
            continue;
        boundary_line(item, level, "", out);
        r = add_attachment(item, attachment, out);
    }
    boundary_line(item, level, "--", out);
    return r;
}

static int add_content(const struct item *item, bool eight_bit, struct buf *out)
{
    size_t related = 0;

    for (size_t i = 0; i < item->attachments.n; i++)
        related += is_related(item, &item->attachments.v[i]) ? 1 : 0;
    bool mixed = item->attachments.n > related;
    if (mixed)
        open_multipart(item, 0, "multipart/mixed", out);
    if (related)
        open_multipart(item, 1, "multipart/related; type=\"text/html\"", out);
    int r = add_text_part(item, eight_bit, !mixed && !related, out);
    if (r == 0 && related)
        r = add_attachments(item, true, 1, out);
    if (r == 0 && mixed)
        r = add_attachments(item, false, 0, out);
    return r;
}

int mime_write(const struct item *item, const struct mime_options *options, struct buf *out)
{
    int r;

    if (item->mime.len)
        return mime_edit(item, options, out);
    r = mime_add_header(item, options, out);
    if (r == 0)
        r = add_content(item, options->eight_bit, out);
    return r ? r : buf_error(out);
}
