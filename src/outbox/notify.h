/*
 * What the sender of a message is told of it, decided and written in the job
 * that settles recipients: reports of what failed for good, one warning of what
 * is late (outbox.delay_warning), and the receipt that was asked for, when the
 * last recipient is settled.
 */
#ifndef EWSD_OUTBOX_NOTIFY_H
#define EWSD_OUTBOX_NOTIFY_H

#include "outbox/attempt.h"
#include "outbox/bounce.h"

/* attempt->settles[0..settles_n) is what is about to be settled; failed are those
 * of it that failed. Nothing is told about reports and mail of nobody. A report
 * into another mailbox than the entry's is an entry of its own, and then
 * attempt->next is now. */
int notify_sender(struct store_tx *tx, struct attempt *attempt, size_t settles_n, const struct bounce_rcpt *failed, size_t failed_n);

#endif
