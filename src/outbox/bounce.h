/*
 * Reports of failed delivery (RFC 3464, RFC 6533), stored in the Inbox of the
 * sender's own mailbox. A report is never reported on.
 */
#ifndef EWSD_OUTBOX_BOUNCE_H
#define EWSD_OUTBOX_BOUNCE_H

#include "outbox/outbox.h"

struct bounce_rcpt {
    uint32_t no;         /* in the entry */
    struct span address;
    struct span status;  /* as transports report it */
    bool expired;        /* it was temporary, but time is over */
};

/* The report as an item of the sender's mailbox, to be stored in its Inbox:
 * body for people, and MIME with the machine-readable part and the header of
 * raw, the message as it was to be transmitted (may be empty). */
int bounce_make(struct arena *arena, const struct conf *conf, const struct store_outbox *entry, const struct item *failed,
                struct span raw, const struct bounce_rcpt *rcpts, size_t n, struct item *ret_item);

#endif
