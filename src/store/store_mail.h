/*
 * Folders and items. An item's number is new at every move, so ids of before
 * the move are dead (CODE_ErrorItemNotFound). A folder's counts are kept in
 * the same transaction. Every write takes the mailbox' next change number;
 * the item's key_no (its ChangeKey) follows it only on a client's write.
 */
#ifndef EWSD_STORE_STORE_MAIL_H
#define EWSD_STORE_STORE_MAIL_H

#include "model/folder.h"
#include "model/item.h"
#include "store/store.h"

/* CODE_ErrorFolderNotFound when there is none. */
int store_folder_get(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, uint64_t folder_no, struct folder *ret_folder);
int store_folder_by_role(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, enum folder_role role,
                         struct folder *ret_folder);
/* The folders right below, or (deep) all below, in arena memory, by number. */
int store_folder_list(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, uint64_t parent_no, bool deep,
                      struct folder **ret_folders, size_t *ret_n);

/* How much of an item is read. The hot columns and the blob of rare
 * properties always are. */
enum store_depth {
    STORE_HOT = 0,
    STORE_RECIPIENTS = 1 << 0,  /* to, cc, bcc, reply_to */
    STORE_BODY = 1 << 1,        /* body; body_type always is */
    STORE_ATTACHMENTS = 1 << 2, /* names and sizes, no data */
    STORE_DATA = 1 << 3,        /* attachment data too */
    STORE_MIME = 1 << 4,        /* the client's MIME, when there is some */
    STORE_ALL = (1 << 5) - 1,
    STORE_DAMAGED = 1 << 5, /* also of a damaged item, as far as it can be read */
    /* What is longer than STORE_STAGE_MIN of MIME and data is not read but left to a
     * source, which lasts as long as the snapshot. */
    STORE_LAZY = 1 << 6,
    STORE_LAZY_BODY = 1 << 7, /* of the body, too */
};

/* The item's memory is the arena's. CODE_ErrorItemNotFound. CODE_ErrorItemCorrupt:
 * something of it is missing or unreadable, and depth has no STORE_DAMAGED;
 * CODE_ErrorCorruptData: the store's file is damaged where it was. */
int store_item_get(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, uint64_t item_no, unsigned depth,
                   struct item *ret_item);
/* The item will probably be read, with its recipients, and written to: where that takes
 * ways there and back, what it needs is asked for with what is asked next. */
int store_item_expect(struct store_tx *tx, int64_t mailbox_id, uint64_t item_no);
/* Whatever makes a mailbox larger than its quota is refused with
 * CODE_ErrorQuotaExceeded: insert, update, replace, rewrite, copy, and adding
 * attachments. */

/* Stores a new item with all that item holds (properties, recipients, body,
 * MIME, attachments with data) in item->mailbox_id, item->folder_no, and sets
 * item_no, content_no, change_no, key_no and the attachments' no in it.
 * CODE_ErrorFolderNotFound, CODE_ErrorQuotaExceeded. */
int store_item_insert(struct store_tx *tx, struct item *item);
/* The same whatever the quota, for reports to the owner and copies promised. */
int store_item_insert_unlimited(struct store_tx *tx, struct item *item);
/* Writes the hot columns and rare properties of an item that was read before
 * (not recipients, bodies, attachments). client: a client's write, so key_no
 * moves. Sets change_no and key_no. CODE_ErrorItemNotFound. */
int store_item_update(struct store_tx *tx, struct item *item, bool client);
/* As update, by a client, when nothing but ITEM_READ is different: those who
 * follow the folder are told no more than that. */
int store_item_update_read(struct store_tx *tx, struct item *item);
/* Replaces all of an item, recipients, bodies and attachments included.
 * Copies on write when the outbox refers to the content. */
int store_item_replace(struct store_tx *tx, struct item *item, bool client);
/* As update, and of the content what parts names: STORE_RECIPIENTS and
 * STORE_BODY are written from item, STORE_MIME drops the client's MIME. The
 * rest, attachments above all, is neither read nor written, unless the content
 * is shared with a copy or the outbox: then it is copied first. item->size is
 * the caller's to set. */
int store_item_rewrite(struct store_tx *tx, struct item *item, unsigned parts, bool client);
/* Into another folder (or the same); the item's new number replaces
 * item->item_no, folder_no follows, and the rest of the hot columns and rare
 * properties are written from item as in update, so that a submit marks and
 * moves at once. CODE_ErrorItemNotFound, CODE_ErrorFolderNotFound. */
int store_item_move(struct store_tx *tx, struct item *item, uint64_t folder_no, bool client);
/* A copy that shares the content, into a folder of the same mailbox. copy
 * starts as the source as it was read; its numbers are set as in insert. */
int store_item_copy(struct store_tx *tx, struct item *copy, uint64_t folder_no);
/* Gone for good; content that nothing refers to goes along.
 * CODE_ErrorItemNotFound. */
int store_item_delete(struct store_tx *tx, int64_t mailbox_id, uint64_t item_no);

struct store_sort {
    const char *column; /* prop_info.column of props.def, or "has_attachments" */
    bool descending;
};

struct store_find {
    int64_t mailbox_id;
    uint64_t folder_no;
    const struct store_sort *sort; /* at most STORE_FIND_SORTS */
    size_t sorts;
    uint64_t offset; /* from the beginning in that order */
    uint64_t limit;  /* 0: only count */
    unsigned depth;  /* enum store_depth */
    bool associated; /* the folder's hidden items instead */
};
#define STORE_FIND_SORTS 4

/* Items in that order (without sort: received, descending; ties: newest first),
 * damaged ones (item.damaged) as far as they can be read, in arena memory; ret_total counts all of the folder's. -EINVAL: a column that is not sorted by. */
int store_item_find(struct store_tx *tx, struct arena *arena, const struct store_find *find, struct item **ret_items,
                    size_t *ret_n, uint64_t *ret_total);

#endif
