/*
 * Following a folder: what is in it, page by page, and what became of it since.
 * A client's place is a change number of the mailbox and the item of that change
 * that it was told of last, as several items may share one. During a first sync
 * the place stays where the mailbox was when it began, and the items that were
 * there then are given from the newest on; what came later has a number from
 * `bound` on and is told afterwards, like everything else since that change.
 */
#ifndef EWSD_STORE_STORE_SYNC_H
#define EWSD_STORE_STORE_SYNC_H

#include "model/item.h"
#include "store/store.h"

/* Where the mailbox is now. */
struct store_sync_now {
    uint64_t change;
    uint64_t bound;     /* the number that the next item gets */
    uint64_t forgotten; /* changes up to this one are not known any more */
};
int store_sync_now(struct store_tx *tx, int64_t mailbox_id, struct store_sync_now *ret_now);

struct store_sync_page {
    int64_t mailbox_id;
    uint64_t folder_no;
    bool associated;
    int64_t received;  /* behind this item; INT64_MAX, twice: from the beginning */
    uint64_t item_no;
    uint64_t bound;
    uint64_t limit;
    unsigned depth; /* enum store_depth */
};
#define STORE_SYNC_FIRST INT64_MAX

/* Items in arena memory, damaged ones as far as they can be read. */
int store_sync_items(struct store_tx *tx, struct arena *arena, const struct store_sync_page *page, struct item **ret_items,
                     size_t *ret_n);

enum store_sync_kind { STORE_SYNC_CREATE, STORE_SYNC_UPDATE, STORE_SYNC_READ, STORE_SYNC_DELETE };

struct store_sync_change {
    uint64_t item_no;
    uint64_t change_no; /* the last of it */
    enum store_sync_kind kind;
};

struct store_sync_place {
    uint64_t change;
    uint64_t item_no; /* 0: all of the change is known */
};

/* What became of the folder's items behind *place, one change for each item at
 * most, by number: what came and went again is left out. Stops at `limit` items
 * and moves *place; ret_more: there is more. An item that is to be created or
 * updated may be gone all the same, which a later page tells. */
int store_sync_changes(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, uint64_t folder_no, size_t limit,
                       struct store_sync_place *place, struct store_sync_change **ret_changes, size_t *ret_n, bool *ret_more);

/* ---- marking many ---- */

struct store_unlike {
    uint64_t item_no;
    int64_t received;
    uint32_t flags;
};

/* Items (not hidden ones) of a folder that are not yet read, or unread, from the
 * newest on behind (received, item_no). */
int store_sync_unlike(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, uint64_t folder_no, bool read, int64_t received,
                      uint64_t item_no, uint64_t limit, struct store_unlike **ret_items, size_t *ret_n);
/* Marks those that still are there and are not so, under one change number. Their
 * ChangeKeys stay: whoever has read an item may still write it. */
int store_items_mark_read(struct store_tx *tx, int64_t mailbox_id, uint64_t folder_no, const struct store_unlike *items, size_t n,
                          bool read);

/* ---- forgetting ---- */

/* The next `limit` mailboxes behind *after, which moves on (0: that was the
 * last): those whose log begins before that day. */
int store_changes_old(struct store_tx *tx, struct arena *arena, int64_t day, uint64_t limit, int64_t *after, int64_t **ret_mailboxes,
                      size_t *ret_n);
/* Some of the changes of a mailbox before that day. ret_more: call again. */
int store_changes_forget(struct store_tx *tx, int64_t mailbox_id, int64_t day, bool *ret_more);

struct store_recoverable {
    int64_t mailbox_id;
    uint64_t item_no;
};

/* What was deleted at or before that time, the oldest first. */
int store_recoverable_due(struct store_tx *tx, struct arena *arena, int64_t deleted, uint64_t limit,
                          struct store_recoverable **ret_items, size_t *ret_n);
/* Gone for good, if it is still there. */
int store_recoverable_purge(struct store_tx *tx, const struct store_recoverable *item);
/* What nobody knows the time of was deleted now. */
int store_recoverable_date(struct store_tx *tx, int64_t now);

#endif
