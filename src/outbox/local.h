/*
 * Whose mail is ours: the domains of server.domain, and those of the addresses
 * in the store.
 */
#ifndef EWSD_OUTBOX_LOCAL_H
#define EWSD_OUTBOX_LOCAL_H

#include "base/conf.h"
#include "store/store.h"

/* domain is folded. */
int local_domain(struct store_tx *tx, const struct conf *conf, struct span domain, bool *ret_local);

#endif
