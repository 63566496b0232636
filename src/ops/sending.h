/*
 * What SendItem, CreateItem and UpdateItem share around the outbox: the folder
 * for the sent copy, the rights to the draft, texts of refusals, the header
 * with the ids of sent copies (decisions 10), and waking the outbox.
 */
#ifndef EWSD_OPS_SENDING_H
#define EWSD_OPS_SENDING_H

#include "ops/target.h"
#include "outbox/outbox.h"

struct sent_ids {
    struct outbox_sent *v; /* one per item of the request */
    size_t n;
    const struct access *copies; /* to the mailbox where all the copies are; NULL: one's own */
    const uint8_t *mailbox;      /* its GUID, when it is known from a record alone; or NULL */
};

/* What target_item finds, for operations that need a ChangeKey: that it is
 * missing is told before whether there is such an item (protocol.md 2.11: 7, 8). */
int sending_target(struct op_call *call, struct store_tx *tx, const struct xml_node *node, struct target_item *ret_target);
/* The folder for the copy of a stored message: node (FolderId or the like), or
 * Sent Items when it is NULL. CODE_ErrorSavedItemFolderNotFound, those of target_folder. */
int sending_save_folder(struct op_call *call, struct store_tx *tx, const struct xml_node *node, struct target_folder *ret_target);
/* The people and limits of a submission of something in that mailbox. */
struct outbox_submit sending_submit(const struct op_call *call, const struct access *access);
/* Into which folder the copy goes. */
void sending_into(struct outbox_submit *submit, const struct target_folder *folder);
/* Whether a stored draft may be sent: the right to delete it, since it leaves
 * its folder, or where it stays (decisions 5), to edit it. CODE_ErrorAccessDenied. */
int sending_check_draft(const struct op_call *call, const struct outbox_submit *submit, const struct target_item *target,
                        const struct item *draft);
/* Puts code and text into ret_result; names the recipient, or the right, that it
 * was refused for. */
int sending_refused(struct op_call *call, int code, const struct outbox_sent *sent, struct op_result *ret_result);
/* GUID of the mailbox where the copies are. */
const uint8_t *sending_mailbox(const struct op_call *call, const struct sent_ids *sent);
/* Once, after the commit. */
void sending_done(struct op_call *call, const struct sent_ids *sent, const struct op_result *results);

#endif
