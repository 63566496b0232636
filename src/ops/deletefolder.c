/*
 * DeleteFolder and EmptyFolder (protocol.md 3.5), in as many jobs as it takes;
 * the answer comes when all is done. What is in Deleted Items already goes to the
 * recoverable items in place of there, and what is there goes for good or not at
 * all. Of another's mailbox it takes who owns each of the folders, and full
 * access to use its Deleted Items (protocol.md 2.8, D6).
 */
#include "ops/folder_remove.h"
#include "ops/items.h"

struct deleting {
    struct op_items *items;
    const char *element;
    struct span type;
    bool empty, folders;
};

/* Begun, and how far it came. */
struct begun {
    enum remove_how how;
    const void *progress;
};

static int check_below(struct op_call *call, struct store_tx *tx, const struct target_folder *t, bool empty)
{
    struct folder *below = NULL;
    size_t n = 0;
    const bool all = t->access->own || t->access->held & RIGHT_full_access;
    if (!t->folder.children || (all && !empty))
        return 0;
    int r = store_folder_list(tx, call->arena, t->folder.mailbox_id, t->folder.folder_no, true, &below, &n);
    uint32_t *rights = r ? NULL : arena_array(call->arena, n + 1, sizeof(*rights));
    if (r || !rights)
        return r ? r : -ENOMEM;
    r = access_rights_each(call, tx, t->access, below, n, rights);
    for (size_t i = 0; r == 0 && i < n; i++) {
        if (below[i].role)
            return CODE_ErrorCannotEmptyFolder;
        if (!(rights[i] & FOLDER_RIGHT_OWN))
            return CODE_ErrorAccessDenied;
    }
    return r;
}

/* The calendar may be full of meetings that others would have to be told about. */
static int check_kind(const struct deleting *d, const struct folder *folder)
{
    if (!d->empty)
        return folder->role ? CODE_ErrorDeleteDistinguishedFolder : 0;
    const bool calendar = folder_kind_of_class(folder->class) == FOLDER_CALENDAR;
    return calendar || folder->role == FOLDER_ROLE_root || folder->role == FOLDER_ROLE_searchfolders ? CODE_ErrorCannotEmptyFolder : 0;
}

static int find_way(struct op_call *call, struct store_tx *tx, const struct deleting *d, const struct target_folder *t,
                    enum remove_how *ret_how)
{
    struct folders_above above;
    const bool to_deleted = span_is(d->type, "MoveToDeletedItems");
    *ret_how = REMOVE_FOR_GOOD;
    if (span_is(d->type, "HardDelete"))
        return 0;
    if (to_deleted && !t->access->own && !(t->access->held & RIGHT_full_access))
        return CODE_ErrorCannotDeleteObject;
    int r = folders_above(call, tx, &t->folder, 0, &above);
    if (r)
        return r;
    *ret_how = to_deleted && !above.deleted ? REMOVE_TO_DELETED : REMOVE_RECOVERABLE;
    return !above.closed ? 0 : d->empty ? CODE_ErrorCannotEmptyFolder : CODE_ErrorCannotDeleteObject;
}

static int begin(struct op_call *call, struct store_tx *tx, const struct deleting *d, const struct target_folder *t, struct begun *ret)
{
    int r = check_kind(d, &t->folder);
    if (r == 0 && !(t->rights & (d->empty ? FOLDER_RIGHT_DELETE_ALL : FOLDER_RIGHT_OWN)))
        r = CODE_ErrorAccessDenied;
    if (r == 0 && (!d->empty || d->folders))
        r = check_below(call, tx, t, d->empty);
    return r ? r : find_way(call, tx, d, t, &ret->how);
}

static int delete_one(struct op_call *call, struct store_tx *tx, size_t index, struct op_result *ret_result, void *arg)
{
    const struct deleting *d = arg;
    const struct begun *before = ret_result->progress;
    struct begun *b = arena_alloc(call->arena, sizeof(*b));
    struct target_folder t;
    int r = b ? target_folder(call, tx, d->items->nodes[index], 0, &t) : -ENOMEM;
    if (r == CODE_ErrorFolderNotFound && before)
        return 0; /* somebody else has finished it */
    if (r)
        return r;
    if (before)
        *b = *before;
    else
        r = begin(call, tx, d, &t, b);
    unsigned *budget = &d->items->budget;
    if (r == 0 && d->empty)
        r = folder_empty(call, tx, &t.folder, b->how, d->folders, budget, &b->progress, &ret_result->more);
    else if (r == 0)
        r = folder_remove(call, tx, &t.folder, b->how, budget, &b->progress, &ret_result->more);
    ret_result->progress = b;
    return r;
}

static void answer(struct op_call *call, size_t index ATTR_UNUSED, const struct op_result *result, void *arg)
{
    const struct deleting *d = arg;
    op_message_begin(call, d->element, result);
    op_message_end(call);
}

static int run(struct op_call *call, bool empty, const char *element)
{
    static const struct op_verbs verbs = { delete_one, answer, NULL };
    struct op_items *items;
    struct deleting *d = arena_alloc(call->arena, sizeof(*d));
    int r = d ? items_of(call, "FolderIds", &verbs, d, &items) : -ENOMEM;
    if (r)
        return r;
    *d = (struct deleting){ .items = items, .element = element, .empty = empty,
                            .folders = xml_attr_bool(call->node, "DeleteSubFolders", false) };
    (void)xml_attr(call->node, "DeleteType", &d->type);
    return items_write(call, items);
}

int op_run_DeleteFolder(struct op_call *call)
{
    return run(call, false, "m:DeleteFolderResponseMessage");
}

int op_run_EmptyFolder(struct op_call *call)
{
    return run(call, true, "m:EmptyFolderResponseMessage");
}
