/*
 * What the commands of the queue share: ids of messages as operands, and choosing
 * messages by --sender, --recipient, --relay.
 */
#ifndef EWSD_BIN_CTL_QUEUE_H
#define EWSD_BIN_CTL_QUEUE_H

#include "bin/ctl.h"
#include "store/store_outbox.h"

/* An empty text chooses all. An address, or @DOMAIN. */
struct queue_filter {
    struct span sender, recipient, relay;
};

/* EX_DATAERR. */
int queue_read_id(struct ctl_call *call, const char *text, struct store_outbox_key *ret_key);
/* From the options of the call. True: there is one. */
bool queue_read_filter(const struct ctl_call *call, struct queue_filter *ret_filter);

/* Is the whole outbox held? Then so is each entry. */
int queue_stopped(struct store_tx *tx, bool *ret_stopped, int64_t *ret_since);

/* Called with each entry that the filter chooses, by mailbox and number; what
 * it is given lasts until it returns. Non-zero ends the walk. */
typedef int queue_visit(struct ctl_call *call, const struct store_outbox *entry, const struct item *item, void *data);
int queue_walk(struct store_tx *tx, struct ctl_call *call, const struct queue_filter *filter, queue_visit *visit, void *data);

#endif
