/*
 * Entries that cannot be read: something of them is missing or damaged in the
 * store. They are set aside, so that they stop nobody else and are not tried
 * again and again.
 */
#ifndef EWSD_OUTBOX_ASIDE_H
#define EWSD_OUTBOX_ASIDE_H

#include "store/store_outbox.h"

/* Whether a result says so: CODE_ErrorItemCorrupt, -CorruptData, -EUCLEAN. */
bool aside_wanted(int r);
/* Holds the entry, with the reason as the status of whoever waits in it, and
 * logs it once. An administrator may release, remove or bounce it. */
void aside_put(struct store *store, struct store_outbox_key key, int why);

#endif
