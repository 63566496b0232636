/*
 * Writes a multipart/report by hand: it is three small parts of ASCII, and its
 * text must be the same whoever asks for it.
 */
#include "outbox/bounce.h"

#include <errno.h>
#include <stdio.h>

#define BOUNCE_MAX 1048576

/* The first d.d.d in a status, or 5.0.0. */
static struct span enhanced_status(struct span status)
{
    for (size_t i = 0; i + 5 <= status.len; i++)
        if ((status.ptr[i] == '4' || status.ptr[i] == '5') && status.ptr[i + 1] == '.' && status.ptr[i + 3] == '.')
            return (struct span){ status.ptr + i, 5 };
    return SPAN("5.0.0");
}

/* Header text: printable ASCII only. */
static void add_clean(struct buf *out, struct span text)
{
    for (size_t i = 0; i < text.len && i < 800; i++)
        buf_add_char(out, text.ptr[i] >= ' ' && text.ptr[i] < 127 ? text.ptr[i] : '?');
}

static void add_human(struct buf *out, const struct item *failed, const struct bounce_rcpt *rcpts, size_t n)
{
    buf_add_str(out, "Your message could not be delivered to one or more recipients.\r\n\r\nSubject: ");
    add_clean(out, failed->subject);
    buf_add_str(out, "\r\n\r\n");
    for (size_t i = 0; i < n; i++) {
        add_clean(out, rcpts[i].address);
        buf_add_str(out, ": ");
        add_clean(out, rcpts[i].status);
        buf_add_str(out, "\r\n");
    }
}

static void add_machine(struct buf *out, struct span domain, const struct bounce_rcpt *rcpts, size_t n)
{
    buf_add_str(out, "Reporting-MTA: dns; ");
    add_clean(out, domain);
    buf_add_str(out, "\r\n");
    for (size_t i = 0; i < n; i++) {
        buf_add_str(out, "\r\nFinal-Recipient: rfc822; ");
        add_clean(out, rcpts[i].address);
        buf_add_str(out, "\r\nAction: failed\r\nStatus: ");
        buf_add_span(out, enhanced_status(rcpts[i].status));
        buf_add_str(out, "\r\nDiagnostic-Code: smtp; ");
        add_clean(out, rcpts[i].status);
        buf_add_str(out, "\r\n");
    }
}

static void add_original(struct buf *out, const struct store_outbox *entry, const struct item *failed)
{
    char date[WHEN_RFC5322_SIZE];
    when_format_rfc5322(entry->date, date);
    buf_add_str(out, "From: ");
    add_clean(out, failed->from.address);
    buf_add_str(out, "\r\nSubject: ");
    add_clean(out, failed->subject);
    buf_add_str(out, "\r\nMessage-ID: ");
    add_clean(out, entry->message_id);
    buf_printf(out, "\r\nDate: %s\r\n", date);
}

static void add_message(struct buf *out, struct span domain, struct span message_id, struct span human,
                        const struct store_outbox *entry, const struct item *failed, const struct bounce_rcpt *rcpts, size_t n)
{
    char boundary[40], date[WHEN_RFC5322_SIZE];
    snprintf(boundary, sizeof(boundary), "report-%016llx", (unsigned long long)entry->boundary_seed);
    when_format_rfc5322(when_now(), date);
    buf_add_str(out, "From: Mail Delivery System <MAILER-DAEMON@");
    add_clean(out, domain);
    buf_add_str(out, ">\r\nTo: ");
    add_clean(out, entry->envelope_sender);
    buf_printf(out, "\r\nSubject: Undelivered mail returned to sender\r\nDate: %s\r\nMessage-ID: ", date);
    buf_add_span(out, message_id);
    buf_printf(out,
               "\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; "
               "report-type=delivery-status;\r\n boundary=\"%s\"\r\n\r\n--%s\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n",
               boundary, boundary);
    buf_add_span(out, human);
    buf_printf(out, "\r\n--%s\r\nContent-Type: message/delivery-status\r\n\r\n", boundary);
    add_machine(out, domain, rcpts, n);
    buf_printf(out, "\r\n--%s\r\nContent-Type: text/rfc822-headers\r\n\r\n", boundary);
    add_original(out, entry, failed);
    buf_printf(out, "\r\n--%s--\r\n", boundary);
}

static void free_buf(struct buf *buf)
{
    buf_done(buf);
}

int bounce_make(struct arena *arena, const struct store_outbox *entry, const struct item *failed, const struct bounce_rcpt *rcpts,
                size_t n, struct item *ret_item)
{
    struct span domain = rcpt_address_domain(entry->envelope_sender);
    CLEANUP(free_buf) struct buf human = BUF_INIT(BOUNCE_MAX);
    CLEANUP(free_buf) struct buf whole = BUF_INIT(BOUNCE_MAX);
    struct item item;
    item_init(&item);
    struct rcpt *to = arena_alloc(arena, sizeof(*to));
    if (!to)
        return -ENOMEM;
    *to = (struct rcpt){ .address = entry->envelope_sender, .type = RCPT_TO };
    int r = arena_printf(arena, &item.message_id, "<report-%016llx@%.*s>", (unsigned long long)entry->boundary_seed,
                         (int)domain.len, domain.ptr);
    if (r == 0)
        r = arena_printf(arena, &item.from.address, "MAILER-DAEMON@%.*s", (int)domain.len, domain.ptr);
    if (r)
        return r;
    add_human(&human, failed, rcpts, n);
    add_message(&whole, domain, item.message_id, buf_span(&human), entry, failed, rcpts, n);
    if (buf_error(&human) || buf_error(&whole))
        return -ENOMEM;
    item.mailbox_id = entry->mailbox_id;
    item.kind = ITEM_KIND_REPORT;
    item.item_class = SPAN("REPORT.IPM.Note.NDR");
    item.subject = SPAN("Undelivered mail returned to sender");
    item.from.name = SPAN("Mail Delivery System");
    item.sender = item.from;
    item.to = (struct rcpt_list){ to, 1 };
    item.in_reply_to = entry->message_id;
    item.sent = item.received = item.created = when_now();
    item.flags |= ITEM_UNMODIFIED;
    item.boundary_seed = entry->boundary_seed;
    r = arena_copy(arena, buf_span(&human), &item.body);
    if (r == 0)
        r = arena_copy(arena, buf_span(&whole), &item.mime);
    if (r == 0)
        *ret_item = item;
    return r;
}
