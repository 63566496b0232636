/*
 * Mail to a group: its members become recipients of the same message, each with
 * a state of its own, so what fails for one is told of that one.
 */
#ifndef EWSD_OUTBOX_EXPAND_H
#define EWSD_OUTBOX_EXPAND_H

#include "outbox/transport.h"

/* In a job of the sender's mailbox; doing it again does nothing. 1: the address
 * is of no group. The result says how it went. */
int expand_group(struct store_tx *tx, const struct transport_job *job, struct span address, struct transport_result *ret_result);

#endif
