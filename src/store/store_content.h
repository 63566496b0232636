/*
 * Attachments of stored items, and large bytes in pieces. Content (recipients,
 * body, MIME, attachments) is shared by an item's copies and the outbox and is
 * immutable as soon as the outbox refers to it: then a change makes a copy.
 * A large attachment's data is content of its own, which copies share.
 */
#ifndef EWSD_STORE_STORE_CONTENT_H
#define EWSD_STORE_STORE_CONTENT_H

#include "model/item.h"
#include "store/store.h"

/* Adds to an item that was read before (HOT is enough): sets attachment->no,
 * and in item HAS_ATTACHMENTS (unless inline), size, content_no, change_no and
 * key_no. MIME that the client supplied is dropped: the item is modified. */
int store_attachment_add(struct store_tx *tx, struct item *item, struct attachment *attachment);
/* Sources of a lazily read item read on in snapshots of their own, as long as
 * something refers to the content. Not to be read while one has a snapshot. */
void store_item_detach(struct item *item);
/* How many the item has. */
int store_attachment_count(struct store_tx *tx, const struct item *item, uint64_t *ret_n);
/* Which of them: the number of the item's own, of the one in that one... */
struct attachment_path {
    const uint32_t *no;
    unsigned levels; /* 1 and more */
};
/* Meta and, as depth says, data (STORE_DATA) or, when it is long, a source of it
 * (with STORE_LAZY). Of an attached item what depth says of it; what is attached
 * to that has its data only with STORE_MIME. CODE_ErrorItemNotFound: no such
 * item. 1: the item has no such attachment (which code that is, the caller knows).
 * CODE_ErrorItemCorrupt, -CannotOpenFileAttachment, -CorruptData: it cannot be
 * read. */
int store_attachment_get(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, uint64_t item_no,
                         const struct attachment_path *path, unsigned depth, struct attachment *ret_attachment);
/* 1: no such attachment. Sets item as add does. */
int store_attachment_delete(struct store_tx *tx, struct item *item, const struct attachment_path *path);

#define STORE_STAGE_MIN 1048576 /* bytes; what is longer is staged */

/* Before the job that stores the item or adds the attachment: writes what is
 * longer than STORE_STAGE_MIN in transactions of a piece each, and notes in staged_no
 * where; the job then only refers to it. Must not be called inside a job.
 * What no job has referred to an hour later is swept; discard: at once. */
int store_stage_item(struct store *store, struct item *item);
int store_stage_attachment(struct store *store, int64_t mailbox_id, struct attachment *attachment);
int store_stage_discard(struct store *store, struct item *item);
/* Frees some pieces that nothing refers to. ret_more: call again. */
int store_sweep(struct store_tx *tx, int64_t now, bool *ret_more);

#endif
