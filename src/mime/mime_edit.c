/*
 * MIME as a client supplied it, made fit for transmission: line ends, Bcc,
 * originators, missing fields, 8-bit or long lines. Its body bytes stay as
 * they are unless they could not travel.
 */
#include "mime/mime_util.h"

#include <errno.h>
#include <gmime/gmime.h>

/* Asks GMime to encode the parts that are not 7-bit; leaves text alone when
 * it cannot be parsed. */
static void encode_parts(struct buf *text)
{
    GMimeStream *in = g_mime_stream_mem_new_with_buffer(text->ptr, text->len);
    GMimeParser *parser = g_mime_parser_new_with_stream(in);
    GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
    GMimeStream *encoded = g_mime_stream_mem_new();

    if (message) {
        g_mime_object_encode(GMIME_OBJECT(message), GMIME_ENCODING_CONSTRAINT_7BIT);
        if (g_mime_object_write_to_stream(GMIME_OBJECT(message), NULL, encoded) > 0) {
            GByteArray *bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(encoded));
            buf_clear(text);
            mime_normalise((struct span){ (const char *)bytes->data, bytes->len }, text);
        }
        g_object_unref(message);
    }
    g_object_unref(encoded);
    g_object_unref(parser);
    g_object_unref(in);
}

/* What still is too long or not ASCII (preambles, base64 without lines). */
static void put_wrapped(struct buf *out, struct span text)
{
    size_t column = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (column >= MIME_LINE_MAX && c != '\r' && c != '\n') {
            buf_add(out, "\r\n", 2);
            column = 0;
        }
        buf_add_char(out, (unsigned char)c >= 0x80 ? '?' : c);
        column = c == '\n' ? 0 : column + 1;
    }
}

static struct span first_address(InternetAddressList *list)
{
    InternetAddress *address = list && internet_address_list_length(list) ? internet_address_list_get_address(list, 0) : NULL;

    if (!address || !INTERNET_ADDRESS_IS_MAILBOX(address) || internet_address_list_length(list) != 1)
        return (struct span){ 0 };
    return span_of(internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(address)));
}

/* Does the field name this one address? */
static bool names(const struct mime_field *field, const struct rcpt *wanted)
{
    char *text;
    InternetAddressList *list;
    bool same;

    if (field->value.len > 4096)
        return false;
    text = g_strndup(field->value.ptr, field->value.len);
    list = internet_address_list_parse(NULL, text);
    same = span_eq_nocase(first_address(list), wanted->address);
    if (list)
        g_object_unref(list);
    g_free(text);
    return same;
}

struct header_state {
    const struct rcpt *from;
    const struct rcpt *sender;
    bool has_from;
    bool has_sender;
    bool has_date;
    bool has_id;
    bool has_version;
};

/* Keeps the field as it stands? Notes which required ones are there. */
static bool judge(struct header_state *state, const struct mime_field *field)
{
    static const char *const hidden[] = { "Bcc", "Resent-Bcc" };
    bool *seen = NULL;

    if (field->name.len == 0 || mime_one_of(field->name, hidden, ARRAY_LEN(hidden)))
        return false;
    if (span_eq_nocase(field->name, SPAN("From"))) {
        if (state->from && !names(field, state->from))
            return false;
        seen = &state->has_from;
    } else if (span_eq_nocase(field->name, SPAN("Sender"))) {
        if (state->from && (!state->sender || !names(field, state->sender)))
            return false;
        seen = &state->has_sender;
    } else if (span_eq_nocase(field->name, SPAN("Date"))) {
        seen = &state->has_date;
    } else if (span_eq_nocase(field->name, SPAN("Message-ID"))) {
        seen = &state->has_id;
    } else if (span_eq_nocase(field->name, SPAN("MIME-Version"))) {
        seen = &state->has_version;
    }
    if (seen && *seen)
        return false;
    if (seen)
        *seen = true;
    return true;
}

