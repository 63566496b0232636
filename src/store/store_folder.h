/*
 * Folders that clients make: making, changing, moving and deleting them, and
 * following the tree. A folder keeps its number for life. Whatever a client
 * writes of it moves its key_no (its ChangeKey), counts do not. Names are
 * unique within a folder without case, but among what was deleted and can be
 * recovered.
 * What is done to the items of a folder goes in bounded steps, which a job each
 * may take: the caller says how many items, and goes on until none is left.
 */
#ifndef EWSD_STORE_STORE_FOLDER_H
#define EWSD_STORE_STORE_FOLDER_H

#include "store/store_mail.h"

/* Into folder->parent_no, with its name, class and extended properties; what
 * that folder says about grantees it says, too. Sets folder_no, change_no and
 * key_no. CODE_ErrorFolderExists, CODE_ErrorFolderNotFound (the parent). */
int store_folder_insert(struct store_tx *tx, struct folder *folder);
/* Name, class and extended properties of a folder that was read; also when only
 * what it says about grantees has changed. Sets change_no and key_no.
 * CODE_ErrorFolderExists, -FolderNotFound. */
int store_folder_update(struct store_tx *tx, struct folder *folder);
/* With its name, which may be new, and all that is in it. origin_no: where a
 * deleted one came from, else 0. The caller sees to it that parent_no is not in
 * it. CODE_ErrorFolderExists, -FolderNotFound (either). */
int store_folder_move(struct store_tx *tx, struct folder *folder, uint64_t parent_no, uint64_t origin_no);
/* One that is empty: no folders and no items. CODE_ErrorFolderNotFound. */
int store_folder_delete(struct store_tx *tx, const struct folder *folder);

/* The folder of that name. 1: there is none. */
int store_folder_by_name(struct store_tx *tx, int64_t mailbox_id, uint64_t parent_no, struct span name, uint64_t *ret_folder_no);
/* Any folder right in it. 1: there is none. */
int store_folder_child(struct store_tx *tx, int64_t mailbox_id, uint64_t parent_no, uint64_t *ret_folder_no);
/* How many the mailbox has. */
int store_folder_number(struct store_tx *tx, int64_t mailbox_id, uint64_t *ret_n);
/* The sizes of a folder's items together. Reads a row of each. */
int store_folder_size(struct store_tx *tx, int64_t mailbox_id, uint64_t folder_no, uint64_t *ret_size);
/* All of the mailbox, by number. */
int store_folder_all(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, struct folder **ret_folders, size_t *ret_n);
/* Those that were deleted from origin_no and can be recovered, by number. */
int store_folder_list_recoverable(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, uint64_t origin_no,
                                  struct folder **ret_folders, size_t *ret_n);

/* Up to max items of the folder (hidden: its hidden ones, too) are deleted for
 * good, or moved. ret_n: how many; fewer than max, and none is left. Codes are
 * those of store_item_delete and store_item_move, and CODE_ErrorItemCorrupt: one
 * cannot be moved, as it cannot be read. */
int store_folder_delete_items(struct store_tx *tx, int64_t mailbox_id, uint64_t folder_no, bool hidden, unsigned max, unsigned *ret_n);
int store_folder_move_items(struct store_tx *tx, int64_t mailbox_id, uint64_t folder_no, uint64_t to_no, bool hidden, unsigned max,
                            unsigned *ret_n);

/* Where copying goes on; all 0 at first. */
struct store_copying {
    bool begun;
    int64_t associated, received;
    uint64_t item_no;
};
/* Copies the next items (hidden ones, too) into another folder of the mailbox;
 * creator_id as in struct item. As above; also CODE_ErrorQuotaExceeded. */
int store_folder_copy_items(struct store_tx *tx, int64_t mailbox_id, uint64_t folder_no, uint64_t to_no, int64_t creator_id,
                            unsigned max, struct store_copying *copying, unsigned *ret_n);

/* ---- following the tree (store_hierarchy.c) ---- */

/* One that is below the folder that is followed now, or was when the client looked. */
struct store_followed {
    uint64_t folder_no;
    unsigned depth;              /* below it, now; 0 when it is gone */
    bool was;                    /* the client knows it */
    const struct folder *folder; /* as it is now; NULL: it is not below any more */
};

/* The last change number that was given in the mailbox. */
int store_hierarchy_now(struct store_tx *tx, int64_t mailbox_id, uint64_t *ret_change);
/* What is other than it was at change `since` (0: nothing was known), without
 * what came into being after `until`: what is there by depth and number, then
 * what is gone. 1: nobody knows any more how it was then. */
int store_hierarchy_changes(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, uint64_t top, uint64_t since, uint64_t until,
                            struct store_followed **ret_changes, size_t *ret_n);

#endif
