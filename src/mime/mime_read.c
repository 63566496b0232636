/*
 * Message to item: GMime parses, this walks the parts and chooses the body;
 * header fields are shown in the order and number in which they came.
 */
#include "mime/mime_util.h"

#include <errno.h>
#include <gmime/gmime.h>

struct reader {
    struct arena *arena;
    struct item *item;
    size_t parts;
    size_t room; /* of attachments */
    bool has_body;
};

/* ---- header ---- */

static int read_text(struct arena *arena, const char *raw, struct span *ret_text)
{
    char *decoded = g_mime_utils_header_decode_text(NULL, raw);
    int r = mime_to_utf8(arena, span_of(decoded), NULL, ret_text);

    g_free(decoded);
    return r;
}

static int add_header(struct reader *reader, struct span name, struct span value)
{
    static const char *const addresses[] = { "To", "Cc", "Bcc", "From", "Sender", "Reply-To", "Resent-Bcc" };
    struct item_header *header = &reader->item->headers.v[reader->item->headers.n];
    int r;

    if (mime_one_of(name, addresses, ARRAY_LEN(addresses)))
        return 0;
    reader->item->headers.n++;
    if ((r = arena_copy(reader->arena, name, &header->name)))
        return r;
    return read_text(reader->arena, value.ptr, &header->value);
}

static void note_wish(struct item *item, struct span name, struct span value)
{
    if (span_eq_nocase(name, SPAN("Importance")) && span_eq_nocase(value, SPAN("high")))
        item->importance = IMPORTANCE_HIGH;
    else if (span_eq_nocase(name, SPAN("Importance")) && span_eq_nocase(value, SPAN("low")))
        item->importance = IMPORTANCE_LOW;
    else if (span_eq_nocase(name, SPAN("Sensitivity")) && span_eq_nocase(value, SPAN("personal")))
        item->sensitivity = SENSITIVITY_PERSONAL;
    else if (span_eq_nocase(name, SPAN("Sensitivity")) && span_eq_nocase(value, SPAN("private")))
        item->sensitivity = SENSITIVITY_PRIVATE;
    else if (span_eq_nocase(name, SPAN("Sensitivity")) && span_eq_nocase(value, SPAN("company-confidential")))
        item->sensitivity = SENSITIVITY_CONFIDENTIAL;
    else if (span_eq_nocase(name, SPAN("Disposition-Notification-To")) && value.len)
        item->flags |= ITEM_READ_RECEIPT;
    else if (span_eq_nocase(name, SPAN("Return-Receipt-To")) && value.len)
        item->flags |= ITEM_DELIVERY_RECEIPT;
}

static int note_field(struct reader *reader, struct span name, struct span value)
{
    struct item *item = reader->item;
    struct span *to = NULL;

    note_wish(item, name, value);
    if (span_eq_nocase(name, SPAN("Subject")))
        to = &item->subject;
    else if (span_eq_nocase(name, SPAN("Message-ID")))
        to = &item->message_id;
    else if (span_eq_nocase(name, SPAN("In-Reply-To")))
        to = &item->in_reply_to;
    else if (span_eq_nocase(name, SPAN("References")))
        to = &item->references;
    else if (span_eq_nocase(name, SPAN("Thread-Topic")))
        to = &item->conversation_topic;
    return to && to->len == 0 ? read_text(reader->arena, value.ptr, to) : 0;
}

static int read_fields(struct reader *reader, struct span message)
{
    struct span rest = message;
    struct mime_field field;
    size_t n = 0;

    while (mime_field_next(&rest, &field))
        n++;
    reader->item->headers.v = arena_array(reader->arena, n, sizeof(struct item_header));
    if (!reader->item->headers.v)
        return -ENOMEM;
    while (mime_field_next(&message, &field)) {
        struct span value;
        int r;
        if (field.name.len == 0)
            continue;
        if ((r = mime_unfold(reader->arena, field.value, &value)) || (r = add_header(reader, field.name, value)) ||
            (r = note_field(reader, field.name, value)))
            return r;
    }
    return 0;
}

