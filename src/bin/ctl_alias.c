/*
 * ewsctl alias: further addresses that lead to a mailbox.
 */
#include "bin/ctl.h"

static int add(struct store_tx *tx, struct ctl_call *call, void *data)
{
    const struct span *alias = data;
    struct store_mailbox mailbox;
    int r = ctl_mailbox(tx, call, call->operands[0], &mailbox);

    if (r)
        return r;
    r = store_address_add(tx, mailbox.mailbox_id, *alias);
    if (r > 0)
        return ctl_fail(call, EX_CANTCREAT, "%.*s is a mailbox, an alias or a group already", (int)alias->len, alias->ptr);
    return r;
}

int ctl_alias_add(struct ctl_call *call)
{
    struct span alias;
    int r = ctl_address(call, call->operands[1], &alias);

    return r ? r : ctl_write(call, add, &alias);
}

static int take_away(struct store_tx *tx, struct ctl_call *call, void *data)
{
    const struct span *alias = data;
    struct store_mailbox mailbox;
    int r = store_mailbox_by_address(tx, call->arena, *alias, &mailbox);

    if (r > 0)
        return ctl_fail(call, EX_NOUSER, "there is no alias %.*s; see ewsctl alias list", (int)alias->len, alias->ptr);
    if (r < 0)
        return r;
    if (span_eq_nocase(*alias, mailbox.address))
        return ctl_fail(call, EX_DATAERR, "%.*s is a mailbox and no alias", (int)alias->len, alias->ptr);
    r = store_address_remove(tx, *alias);
    return r > 0 ? -EIO : r;
}

int ctl_alias_remove(struct ctl_call *call)
{
    struct span alias;
    int r = ctl_address(call, call->operands[0], &alias);

    return r ? r : ctl_write(call, take_away, &alias);
}

static int list(struct store_tx *tx, struct ctl_call *call, void *data ATTR_UNUSED)
{
    struct store_mailbox mailbox = { 0 };
    struct store_address *addresses;
    size_t n;
    int r = call->operands_n ? ctl_mailbox(tx, call, call->operands[0], &mailbox) : 0;

    if (r == 0)
        r = store_address_list(tx, call->arena, mailbox.mailbox_id, &addresses, &n);
    for (size_t i = 0; r == 0 && i < n; i++) {
        if (span_eq_nocase(addresses[i].address, addresses[i].mailbox))
            continue;
        out_record(&call->out);
        out_text(&call->out, "alias", addresses[i].address);
        out_text(&call->out, "mailbox", addresses[i].mailbox);
        out_record_end(&call->out);
    }
    return r;
}

int ctl_alias_list(struct ctl_call *call)
{
    return ctl_read(call, list, NULL);
}
