/*
 * Delivery into mailboxes of this store, in the job that settles; also marked
 * by entry and mailbox, so that no second address and no second attempt
 * delivers twice. Unknown addresses of local domains fail with 5.1.1
 * (decisions 9); a mailbox over its quota takes nothing but reports (5.2.2).
 */
#include "outbox/transport.h"

#include "model/code.h"
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

/* The address itself, or what it is without +detail. */
static int find_mailbox(struct store_tx *tx, struct arena *arena, struct span address, struct store_mailbox *ret_mailbox)
{
    int r = store_mailbox_by_address(tx, arena, address, ret_mailbox);
    if (r <= 0)
        return r;
    struct span local = rcpt_address_local(address, true);
    struct span domain = rcpt_address_domain(address);
    struct span plain;
    r = arena_printf(arena, &plain, "%.*s@%.*s", (int)local.len, local.ptr, (int)domain.len, domain.ptr);
    return r ? r : store_mailbox_by_address(tx, arena, plain, ret_mailbox);
}

/* What the recipient gets: unread, not a draft, no Bcc, no private marks. It
 * shares what it has in common with the item, for the length of the job. */
static struct item make_copy(const struct transport_job *job, const struct store_mailbox *mailbox, uint64_t folder_no)
{
    struct item copy = *job->item;
    bool to_self = mailbox->mailbox_id == job->entry->mailbox_id;
    copy.mailbox_id = mailbox->mailbox_id;
    copy.folder_no = folder_no;
    copy.item_no = copy.content_no = copy.change_no = copy.key_no = 0;
    copy.bcc = (struct rcpt_list){ 0 };
    copy.categories = (struct span_list){ 0 };
    copy.flag_status = FLAG_NOT_FLAGGED;
    copy.flags &= ~(ITEM_DRAFT | ITEM_READ | ITEM_SUBMITTED | ITEM_FROM_ME | ITEM_REMINDER_SET | ITEM_ASSOCIATED);
    copy.flags |= ITEM_UNMODIFIED | (to_self ? ITEM_FROM_ME : 0);
    copy.received = copy.created = when_now();
    if (copy.mime.len)
        copy.mime = job->raw;
    return copy;
}

enum { NO_MAILBOX = 1, MAILBOX_FULL };

/* NO_MAILBOX, MAILBOX_FULL. */
static int deliver_one(struct store_tx *tx, const struct transport_job *job, struct span address)
{
    struct store_mailbox mailbox;
    int r = find_mailbox(tx, job->arena, address, &mailbox);
    if (r)
        return r < 0 ? r : NO_MAILBOX;
    uint8_t key[SHA256_SIZE];
    delivery_key(job->entry, key);
    r = store_delivery_mark(tx, mailbox.mailbox_id, key, when_now() + MARK_LIFE_MS);
    if (r)
        return r < 0 ? r : 0;
    struct folder inbox;
    r = store_folder_by_role(tx, job->arena, mailbox.mailbox_id, FOLDER_ROLE_inbox, &inbox);
    if (r)
        return r < 0 ? r : -EIO;
    struct item copy = make_copy(job, &mailbox, inbox.folder_no);
    r = store_item_insert(tx, &copy);
    return r == CODE_ErrorQuotaExceeded ? MAILBOX_FULL : r > 0 ? -EIO : r;
}

/* In a savepoint: a mailbox that is broken keeps its own mail only. */
static int try_one(struct store_tx *tx, const struct transport_job *job, struct span address, struct transport_result *ret_result)
{
    int r = store_savepoint(tx);
    if (r)
        return r;
    int done = deliver_one(tx, job, address);
    r = done ? store_savepoint_rollback(tx) : store_savepoint_release(tx);
    if (done < 0)
        *ret_result = (struct transport_result){ TRANSPORT_DEFERRED, SPAN("4.3.0 the mailbox store is not available") };
    else if (done == MAILBOX_FULL)
        *ret_result = (struct transport_result){ TRANSPORT_FAILED, SPAN("5.2.2 the mailbox is full") };
    else if (done)
        *ret_result = (struct transport_result){ TRANSPORT_FAILED, SPAN("5.1.1 there is no mailbox with this address") };
    else
        *ret_result = (struct transport_result){ TRANSPORT_SENT, SPAN("2.0.0 delivered") };
    return r;
}

static int local_store(struct store_tx *tx, const struct transport_job *job, struct transport_result *results)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < job->n; i++)
        r = try_one(tx, job, job->rcpts[i]->address, &results[i]);
    return r;
}

const struct transport transport_local = { .name = "local", .store = local_store };
