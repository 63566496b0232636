/*
 * Writes a multipart/report by hand: it is three small parts, and its text must
 * be the same whoever asks for it. Everything that came from elsewhere passes
 * add_clean() or add_ascii(), so that it can't begin a line of its own.
 */
#include "outbox/bounce.h"

#include "outbox/relay.h"

#include <errno.h>
#include <stdio.h>

#define TEXT_MAX 800     /* of one foreign text */
#define RCPT_MAX 4096    /* of what is said of one recipient, in one part */
#define HEADER_MAX 65536 /* of the original's header */

static const struct {
    const char *subject, *item_class, *id, *action;
    const char *one, *several; /* recipients: the first sentence */
} kinds[BOUNCE_KINDS] = {
    [BOUNCE_FAILED] = { "Undelivered mail returned to sender", "REPORT.IPM.Note.NDR", "report", "failed",
                        "Your message could not be delivered to this recipient.",
                        "Your message could not be delivered to these recipients." },
    [BOUNCE_DELAYED] = { "Delayed mail, still being tried", "REPORT.IPM.Note.Delayed", "delay", "delayed",
                         "Your message has not reached this recipient yet. There is no need to send it again.",
                         "Your message has not reached these recipients yet. There is no need to send it again." },
    [BOUNCE_DONE] = { "Delivery receipt", "REPORT.IPM.Note.DR", "receipt", "relayed",
                      "Your message is delivered to this recipient, or on its way.",
                      "Your message is delivered to these recipients, or on its way." },
};

struct report {
    struct arena *arena;
    enum bounce_kind kind;
    const struct store_outbox *entry;
    const struct item *about;
    struct span raw;
    const struct bounce_rcpt *rcpts;
    size_t n;
    char host[RELAY_HOST_SIZE];
    struct span message_id;
    struct span human;
};

/* ---- text from elsewhere ---- */

/* One line of UTF-8. */
static void add_clean(struct buf *out, struct span text)
{
    bool utf8 = span_utf8_ok(text);
    size_t n = text.len < TEXT_MAX ? text.len : TEXT_MAX;
    while (utf8 && n < text.len && n > 0 && ((unsigned char)text.ptr[n] & 0xc0) == 0x80)
        n--;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        buf_add_char(out, c < ' ' || c == 0x7f ? ' ' : c >= 0x80 && !utf8 ? '?' : (char)c);
    }
}

/* One line of printable ASCII, for fields. */
static void add_ascii(struct buf *out, struct span text)
{
    for (size_t i = 0; i < text.len && i < TEXT_MAX; i++)
        buf_add_char(out, text.ptr[i] >= ' ' && text.ptr[i] < 127 ? text.ptr[i] : '?');
}

static bool is_ascii(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] >= 0x80)
            return false;
    return true;
}

/* An address that is not ASCII, in a field that is: utf-8-addr-xtext, each such
 * character as \x{HEX} (RFC 6533, 3). */
static void add_address(struct buf *out, struct span address)
{
    uint32_t point = 0;
    if (is_ascii(address)) {
        buf_add_str(out, "rfc822; ");
        add_ascii(out, address);
        return;
    }
    buf_add_str(out, "utf-8; ");
    for (size_t i = 0; i < address.len && i < TEXT_MAX; i++) {
        unsigned char c = (unsigned char)address.ptr[i];
        if (c < 0x80) {
            buf_printf(out, c > ' ' && c < 0x7f && c != '\\' && c != '+' && c != '=' ? "%c" : "\\x{%X}", c);
            continue;
        }
        bool first = c >= 0xc0;
        point = first ? c & (c >= 0xf0 ? 0x07u : c >= 0xe0 ? 0x0fu : 0x1fu) : point << 6 | (c & 0x3fu);
        bool last = i + 1 == address.len || ((unsigned char)address.ptr[i + 1] & 0xc0) != 0x80;
        if (last)
            buf_printf(out, "\\x{%X}", point);
    }
}

/* ---- status ---- */

static bool is_reply(struct span status)
{
    return status.len >= 3 && status.ptr[0] >= '2' && status.ptr[0] <= '5' && status.ptr[1] >= '0' && status.ptr[1] <= '9' &&
           status.ptr[2] >= '0' && status.ptr[2] <= '9' && (status.len == 3 || status.ptr[3] == ' ');
}

/* The enhanced code at the start, or behind a reply's; else its class alone
 * (RFC 3463). */
