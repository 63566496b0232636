/*
 * Reports to senders (RFC 3464, RFC 6533): what failed, what is late, what
 * arrived. They come from nobody (the null sender), so nothing answers them.
 */
#ifndef EWSD_OUTBOX_BOUNCE_H
#define EWSD_OUTBOX_BOUNCE_H

#include "outbox/outbox.h"

enum bounce_kind {
    BOUNCE_FAILED,
    BOUNCE_DELAYED,
    BOUNCE_DONE, /* the receipt that IsDeliveryReceiptRequested asks for (decisions 8) */
    BOUNCE_KINDS
};

struct bounce_rcpt {
    uint32_t no;         /* in the entry */
    struct span address;
    struct span status;  /* as transports report it */
    bool expired;        /* it was temporary, but time is over */
    bool local;          /* a mailbox here has it; else a relay, which is not heard of any more */
};

/* The report as an item of the entry's mailbox: body for people, and MIME with
 * the machine-readable part and the header of raw, the message as it was to be
 * transmitted (may be empty). subject: the item that it is about. */
int bounce_make(struct arena *arena, const struct conf *conf, enum bounce_kind kind, const struct store_outbox *entry,
                const struct item *subject, struct span raw, const struct bounce_rcpt *rcpts, size_t n, struct item *ret_item);

#endif
