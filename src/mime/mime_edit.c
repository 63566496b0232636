/*
 * A message as the client supplied it: its body bytes stay, its header is
 * edited. Fields that can't go over the wire as they are (8-bit, too long) are
 * written anew; a body that can't is recoded part by part (mime_recode.c).
 */
#include "mime/mime.h"
#include "mime/mime_text.h"

#include <errno.h>

#define HEAD_MAX (4u << 20)

/* ---- reading fields ---- */

static size_t line_length(struct span rest)
{
    for (size_t i = 0; i < rest.len; i++) {
        if (rest.ptr[i] == '\n')
            return i + 1;
        if (rest.ptr[i] == '\r')
            return i + 1 < rest.len && rest.ptr[i + 1] == '\n' ? i + 2 : i + 1;
    }
    return rest.len;
}

static size_t name_length(struct span line)
{
    size_t n = 0;

    while (n < line.len && line.ptr[n] > ' ' && line.ptr[n] <= '~' && line.ptr[n] != ':')
        n++;
    size_t colon = n;
    while (colon < line.len && (line.ptr[colon] == ' ' || line.ptr[colon] == '\t'))
        colon++;
    return n > 0 && colon < line.len && line.ptr[colon] == ':' ? n : 0;
}

bool head_next(struct head_cursor *cursor, struct span *ret_name, struct span *ret_raw)
{
    struct span rest = cursor->rest;
    size_t n = line_length(rest);
    size_t name = name_length((struct span){ rest.ptr, n });

    if (name == 0) {
        bool blank = n > 0 && (rest.ptr[0] == '\r' || rest.ptr[0] == '\n');
        if (blank)
            cursor->rest = (struct span){ rest.ptr + n, rest.len - n };
        return false;
    }
    while (n < rest.len && (rest.ptr[n] == ' ' || rest.ptr[n] == '\t'))
        n += line_length((struct span){ rest.ptr + n, rest.len - n });
    *ret_name = (struct span){ rest.ptr, name };
    *ret_raw = (struct span){ rest.ptr, n };
    cursor->rest = (struct span){ rest.ptr + n, rest.len - n };
    return true;
}

static bool has_field(const void *arg, struct span wanted)
{
    struct head_cursor cursor = { *(const struct span *)arg };
    struct span name, raw;

    while (head_next(&cursor, &name, &raw))
        if (span_eq_nocase(name, wanted))
            return true;
    return false;
}

/* ---- writing fields ---- */

static bool is_one_of(struct span name, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (span_eq_nocase(name, span_of(names[i])))
            return true;
    return false;
}

/* The value behind the colon, in one line. */
static struct span unfold(struct span raw, struct span name, struct buf *room)
{
    size_t at = name.len;

    while (at < raw.len && raw.ptr[at] != ':')
        at++;
    for (at++; at < raw.len; at++)
        if (raw.ptr[at] != '\r' && raw.ptr[at] != '\n' && raw.ptr[at] != 0)
            buf_add_char(room, raw.ptr[at]);
    return span_trim(buf_span(room));
}

/* Folded anew; high bytes of structured fields can't be told apart, so they
 * become question marks there. */
static void rewrite_structured(struct field *field, struct span value)
{
    while (value.len > 0) {
        size_t n = 0;
        char piece[512];
        while (n < value.len && n < sizeof(piece) && value.ptr[n] != ' ' && value.ptr[n] != '\t') {
            unsigned char c = (unsigned char)value.ptr[n];
            piece[n] = c >= 0x80 || c < ' ' ? '?' : (char)c;
            n++;
        }
        if (n > 0)
            field_word(field, (struct span){ piece, n });
        else
            n = 1;
        value = (struct span){ value.ptr + n, value.len - n };
    }
}

static int rewrite_field(const struct item *item, struct span name, struct span raw, struct buf *out)
{
    static const char *const free_text[] = { "Subject", "Comments", "Keywords", "Organization", "Thread-Topic" };
    struct buf room = BUF_INIT(HEAD_MAX);

    if (span_eq_nocase(name, SPAN("To")) || span_eq_nocase(name, SPAN("Cc")) || span_eq_nocase(name, SPAN("Reply-To"))) {
        const struct rcpt_list *list = (name.ptr[0] | 0x20) == 't' ? &item->to : (name.ptr[0] | 0x20) == 'c' ? &item->cc : &item->reply_to;
        return field_add_rcpts(out, (name.ptr[0] | 0x20) == 't' ? "To" : (name.ptr[0] | 0x20) == 'c' ? "Cc" : "Reply-To", list->v, list->n);
    }
    struct span value = unfold(raw, name, &room);
    struct field field = field_open_span(out, name);
    if (is_one_of(name, free_text, ARRAY_LEN(free_text)) || (name.len > 2 && (name.ptr[0] | 0x20) == 'x' && name.ptr[1] == '-'))
        field_text(&field, value);
    else
        rewrite_structured(&field, value);
    field_close(&field);
    int r = buf_error(&room);
    buf_done(&room);
    return r;
}

