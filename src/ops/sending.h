/*
 * What SendItem, CreateItem and UpdateItem share around the outbox: the folder
 * for the sent copy, texts of refusals, the header with the ids of sent copies
 * (decisions 10), and waking the outbox.
 */
#ifndef EWSD_OPS_SENDING_H
#define EWSD_OPS_SENDING_H

#include "ops/call.h"
#include "outbox/outbox.h"

struct sent_ids {
    struct outbox_sent *v; /* one per item of the request */
    size_t n;
};

/* The folder for the copy of a stored message: node (FolderId or the like), or
 * Sent Items when it is NULL. CODE_ErrorSavedItemFolderNotFound, those of target_folder. */
int sending_save_folder(struct op_call *call, struct store_tx *tx, const struct xml_node *node, uint64_t *ret_folder_no);
/* Puts code and text into ret_result; names the recipient that was refused. */
int sending_refused(struct op_call *call, int code, const struct outbox_sent *sent, struct op_result *ret_result);
/* Once, after the commit. */
void sending_done(struct op_call *call, const struct sent_ids *sent, const struct op_result *results);

#endif