static void put_decoded(struct buf *out, const char *name, const struct mime_field *field)
{
    char *text = g_strndup(field->value.ptr, field->value.len);
    char *flat = g_mime_utils_header_unfold(text);
    char *decoded = g_mime_utils_header_decode_text(NULL, flat);

    mime_put_text(out, name, span_of(decoded));
    g_free(decoded);
    g_free(flat);
    g_free(text);
}

/* A field with bytes or lines that cannot travel. */
static void put_mended(struct buf *out, const struct mime_field *field)
{
    static const char *const structured[] = { "To", "Cc", "From", "Sender", "Reply-To", "Resent-To", "Resent-Cc", "Resent-From",
                                              "References", "In-Reply-To", "Message-ID", "Received", "Content-Type",
                                              "Content-Disposition", "Content-ID", "Disposition-Notification-To",
                                              "Return-Receipt-To" };

    if (mime_one_of(field->name, structured, ARRAY_LEN(structured))) {
        for (size_t i = 0, column = 0; i < field->whole.len; i++) {
            char c = field->whole.ptr[i];
            if (column > 900 && c == ' ') {
                buf_add(out, "\r\n", 2);
                column = 0;
            }
            if (column >= MIME_LINE_MAX && c != '\r' && c != '\n')
                continue;
            buf_add_char(out, (unsigned char)c >= 0x80 ? '?' : c);
            column = c == '\n' ? 0 : column + 1;
        }
    } else {
        char *name = g_strndup(field->name.ptr, field->name.len);
        put_decoded(out, name, field);
        g_free(name);
    }
}

static void put_missing(struct buf *out, const struct item *item, const struct header_state *state, bool keep_bcc)
{
    if (!state->has_date)
        mime_put_date(out, item->sent != WHEN_NONE ? item->sent : item->created);
    if (!state->has_from && state->from)
        mime_put_addresses(out, "From", state->from, 1);
    if (!state->has_sender && state->sender)
        mime_put_addresses(out, "Sender", state->sender, 1);
    if (keep_bcc)
        mime_put_addresses(out, "Bcc", item->bcc.v, item->bcc.n);
    if (!state->has_id)
        mime_put_ids(out, "Message-ID", item->message_id);
    if (!state->has_version)
        buf_add_str(out, "MIME-Version: 1.0\r\n");
}

int mime_edit(const struct item *item, const struct mime_options *options, struct buf *out)
{
    struct buf text CLEANUP(buf_done) = BUF_INIT(SIZE_MAX / 2);
    struct buf kept CLEANUP(buf_done) = BUF_INIT(SIZE_MAX / 2);
    struct header_state state = { .from = mime_from(item), .sender = mime_sender(item) };
    struct mime_field field;
    struct span rest;

    mime_normalise(item->mime, &text);
    if (buf_error(&text))
        return buf_error(&text);
    rest = buf_span(&text);
    while (mime_field_next(&rest, &field))
        continue;
    if (!mime_is_7bit(rest) && mime_guard(buf_span(&text)))
        encode_parts(&text);
    rest = buf_span(&text);
    while (mime_field_next(&rest, &field)) {
        if (!judge(&state, &field))
            continue;
        if (mime_is_7bit(field.whole))
            buf_add_span(&kept, field.whole);
        else
            put_mended(&kept, &field);
    }
    if (kept.len && kept.ptr[kept.len - 1] != '\n')
        buf_add(&kept, "\r\n", 2);
    put_missing(out, item, &state, options->keep_bcc);
    buf_add_span(out, buf_span(&kept));
    buf_add(out, "\r\n", 2);
    if (mime_is_7bit(rest))
        buf_add_span(out, rest);
    else
        put_wrapped(out, rest);
    if (!buf_error(out) && out->ptr[out->len - 1] != '\n')
        buf_add(out, "\r\n", 2);
    return buf_error(&text) ? buf_error(&text) : buf_error(&kept) ? buf_error(&kept) : buf_error(out);
}
