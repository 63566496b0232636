/*
 * Delivery into mailboxes of this store: one job of the target mailbox, marked
 * by (entry, recipient), so that a crash between delivery and settling never
 * delivers twice. Unknown addresses of local domains fail with 5.1.1
 * (decisions 9).
 */
#include "outbox/transport.h"

#include "store/store_mail.h"

#include <errno.h>

#define MARK_LIFE_MS (30 * 86400000LL)

struct delivery {
    const struct transport_job *job;
    struct arena *arena;
    struct span address;
    bool unknown; /* set by the job: no such mailbox */
};

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

/* What the recipient gets: unread, not a draft, no Bcc, no private marks. */
static int make_copy(struct delivery *delivery, const struct store_mailbox *mailbox, struct item *ret_copy)
{
    int r = item_copy(delivery->arena, delivery->job->item, ret_copy);
    if (r)
        return r;
    bool to_self = mailbox->mailbox_id == delivery->job->entry->mailbox_id;
    ret_copy->mailbox_id = mailbox->mailbox_id;
    ret_copy->item_no = ret_copy->content_no = ret_copy->change_no = ret_copy->key_no = 0;
    ret_copy->bcc = (struct rcpt_list){ 0 };
    ret_copy->categories = (struct span_list){ 0 };
    ret_copy->flag_status = FLAG_NOT_FLAGGED;
    ret_copy->flags &= ~(ITEM_DRAFT | ITEM_READ | ITEM_SUBMITTED | ITEM_FROM_ME | ITEM_REMINDER_SET | ITEM_ASSOCIATED);
    ret_copy->flags |= ITEM_UNMODIFIED | (to_self ? ITEM_FROM_ME : 0);
    ret_copy->received = ret_copy->created = when_now();
    if (ret_copy->mime.len)
        ret_copy->mime = delivery->job->raw;
    return 0;
}

static int deliver_one(struct store_tx *tx, void *arg)
{
    struct delivery *delivery = arg;
    arena_reset(delivery->arena);
    struct store_mailbox mailbox;
    int r = find_mailbox(tx, delivery->arena, delivery->address, &mailbox);
    delivery->unknown = r > 0;
    if (r)
        return r < 0 ? r : 0;
    uint8_t key[SHA256_SIZE];
    delivery_key(delivery->job->entry, key);
    r = store_delivery_mark(tx, mailbox.mailbox_id, key, when_now() + MARK_LIFE_MS);
    if (r)
        return r < 0 ? r : 0;
    struct folder inbox;
    r = store_folder_by_role(tx, delivery->arena, mailbox.mailbox_id, FOLDER_ROLE_inbox, &inbox);
    struct item copy;
    if (r == 0)
        r = make_copy(delivery, &mailbox, &copy);
    if (r)
        return r;
    copy.folder_no = inbox.folder_no;
    return store_item_insert(tx, &copy);
}

static int local_deliver(const struct transport_job *job, struct transport_result *results)
{
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    int r = arena_new((size_t)job->conf->soap_max_memory, &arena);
    if (r)
        return r;
    for (size_t i = 0; i < job->n; i++) {
        struct delivery delivery = { .job = job, .arena = arena, .address = job->rcpts[i]->address };
        r = store_write(job->store, deliver_one, &delivery);
        if (r)
            results[i] = (struct transport_result){ TRANSPORT_DEFERRED, SPAN("4.3.0 the mailbox store is not available") };
        else if (delivery.unknown)
            results[i] = (struct transport_result){ TRANSPORT_FAILED, SPAN("5.1.1 there is no mailbox with this address") };
        else
            results[i] = (struct transport_result){ TRANSPORT_SENT, SPAN("2.0.0 delivered") };
    }
    return 0;
}

const struct transport transport_local = { .name = "local", .deliver = local_deliver };
