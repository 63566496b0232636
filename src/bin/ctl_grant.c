/*
 * ewsctl grant: who may do what in whose mailbox.
 */
#include "bin/ctl.h"
#include "bin/rights.h"

/* The rights that the operands name, checked before the store is asked. */
static int check_rights(struct ctl_call *call)
{
    uint32_t right;

    for (size_t i = 2; i < call->operands_n; i++)
        if (!right_by_name(span_of(call->operands[i]), &right))
            return ctl_fail(call, EX_DATAERR, "there is no right %s; there are: %s", call->operands[i], rights_names);
    return 0;
}

/* The two mailboxes, and the rights that are held so far. */
static int find(struct store_tx *tx, struct ctl_call *call, struct store_mailbox *mailbox, struct store_mailbox *grantee,
                uint32_t *held)
{
    int r = ctl_mailbox(tx, call, call->operands[0], mailbox);

    if (r == 0)
        r = ctl_mailbox(tx, call, call->operands[1], grantee);
    if (r)
        return r;
    if (mailbox->mailbox_id == grantee->mailbox_id)
        return ctl_fail(call, EX_DATAERR, "%.*s has every right on its own mailbox", (int)mailbox->address.len, mailbox->address.ptr);
    return store_grant_get(tx, mailbox->mailbox_id, grantee->mailbox_id, held);
}

static int change(struct store_tx *tx, struct ctl_call *call, void *data)
{
    bool give = *(const bool *)data;
    struct store_mailbox mailbox, grantee;
    uint32_t held, right;
    int r = find(tx, call, &mailbox, &grantee, &held);

    for (size_t i = 2; r == 0 && i < call->operands_n; i++) {
        if (right_by_name(span_of(call->operands[i]), &right))
            held = give ? rights_add(held, right) : held & ~right;
    }
    if (!give && call->operands_n == 2)
        held = 0;
    return r ? r : store_grant_set(tx, mailbox.mailbox_id, grantee.mailbox_id, held);
}

int ctl_grant_add(struct ctl_call *call)
{
    int r = check_rights(call);

    return r ? r : ctl_write(call, change, &(bool){ true });
}

int ctl_grant_remove(struct ctl_call *call)
{
    int r = check_rights(call);

    return r ? r : ctl_write(call, change, &(bool){ false });
}

static int list(struct store_tx *tx, struct ctl_call *call, void *data ATTR_UNUSED)
{
    struct store_mailbox mailbox = { 0 };
    struct store_grant *grants;
    size_t n;
    int r = call->operands_n ? ctl_mailbox(tx, call, call->operands[0], &mailbox) : 0;

    if (r == 0)
        r = store_grant_list(tx, call->arena, mailbox.mailbox_id, 0, &grants, &n);
    for (size_t i = 0; r == 0 && i < n; i++) {
        out_record(&call->out);
        out_text(&call->out, "mailbox", grants[i].mailbox);
        out_text(&call->out, "grantee", grants[i].grantee);
        out_list(&call->out, "rights");
        for (const char *right; (right = right_next(&grants[i].rights));)
            out_text(&call->out, NULL, span_of(right));
        out_list_end(&call->out);
        out_record_end(&call->out);
    }
    return r;
}

int ctl_grant_list(struct ctl_call *call)
{
    return ctl_read(call, list, NULL);
}
