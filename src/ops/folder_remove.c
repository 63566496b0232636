/*
 * Three ways, none of which holds the writer for longer than the budget. For
 * good: leaves of the tree first, each emptied and deleted; where a step ends
 * nothing need be remembered. Recoverable: the folder is put away first, so that
 * it is gone for clients at once, then its items follow, folder by folder from a
 * list that is made once. To Deleted Items: one row is written.
 */
#include "ops/folder_remove.h"

/* ---- for good ---- */

/* The first folder, from a folder down, that has none in it. */
static int find_leaf(struct op_call *call, struct store_tx *tx, const struct folder *top, struct folder *ret_leaf)
{
    uint64_t no = top->folder_no;
    int64_t left = call->env->conf->store_max_folder_depth + FOLDER_ROLE_COUNT;
    int r;
    while ((r = store_folder_child(tx, top->mailbox_id, no, &no)) == 0)
        if (left-- == 0)
            return CODE_ErrorFolderCorrupt;
    return r < 0 ? r : store_folder_get(tx, call->arena, top->mailbox_id, no, ret_leaf);
}

static int empty_for_good(struct store_tx *tx, const struct folder *folder, bool hidden, unsigned *budget, bool *ret_more)
{
    const unsigned max = *budget;
    unsigned n = 0;
    int r = max ? store_folder_delete_items(tx, folder->mailbox_id, folder->folder_no, hidden, max, &n) : 0;
    *budget -= n;
    *ret_more = n == max;
    return r;
}

static int remove_for_good(struct op_call *call, struct store_tx *tx, const struct folder *top, unsigned *budget, bool *ret_more)
{
    struct folder leaf = { 0 };
    int r = 0;
    *ret_more = true;
    while (r == 0 && *ret_more && *budget > 0) {
        bool items = false;
        r = find_leaf(call, tx, top, &leaf);
        if (r == 0)
            r = empty_for_good(tx, &leaf, true, budget, &items);
        if (r || items)
            return r;
        r = store_folder_delete(tx, &leaf);
        *budget -= 1;
        *ret_more = leaf.folder_no != top->folder_no;
    }
    return r;
}

/* ---- for recovery ---- */

struct putting_away {
    const struct folder *folders;
    size_t n, at;
};

static int move_items(struct store_tx *tx, const struct folder *folder, enum folder_role role, bool hidden, unsigned *budget,
                      bool *ret_more)
{
    const unsigned max = *budget;
    unsigned n = 0;
    int r = max ? store_folder_move_items(tx, folder->mailbox_id, folder->folder_no, role, hidden, max, &n) : 0;
    *budget -= n;
    *ret_more = n == max;
    return r;
}

static int put_away(struct op_call *call, struct store_tx *tx, const struct folder *folder, struct putting_away *p)
{
    struct folder moved = *folder, *below = NULL;
    size_t n = 0;
    int r = folder->children ? store_folder_list(tx, call->arena, folder->mailbox_id, folder->folder_no, true, &below, &n) : 0;
    struct folder *v = arena_array(call->arena, n + 1, sizeof(*v));
    if (r || !v)
        return r ? r : -ENOMEM;
    r = store_folder_move(tx, &moved, FOLDER_ROLE_recoverableitemsdeletions, folder->parent_no);
    v[0] = moved;
    for (size_t i = 0; i < n; i++)
        v[i + 1] = below[i];
    *p = (struct putting_away){ v, n + 1, 0 };
    return r;
}

static int remove_recoverable(struct op_call *call, struct store_tx *tx, const struct folder *folder, unsigned *budget,
                              const void **progress, bool *ret_more)
{
    struct putting_away *p = arena_alloc(call->arena, sizeof(*p));
    int r = 0;
    if (!p)
        return -ENOMEM;
    if (*progress)
        *p = *(const struct putting_away *)*progress;
    else
        r = put_away(call, tx, folder, p);
    while (r == 0 && p->at < p->n && *budget > 0) {
        bool items = false;
        r = move_items(tx, &p->folders[p->at], FOLDER_ROLE_recoverableitemsdeletions, true, budget, &items);
        if (!items)
            p->at++;
        *budget -= *budget > 0;
    }
    *ret_more = p->at < p->n;
    *progress = *ret_more ? p : NULL;
    return r;
}

