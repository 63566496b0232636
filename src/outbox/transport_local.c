/*
 * Delivery into mailboxes of this store: one job of the recipient's mailbox,
 * marked there by entry and mailbox, so that no second address and no second
 * attempt delivers twice. Unknown addresses of local domains fail with 5.1.1
 * (decisions 9); those of groups become their members. A large message is
 * written ahead of the job.
 */
#include "outbox/transport.h"

#include "outbox/expand.h"
#include "outbox/local.h"
#include "store/store_content.h"
#include "store/store_mail.h"

#include <errno.h>

#define MARK_LIFE_MS (30 * 86400000LL)

/* One mark for each entry and mailbox: two addresses of one person are one
 * message. */
static void delivery_key(const struct store_outbox *entry, uint8_t ret_key[SHA256_SIZE])
{
    const uint64_t numbers[] = { (uint64_t)entry->mailbox_id, entry->outbox_no };
    const struct span parts[] = { SPAN("local"), { (const char *)numbers, sizeof(numbers) } };
    sha256_parts(parts, ARRAY_LEN(parts), ret_key);
}

/* What the recipient gets: unread, not a draft, no Bcc, no private marks. It
 * shares what it has in common with the item. */
static struct item make_copy(const struct transport_job *job, const struct store_mailbox *mailbox)
{
    struct item copy = *job->item;
    bool to_self = mailbox->mailbox_id == job->entry->mailbox_id;
    copy.mailbox_id = mailbox->mailbox_id;
    copy.item_no = copy.content_no = copy.change_no = copy.key_no = 0;
    copy.creator_id = 0;
    copy.bcc = (struct rcpt_list){ 0 };
    copy.categories = (struct span_list){ 0 };
    copy.flag_status = FLAG_NOT_FLAGGED;
    copy.flags &= ~(ITEM_DRAFT | ITEM_READ | ITEM_SUBMITTED | ITEM_FROM_ME | ITEM_REMINDER_SET | ITEM_ASSOCIATED);
    copy.flags |= ITEM_UNMODIFIED | (to_self ? ITEM_FROM_ME : 0);
    copy.received = copy.created = when_now();
    if (copy.mime.len) {
        copy.mime = job->traced;
        copy.mime_source = NULL;
    }
    return copy;
}

/* The copy, when it is so large that its bytes go ahead; else NULL. Should the
 * mailbox turn out to have it already, they are swept later. */
static int local_ready(const struct transport_job *job, size_t i, void **ret_ready)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    struct store_mailbox mailbox;
    *ret_ready = NULL;
    if (job->item->size < STORE_STAGE_MIN)
        return 0;
    int r = store_read_begin(job->store, &tx);
    if (r == 0)
        r = local_mailbox(tx, job->arena, job->rcpts[i]->address, &mailbox);
    if (r)
        return r < 0 ? r : 0;
    struct item *copy = arena_alloc(job->arena, sizeof(*copy));
    if (!copy)
        return -ENOMEM;
    *copy = make_copy(job, &mailbox);
    if ((r = item_own_attachments(job->arena, copy)))
        return r;
    *ret_ready = copy;
    return store_stage_item(job->store, copy);
}

enum { MAILBOX_FULL = 1 };

static int put_in_inbox(struct store_tx *tx, const struct transport_job *job, const struct store_mailbox *mailbox,
                        const struct item *ready)
{
    struct folder inbox;
    int r = store_folder_by_role(tx, job->arena, mailbox->mailbox_id, FOLDER_ROLE_inbox, &inbox);
    if (r)
        return r < 0 ? r : -EIO;
    struct item copy = ready && ready->mailbox_id == mailbox->mailbox_id ? *ready : make_copy(job, mailbox);
    copy.folder_no = inbox.folder_no;
    r = job->entry->bounce ? store_item_insert_unlimited(tx, &copy) : store_item_insert(tx, &copy);
    return r == CODE_ErrorQuotaExceeded ? MAILBOX_FULL : r > 0 ? -EIO : r;
}

static int not_a_mailbox(struct store_tx *tx, const struct transport_job *job, struct span address,
                         struct transport_result *ret_result)
{
    int r = expand_group(tx, job, address, ret_result);
    if (r > 0)
        *ret_result = (struct transport_result){ TRANSPORT_FAILED, SPAN("5.1.1 there is no mailbox with this address") };
    return r < 0 ? r : 0;
}

static int local_store_one(struct store_tx *tx, const struct transport_job *job, size_t i, const void *ready,
                           struct transport_result *ret_result)
{
    struct store_mailbox mailbox;
    int r = local_mailbox(tx, job->arena, job->rcpts[i]->address, &mailbox);
    if (r > 0)
        return not_a_mailbox(tx, job, job->rcpts[i]->address, ret_result);
    if (r)
        return r;
    uint8_t key[SHA256_SIZE];
    delivery_key(job->entry, key);
    r = store_delivery_mark(tx, mailbox.mailbox_id, key, when_now() + MARK_LIFE_MS);
    *ret_result = (struct transport_result){ TRANSPORT_SENT, SPAN("2.0.0 delivered") };
    if (r)
        return r < 0 ? r : 0; /* it was delivered before */
    r = put_in_inbox(tx, job, &mailbox, ready);
    if (r == MAILBOX_FULL)
        *ret_result = (struct transport_result){ TRANSPORT_FAILED, SPAN("5.2.2 the mailbox is full") };
    return r;
}

const struct transport transport_local = { .name = "local", .number = TRANSPORT_NUMBER_local, .ready = local_ready, .store_one = local_store_one };
