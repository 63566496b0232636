/*
 * A client may ask that a message leave later: PidTagDeferredSendTime, an
 * extended property (protocol.md 2.6). It is submitted, frozen and filed at
 * once; only its recipients wait.
 */
#ifndef EWSD_OUTBOX_DEFERRAL_H
#define EWSD_OUTBOX_DEFERRAL_H

#include "model/item.h"

/* When the item may leave: now, or the later time that was asked for. ms. */
int64_t deferral_due(const struct item *item, int64_t now);

#endif
