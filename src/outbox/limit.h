/*
 * Limits of what is sent: the size of a message, its recipients, the pace of one
 * mailbox' messages, and how many messages wait in all (send.max_size,
 * send.max_recipients, send.rate, outbox.max_entries).
 */
#ifndef EWSD_OUTBOX_LIMIT_H
#define EWSD_OUTBOX_LIMIT_H

#include "outbox/outbox.h"

/* CODE_ErrorMessageSizeExceeded and -ExceededMaxRecipientLimit, with what the
 * message has in ret_sent->amount; without: the code for no recipients at all,
 * in which operations differ (protocol.md 2.4). */
int limit_message(const struct conf *conf, const struct item *item, int without, struct outbox_sent *ret_sent);
/* Whether one more message may wait. CODE_ErrorServerBusy, with
 * ret_sent->back_off_ms. */
int limit_queue(struct store_tx *tx, const struct conf *conf, struct outbox_sent *ret_sent);
/* Counts one more message of the mailbox; last of all checks, since it writes.
 * CODE_ErrorServerBusy: nothing is written, and ret_sent->back_off_ms says how
 * long to wait. */
int limit_pace(struct store_tx *tx, const struct conf *conf, int64_t mailbox_id, struct outbox_sent *ret_sent);

#endif