static size_t count_mailboxes(InternetAddressList *list)
{
    size_t n = 0;

    for (int i = 0; i < internet_address_list_length(list); i++) {
        InternetAddress *address = internet_address_list_get_address(list, i);
        n += INTERNET_ADDRESS_IS_GROUP(address) ? count_mailboxes(INTERNET_ADDRESS_GROUP(address)->members) : 1;
    }
    return n;
}

static int add_mailboxes(struct arena *arena, InternetAddressList *list, struct rcpt_list *to, enum rcpt_type type)
{
    int r = 0;

    for (int i = 0; r == 0 && i < internet_address_list_length(list); i++) {
        InternetAddress *address = internet_address_list_get_address(list, i);
        struct rcpt *rcpt;
        if (INTERNET_ADDRESS_IS_GROUP(address)) {
            r = add_mailboxes(arena, INTERNET_ADDRESS_GROUP(address)->members, to, type);
            continue;
        }
        rcpt = &to->v[to->n++];
        rcpt->type = type;
        r = mime_to_utf8(arena, span_of(internet_address_get_name(address)), NULL, &rcpt->name);
        if (r == 0)
            r = mime_to_utf8(arena, span_of(internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(address))), NULL,
                             &rcpt->address);
    }
    return r;
}

static int read_list(struct arena *arena, GMimeMessage *message, GMimeAddressType from, enum rcpt_type type,
                     struct rcpt_list *ret_list)
{
    InternetAddressList *list = g_mime_message_get_addresses(message, from);
    struct rcpt_list to = { 0 };
    int r;

    to.v = arena_array(arena, count_mailboxes(list), sizeof(struct rcpt));
    if (!to.v)
        return -ENOMEM;
    r = add_mailboxes(arena, list, &to, type);
    *ret_list = to;
    return r;
}

static int read_addresses(struct reader *reader, GMimeMessage *message)
{
    struct item *item = reader->item;
    struct arena *arena = reader->arena;
    struct rcpt_list from = { 0 }, sender = { 0 };
    int r;

    if ((r = read_list(arena, message, GMIME_ADDRESS_TYPE_TO, RCPT_TO, &item->to)) ||
        (r = read_list(arena, message, GMIME_ADDRESS_TYPE_CC, RCPT_CC, &item->cc)) ||
        (r = read_list(arena, message, GMIME_ADDRESS_TYPE_BCC, RCPT_BCC, &item->bcc)) ||
        (r = read_list(arena, message, GMIME_ADDRESS_TYPE_REPLY_TO, RCPT_REPLY_TO, &item->reply_to)) ||
        (r = read_list(arena, message, GMIME_ADDRESS_TYPE_FROM, RCPT_FROM, &from)) ||
        (r = read_list(arena, message, GMIME_ADDRESS_TYPE_SENDER, RCPT_SENDER, &sender)))
        return r;
    if (from.n)
        item->from = from.v[0];
    if (sender.n)
        item->sender = sender.v[0];
    return 0;
}

static void read_date(struct item *item, GMimeMessage *message)
{
    GDateTime *date = g_mime_message_get_date(message);

    if (date)
        item->sent = (int64_t)g_date_time_to_unix(date) * 1000;
}

/* ---- parts ---- */

static int copy_stream(struct reader *reader, GMimeStream *stream, struct span *ret_data)
{
    GByteArray *bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));

    return arena_copy(reader->arena, (struct span){ (const char *)bytes->data, bytes->len }, ret_data);
}

static int read_content(struct reader *reader, GMimePart *part, struct span *ret_data)
{
    GMimeDataWrapper *content = g_mime_part_get_content(part);
    GMimeStream *stream = g_mime_stream_mem_new();
    int r;

    if (content)
        g_mime_data_wrapper_write_to_stream(content, stream);
    r = copy_stream(reader, stream, ret_data);
    g_object_unref(stream);
    return r;
}

