/*
 * Inside the store only: what the verbs on items, content and the outbox share.
 */
#ifndef EWSD_STORE_STORE_ITEM_H
#define EWSD_STORE_STORE_ITEM_H

#include "model/item.h"
#include "store/store_mail.h"
#include "store/store_sql.h"

/* $1 mailbox, $2 number, $3 folder, then ITEM_COLUMNS. */
#define ITEM_ARGS (3 + ITEM_COLUMNS_N)

/* Fills args, which stand until the next call. */
int item_args(struct store_tx *tx, const struct item *item, struct store_value args[ITEM_ARGS]);
/* Columns: number, folder, then ITEM_COLUMNS. */
int item_from_row(struct sql *sql, struct arena *arena, int64_t mailbox_id, struct item *ret_item);
/* The same but for the blob of rare properties; arena NULL: texts are the
 * row's. And the blob, all of it or (damaged) none. */
int item_hot_from_row(struct sql *sql, struct arena *arena, int64_t mailbox_id, struct item *ret_item);
int item_rare_from_row(struct sql *sql, struct arena *arena, struct item *item);
/* Every row that is left, with item_from_row. */
int item_list_from_rows(struct sql *sql, struct arena *arena, int64_t mailbox_id, struct item **ret_items, size_t *ret_n);
/* What depth asks for, into an item whose columns were read. Sets damaged. level:
 * how many items it is attached within. */
int item_load_content(struct store_tx *tx, struct arena *arena, unsigned depth, struct item *item);
int item_load_within(struct store_tx *tx, struct arena *arena, unsigned depth, unsigned level, struct item *item);
/* CODE_ErrorItemCorrupt: it is damaged, and depth has no STORE_DAMAGED. */
int item_whole(const struct item *item, unsigned depth);

/* New content with one reference, numbered content_no: recipients, body, MIME,
 * attachments. Sets the attachments' numbers where they are 0. */
int content_write(struct store_tx *tx, struct item *item, uint64_t content_no);
int content_write_rcpts(struct store_tx *tx, const struct item *item, uint64_t content_no);
/* Makes the content the item's alone: a copy of it (a new content_no) when
 * others refer to it, too. */
int content_own(struct store_tx *tx, struct item *item);
/* Of content that is the item's alone: the client's MIME goes. */
int content_drop_mime(struct store_tx *tx, struct item *item);
/* A copy in place of one reference. */
int content_copy(struct store_tx *tx, int64_t mailbox_id, uint64_t content_no, uint64_t copy_no);
/* One reference more. CODE_ErrorItemCorrupt: there is no such content. */
int content_keep(struct store_tx *tx, int64_t mailbox_id, uint64_t content_no);
/* One reference less; the last takes the content along. */
int content_drop(struct store_tx *tx, int64_t mailbox_id, uint64_t content_no);

/* Its words and all that has some, a body up to body_max bytes; damaged or not.
 * CODE_ErrorItemNotFound. */
int item_for_words(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, uint64_t item_no, size_t body_max,
                   struct item *ret_item);
/* For sql_list: the first column, as a uint64_t. */
int number_from_row(struct sql *sql, struct arena *arena, void *ret_row);

/* The rows of a page in that order: of the usual one (no sorts) with all
 * columns; of others the numbers alone, or all. */
int find_open(struct store_tx *tx, const struct store_find *find, bool numbers, struct sql *ret_sql);
/* Is that a column of sorts.def? */
bool find_sorts_by(const char *column);

/* Where a stored item is, as its row says before a change. */
struct item_place {
    uint64_t item_no;
    uint64_t folder_no;
    uint32_t flags;
    uint64_t content_no;
    uint64_t size;
};
/* Kinds of rows in `change`; stored: never renumber. MOVED: out of folder_no, and
 * as to_item_no into to_folder_no, another one. READ: only whether it is read. */
