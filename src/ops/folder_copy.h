/*
 * Copying a folder with all that is in it, some rows at a time. A copy that was
 * begun and not finished is a folder like any other.
 */
#ifndef EWSD_OPS_FOLDER_COPY_H
#define EWSD_OPS_FOLDER_COPY_H

#include "ops/folders.h"

struct folder_copy;

/* Of `from`, in which are `below` (from store_folder_list), into `to` of the same
 * mailbox; of another's, those that may be read. Nothing is written yet.
 * CODE_ErrorQuotaExceeded: its items won't fit. */
int folder_copy_begin(struct op_call *call, struct store_tx *tx, const struct access *access, const struct folder *from,
                      const struct folder *to, const struct folder *below, size_t n, struct folder_copy **ret_copy);
/* In place of *copy, which is as a job that was committed left it: one to go on with. */
int folder_copy_again(struct op_call *call, struct folder_copy **copy);
/* As much as the budget has room for. Codes are those of store_folder_insert and
 * store_folder_copy_items. */
int folder_copy_step(struct op_call *call, struct store_tx *tx, struct folder_copy *copy, unsigned *budget, bool *ret_more);
/* The copy of the folder itself, once a step is done. */
const struct folder *folder_copy_top(const struct folder_copy *copy);

#endif
