/*
 * GetFolder (protocol.md 3.5): one message per folder id. The PermissionSet is
 * shown to who owns the folder.
 */
#include "ops/folders.h"

static void answer(struct op_call *call, const struct op_result *result, const struct folder_shape *shape,
                   const struct target_folder *target, const struct folder_grants *grants)
{
    op_message_begin(call, "m:GetFolderResponseMessage", result);
    xw_open(call->xw, "m:Folders");
    if (!result->code) {
        struct shape_ids ids = access_ids(call, target->access);
        ids.rights = target->rights;
        shape_write_folder(call->xw, shape, &ids, &target->folder, grants);
    }
    xw_close(call->xw);
    op_message_end(call);
}

int op_run_GetFolder(struct op_call *call)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    struct folder_shape shape = { 0 };
    struct op_result bad = { 0 };
    bad.code = folder_shape_parse(call->arena, xml_child(call->node, "FolderShape"), call->level, &shape, &bad.culprit);
    int r = bad.code < 0 ? bad.code : store_read_begin(call->env->store, &tx);
    if (r)
        return r;
    op_messages_begin(call);
    const struct xml_node *list = xml_child(call->node, "FolderIds");
    for (const struct xml_node *c = list ? list->child : NULL; c; c = c->next) {
        struct op_result result = bad;
        struct target_folder target = { 0 };
        struct folder_grants *grants = NULL;
        if (!result.code)
            result.code = target_folder(call, tx, c, 0, &target);
        if (!result.code && folder_shape_wants_permissions(&shape))
            result.code = folders_granted(call, tx, &target.folder, target.rights, &grants);
        if (result.code < 0)
            return result.code;
        answer(call, &result, &shape, &target, grants);
    }
    op_messages_end(call);
    return 0;
}
