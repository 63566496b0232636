/*
 * Recipients that have a name alone (decisions 9).
 */
#ifndef EWSD_OUTBOX_RESOLVE_H
#define EWSD_OUTBOX_RESOLVE_H

#include "model/item.h"
#include "store/store.h"

/* Gives each recipient of the item that has only a name its address: the name
 * itself when it is one, or that of the one mailbox with this display name, or of
 * the one group.
 * What is not found, or more than one, stays as it is, for the envelope to
 * refuse. A stored item (item_no) is stored so, too; a client's MIME, whose
 * fields would say something else, is left alone. */
int resolve_names(struct store_tx *tx, struct arena *arena, struct item *item);

#endif