enum change_kind { CHANGE_CREATED = 1, CHANGE_UPDATED, CHANGE_DELETED, CHANGE_MOVED, CHANGE_READ };
/* A row under item->change_no. Items may share a change number, as a client that
 * follows the folder goes on by (change_no, item_no). */
int item_note_change(struct store_tx *tx, const struct item *item, uint64_t item_no, uint64_t folder_no, enum change_kind kind);
/* Days since 1970, as change.day has them. */
static inline int64_t store_today(void)
{
    return when_now() / 86400000;
}
/* Rewrites the row at `from` with item's columns, number and folder, keeps
 * the counts of both folders and tells those who follow them.
 * CODE_ErrorItemNotFound, CODE_ErrorFolderNotFound. */
int item_move_row(struct store_tx *tx, const struct item *item, const struct item_place *from);
/* Before an item is changed that an outbox entry may have a part in: each then
 * holds the content for itself. The caller writes item's row afterwards. */
int item_stop_lending(struct store_tx *tx, struct item *item);
/* Whether the item that an entry was made of still holds the content for both. */
int item_lends(struct store_tx *tx, int64_t mailbox_id, uint64_t outbox_no, bool *ret_lends);
/* Deletes the row; its content is the caller's. change_no is item's. */
int item_delete_row(struct store_tx *tx, const struct item *item, const struct item_place *from);
/* Long enough to be staged? */
bool content_is_long(uint64_t len);
/* Lists content for the sweep, from when on; takes it off the list, as it is
 * referred to now (CODE_ErrorInternalServerTransientError: it was swept). */
int content_to_sweep(struct store_tx *tx, int64_t mailbox_id, uint64_t content_no, int64_t when);
int content_adopt(struct store_tx *tx, int64_t mailbox_id, uint64_t content_no);
/* ---- store_attachment.c ---- */

/* An attachment, with its data or item, or what it shares. Sets size and data_no. */
int attachment_write(struct store_tx *tx, int64_t mailbox_id, uint64_t content_no, struct attachment *attachment);
/* As depth says, of an item that is attached within `level` others. */
int attachments_load(struct store_tx *tx, struct arena *arena, unsigned depth, unsigned level, struct item *item);
/* content_drop of what an attachment refers to (store_content.c). */
int attachment_drop_data(struct store_tx *tx, int64_t mailbox_id, uint64_t data_no, enum attachment_kind kind);
/* Bytes, or what source has, in pieces of CHUNK_SIZE. */
int chunks_write(struct store_tx *tx, int64_t mailbox_id, uint64_t content_no, uint32_t part, struct source *source,
                 struct span bytes);
/* Chunks as a source (store_lazy.c). CODE_ErrorItemCorrupt: there are not that
 * many. To read it: -EUCLEAN, as one of them cannot be. */
int chunks_source(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, uint64_t content_no, uint32_t part, uint64_t size,
                  struct source **ret_source);
/* CODE_ErrorItemCorrupt: there are not that many. */
int chunks_read(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, uint64_t content_no, uint32_t part, uint64_t size,
                struct span *ret_bytes);

/* The key that DisplayTo is sorted by, from item->to. */
int item_write_display(struct store_tx *tx, const struct item *item);
/* Counts an item into (sign 1) or out of (-1) its folder.
 * CODE_ErrorFolderNotFound. */
int folder_count_item(struct store_tx *tx, int64_t mailbox_id, uint64_t folder_no, uint32_t flags, int sign, uint64_t change_no);
/* The item is where it is now, and no longer there. */
int folder_count_move(struct store_tx *tx, const struct item *item, const struct item_place *from);

/* Data that is content of its own is PART_DATA of that; else it is a part of
 * the item's content by the attachment's number, from 1. */
enum { PART_BODY = 0, PART_MIME = 1, PART_ATTACHMENT = 2, PART_DATA = 2 };
enum { CHUNK_SIZE = SOURCE_PIECE, INLINE_BODY = 65536, CONTENT_MAX = 1 << 30 };

#endif