static void add_status(struct buf *out, struct span status)
{
    size_t start = is_reply(status) ? 4 : 0, at = start, parts = 0;
    while (at < status.len && parts < 3) {
        size_t digits = at;
        while (at < status.len && at - digits < 3 && status.ptr[at] >= '0' && status.ptr[at] <= '9')
            at++;
        if (at == digits)
            break;
        parts++;
        if (parts < 3 && (at == status.len || status.ptr[at++] != '.'))
            break;
    }
    bool good = parts == 3 && memchr("245", status.ptr[start], 3) && status.ptr[start + 1] == '.';
    if (good)
        buf_add(out, status.ptr + start, at - start);
    else
        buf_printf(out, "%c.0.0", status.len && memchr("24", status.ptr[0], 2) ? status.ptr[0] : '5');
}

/* ---- the three parts ---- */

static void add_age(struct buf *out, int64_t ms)
{
    int64_t minutes = ms / 60000;
    if (minutes >= 2880)
        buf_printf(out, "%lld days", (long long)(minutes / 1440));
    else if (minutes >= 120)
        buf_printf(out, "%lld hours", (long long)(minutes / 60));
    else
        buf_printf(out, "%lld minutes", (long long)minutes);
}

/* What is said between the address and the status. */
static void add_fate(struct buf *out, const struct report *report, const struct bounce_rcpt *rcpt)
{
    if (report->kind == BOUNCE_DELAYED) {
        buf_add_str(out, "\r\n    is being tried for ");
        add_age(out, when_now() - report->entry->created);
        buf_add_str(out, " now. The last try failed with:");
    } else if (report->kind == BOUNCE_DONE) {
        buf_add_str(out, rcpt->local ? "\r\n    has it in the mailbox." :
                                       "\r\n    was taken on by the next mail server, which may tell you nothing more:");
    } else if (rcpt->expired) {
        buf_add_str(out, "\r\n    was tried for ");
        add_age(out, when_now() - report->entry->created);
        buf_add_str(out, " and is given up. The last try failed with:");
    } else if (is_reply(rcpt->status)) {
        buf_add_str(out, "\r\n    was refused by the mail server with:");
    }
    buf_add_str(out, "\r\n    ");
}

static void add_human(struct buf *out, const struct report *report)
{
    char until[WHEN_RFC5322_SIZE];
    buf_printf(out, "%s\r\n\r\nSubject: ", report->n == 1 ? kinds[report->kind].one : kinds[report->kind].several);
    add_clean(out, report->about->subject);
    buf_add_str(out, "\r\n");
    if (report->kind == BOUNCE_DELAYED) {
        when_format_rfc5322(report->entry->expires, until);
        buf_printf(out, "It is tried until: %s\r\n", until);
    }
    for (size_t i = 0; i < report->n; i++) {
        const struct bounce_rcpt *rcpt = &report->rcpts[i];
        buf_add_str(out, "\r\n");
        add_clean(out, rcpt->address);
        add_fate(out, report, rcpt);
        add_clean(out, rcpt->status);
        buf_add_str(out, "\r\n");
    }
}

static void add_machine(struct buf *out, const struct report *report)
{
    char arrival[WHEN_RFC5322_SIZE], until[WHEN_RFC5322_SIZE];
    when_format_rfc5322(report->entry->created, arrival);
    when_format_rfc5322(report->entry->expires, until);
    buf_printf(out, "Reporting-MTA: dns; %s\r\nArrival-Date: %s\r\n", report->host, arrival);
    for (size_t i = 0; i < report->n; i++) {
        const struct bounce_rcpt *rcpt = &report->rcpts[i];
        buf_add_str(out, "\r\nFinal-Recipient: ");
        add_address(out, rcpt->address);
        buf_printf(out, "\r\nAction: %s\r\nStatus: ",
                   report->kind == BOUNCE_DONE && rcpt->local ? "delivered" : kinds[report->kind].action);
        add_status(out, rcpt->status);
        buf_add_str(out, is_reply(rcpt->status) ? "\r\nDiagnostic-Code: smtp; " : "\r\nDiagnostic-Code: X-Ewsd; ");
        add_ascii(out, rcpt->status);
        buf_add_str(out, "\r\n");
        if (report->kind == BOUNCE_DELAYED)
            buf_printf(out, "Will-Retry-Until: %s\r\n", until);
    }
}

/* The header of what was to be transmitted; lines of ours, 7-bit. Where that
 * could not even be made, what is known of it. */
