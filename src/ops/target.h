/*
 * From ids in a request to what they name, and the one place that decides who
 * may reach it. In this version: everyone their own mailbox. What cannot be
 * read answers the same as what is not there (decisions 6).
 */
#ifndef EWSD_OPS_TARGET_H
#define EWSD_OPS_TARGET_H

#include "ops/call.h"

#define TARGET_NO_KEY UINT64_MAX

struct target_item {
    struct ews_id id;
    bool has_key;     /* a ChangeKey was given (and is well-formed) */
    uint64_t key;     /* its counter; UINT64_MAX is never current */
};

/* t:ItemId (or another kind of item id). CODE_ErrorInvalidId..., -InvalidChangeKey,
 * -CannotUseFolderIdForItemId, -ItemNotFound (another's mailbox). */
int target_item(const struct op_call *call, const struct xml_node *node, struct target_item *ret_target);
/* t:AttachmentId. */
int target_attachment(const struct op_call *call, const struct xml_node *node, struct ews_id *ret_id);
/* t:FolderId or t:DistinguishedFolderId. CODE_ErrorFolderNotFound,
 * -NonExistentMailbox, -NonPrimarySmtpAddress, -CannotUseItemIdForFolderId... */
int target_folder(const struct op_call *call, struct store_tx *tx, const struct xml_node *node, struct folder *ret_folder);
/* The child (FolderId or the like) of SavedItemFolderId, or NULL. */
const struct xml_node *target_saved_folder(const struct op_call *call);

#endif
