/*
 * See local.h. What is configured costs no look into the store.
 */
#include "outbox/local.h"

#include "model/rcpt.h"
#include "store/store_group.h"

static bool has_domain(const char *list, struct span domain)
{
    struct span rest = span_of(list), word;
    while (conf_list_next(&rest, &word))
        if (span_eq_nocase(word, domain))
            return true;
    return false;
}

/* server.domain: ours, whether or not anybody has a mailbox there. */
int local_domain(struct store_tx *tx, const struct conf *conf, struct span domain, bool *ret_local)
{
    if (!has_domain(conf->server_domain, domain))
        return store_domain_is_local(tx, domain, ret_local);
    *ret_local = true;
    return 0;
}

int local_mailbox(struct store_tx *tx, struct arena *arena, struct span address, struct store_mailbox *ret_mailbox)
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

bool local_is_shared(const struct conf *conf, struct span domain)
{
    return *conf->server_shared_domains && has_domain(conf->server_shared_domains, domain);
}

int local_address(struct store_tx *tx, struct arena *arena, const struct conf *conf, struct span address, bool *ret_local)
{
    struct store_mailbox mailbox;
    struct store_group group;
    struct span domain = rcpt_address_domain(address);
    if (!local_is_shared(conf, domain))
        return local_domain(tx, conf, domain, ret_local);
    int r = local_mailbox(tx, arena, address, &mailbox);
    if (r > 0)
        r = store_group_get(tx, arena, address, &group);
    if (r < 0)
        return r;
    *ret_local = r == 0;
    return 0;
}
