/*
 * Idempotency-Key (decisions 4): a header of HTTP that makes CreateItem,
 * UpdateItem and SendItem safe to repeat. What a request with a key did is
 * recorded in the transaction that does it: for each item that succeeded, its
 * response message. The same request with the same key, by the same caller
 * within send.replay_hours, is answered from the record for those items and
 * does nothing again; items that failed are tried again, since nothing was done
 * for them (where an item that failed left something, its failure is recorded). Both are decided on the writer, so a request that comes while the
 * first is under way waits for it, and an answer that was lost is not missed.
 * The same key with another body is a fault.
 */
#ifndef EWSD_OPS_ONCE_H
#define EWSD_OPS_ONCE_H

#include "ops/items.h"
#include "ops/sending.h"

#define ONCE_KEY_MAX 255
#define ONCE_ITEMS_MAX 1000 /* of one request with a key */

/* Whether header is fit for a key, and the body for a record. Positive: a code
 * for a fault, whose text is in call. */
int once_check(struct op_call *call, size_t n);
/* items_write, and the record of a request with a key; sent has a place per
 * item and is what the header with the ids of sent copies tells. Items whose
 * results are `kept` were not run: what else was made for them is in vain.
 * verbs->finish is told a positive code as of once_check: nothing was done. */
int once_write_items(struct op_call *call, struct op_items *items, struct sent_ids *sent);

#endif