static void add_original(struct buf *out, const struct report *report)
{
    const char *end = report->raw.len ? memmem(report->raw.ptr, report->raw.len, "\r\n\r\n", 4) : NULL;
    size_t n = end ? (size_t)(end - report->raw.ptr) + 2 : 0;
    if (n > 0 && n <= HEADER_MAX) {
        buf_add(out, report->raw.ptr, n);
        return;
    }
    char date[WHEN_RFC5322_SIZE];
    when_format_rfc5322(report->entry->date, date);
    buf_add_str(out, "From: ");
    add_ascii(out, report->about->from.address);
    buf_add_str(out, "\r\nSubject: ");
    add_ascii(out, report->about->subject);
    buf_add_str(out, "\r\nMessage-ID: ");
    add_ascii(out, report->entry->message_id);
    buf_printf(out, "\r\nDate: %s\r\n", date);
}

static void add_message(struct buf *out, const struct report *report)
{
    char boundary[40], date[WHEN_RFC5322_SIZE];
    snprintf(boundary, sizeof(boundary), "report-%016llx", (unsigned long long)report->entry->boundary_seed);
    when_format_rfc5322(when_now(), date);
    buf_printf(out, "Return-Path: <>\r\nFrom: Mail Delivery System <MAILER-DAEMON@%s>\r\nTo: ", report->host);
    add_clean(out, report->entry->envelope_sender);
    buf_printf(out, "\r\nSubject: %s\r\nDate: %s\r\nMessage-ID: ", kinds[report->kind].subject, date);
    buf_add_span(out, report->message_id);
    buf_add_str(out, "\r\nIn-Reply-To: ");
    add_ascii(out, report->entry->message_id);
    buf_printf(out,
               "\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; "
               "report-type=delivery-status;\r\n boundary=\"%s\"\r\n\r\n--%s\r\nContent-Type: text/plain; charset=utf-8\r\n"
               "Content-Transfer-Encoding: 8bit\r\n\r\n",
               boundary, boundary);
    buf_add_span(out, report->human);
    buf_printf(out, "\r\n--%s\r\nContent-Type: message/delivery-status\r\n\r\n", boundary);
    add_machine(out, report);
    buf_printf(out, "\r\n--%s\r\nContent-Type: text/rfc822-headers\r\n\r\n", boundary);
    add_original(out, report);
    buf_printf(out, "\r\n--%s--\r\n", boundary);
}

/* ---- the item ---- */

static void free_buf(struct buf *buf)
{
    buf_done(buf);
}

static int write_texts(struct report *report, struct span *ret_whole)
{
    size_t most = HEADER_MAX + (report->n + 1) * RCPT_MAX;
    CLEANUP(free_buf) struct buf human = BUF_INIT(most);
    CLEANUP(free_buf) struct buf whole = BUF_INIT(most * 3);
    add_human(&human, report);
    int r = buf_error(&human) ? buf_error(&human) : arena_copy(report->arena, buf_span(&human), &report->human);
    if (r)
        return r;
    add_message(&whole, report);
    return buf_error(&whole) ? buf_error(&whole) : arena_copy(report->arena, buf_span(&whole), ret_whole);
}

int bounce_make(struct arena *arena, const struct conf *conf, enum bounce_kind kind, const struct store_outbox *entry,
                const struct item *subject, struct span raw, const struct bounce_rcpt *rcpts, size_t n, struct item *ret_item)
{
    struct report report = { .arena = arena, .kind = kind, .entry = entry, .about = subject, .raw = raw, .rcpts = rcpts, .n = n };
    struct rcpt *to = arena_alloc(arena, sizeof(*to));
    struct item item;
    item_init(&item);
    if (!to)
        return -ENOMEM;
    relay_own_name(conf, report.host);
    *to = (struct rcpt){ .address = entry->envelope_sender, .type = RCPT_TO };
    int r = arena_printf(arena, &report.message_id, "<%s-%016llx.%u@%s>", kinds[kind].id,
                         (unsigned long long)entry->boundary_seed, rcpts[0].no, report.host);
    if (r == 0)
        r = arena_printf(arena, &item.from.address, "MAILER-DAEMON@%s", report.host);
    if (r == 0)
        r = write_texts(&report, &item.mime);
    if (r)
        return r;
    item.mailbox_id = entry->mailbox_id;
    item.kind = ITEM_KIND_REPORT;
    item.item_class = span_of(kinds[kind].item_class);
    item.subject = span_of(kinds[kind].subject);
    item.from.name = SPAN("Mail Delivery System");
    item.sender = item.from;
    item.to = (struct rcpt_list){ to, 1 };
    item.message_id = report.message_id;
    item.in_reply_to = entry->message_id;
    item.body = report.human;
    item.sent = item.received = item.created = when_now();
    item.flags |= ITEM_UNMODIFIED;
    item.boundary_seed = entry->boundary_seed;
    *ret_item = item;
    return 0;
}
