/*
 * CreateFolder, and CreateFolderPath, which makes one folder in the other and
 * takes those that are there already (protocol.md 3.5). A new folder says about
 * others what its parent says; a delegate who makes one owns it.
 */
#include "ops/folders.h"
#include "ops/items.h"

struct made {
    const struct access *access;
    struct folder folder;
};

struct creating {
    struct op_items *items;
    const char *element;
    bool path;
    struct made *made;
};

static int make(struct op_call *call, struct store_tx *tx, const struct target_folder *parent, const struct folder_grants *grants,
                struct folder *folder, struct op_result *ret_result)
{
    struct folders_above above;
    const struct access *access = parent->access;
    int r = folders_above(call, tx, &parent->folder, 0, &above);
    if (r || (r = folders_room(call, tx, &parent->folder, &above, 1, 1, ret_result)) || (r = store_folder_insert(tx, folder)))
        return r;
    if (grants && (r = folders_grant(call, tx, access, folder, grants)))
        return r;
    if (access->own || access->held & RIGHT_full_access)
        return 0;
    return store_permission_set(tx, folder->mailbox_id, folder->folder_no, call->mailbox->mailbox_id, FOLDER_RIGHTS_ALL);
}

/* The folder before, as a parent of the next. */
static int inner_parent(struct op_call *call, struct store_tx *tx, const struct made *before, struct target_folder *ret_parent)
{
    struct target_folder parent = { .access = before->access };
    int r = store_folder_get(tx, call->arena, before->folder.mailbox_id, before->folder.folder_no, &parent.folder);
    if (r == 0)
        r = access_rights(call, tx, parent.access, parent.folder.folder_no, &parent.rights);
    if (r == 0)
        *ret_parent = parent;
    return r;
}

static int find_parent(struct op_call *call, struct store_tx *tx, const struct creating *c, size_t index, struct target_folder *ret_parent)
{
    if (!c->path || index == 0)
        return folders_target(call, tx, folders_id(call, "ParentFolderId"), CODE_ErrorParentFolderNotFound, ret_parent);
    if (c->items->results[index - 1].code)
        return CODE_ErrorParentFolderNotFound;
    return inner_parent(call, tx, &c->made[index - 1], ret_parent);
}

/* A folder of that name that is there and may be seen. */
static int take_existing(struct op_call *call, struct store_tx *tx, const struct target_folder *parent, struct folder *folder)
{
    uint64_t folder_no = 0;
    uint32_t rights = 0;
    int r = store_folder_by_name(tx, folder->mailbox_id, folder->parent_no, folder->name, &folder_no);
    if (r)
        return r;
    r = access_rights(call, tx, parent->access, folder_no, &rights);
    if (r)
        return r;
    return access_sees_folder(rights) ? store_folder_get(tx, call->arena, folder->mailbox_id, folder_no, folder) : CODE_ErrorFolderExists;
}

static int create_one(struct op_call *call, struct store_tx *tx, size_t index, struct op_result *ret_result, void *arg)
{
    const struct creating *c = arg;
    struct target_folder parent;
    struct folder folder;
    struct folder_grants *grants;
    if (c->items->budget == 0) { /* the rest in the next job */
        ret_result->more = true;
        return 0;
    }
    c->items->budget--;
    int r = find_parent(call, tx, c, index, &parent);
    if (r || (r = shape_read_folder(call->arena, c->items->nodes[index], &folder, &grants, &ret_result->culprit)))
        return r;
    folder.mailbox_id = parent.folder.mailbox_id;
    folder.parent_no = parent.folder.folder_no;
    r = c->path ? take_existing(call, tx, &parent, &folder) : 1;
    if (r == 1)
        r = parent.rights & FOLDER_RIGHT_SUBFOLDERS ? make(call, tx, &parent, grants, &folder, ret_result)
                                                    : CODE_ErrorCreateSubfolderAccessDenied;
    if (r == 0)
        c->made[index] = (struct made){ parent.access, folder };
    return r;
}

static void answer(struct op_call *call, size_t index, const struct op_result *result, void *arg)
{
    const struct creating *c = arg;
    folders_answer(call, c->element, result, c->made[index].access, &c->made[index].folder);
}

static int run(struct op_call *call, const char *list, bool path, const char *element)
{
    static const struct op_verbs verbs = { create_one, answer, NULL };
    struct op_items *items;
    struct creating *c = arena_alloc(call->arena, sizeof(*c));
    int r = c ? items_of(call, list, &verbs, c, &items) : -ENOMEM;
    if (r)
        return r;
    *c = (struct creating){ items, element, path, arena_array(call->arena, items->n + 1, sizeof(*c->made)) };
    return c->made ? items_write(call, items) : -ENOMEM;
}

int op_run_CreateFolder(struct op_call *call)
{
    return run(call, "Folders", false, "m:CreateFolderResponseMessage");
}

int op_run_CreateFolderPath(struct op_call *call)
{
    return run(call, "RelativeFolderPath", true, "m:CreateFolderPathResponseMessage");
}
