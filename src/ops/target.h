/*
 * From ids in a request to what they name, and whether the acting mailbox may
 * reach it (access.h). What cannot be read answers the same as what is not
 * there (decisions 6).
 */
#ifndef EWSD_OPS_TARGET_H
#define EWSD_OPS_TARGET_H

#include "ops/call.h"

#define TARGET_NO_KEY UINT64_MAX

struct target_item {
    const struct access *access; /* to its mailbox */
    uint32_t rights;             /* in its folder; it may be read */
    struct ews_id id;
    bool has_key; /* a ChangeKey was given (and is well-formed) */
    uint64_t key; /* its counter; UINT64_MAX is never current */
};

struct target_folder {
    const struct access *access;
    uint32_t rights; /* it may be seen */
    struct folder folder;
};

/* t:ItemId (or another kind of item id). CODE_ErrorInvalidId..., -InvalidChangeKey,
 * -CannotUseFolderIdForItemId, -ItemNotFound (nothing there may be read),
 * -NonExistentMailbox. */
int target_item(struct op_call *call, struct store_tx *tx, const struct xml_node *node, struct target_item *ret_target);
/* The item that was reached, read to depth. Rights are those of the folder that
 * the id names, so the item must be there: CODE_ErrorItemNotFound. Also
 * CODE_ErrorItemCorrupt, -CorruptData. */
int target_read(struct op_call *call, struct store_tx *tx, const struct target_item *target, unsigned depth, struct item *ret_item);
/* And the item, read to depth, if it may be treated so: also CODE_ErrorAccessDenied. */
int target_load(struct op_call *call, struct store_tx *tx, const struct xml_node *node, enum access_need need, unsigned depth,
                struct target_item *ret_target, struct item *ret_item);
/* Logs that an item was met that cannot be read, when r is
 * CODE_ErrorItemCorrupt, -CorruptData or -CannotOpenFileAttachment. Gives r back. */
int target_told(const struct target_item *target, int r);
/* t:AttachmentId, and the item that holds it. */
int target_attachment(struct op_call *call, struct store_tx *tx, const struct xml_node *node, struct target_item *ret_target,
                      struct item *ret_item);
/* t:FolderId or t:DistinguishedFolderId; need: bits of folder_rights.def, all of
 * them. CODE_ErrorFolderNotFound (or may not be seen), -AccessDenied (may be
 * seen), -NonExistentMailbox, -NonPrimarySmtpAddress, -CannotUseItemIdForFolderId... */
int target_folder(struct op_call *call, struct store_tx *tx, const struct xml_node *node, uint32_t need,
                  struct target_folder *ret_target);
/* A distinguished folder of the acting mailbox itself: what needs no reading,
 * since these are always there (their numbers are their roles). */
void target_own_folder(struct op_call *call, enum folder_role role, struct target_folder *ret_target);
/* The child (FolderId or the like) of SavedItemFolderId, or NULL. */
const struct xml_node *target_saved_folder(const struct op_call *call);

/* Before the job, for what is stored ahead of it: whose mailbox an item or a
 * folder (NULL: one's own) is in, refused as the job will refuse it. Of one's
 * own mailbox nothing is read, nor is it known yet whether the thing is there. */
int target_item_ahead(struct op_call *call, const struct xml_node *node, enum access_need need, const struct access **ret_access);
int target_folder_ahead(struct op_call *call, const struct xml_node *node, uint32_t need, const struct access **ret_access);

#endif
