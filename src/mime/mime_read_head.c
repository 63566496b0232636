/*
 * The header of a message as properties: people, ids, marks, times, and the
 * plain list of fields.
 */
#include "mime/mime_read.h"
#include "mime/mime_text.h"

#include "base/codec.h"

#include <errno.h>

#define GROUP_DEPTH_MAX 4

/* ---- people ---- */

static size_t count_mailboxes(InternetAddressList *list, int depth)
{
    size_t n = 0;
    int length = list ? internet_address_list_length(list) : 0;

    for (int i = 0; i < length; i++) {
        InternetAddress *address = internet_address_list_get_address(list, i);
        if (INTERNET_ADDRESS_IS_MAILBOX(address))
            n++;
        else if (INTERNET_ADDRESS_IS_GROUP(address) && depth < GROUP_DEPTH_MAX)
            n += count_mailboxes(internet_address_group_get_members(INTERNET_ADDRESS_GROUP(address)), depth + 1);
    }
    return n;
}

static int fill_mailboxes(InternetAddressList *list, int depth, enum rcpt_type type, struct arena *arena, struct rcpt_list *out)
{
    int length = list ? internet_address_list_length(list) : 0;
    int r = 0;

    for (int i = 0; i < length && r == 0; i++) {
        InternetAddress *address = internet_address_list_get_address(list, i);
        if (INTERNET_ADDRESS_IS_GROUP(address) && depth < GROUP_DEPTH_MAX) {
            r = fill_mailboxes(internet_address_group_get_members(INTERNET_ADDRESS_GROUP(address)), depth + 1, type, arena, out);
        } else if (INTERNET_ADDRESS_IS_MAILBOX(address)) {
            struct rcpt *rcpt = &out->v[out->n];
            const char *addr = internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(address));
            rcpt->type = type;
            r = mime_decode_text(arena, internet_address_get_name(address), &rcpt->name);
            if (r == 0)
                r = mime_to_utf8(arena, span_of(addr), NULL, &rcpt->address);
            out->n += r == 0 && rcpt_is_set(rcpt) ? 1 : 0;
        }
    }
    return r;
}

static int read_list(InternetAddressList *list, enum rcpt_type type, struct arena *arena, struct rcpt_list *ret_list)
{
    struct rcpt_list out = { arena_array(arena, count_mailboxes(list, 0) + 1, sizeof(struct rcpt)), 0 };
    int r = out.v ? fill_mailboxes(list, 0, type, arena, &out) : -ENOMEM;

    if (r == 0)
        *ret_list = out;
    return r;
}

static int read_one(InternetAddressList *list, enum rcpt_type type, struct arena *arena, struct rcpt *ret_rcpt)
{
    struct rcpt_list all = { 0 };
    int r = read_list(list, type, arena, &all);

    if (r == 0 && all.n > 0)
        *ret_rcpt = all.v[0];
    return r;
}

static int read_people(GMimeMessage *message, struct arena *arena, struct item *item)
{
    int r = read_one(g_mime_message_get_from(message), RCPT_FROM, arena, &item->from);

    if (r == 0)
        r = read_one(g_mime_message_get_sender(message), RCPT_SENDER, arena, &item->sender);
    if (r == 0)
        r = read_list(g_mime_message_get_to(message), RCPT_TO, arena, &item->to);
    if (r == 0)
        r = read_list(g_mime_message_get_cc(message), RCPT_CC, arena, &item->cc);
    if (r == 0)
        r = read_list(g_mime_message_get_bcc(message), RCPT_BCC, arena, &item->bcc);
    if (r == 0)
        r = read_list(g_mime_message_get_reply_to(message), RCPT_REPLY_TO, arena, &item->reply_to);
    return r;
}

/* ---- texts and marks ---- */

static const char *raw_header(GMimeMessage *message, const char *name)
{
    GMimeHeader *header = g_mime_header_list_get_header(g_mime_object_get_header_list(GMIME_OBJECT(message)), name);
    return header ? g_mime_header_get_raw_value(header) : NULL;
}

