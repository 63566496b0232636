/*
 * What people and programs call the things of the queue: messages by their ids
 * (MAILBOX-ENTRY, the two numbers of the key), recipients by their state and by
 * what they go by. These words stand in documents, and scripts read them.
 */
#ifndef EWSD_OUTBOX_NAMES_H
#define EWSD_OUTBOX_NAMES_H

#include "store/store_outbox.h"

#define OUTBOX_ID_SIZE 48

void outbox_id_write(struct store_outbox_key key, char ret_id[OUTBOX_ID_SIZE]);
/* False: it is no id. */
bool outbox_id_read(struct span text, struct store_outbox_key *ret_key);

/* held: the entry is, or the whole outbox. */
const char *outbox_rcpt_state(const struct store_outbox_rcpt *rcpt, bool held);
const char *outbox_rcpt_way(enum store_rcpt_kind kind);

#endif
