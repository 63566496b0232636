/*
 * Reports of failed delivery (RFC 3464), as a new submission with the null
 * sender to the sender's own mailbox. A report is never reported on.
 */
#ifndef EWSD_OUTBOX_BOUNCE_H
#define EWSD_OUTBOX_BOUNCE_H

#include "outbox/outbox.h"

struct bounce_rcpt {
    struct span address;
    struct span status; /* "5.1.1 text" or an SMTP reply */
};

/* The report as an item of the sender's mailbox, to be stored in its Inbox:
 * body for people, and MIME with the machine-readable part. */
int bounce_make(struct arena *arena, const struct store_outbox *entry, const struct item *failed, const struct bounce_rcpt *rcpts,
                size_t n, struct item *ret_item);

#endif
