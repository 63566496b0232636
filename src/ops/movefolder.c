/*
 * MoveFolder and CopyFolder (protocol.md 3.5). A folder that is moved keeps its
 * id, and all that is in it goes along. A copy is of the whole tree, as it was
 * when copying began (folder_copy.c), which may take several jobs: when it fails
 * on the way, what there is of the copy goes again. Folders stay in their
 * mailbox: ErrorCrossMailboxMoveCopy.
 */
#include "ops/folder_copy.h"
#include "ops/folder_remove.h"
#include "ops/items.h"
#include "ops/limits.h"

struct moving {
    const char *element;
    struct op_items *items;
    struct target_folder *moved;
};

/* The target and the folder, and whether the one can take the other. */
struct ends {
    struct target_folder to, from;
    struct folder *below; /* what is in the folder */
    size_t n;
};

static int find_ends(struct op_call *call, struct store_tx *tx, const struct xml_node *node, uint32_t need, struct ends *ret)
{
    int r = folders_target_parent(call, tx, folders_id(call, "ToFolderId"), CODE_ErrorToFolderNotFound, &ret->to);
    if (r || (r = target_folder(call, tx, node, need, &ret->from)))
        return r;
    return ret->to.folder.mailbox_id == ret->from.folder.mailbox_id ? 0 : CODE_ErrorCrossMailboxMoveCopy;
}

/* Not into itself, not too deep, not too many. */
static int check_ends(struct op_call *call, struct store_tx *tx, struct ends *ends, bool copy, struct op_result *ret_result)
{
    struct folders_above above;
    const struct folder *from = &ends->from.folder;
    int r = folders_above(call, tx, &ends->to.folder, from->folder_no, &above);
    if (r == 0 && above.within)
        r = CODE_ErrorMoveCopyFailed;
    if (r == 0 && from->children)
        r = store_folder_list(tx, call->arena, from->mailbox_id, from->folder_no, true, &ends->below, &ends->n);
    if (r == 0)
        r = folders_room(call, tx, &ends->to.folder, &above, copy ? ends->n + 1 : 0, folders_height(from, ends->below, ends->n),
                         ret_result);
    return r == CODE_ErrorInvalidParentFolder ? CODE_ErrorMoveCopyFailed : r;
}

static int move_one(struct op_call *call, struct store_tx *tx, size_t index, struct op_result *ret_result, void *arg)
{
    const struct moving *m = arg;
    struct ends ends = { 0 };
    int r = find_ends(call, tx, m->items->nodes[index], FOLDER_RIGHT_OWN, &ends);
    if (r == 0 && ends.from.folder.role)
        r = CODE_ErrorMoveDistinguishedFolder;
    if (r == 0)
        r = check_ends(call, tx, &ends, false, ret_result);
    if (r == 0)
        r = store_folder_move(tx, &ends.from.folder, ends.to.folder.folder_no, 0);
    if (r == 0)
        m->moved[index] = ends.from;
    return r;
}

/* ---- copying ---- */

struct copying {
    const struct access *access;
    struct folder_copy *copy;
    const void *removal; /* how far the removal of what failed came */
    int failed;          /* the code that it failed with */
};

static int begin_copy(struct op_call *call, struct store_tx *tx, const struct xml_node *node, struct copying *c,
                      struct op_result *ret_result)
{
    struct ends ends = { 0 };
    int r = find_ends(call, tx, node, FOLDER_RIGHT_READ, &ends);
    if (r == 0)
        r = check_ends(call, tx, &ends, true, ret_result);
    c->access = ends.to.access;
    return r ? r : folder_copy_begin(call, tx, ends.from.access, &ends.from.folder, &ends.to.folder, ends.below, ends.n, &c->copy);
}

/* What was committed of it. */
static int undo_copy(struct op_call *call, struct store_tx *tx, const struct moving *m, struct copying *c, bool *ret_more)
{
    struct folder top;
    int r = store_folder_get(tx, call->arena, folder_copy_top(c->copy)->mailbox_id, folder_copy_top(c->copy)->folder_no, &top);
    if (r)
        return r == CODE_ErrorFolderNotFound ? 0 : r;
    return folder_remove(call, tx, &top, REMOVE_FOR_GOOD, &m->items->budget, &c->removal, ret_more);
}

static int copy_step(struct op_call *call, struct store_tx *tx, const struct moving *m, struct copying *c, struct op_result *ret_result)
{
    bool more = false;
    int r = c->failed ? undo_copy(call, tx, m, c, &more) : folder_copy_step(call, tx, c->copy, &m->items->budget, &more);
    if (r == 0 && c->failed && !more) {
        ret_result->keep = true; /* the removal */
        return c->failed;
    }
    ret_result->more = more;
    return r;
}

/* Writes go on from copies of what was committed, since a job may run twice. */
static int copy_one(struct op_call *call, struct store_tx *tx, size_t index, struct op_result *ret_result, void *arg)
{
    const struct moving *m = arg;
    const struct copying *before = ret_result->progress;
    struct copying *c = arena_alloc(call->arena, sizeof(*c));
    if (!c)
        return -ENOMEM;
    if (before)
        *c = *before;
    int r = before ? folder_copy_again(call, &c->copy) : begin_copy(call, tx, m->items->nodes[index], c, ret_result);
    if (r == 0)
        r = copy_step(call, tx, m, c, ret_result);
    if (r > 0 && before && !before->failed) {
        *c = *before;
        c->failed = r;
        ret_result->more = true;
        ret_result->undo = true;
        r = 0;
    }
    ret_result->progress = c;
    if (r == 0 && !ret_result->more) {
        m->moved[index].access = c->access;
        m->moved[index].folder = *folder_copy_top(c->copy);
    }
    return r;
}

/* ---- both ---- */

static void answer(struct op_call *call, size_t index, const struct op_result *result, void *arg)
{
    const struct moving *m = arg;
    folders_answer(call, m->element, result, m->moved[index].access, &m->moved[index].folder);
}

static int run(struct op_call *call, const struct op_verbs *verbs, int code, const char *element)
{
    struct op_items *items;
    struct moving *m = arena_alloc(call->arena, sizeof(*m));
    int r = m ? items_of(call, "FolderIds", verbs, m, &items) : -ENOMEM;
    if (r)
        return r;
    *m = (struct moving){ element, items, arena_array(call->arena, items->n + 1, sizeof(*m->moved)) };
    for (size_t i = 0; i < items->n; i++)
        items->results[i].code = code;
    return m->moved ? items_write(call, items) : -ENOMEM;
}

int op_run_MoveFolder(struct op_call *call)
{
    static const struct op_verbs verbs = { move_one, answer, NULL };
    return run(call, &verbs, 0, "m:MoveFolderResponseMessage");
}

int op_run_CopyFolder(struct op_call *call)
{
    static const struct op_verbs verbs = { copy_one, answer, NULL };
    return run(call, &verbs, limits_room(call), "m:CopyFolderResponseMessage");
}
