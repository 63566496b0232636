/*
 * UpdateFolder (protocol.md 3.5): the changes of one folder all happen, in their
 * order, or none does. It takes who owns the folder. A ChangeKey may be stale:
 * the last who writes wins. The root has no name to change.
 */
#include "ops/folders.h"
#include "ops/items.h"

struct updating {
    const struct op_items *items;
    struct target_folder *targets;
};

static int change(struct op_call *call, struct store_tx *tx, const struct xml_node *updates, struct target_folder *t,
                  struct op_result *ret_result)
{
    struct folder_grants *grants = NULL;
    const struct span name = t->folder.name;
    for (const struct xml_node *c = updates ? updates->child : NULL; c; c = c->next) {
        int r = shape_update_folder(call->arena, c, &t->folder, &grants, &ret_result->culprit);
        if (r)
            return r;
    }
    if (t->folder.role == FOLDER_ROLE_root && !span_eq(name, t->folder.name))
        return CODE_ErrorFolderSavePropertyError;
    int r = store_folder_update(tx, &t->folder);
    return r || !grants ? r : folders_grant(call, tx, t->access, &t->folder, grants);
}

static int update_one(struct op_call *call, struct store_tx *tx, size_t index, struct op_result *ret_result, void *arg)
{
    const struct updating *u = arg;
    const struct xml_node *node = u->items->nodes[index];
    struct target_folder t;
    int r = target_folder(call, tx, node->child, FOLDER_RIGHT_OWN, &t);
    if (r == 0)
        r = change(call, tx, xml_child(node, "Updates"), &t, ret_result);
    if (r == 0)
        u->targets[index] = t;
    return r;
}

static void answer(struct op_call *call, size_t index, const struct op_result *result, void *arg)
{
    const struct updating *u = arg;
    folders_answer(call, "m:UpdateFolderResponseMessage", result, u->targets[index].access, &u->targets[index].folder);
}

int op_run_UpdateFolder(struct op_call *call)
{
    static const struct op_verbs verbs = { update_one, answer, NULL };
    struct op_items *items;
    struct updating *u = arena_alloc(call->arena, sizeof(*u));
    int r = u ? items_of(call, "FolderChanges", &verbs, u, &items) : -ENOMEM;
    if (r)
        return r;
    *u = (struct updating){ items, arena_array(call->arena, items->n + 1, sizeof(*u->targets)) };
    return u->targets ? items_write(call, items) : -ENOMEM;
}
