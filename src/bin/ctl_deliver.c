/*
 * ewsctl deliver: what a mail server calls for each message that came from
 * elsewhere. It is on the disk before the status says so; one that comes again
 * with the same bytes, because the mail server could not note that, is there
 * already.
 */
#include "bin/ctl_letter.h"
#include "bin/ctl_move.h"

#include "mime/mime.h"
#include "model/code.h"
#include "outbox/local.h"
#include "store/store_content.h"
#include "store/store_mail.h"

#include <inttypes.h>

struct delivery {
    struct move move;
    struct letter letter;
};

static int find_recipient(struct store_tx *tx, struct ctl_call *call, void *data)
{
    struct span address;
    int r = ctl_address(call, call->operands[0], &address);

    if (r)
        return r;
    r = local_mailbox(tx, call->arena, address, data);
    return r > 0 ? ctl_fail(call, EX_NOUSER, "there is no mailbox for %.*s", (int)address.len, address.ptr) : r;
}

static int receive(struct delivery *delivery)
{
    struct move *move = &delivery->move;
    struct ctl_call *call = move->call;
    const int64_t max = call->conf->send_max_size;
    struct parcel parcel;
    int r = move_receive(move, (uint64_t)max, &parcel);

    if (r)
        return r;
    if (parcel.kind == PARCEL_BAD || (parcel.kind == PARCEL_MESSAGE && !parcel.bytes.ptr))
        return ctl_fail(call, EX_DATAERR, "the message has more than %" PRId64 " bytes, which send.max_size allows", max);
    if (parcel.kind != PARCEL_MESSAGE)
        return ctl_fail(call, EX_IOERR, "no message came along");
    r = parcel.bytes.len ? letter_read(move->arena, &move->mailbox, &parcel, FOLDER_ROLE_inbox, SPAN("deliver"), &delivery->letter) : 1;
    return r > 0 ? ctl_fail(call, EX_DATAERR, "standard input has no message, or none that can be read") : r;
}

static int put_job(struct store_tx *tx, void *arg)
{
    struct delivery *delivery = arg;

    return letter_store(tx, &delivery->letter, false);
}

static int put(struct delivery *delivery)
{
    struct ctl_call *call = delivery->move.call;
    const struct store_mailbox *mailbox = &delivery->move.mailbox;
    struct letter *letter = &delivery->letter;
    bool news;

    if (!store_has_room(call->store, &news))
        return ctl_fail(call, EX_TEMPFAIL, "the disk is nearly full (store.min_free)");
    int r = store_stage_item(call->store, &letter->item);
    if (r == 0)
        r = store_write(call->store, put_job, delivery);
    call->wrote = true;
    if (r == 0 && letter->result)
        (void)store_stage_discard(call->store, &letter->item);
    if (r || letter->result <= 1)
        return r;
    if (letter->result == CODE_ErrorQuotaExceeded)
        return ctl_fail(call, EX_TEMPFAIL, "%.*s is full", (int)mailbox->address.len, mailbox->address.ptr);
    return ctl_fail(call, EX_TEMPFAIL, "the Inbox does not take it");
}

int ctl_deliver(struct ctl_call *call)
{
    struct delivery *delivery = arena_alloc(call->arena, sizeof(*delivery));

    if (!delivery)
        return -ENOMEM;
    if (!call->outbox)
        mime_init();
    int r = move_open(call, &delivery->move);
    if (r == 0)
        r = ctl_read(call, find_recipient, &delivery->move.mailbox);
    if (r == 0)
        r = receive(delivery);
    if (r == 0)
        r = put(delivery);
    move_done(&delivery->move);
    return r;
}
