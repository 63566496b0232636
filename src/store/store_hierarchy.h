/*
 * Inside the store only: what the verbs on folders leave for those who follow
 * the tree.
 */
#ifndef EWSD_STORE_STORE_HIERARCHY_H
#define EWSD_STORE_STORE_HIERARCHY_H

#include "store/store_folder.h"

/* Stored in folder_log. */
enum hierarchy_change {
    HIERARCHY_CREATED = 1,
    HIERARCHY_MOVED,
    HIERARCHY_DELETED,
    HIERARCHY_FORGOTTEN, /* of no folder: what was before is not kept any more */
};

/* At folder->change_no; parent_no: where it was before. */
int hierarchy_note(struct store_tx *tx, const struct folder *folder, enum hierarchy_change change, uint64_t parent_no);

#endif
