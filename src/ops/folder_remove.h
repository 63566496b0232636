/*
 * Getting rid of a folder, or of what is in it, some rows at a time.
 */
#ifndef EWSD_OPS_FOLDER_REMOVE_H
#define EWSD_OPS_FOLDER_REMOVE_H

#include "ops/folders.h"

enum remove_how {
    REMOVE_FOR_GOOD,
    REMOVE_RECOVERABLE, /* to the recoverable items: its items flat, the folders as they are, empty */
    REMOVE_TO_DELETED,  /* to Deleted Items, as it is */
};

/* The folder and all in it. *progress is NULL at first, then as a job left it
 * that was committed. Codes are those of the store's verbs. */
int folder_remove(struct op_call *call, struct store_tx *tx, const struct folder *folder, enum remove_how how, unsigned *budget,
                  const void **progress, bool *ret_more);
/* What is in it: items but hidden ones, and, if folders is true, folders. */
int folder_empty(struct op_call *call, struct store_tx *tx, const struct folder *folder, enum remove_how how, bool folders,
                 unsigned *budget, const void **progress, bool *ret_more);

#endif
