/*
 * Item to message: the header in one fixed order, then the body alone or
 * within multipart/related (inline attachments) within multipart/mixed (the
 * others). Boundaries come from the item's seed.
 */
#include "mime/mime_util.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define INTERNET_HEADERS_GUID "00020386-0000-0000-C000-000000000046"
#define BOUNDARY_SIZE 64

static bool is_inline(const struct attachment *attachment)
{
    return attachment->is_inline && attachment->content_id.len > 0;
}

static size_t count_inline(const struct item *item)
{
    size_t n = 0;

    for (size_t i = 0; i < item->attachments.n; i++)
        n += is_inline(&item->attachments.v[i]);
    return n;
}

static bool boundary_taken(const struct item *item, const char *boundary)
{
    for (size_t i = 0; i < item->attachments.n; i++) {
        const struct attachment *attachment = &item->attachments.v[i];
        if (attachment->data.len && mime_attachment_is_plain(attachment) &&
            memmem(attachment->data.ptr, attachment->data.len, boundary, strlen(boundary)))
            return true;
    }
    return false;
}

/* A start of boundaries that no part written as it is contains. */
static void choose_boundary(const struct item *item, char boundary[BOUNDARY_SIZE])
{
    unsigned n = 0;

    do
        snprintf(boundary, BOUNDARY_SIZE, "=_%016" PRIx64 ".%u", item->boundary_seed, n++);
    while (boundary_taken(item, boundary));
}

static void put_related(struct buf *out, const struct item *item, const char *boundary)
{
    if (count_inline(item) == 0) {
        mime_put_body(out, item);
        return;
    }
    buf_printf(out, "Content-Type: multipart/related; type=\"text/%s\";\r\n boundary=\"%sr\"\r\n\r\n",
               item->body_type == BODY_HTML ? "html" : "plain", boundary);
    buf_printf(out, "--%sr\r\n", boundary);
    mime_put_body(out, item);
    for (size_t i = 0; i < item->attachments.n; i++) {
        if (!is_inline(&item->attachments.v[i]))
            continue;
        buf_printf(out, "\r\n--%sr\r\n", boundary);
        mime_put_attachment(out, &item->attachments.v[i]);
    }
    buf_printf(out, "\r\n--%sr--\r\n", boundary);
}

static void put_content(struct buf *out, const struct item *item)
{
    char boundary[BOUNDARY_SIZE];

    choose_boundary(item, boundary);
    if (count_inline(item) == item->attachments.n) {
        put_related(out, item, boundary);
        return;
    }
    buf_printf(out, "Content-Type: multipart/mixed; boundary=\"%sm\"\r\n\r\n--%sm\r\n", boundary, boundary);
    put_related(out, item, boundary);
    for (size_t i = 0; i < item->attachments.n; i++) {
        if (is_inline(&item->attachments.v[i]))
            continue;
        buf_printf(out, "\r\n--%sm\r\n", boundary);
        mime_put_attachment(out, &item->attachments.v[i]);
    }
    buf_printf(out, "\r\n--%sm--\r\n", boundary);
}

/* May a client set this field? Not those that we write or that others add. */
static bool is_free_field(struct span name)
{
    static const char *const ours[] = { "Date", "From", "Sender", "Reply-To", "To", "Cc", "Bcc", "Subject", "Message-ID",
                                        "In-Reply-To", "References", "Importance", "Sensitivity", "MIME-Version",
                                        "Disposition-Notification-To", "Return-Receipt-To", "Received", "Return-Path" };

    if (!mime_field_name_ok(name) || name.len > 76 || mime_one_of(name, ours, ARRAY_LEN(ours)))
        return false;
    if (name.len >= 8 && span_eq_nocase((struct span){ name.ptr, 8 }, SPAN("Content-")))
        return false;
    return !(name.len >= 7 && span_eq_nocase((struct span){ name.ptr, 7 }, SPAN("Resent-")));
}

static void put_internet_headers(struct buf *out, const struct item *item)
{
    char name[80];

    for (size_t i = 0; i < item->xprops.n; i++) {
        const struct xprop *xprop = &item->xprops.v[i];
        if (!span_eq_nocase(xprop->set, xprop->set_is_guid ? SPAN(INTERNET_HEADERS_GUID) : SPAN("InternetHeaders")))
            continue;
        if (xprop->values.n == 0 || !is_free_field(xprop->name))
            continue;
        snprintf(name, sizeof(name), "%.*s", (int)xprop->name.len, xprop->name.ptr);
        mime_put_text(out, name, xprop->values.v[0]);
    }
}

static void put_wishes(struct buf *out, const struct item *item)
{
    static const char *const sensitivities[] = { NULL, "Personal", "Private", "Company-Confidential" };
    const struct rcpt *from = mime_from(item);

    if (item->importance == IMPORTANCE_LOW || item->importance == IMPORTANCE_HIGH)
        buf_printf(out, "Importance: %s\r\n", item->importance == IMPORTANCE_LOW ? "low" : "high");
    if (item->sensitivity > SENSITIVITY_NORMAL && item->sensitivity <= SENSITIVITY_CONFIDENTIAL)
        buf_printf(out, "Sensitivity: %s\r\n", sensitivities[item->sensitivity]);
    if (from && (item->flags & ITEM_READ_RECEIPT))
        mime_put_addresses(out, "Disposition-Notification-To", from, 1);
    if (from && (item->flags & ITEM_DELIVERY_RECEIPT))
        mime_put_addresses(out, "Return-Receipt-To", from, 1);
}

static void put_header(struct buf *out, const struct item *item, bool keep_bcc)
{
    const struct rcpt *from = mime_from(item);
    const struct rcpt *sender = mime_sender(item);

    mime_put_date(out, item->sent != WHEN_NONE ? item->sent : item->created);
    if (from)
        mime_put_addresses(out, "From", from, 1);
    if (sender)
        mime_put_addresses(out, "Sender", sender, 1);
    mime_put_addresses(out, "Reply-To", item->reply_to.v, item->reply_to.n);
    mime_put_addresses(out, "To", item->to.v, item->to.n);
    mime_put_addresses(out, "Cc", item->cc.v, item->cc.n);
    if (keep_bcc)
        mime_put_addresses(out, "Bcc", item->bcc.v, item->bcc.n);
    mime_put_text(out, "Subject", item->subject);
    mime_put_ids(out, "Message-ID", item->message_id);
    mime_put_ids(out, "In-Reply-To", item->in_reply_to);
    mime_put_ids(out, "References", item->references);
    put_wishes(out, item);
    put_internet_headers(out, item);
    buf_add_str(out, "MIME-Version: 1.0\r\n");
}

int mime_write(const struct item *item, const struct mime_options *options, struct buf *out)
{
    if (item->mime.len)
        return mime_edit(item, options, out);
    put_header(out, item, options->keep_bcc);
    put_content(out, item);
    return buf_error(out);
}
