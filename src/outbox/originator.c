/*
 * See originator.h. One's own mail costs no look into the store.
 */
#include "outbox/originator.h"

#include "model/rights.h"

#define SHOWN 320 /* bytes of an address in a refusal */

static struct rcpt rcpt_of(const struct store_mailbox *mailbox)
{
    return (struct rcpt){ .name = mailbox->display_name, .address = mailbox->address };
}

static int shown(struct span address)
{
    return (int)(address.len < SHOWN ? address.len : SHOWN);
}

/* The standard sentence, and then what it leaves out. */
static int refuse(const struct outbox_submit *submit, struct span from, bool known, struct span *ret_refusal)
{
    const struct store_mailbox *caller = submit->caller, *sender = submit->sender;
    struct span as = { 0 };
    int r = 0;
    if (caller->mailbox_id != sender->mailbox_id)
        r = arena_printf(submit->arena, &as, ", as %.*s,", shown(sender->address), sender->address.ptr);
    if (r == 0)
        r = arena_printf(submit->arena, ret_refusal, "%s, %.*s%.*s cannot send with From %.*s: %s.",
                         code_text(CODE_ErrorSendAsDenied), shown(caller->address), caller->address.ptr, (int)as.len,
                         as.len ? as.ptr : "", shown(from), from.ptr,
                         known ? "neither send-as nor send-on-behalf is granted on that mailbox"
                               : "no mailbox of this server has that address");
    return r ? r : CODE_ErrorSendAsDenied;
}

/* Which right the sender has for this From: its own, send-as and then
 * send-on-behalf, which names it in Sender. */
static int judge(struct store_tx *tx, const struct outbox_submit *submit, struct span from, bool *ret_on_behalf,
                 struct span *ret_refusal)
{
    struct store_mailbox owner;
    uint32_t held;
    *ret_on_behalf = false;
    if (span_eq_nocase(from, submit->sender->address))
        return 0;
    int r = store_mailbox_by_address(tx, submit->arena, from, &owner);
    if (r)
        return r < 0 ? r : refuse(submit, from, false, ret_refusal);
    if (owner.mailbox_id == submit->sender->mailbox_id)
        return 0;
    if ((r = store_grant_get(tx, owner.mailbox_id, submit->sender->mailbox_id, &held)))
        return r;
    *ret_on_behalf = !(held & RIGHT_send_as);
    return held & (RIGHT_send_as | RIGHT_send_on_behalf) ? 0 : refuse(submit, from, true, ret_refusal);
}

int originator_freeze(struct store_tx *tx, const struct outbox_submit *submit, bool again, struct item *item,
                      struct span *ret_refusal)
{
    bool on_behalf = false, named = item->from.address.len > 0;
    int r = named ? judge(tx, submit, item->from.address, &on_behalf, ret_refusal) : 0;
    if (!named || (again && r == CODE_ErrorSendAsDenied)) {
        item->from = rcpt_of(submit->mailbox);
        *ret_refusal = (struct span){ 0 };
        r = judge(tx, submit, item->from.address, &on_behalf, ret_refusal);
    }
    if (r)
        return r;
    item->sender = on_behalf ? rcpt_of(submit->sender) : item->from;
    item->from.type = RCPT_FROM;
    item->sender.type = RCPT_SENDER;
    return 0;
}
