/*
 * The header of a message as mime_write makes it (CRLF), field by field; and
 * what it says about the way that the message came. Whatever loops is found by
 * its Received fields, of which each server that has it adds one, this one too
 * (RFC 5321, 6.3).
 */
#ifndef EWSD_OUTBOX_HEADER_H
#define EWSD_OUTBOX_HEADER_H

#include "model/item.h"
#include "outbox/outbox.h"

/* The next field with all its lines, and without the last line end. False: the
 * header is over, and rest is the body. rest starts as the message. */
bool header_next(struct span *rest, struct span *ret_name, struct span *ret_field);
/* Received fields. */
size_t header_hops(struct span raw);
/* Is it a report, or an answer of a program to a message (RFC 3834)? About
 * those nobody is told anything: it could go on for ever. */
bool header_is_report(const struct item *item, struct span raw);
/* Our own Received field, the same at every attempt. */
void header_add_received(struct buf *out, const struct conf *conf, const struct store_outbox *entry);

#endif