static int keep_field(const struct item *item, struct span name, struct span raw, struct buf *out)
{
    struct text_scan scan = text_scan(raw);

    if (scan.eight_bit || scan.long_line || scan.nul || scan.bare_cr || name.len > 70 || raw.ptr[name.len] != ':')
        return name.len > 500 ? 0 : rewrite_field(item, name, raw, out);
    text_add_crlf(out, raw);
    if (raw.ptr[raw.len - 1] != '\n')
        buf_add_str(out, "\r\n");
    return 0;
}

static int add_from(const struct item *item, struct buf *out)
{
    const struct rcpt *from = rcpt_is_set(&item->from) ? &item->from : &item->sender;
    int r = field_add_rcpts(out, "From", from, 1);

    if (r == 0 && rcpt_is_set(&item->sender) && !span_eq_nocase(item->sender.address, from->address))
        r = field_add_rcpts(out, "Sender", &item->sender, 1);
    return r;
}

/* Is this field replaced by the item's, or dropped? What carriers write is kept
 * for the owner's eyes only. */
static bool is_replaced(const struct item *item, const struct mime_options *options, struct span name)
{
    static const char *const blind[] = { "Bcc", "Resent-Bcc" };
    static const char *const from[] = { "From", "Sender" };

    if (is_one_of(name, blind, ARRAY_LEN(blind)))
        return !options->keep_bcc || item->bcc.n > 0;
    if (field_is_carriers(name))
        return !options->keep_bcc;
    if (is_one_of(name, from, ARRAY_LEN(from)))
        return rcpt_is_set(&item->from) || rcpt_is_set(&item->sender);
    return item->message_id.len && span_eq_nocase(name, SPAN("Message-ID"));
}

static int add_missing(const struct item *item, const struct mime_options *options, struct span head, struct buf *out)
{
    char date[WHEN_RFC5322_SIZE];
    int r = add_from(item, out);

    if (r == 0 && options->keep_bcc)
        r = field_add_rcpts(out, "Bcc", item->bcc.v, item->bcc.n);
    if (r)
        return r;
    if (!has_field(&head, SPAN("Date"))) {
        when_format_rfc5322(item->sent > 0 ? item->sent : item->created > 0 ? item->created : 0, date);
        field_add_tokens(out, "Date", span_of(date));
    }
    field_add_tokens(out, "Message-ID", item->message_id);
    if (!has_field(&head, SPAN("MIME-Version")))
        buf_add_str(out, "MIME-Version: 1.0\r\n");
    return mime_add_extras(item, has_field, &head, out);
}

static int edit_head(const struct item *item, const struct mime_options *options, struct span message, struct buf *out,
                     struct span *ret_body)
{
    struct head_cursor cursor = { message };
    struct span name, raw;
    int r = add_missing(item, options, message, out);

    while (r == 0 && head_next(&cursor, &name, &raw))
        if (!is_replaced(item, options, name))
            r = keep_field(item, name, raw, out);
    buf_add_str(out, "\r\n");
    *ret_body = cursor.rest;
    return r;
}

static bool body_is_safe(struct span body, bool eight_bit)
{
    struct text_scan scan = text_scan(body);

    return !scan.nul && !scan.long_line && (eight_bit || !scan.eight_bit);
}

/* The last word on any body: cut lines, question marks. */
static void add_forced(struct buf *out, struct span body, bool eight_bit)
{
    size_t column = 0;

    for (size_t i = 0; i < body.len; i++) {
        unsigned char c = (unsigned char)body.ptr[i];
        column = c == '\n' ? 0 : column + 1;
        if (column > MIME_LINE_MAX - 2 && c != '\r') {
            buf_add_str(out, "\r\n");
            column = 1;
        }
        buf_add_char(out, c >= 0x80 && !eight_bit ? '?' : (char)c);
    }
}

static void free_buf(struct buf *buf)
{
    buf_done(buf);
}

/* The body again, recoded: the header is written by us, so GMime's is dropped. */
static int add_recoded(const struct item *item, const struct mime_options *options, struct buf *out)
{
    CLEANUP(free_buf) struct buf recoded = BUF_INIT(item->mime.len * 4 + 65536);
    CLEANUP(free_buf) struct buf lines = BUF_INIT(item->mime.len * 8 + 65536);
    struct span body;
    int r = mime_recode(item->mime, options->eight_bit, &recoded);

    if (r)
        return r < 0 ? r : CODE_ErrorMimeContentInvalid;
    r = edit_head(item, options, buf_span(&recoded), out, &body);
    text_add_crlf(&lines, body);
    if (r || (r = buf_error(&lines)))
        return r;
    if (body_is_safe(buf_span(&lines), options->eight_bit))
        buf_add_span(out, buf_span(&lines));
    else
        add_forced(out, buf_span(&lines), options->eight_bit);
    return buf_error(out);
}