/* ---- to Deleted Items ---- */

enum { NAMES = 1000 };

/* Where the name is taken a number is put behind it. */
static int remove_to_deleted(struct op_call *call, struct store_tx *tx, const struct folder *folder)
{
    struct folder moved = *folder;
    int r = store_folder_move(tx, &moved, FOLDER_ROLE_deleteditems, 0);
    for (unsigned i = 1; r == CODE_ErrorFolderExists && i < NAMES; i++) {
        moved = *folder;
        r = arena_printf(call->arena, &moved.name, "%.*s%u", (int)folder->name.len, folder->name.ptr, i);
        if (r == 0)
            r = store_folder_move(tx, &moved, FOLDER_ROLE_deleteditems, 0);
    }
    return r;
}

/* ---- all three ---- */

int folder_remove(struct op_call *call, struct store_tx *tx, const struct folder *folder, enum remove_how how, unsigned *budget,
                  const void **progress, bool *ret_more)
{
    static const char begun;
    *ret_more = false;
    switch (how) {
    case REMOVE_FOR_GOOD:
        *progress = &begun;
        return remove_for_good(call, tx, folder, budget, ret_more);
    case REMOVE_RECOVERABLE:
        return remove_recoverable(call, tx, folder, budget, progress, ret_more);
    case REMOVE_TO_DELETED:
        *budget -= *budget > 0;
        return remove_to_deleted(call, tx, folder);
    }
    return CODE_ErrorInternalServerError;
}

/* The folder that is being removed from it, and how far that came. */
struct emptying {
    struct folder child;
    const void *progress; /* NULL: none is */
};

static int empty_items(struct store_tx *tx, const struct folder *folder, enum remove_how how, unsigned *budget, bool *ret_more)
{
    if (how == REMOVE_FOR_GOOD)
        return empty_for_good(tx, folder, false, budget, ret_more);
    return move_items(tx, folder, how == REMOVE_TO_DELETED ? FOLDER_ROLE_deleteditems : FOLDER_ROLE_recoverableitemsdeletions, false,
                      budget, ret_more);
}

/* 1: there is none left. */
static int next_child(struct op_call *call, struct store_tx *tx, const struct folder *folder, struct folder *ret_child)
{
    uint64_t no = 0;
    int r = store_folder_child(tx, folder->mailbox_id, folder->folder_no, &no);
    return r ? r : store_folder_get(tx, call->arena, folder->mailbox_id, no, ret_child);
}

static int empty_folders(struct op_call *call, struct store_tx *tx, const struct folder *folder, enum remove_how how, unsigned *budget,
                         struct emptying *e, bool *ret_more)
{
    int r = 0;
    *ret_more = true;
    while (r == 0 && *budget > 0) {
        bool more = false;
        if (!e->progress && (r = next_child(call, tx, folder, &e->child))) {
            *ret_more = r != 1;
            return r == 1 ? 0 : r;
        }
        r = folder_remove(call, tx, &e->child, how, budget, &e->progress, &more);
        if (r == CODE_ErrorFolderNotFound)
            r = 0; /* somebody else has finished it */
        if (!more)
            e->progress = NULL;
    }
    return r;
}

int folder_empty(struct op_call *call, struct store_tx *tx, const struct folder *folder, enum remove_how how, bool folders,
                 unsigned *budget, const void **progress, bool *ret_more)
{
    struct emptying *e = arena_alloc(call->arena, sizeof(*e));
    if (!e)
        return -ENOMEM;
    if (*progress)
        *e = *(const struct emptying *)*progress;
    int r = e->progress ? 0 : empty_items(tx, folder, how, budget, ret_more);
    if (r == 0 && folders && (e->progress || !*ret_more))
        r = empty_folders(call, tx, folder, how, budget, e, ret_more);
    *progress = e;
    return r;
}
