/*
 * A message in the bytes that it came as, which becomes an item of a mailbox, and
 * only once: with it goes a mark of its folder and bytes.
 */
#ifndef EWSD_BIN_CTL_LETTER_H
#define EWSD_BIN_CTL_LETTER_H

#include "base/codec.h"
#include "bin/parcel.h"
#include "model/item.h"
#include "store/store_mailbox.h"

struct letter {
    struct item item;
    struct span label;
    uint8_t key[SHA256_SIZE];
    int result; /* 0: stored; 1: was there already; a code */
};

/* What lives in the arena: the item, received now, and its mark, which is another
 * one under another name. Positive codes of mime_read: it is no message. */
int letter_read(struct arena *arena, const struct store_mailbox *mailbox, const struct parcel *parcel, uint64_t folder_no, struct span name,
                struct letter *letter);
/* Sets letter->result; what is refused leaves no mark. again: even if it was there
 * already. */
int letter_store(struct store_tx *tx, struct letter *letter, bool again);

#endif