/* ---- what is read in pieces ---- */

static int add_bytes(void *arg, struct span piece)
{
    buf_add_span(arg, piece);
    return buf_error(arg);
}

/* All of it at once, where it takes more than one look. */
static int edit_loaded(const struct item *item, const struct mime_options *options, struct buf *out)
{
    CLEANUP(free_buf) struct buf whole = BUF_INIT(item->mime.len + 1);
    struct item loaded = *item;
    int r = source_each(item->mime_source, item->mime, add_bytes, &whole);

    loaded.mime = buf_span(&whole);
    loaded.mime_source = NULL;
    return r ? r : mime_edit(&loaded, options, out);
}

struct piecewise {
    const struct item *item;
    const struct mime_options *options;
    struct text_lines lines;
    bool has_head;
    bool unfit; /* for this way */
};

/* The first piece has the header whole, or the message is not for this way. */
static int take_head(struct piecewise *p, struct span *piece)
{
    struct head_cursor cursor = { *piece };
    struct span name, raw;

    while (head_next(&cursor, &name, &raw))
        ;
    p->unfit = cursor.rest.len == 0;
    p->has_head = true;
    return p->unfit ? -ECANCELED : edit_head(p->item, p->options, *piece, p->lines.out, piece);
}

static int take_piece(void *arg, struct span piece)
{
    struct piecewise *p = arg;
    int r = p->has_head ? 0 : take_head(p, &piece);

    if (r)
        return r;
    p->unfit = piece.len > 0 && memchr(piece.ptr, 0, piece.len) != NULL;
    text_lines_add(&p->lines, piece);
    return p->unfit ? -ECANCELED : buf_error(p->lines.out);
}

/* A long message goes from its source to out, and is in memory once, as long as
 * its body may be sent as it is. */
static int edit_pieces(const struct item *item, const struct mime_options *options, struct buf *out)
{
    struct piecewise p = { .item = item, .options = options, .lines = { .out = out } };
    size_t start = out->len;
    int r = source_each(item->mime_source, item->mime, take_piece, &p);

    text_lines_end(&p.lines);
    if (r && !p.unfit)
        return r;
    if (!p.unfit && body_is_safe((struct span){ out->ptr + start, out->len - start }, options->eight_bit)) /* so is the header */
        return buf_error(out);
    out->len = start;
    return edit_loaded(item, options, out);
}

int mime_edit(const struct item *item, const struct mime_options *options, struct buf *out)
{
    if (item->mime_source)
        return edit_pieces(item, options, out);
    struct head_cursor cursor = { item->mime };
    struct span name, raw, body;

    while (head_next(&cursor, &name, &raw))
        ;
    if (!body_is_safe(cursor.rest, options->eight_bit))
        return add_recoded(item, options, out);
    int r = edit_head(item, options, item->mime, out, &body);
    if (r)
        return r;
    text_add_crlf(out, body);
    return buf_error(out);
}

/* ---- fields that properties ask for, for both writers ---- */

static bool xprop_is_header(const struct xprop *xprop)
{
    struct span set = xprop->set_is_guid ? SPAN("00020386-0000-0000-C000-000000000046") : SPAN("InternetHeaders");

    return span_eq_nocase(xprop->set, set) && !xprop->is_array && xprop->values.n == 1 && field_name_free(xprop->name);
}

int mime_add_extras(const struct item *item, bool (*present)(const void *arg, struct span name), const void *arg, struct buf *out)
{
    const struct rcpt *from = rcpt_is_set(&item->from) ? &item->from : &item->sender;
    int r = 0;

    if ((item->flags & ITEM_READ_RECEIPT) && !present(arg, SPAN("Disposition-Notification-To")))
        r = field_add_rcpts(out, "Disposition-Notification-To", from, 1);
    if (r == 0 && (item->flags & ITEM_DELIVERY_RECEIPT) && !present(arg, SPAN("Return-Receipt-To")))
        r = field_add_rcpts(out, "Return-Receipt-To", from, 1);
    for (size_t i = 0; i < item->xprops.n && r == 0; i++) {
        const struct xprop *xprop = &item->xprops.v[i];
        if (!xprop_is_header(xprop) || present(arg, xprop->name))
            continue;
        struct field field = field_open_span(out, xprop->name);
        field_text(&field, xprop->values.v[0]);
        field_close(&field);
    }
    return r;
}
