/*
 * Whose mail is ours: the domains of server.domain, and those of the addresses
 * in the store. Of server.shared_domains only the addresses that are in the store
 * are ours.
 */
#ifndef EWSD_OUTBOX_LOCAL_H
#define EWSD_OUTBOX_LOCAL_H

#include "base/conf.h"
#include "store/store_mailbox.h"

/* domain is folded. */
int local_domain(struct store_tx *tx, const struct conf *conf, struct span domain, bool *ret_local);
bool local_is_shared(const struct conf *conf, struct span domain);
/* Whether what is sent to the address stays here. address is folded. */
int local_address(struct store_tx *tx, struct arena *arena, const struct conf *conf, struct span address, bool *ret_local);
/* Whose mailbox gets what is sent to the address: its own, or that of what it is
 * without +detail. CODE_ErrorNonExistentMailbox. */
int local_mailbox(struct store_tx *tx, struct arena *arena, struct span address, struct store_mailbox *ret_mailbox);

#endif
