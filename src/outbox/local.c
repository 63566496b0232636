/*
 * See local.h. What is configured costs no look into the store.
 */
#include "outbox/local.h"

#include "store/store_mailbox.h"

/* server.domain: ours, whether or not anybody has a mailbox there. */
static bool is_configured(const struct conf *conf, struct span domain)
{
    struct span rest = span_of(conf->server_domain), word;
    while (conf_list_next(&rest, &word))
        if (span_eq_nocase(word, domain))
            return true;
    return false;
}

int local_domain(struct store_tx *tx, const struct conf *conf, struct span domain, bool *ret_local)
{
    if (!is_configured(conf, domain))
        return store_domain_is_local(tx, domain, ret_local);
    *ret_local = true;
    return 0;
}