static int read_body(struct reader *reader, GMimePart *part, bool html)
{
    const char *charset = g_mime_object_get_content_type_parameter(GMIME_OBJECT(part), "charset");
    struct span raw;
    int r = read_content(reader, part, &raw);

    if (r == 0)
        r = mime_to_utf8(reader->arena, raw, charset, &reader->item->body);
    reader->item->body_type = html ? BODY_HTML : BODY_TEXT;
    reader->has_body = true;
    return r;
}

static int new_attachment(struct reader *reader, struct attachment **ret_attachment)
{
    struct attachment_list *list = &reader->item->attachments;

    if (list->n == reader->room) {
        size_t room = reader->room ? reader->room * 2 : 8;
        struct attachment *v = arena_array(reader->arena, room, sizeof(*v));
        if (!v)
            return -ENOMEM;
        if (list->n)
            memcpy(v, list->v, list->n * sizeof(*v));
        list->v = v;
        reader->room = room;
    }
    *ret_attachment = &list->v[list->n++];
    (*ret_attachment)->no = (uint32_t)list->n;
    (*ret_attachment)->modified = WHEN_NONE;
    return 0;
}

static int name_attachment(struct reader *reader, struct attachment *attachment, const char *name, const char *extension)
{
    if (name && *name) {
        struct span clean;
        int r = mime_to_utf8(reader->arena, span_of(name), NULL, &clean);
        return r ? r : arena_printf(reader->arena, &attachment->name, "%s%s", clean.ptr, extension);
    }
    return arena_printf(reader->arena, &attachment->name, "ATT%05u%s", (unsigned)attachment->no, extension);
}

static const char *extension_of(GMimeContentType *type)
{
    if (g_mime_content_type_is_type(type, "text", "plain"))
        return ".txt";
    if (g_mime_content_type_is_type(type, "text", "html"))
        return ".htm";
    return "";
}

static int read_attachment(struct reader *reader, GMimePart *part, bool related)
{
    GMimeContentType *type = g_mime_object_get_content_type(GMIME_OBJECT(part));
    const char *disposition = g_mime_object_get_disposition(GMIME_OBJECT(part));
    const char *name = g_mime_part_get_filename(part);
    struct attachment *attachment;
    char *mime_type;
    int r;

    if ((r = new_attachment(reader, &attachment)))
        return r;
    mime_type = g_mime_content_type_get_mime_type(type);
    if ((r = name_attachment(reader, attachment, name, name && *name ? "" : extension_of(type))) == 0 &&
        (r = mime_to_utf8(reader->arena, span_of(mime_type), NULL, &attachment->content_type)) == 0 &&
        (r = mime_to_utf8(reader->arena, span_of(g_mime_part_get_content_id(part)), NULL, &attachment->content_id)) == 0)
        r = mime_to_utf8(reader->arena, span_of(g_mime_part_get_content_location(part)), NULL,
                         &attachment->content_location);
    g_free(mime_type);
    if (r || (r = read_content(reader, part, &attachment->data)))
        return r;
    attachment->size = attachment->data.len;
    attachment->is_inline = attachment->content_id.len && (related || (disposition && !g_ascii_strcasecmp(disposition, "inline")));
    return 0;
}

static int read_message_part(struct reader *reader, GMimeMessagePart *part)
{
    GMimeMessage *inner = g_mime_message_part_get_message(part);
    struct attachment *attachment;
    GMimeStream *stream;
    int r = new_attachment(reader, &attachment);

    if (r)
        return r;
    stream = g_mime_stream_mem_new();
    if (inner)
        g_mime_object_write_to_stream(GMIME_OBJECT(inner), NULL, stream);
    r = copy_stream(reader, stream, &attachment->data);
    g_object_unref(stream);
    attachment->size = attachment->data.len;
    attachment->content_type = SPAN("message/rfc822");
    if (r == 0)
        r = name_attachment(reader, attachment, inner ? g_mime_message_get_subject(inner) : NULL, ".eml");
    return r;
}

