/*
 * Who a message is from when it leaves (protocol.md 2.7, 2.8; decisions 6):
 * the only place that decides about the right to send.
 */
#ifndef EWSD_OUTBOX_ORIGINATOR_H
#define EWSD_OUTBOX_ORIGINATOR_H

#include "outbox/outbox.h"

/* Settles From and Sender of item. From is whom the client named, else the
 * owner of the mailbox that the message is in; Sender is From, or the acting
 * mailbox where it may only send on behalf. again: a message that was sent or
 * received before; whoever it came from, it goes out as the owner's own.
 * CODE_ErrorSendAsDenied: ret_refusal (in the arena) says what is missing. */
int originator_freeze(struct store_tx *tx, const struct outbox_submit *submit, bool again, struct item *item,
                      struct span *ret_refusal);

#endif