static bool message_id_ok(struct span id)
{
    size_t at = 0;

    if (id.len < 5 || id.len > 250 || id.ptr[0] != '<' || id.ptr[id.len - 1] != '>')
        return false;
    for (size_t i = 1; i + 1 < id.len; i++) {
        if (id.ptr[i] <= ' ' || id.ptr[i] > '~' || id.ptr[i] == '<' || id.ptr[i] == '>')
            return false;
        at += id.ptr[i] == '@' ? 1 : 0;
    }
    return at == 1 && id.ptr[1] != '@' && id.ptr[id.len - 2] != '@';
}

static int read_texts(GMimeMessage *message, struct arena *arena, struct item *item)
{
    int r = mime_decode_text(arena, raw_header(message, "Subject"), &item->subject);

    if (r == 0)
        r = mime_decode_text(arena, raw_header(message, "Message-ID"), &item->message_id);
    if (r == 0)
        r = mime_decode_text(arena, raw_header(message, "In-Reply-To"), &item->in_reply_to);
    if (r == 0)
        r = mime_decode_text(arena, raw_header(message, "References"), &item->references);
    if (r == 0)
        r = mime_decode_text(arena, raw_header(message, "Thread-Topic"), &item->conversation_topic);
    if (r == 0 && !message_id_ok(item->message_id))
        item->message_id = SPAN("");
    return r;
}

/* Outlook's Thread-Index, when it is one. */
static int read_index(GMimeMessage *message, struct arena *arena, struct item *item)
{
    struct span index;
    struct span text = span_trim(span_of(raw_header(message, "Thread-Index")));
    if (text.len < 30 || text.len > 1000)
        return 0;
    int r = base64_decode(arena, text, &index);
    if (r == 0 && index.len >= 22 && (index.len - 22) % 5 == 0 && index.ptr[0] == 1)
        item->conversation_index = index;
    return r < 0 ? r : 0;
}

static struct span mark(GMimeMessage *message, const char *name)
{
    return span_trim(span_of(raw_header(message, name)));
}

static void read_marks(GMimeMessage *message, struct item *item)
{
    static const char *const sensitivity[] = { "normal", "personal", "private", "company-confidential" };
    struct span importance = mark(message, "Importance");
    struct span priority = mark(message, "X-Priority");
    struct span secret = mark(message, "Sensitivity");

    if (span_eq_nocase(importance, SPAN("high")) || (!importance.len && priority.len && strchr("12", priority.ptr[0])))
        item->importance = IMPORTANCE_HIGH;
    if (span_eq_nocase(importance, SPAN("low")) || (!importance.len && priority.len && strchr("45", priority.ptr[0])))
        item->importance = IMPORTANCE_LOW;
    for (size_t i = 0; i < ARRAY_LEN(sensitivity); i++)
        if (span_eq_nocase(secret, span_of(sensitivity[i])))
            item->sensitivity = (int)i;
    if (mark(message, "Disposition-Notification-To").len)
        item->flags |= ITEM_READ_RECEIPT;
    if (mark(message, "Return-Receipt-To").len)
        item->flags |= ITEM_DELIVERY_RECEIPT;
}

static void read_date(GMimeMessage *message, struct item *item)
{
    GDateTime *date = g_mime_message_get_date(message);

    if (date && g_date_time_to_unix(date) > 0)
        item->sent = g_date_time_to_unix(date) * 1000;
}

/* ---- the list of fields ---- */

static bool is_address_field(const char *name)
{
    static const char *const names[] = { "From", "Sender", "Reply-To", "To", "Cc", "Bcc", "Resent-Bcc" };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (span_eq_nocase(span_of(name), span_of(names[i])))
            return true;
    return false;
}

static int add_fields(GMimeHeaderList *list, struct arena *arena, struct item_header_list *out)
{
    int n = g_mime_header_list_get_count(list);
    int r = 0;

    for (int i = 0; i < n && r == 0; i++) {
        GMimeHeader *header = g_mime_header_list_get_header_at(list, i);
        if (is_address_field(g_mime_header_get_name(header)))
            continue;
        r = mime_to_utf8(arena, span_of(g_mime_header_get_name(header)), NULL, &out->v[out->n].name);
        if (r == 0)
            r = mime_decode_text(arena, g_mime_header_get_raw_value(header), &out->v[out->n].value);
        out->n++;
    }
    return r;
}