static int walk(struct reader *reader, GMimeObject *object, int depth, bool related);

/* Of alternatives: html, or what holds it, else the first text. */
static int walk_alternative(struct reader *reader, GMimeMultipart *multipart, int depth)
{
    int n = g_mime_multipart_get_count(multipart), chosen = 0, r = 0;

    for (int i = 0; i < n; i++) {
        GMimeContentType *type = g_mime_object_get_content_type(g_mime_multipart_get_part(multipart, i));
        if (g_mime_content_type_is_type(type, "text", "html") || g_mime_content_type_is_type(type, "multipart", "*"))
            chosen = i;
    }
    for (int i = 0; r == 0 && i < n; i++) {
        GMimeObject *part = g_mime_multipart_get_part(multipart, i);
        GMimeContentType *type = g_mime_object_get_content_type(part);
        if (i == chosen || !g_mime_content_type_is_type(type, "text", "plain"))
            r = walk(reader, part, depth + 1, false);
    }
    return r;
}

static int walk_part(struct reader *reader, GMimePart *part, bool related)
{
    GMimeContentType *type = g_mime_object_get_content_type(GMIME_OBJECT(part));
    bool html = g_mime_content_type_is_type(type, "text", "html");

    if (!reader->has_body && (html || g_mime_content_type_is_type(type, "text", "plain")) && !g_mime_part_is_attachment(part))
        return read_body(reader, part, html);
    return read_attachment(reader, part, related);
}

static int walk(struct reader *reader, GMimeObject *object, int depth, bool related)
{
    int r = 0;

    if (depth > MIME_DEPTH_MAX || ++reader->parts > MIME_PARTS_MAX)
        return CODE_ErrorMimeContentInvalid;
    if (GMIME_IS_MULTIPART(object)) {
        GMimeMultipart *multipart = GMIME_MULTIPART(object);
        GMimeContentType *type = g_mime_object_get_content_type(object);
        if (g_mime_content_type_is_type(type, "multipart", "alternative"))
            return walk_alternative(reader, multipart, depth);
        related = g_mime_content_type_is_type(type, "multipart", "related");
        for (int i = 0; r == 0 && i < g_mime_multipart_get_count(multipart); i++)
            r = walk(reader, g_mime_multipart_get_part(multipart, i), depth + 1, related);
        return r;
    }
    if (GMIME_IS_MESSAGE_PART(object))
        return read_message_part(reader, GMIME_MESSAGE_PART(object));
    return GMIME_IS_PART(object) ? walk_part(reader, GMIME_PART(object), related) : 0;
}

static int read_message(struct reader *reader, struct span text)
{
    GMimeStream *stream = g_mime_stream_mem_new_with_buffer(text.ptr, text.len);
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
    GMimeObject *root = message ? g_mime_message_get_mime_part(message) : NULL;
    int r = message ? read_addresses(reader, message) : CODE_ErrorMimeContentInvalid;

    if (r == 0)
        read_date(reader->item, message);
    if (r == 0 && root)
        r = walk(reader, root, 1, false);
    if (message)
        g_object_unref(message);
    g_object_unref(parser);
    g_object_unref(stream);
    return r;
}

int mime_read(struct span bytes, struct arena *arena, struct item *ret_item)
{
    struct buf text CLEANUP(buf_done) = BUF_INIT(SIZE_MAX / 2);
    struct item item;
    struct reader reader = { .arena = arena, .item = &item };
    int r;

    item_init(&item);
    mime_normalise(bytes, &text);
    if (buf_error(&text))
        return -ENOMEM;
    if (!mime_guard(buf_span(&text)))
        return CODE_ErrorMimeContentInvalid;
    if ((r = read_fields(&reader, buf_span(&text))) || (r = read_message(&reader, buf_span(&text))))
        return r;
    for (size_t i = 0; i < item.attachments.n; i++)
        if (!item.attachments.v[i].is_inline)
            item.flags |= ITEM_HAS_ATTACHMENTS;
    *ret_item = item;
    return 0;
}
