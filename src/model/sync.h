/*
 * SyncState: how far a client has followed a folder's items, or a hierarchy of
 * folders. All of it is in the text itself, so it outlives restarts and is good
 * on every node that has the store's secret; a keyed tag makes it unforgeable.
 * It is bound to the mailbox, the folder, the kind and the store's epoch
 * (decisions 16), and replaces no rights check.
 */
#ifndef EWSD_MODEL_SYNC_H
#define EWSD_MODEL_SYNC_H

#include "model/id.h"

enum sync_kind { SYNC_HIERARCHY = 'H', SYNC_ITEMS = 'I' };

struct sync_state {
    uint64_t folder;   /* folder_no that is followed */
    uint64_t change;   /* everything up to this change number is known */
    uint64_t position; /* where an answer of several pages goes on, as the operation counts it; 0: it is whole */
    uint64_t since;    /* with a position: the change that was known before the first page; 0: nothing was */
    /* Of items only, as store_sync.h counts them. */
    uint64_t item;  /* of the change or at the position: the last that was given; 0: all of the change */
    uint64_t bound; /* of a first sync: numbers from it on came after it began; 0: it is over */
    uint64_t round; /* of a first sync: 1 once it is at the hidden items */
};

/* Appends base64 text, of 144 characters. */
void sync_encode(const struct mac_key *key, enum sync_kind kind, const uint8_t mailbox[GUID_SIZE], const uint8_t epoch[GUID_SIZE],
                 const struct sync_state *state, struct buf *out);
/* White space around is skipped. CODE_ErrorInvalidSyncStateData: not made with
 * this key, or for another kind, mailbox or epoch. That it is of the folder that
 * is asked for is the caller's to check. */
int sync_decode(const struct mac_key *key, enum sync_kind kind, const uint8_t mailbox[GUID_SIZE], const uint8_t epoch[GUID_SIZE],
                struct span text, struct sync_state *ret_state);

#endif
