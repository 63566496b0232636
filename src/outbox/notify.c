/*
 * See notify.h. A job stays inside one mailbox (decisions 2): the Inbox of the
 * entry's own is written at once, another's through the outbox, where the
 * report is a message of nobody to that mailbox.
 */
#include "outbox/notify.h"

#include "outbox/header.h"
#include "store/store_mail.h"
#include "store/store_queue.h"

#include <errno.h>

/* ---- where it goes ---- */

static int put_in_inbox(struct store_tx *tx, struct attempt *attempt, struct item *report)
{
    struct folder inbox;
    int r = store_folder_by_role(tx, attempt->arena, report->mailbox_id, FOLDER_ROLE_inbox, &inbox);
    report->folder_no = inbox.folder_no;
    return r ? r : store_item_insert_unlimited(tx, report);
}

static int queue_report(struct store_tx *tx, struct attempt *attempt, struct item *report)
{
    int64_t now = when_now();
    struct store_outbox_rcpt rcpt = { .address = attempt->entry.envelope_sender, .kind = STORE_RCPT_LOCAL,
                                      .state = STORE_RCPT_QUEUED, .next_attempt = now };
    struct store_outbox entry = { .mailbox_id = report->mailbox_id, .message_id = report->message_id, .date = now,
                                  .boundary_seed = report->boundary_seed, .created = now,
                                  .expires = now + attempt->conf->outbox_expire * 1000, .bounce = true, .rcpts = &rcpt, .rcpts_n = 1 };
    attempt->next = now;
    return store_outbox_insert(tx, report, &entry);
}

/* The sender's Inbox, which is not in the mailbox that the message is in when a
 * delegate sent it (protocol.md 2.8). */
static int deliver(struct store_tx *tx, struct attempt *attempt, struct item *report)
{
    struct store_mailbox sender;
    int r = store_mailbox_by_address(tx, attempt->arena, attempt->entry.envelope_sender, &sender);
    if (r < 0)
        return r;
    bool here = r > 0 || sender.mailbox_id == report->mailbox_id;
    return here ? put_in_inbox(tx, attempt, report) : queue_report(tx, attempt, report);
}

static int tell(struct store_tx *tx, struct attempt *attempt, enum bounce_kind kind, const struct bounce_rcpt *rcpts, size_t n)
{
    struct item report;
    int r = attempt_read(attempt, tx, true);
    if (r == 0 && attempt->raw.len == 0 && !attempt->unwritten)
        attempt_write(attempt);
    if (r || header_is_report(&attempt->item, attempt_message(attempt)))
        return r;
    r = bounce_make(attempt->arena, attempt->conf, kind, &attempt->entry, &attempt->item, attempt_message(attempt), rcpts, n, &report);
    return r ? r : deliver(tx, attempt, &report);
}

/* ---- the whole entry, as it will be ---- */

static const struct store_settle *settle_of(const struct attempt *attempt, size_t n, uint32_t no)
{
    for (size_t i = 0; i < n; i++)
        if (attempt->settles[i].no == no)
            return &attempt->settles[i];
    return NULL;
}

struct picture {
    struct bounce_rcpt *sent, *waiting;
    size_t sent_n, waiting_n;
};

static int look_at_all(struct store_tx *tx, struct attempt *attempt, size_t settles_n, struct picture *ret_picture)
{
    const struct store_outbox_key key = { attempt->entry.mailbox_id, attempt->entry.outbox_no };
    struct picture picture = { 0 };
    struct store_outbox all;
    int r = store_outbox_rcpts(tx, attempt->arena, key, 0, &all);
    if (r)
        return r;
    picture.sent = arena_array(attempt->arena, all.rcpts_n, sizeof(*picture.sent));
    picture.waiting = arena_array(attempt->arena, all.rcpts_n, sizeof(*picture.waiting));
    if (!picture.sent || !picture.waiting)
        return -ENOMEM;
    for (size_t i = 0; i < all.rcpts_n; i++) {
        const struct store_outbox_rcpt *rcpt = &all.rcpts[i];
        const struct store_settle *settle = settle_of(attempt, settles_n, rcpt->no);
        enum store_rcpt_state state = settle ? settle->state : rcpt->state;
        const struct bounce_rcpt told = { .no = rcpt->no, .address = rcpt->address, .status = settle ? settle->status : rcpt->status,
                                          .local = rcpt->kind == STORE_RCPT_LOCAL };
        if (rcpt->kind == STORE_RCPT_FILE)
            continue;
        if (state == STORE_RCPT_SENT)
            picture.sent[picture.sent_n++] = told;
        else if (state == STORE_RCPT_QUEUED)
            picture.waiting[picture.waiting_n++] = told;
    }
    *ret_picture = picture;
    return 0;
}

/* A message that was to leave later is late from then on. */
static bool is_late(const struct attempt *attempt)
{
    const struct conf *conf = attempt->conf;
    const struct store_outbox *entry = &attempt->entry;
    int64_t begin = entry->expires - conf->outbox_expire * 1000;
    begin = begin > entry->created ? begin : entry->created;
    return conf->outbox_delay_warning > 0 && !entry->warned && when_now() - begin >= conf->outbox_delay_warning * 1000;
}

static bool has_tried(const struct attempt *attempt, size_t settles_n)
{
    for (size_t i = 0; i < settles_n; i++)
        if (attempt->settles[i].state == STORE_RCPT_QUEUED && !attempt->settles[i].untried)
            return true;
    return false;
}

static bool has_settled(const struct attempt *attempt, size_t settles_n)
{
    for (size_t i = 0; i < settles_n; i++)
        if (attempt->settles[i].state == STORE_RCPT_QUEUED)
            return false;
    return true;
}

int notify_sender(struct store_tx *tx, struct attempt *attempt, size_t settles_n, const struct bounce_rcpt *failed, size_t failed_n)
{
    const struct store_outbox *entry = &attempt->entry;
    struct picture picture = { 0 };
    if (entry->bounce || entry->envelope_sender.len == 0)
        return 0;
    bool late = is_late(attempt) && has_tried(attempt, settles_n);
    bool done = attempt->item.flags & ITEM_DELIVERY_RECEIPT && has_settled(attempt, settles_n);
    int r = failed_n ? tell(tx, attempt, BOUNCE_FAILED, failed, failed_n) : 0;
    if (r == 0 && (late || done))
        r = look_at_all(tx, attempt, settles_n, &picture);
    if (r == 0 && late && picture.waiting_n)
        r = tell(tx, attempt, BOUNCE_DELAYED, picture.waiting, picture.waiting_n);
    if (r == 0 && late && picture.waiting_n)
        r = store_outbox_warned(tx, (struct store_outbox_key){ entry->mailbox_id, entry->outbox_no });
    if (r == 0 && done && picture.waiting_n == 0 && picture.sent_n)
        r = tell(tx, attempt, BOUNCE_DONE, picture.sent, picture.sent_n);
    return r;
}
