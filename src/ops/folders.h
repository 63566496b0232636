/*
 * What the operations on folders have in common: targets, where a folder may be
 * put, and its PermissionSet.
 */
#ifndef EWSD_OPS_FOLDERS_H
#define EWSD_OPS_FOLDERS_H

#include "ops/target.h"
#include "store/store_folder.h"

/* The only FolderId or the like in an element of the operation; NULL: it has none. */
const struct xml_node *folders_id(const struct op_call *call, const char *element);
/* A folder that another operation's folders go into or are looked for in. absent:
 * the code when it was named by its id and is not there, or may not be seen. */
int folders_target(struct op_call *call, struct store_tx *tx, const struct xml_node *node, int absent, struct target_folder *ret_target);
/* The same, where folders may be made in it: CODE_ErrorCreateSubfolderAccessDenied. */
int folders_target_parent(struct op_call *call, struct store_tx *tx, const struct xml_node *node, int absent,
                          struct target_folder *ret_target);

/* What is above a folder, itself included. */
struct folders_above {
    unsigned depth; /* below the root: 0 for the root */
    bool closed;    /* among what was deleted for recovery, or search folders: clients put no folders there */
    bool deleted;   /* in Deleted Items */
    bool within;    /* in the folder that was asked about, or that itself */
};
/* CODE_ErrorFolderCorrupt: they go in circles. */
int folders_above(struct op_call *call, struct store_tx *tx, const struct folder *folder, uint64_t asked, struct folders_above *ret_above);
/* Whether n folders more, height in each other, may be put into parent, above
 * which is what `above` says. CODE_ErrorInvalidParentFolder, -QuotaExceeded; with
 * a text in ret_result. */
int folders_room(struct op_call *call, struct store_tx *tx, const struct folder *parent, const struct folders_above *above, size_t n,
                 unsigned height, struct op_result *ret_result);

/* In such a list, or NULL. */
const struct folder *folders_find(const struct folder *list, size_t n, uint64_t folder_no);
/* How many levels a folder and what is in it have; of folders from
 * store_folder_list. */
unsigned folders_height(const struct folder *folder, const struct folder *below, size_t n);

/* The folder says this and nothing else from now on. CODE_ErrorInvalidUserInfo,
 * -DuplicateUserIdsSpecified. */
int folders_grant(struct op_call *call, struct store_tx *tx, const struct access *access, const struct folder *folder,
                  const struct folder_grants *grants);
/* What it says, for its PermissionSet; all NULL and 0 to who does not own the folder. */
int folders_granted(struct op_call *call, struct store_tx *tx, const struct folder *folder, uint32_t rights,
                    struct folder_grants **ret_grants);

/* A response message with m:Folders, and in it the folder's id. */
void folders_answer(struct op_call *call, const char *element, const struct op_result *result, const struct access *access,
                    const struct folder *folder);

#endif