/* The message's fields, then those of its content, which GMime keeps apart. */
static int read_fields(GMimeMessage *message, struct arena *arena, struct item_header_list *ret_headers)
{
    GMimeObject *content = g_mime_message_get_mime_part(message);
    GMimeHeaderList *lists[] = { g_mime_object_get_header_list(GMIME_OBJECT(message)),
                                 content ? g_mime_object_get_header_list(content) : NULL };
    struct item_header_list out = { 0 };
    size_t room = 1;
    int r = 0;

    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        room += lists[i] ? (size_t)g_mime_header_list_get_count(lists[i]) : 0;
    out.v = arena_array(arena, room, sizeof(struct item_header));
    if (!out.v)
        return -ENOMEM;
    for (size_t i = 0; i < ARRAY_LEN(lists) && r == 0; i++)
        if (lists[i])
            r = add_fields(lists[i], arena, &out);
    if (r == 0)
        *ret_headers = out;
    return r;
}

int mime_read_head(GMimeMessage *message, struct arena *arena, struct item *item)
{
    int r = read_people(message, arena, item);

    if (r == 0)
        r = read_texts(message, arena, item);
    if (r == 0)
        r = read_index(message, arena, item);
    if (r == 0)
        r = read_fields(message, arena, &item->headers);
    read_marks(message, item);
    read_date(message, item);
    return r;
}

int mime_headers(struct span bytes, struct arena *arena, struct item_header_list *ret_headers)
{
    CLEANUP(free_ptr_message) GMimeMessage *message = mime_parse(bytes);

    if (!message)
        return CODE_ErrorMimeContentInvalid;
    return read_fields(message, arena, ret_headers);
}

/* Name and value of a field as it is written. */
static int split_field(struct arena *arena, struct span name, struct span raw, struct item_header *ret_header)
{
    struct span value;
    size_t at = name.len;
    while (at < raw.len && raw.ptr[at] != ':')
        at++;
    at += at < raw.len ? 1 : 0;
    int r = arena_copy(arena, span_trim((struct span){ raw.ptr + at, raw.len - at }), &value);
    if (r == 0)
        r = arena_copy(arena, name, &ret_header->name);
    return r ? r : mime_decode_text(arena, value.ptr, &ret_header->value);
}

/* addresses: also the fields that hold some. */
static int split_fields(struct arena *arena, struct span head, bool addresses, struct item_header_list *ret_headers)
{
    struct head_cursor cursor = { head };
    struct span name, raw;
    struct item_header_list out = { 0 };
    size_t n = 0;
    while (head_next(&cursor, &name, &raw))
        n++;
    out.v = arena_array(arena, n + 1, sizeof(*out.v));
    if (!out.v)
        return -ENOMEM;
    cursor.rest = head;
    while (head_next(&cursor, &name, &raw)) {
        int r = split_field(arena, name, raw, &out.v[out.n]);
        if (r)
            return r;
        out.n += !addresses && is_address_field(out.v[out.n].name.ptr) ? 0 : 1;
    }
    *ret_headers = out;
    return 0;
}

int mime_fields(struct span bytes, struct arena *arena, struct item_header_list *ret_headers)
{
    return split_fields(arena, bytes, true, ret_headers);
}

int mime_item_headers(const struct item *item, struct arena *arena, struct item_header_list *ret_headers)
{
    const struct mime_options options = { 0 };
    struct buf head = BUF_INIT(1 << 24);
    int r = mime_add_header(item, &options, &head);
    buf_add_str(&head, "\r\n");
    if (r == 0)
        r = buf_error(&head);
    if (r == 0)
        r = split_fields(arena, buf_span(&head), false, ret_headers);
    buf_done(&head);
    return r;
}
