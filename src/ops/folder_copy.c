/*
 * The tree is listed once, parents before children, and copied in that order: a
 * folder, then its items. What was committed is never written to again: copies[]
 * only behind `at`, where a job that runs twice writes the same.
 */
#include "ops/folder_copy.h"

#include <stdlib.h>

struct branch {
    struct folder folder; /* the original */
    unsigned depth;
    size_t parent; /* place of what it is in; of the first: its own */
};

struct folder_copy {
    const struct access *access;
    const struct branch *branches;
    struct folder *copies; /* folder_no 0: left out */
    size_t n, at;
    uint64_t to_no;
    bool begun; /* copies[at] is there, and its items are being copied */
    struct store_copying items;
};

/* ---- listing the tree ---- */

static int by_depth(const void *a, const void *b)
{
    const struct branch *x = a, *y = b;
    if (x->depth != y->depth)
        return x->depth < y->depth ? -1 : 1;
    return x->folder.folder_no < y->folder.folder_no ? -1 : x->folder.folder_no > y->folder.folder_no;
}

static unsigned depth_in(const struct folder *below, size_t n, const struct folder *folder)
{
    unsigned depth = 0;
    for (const struct folder *at = folder; at && depth <= n; depth++)
        at = folders_find(below, n, at->parent_no);
    return depth;
}

/* Places of parents: those of one depth stand by number, so that each is found
 * by halving. */
static size_t find_parent(const struct branch *v, size_t n, const struct branch *branch)
{
    const struct branch wanted = { .depth = branch->depth - 1, .folder.folder_no = branch->folder.parent_no };
    const struct branch *found = bsearch(&wanted, v, n, sizeof(*v), by_depth);
    return found ? (size_t)(found - v) : n;
}

static int list_tree(struct op_call *call, struct store_tx *tx, const struct access *access, const struct folder *from,
                     const struct folder *below, size_t n, struct branch **ret_branches, size_t *ret_n)
{
    struct branch *v = arena_array(call->arena, n + 1, sizeof(*v));
    uint32_t *rights = arena_array(call->arena, n + 1, sizeof(*rights));
    size_t kept = 1;
    if (!v || !rights)
        return -ENOMEM;
    int r = access_rights_each(call, tx, access, below, n, rights);
    if (r)
        return r;
    v[0].folder = *from;
    for (size_t i = 0; i < n; i++)
        if (rights[i] & FOLDER_RIGHT_READ)
            v[kept++] = (struct branch){ .folder = below[i], .depth = depth_in(below, n, &below[i]) };
    qsort(v, kept, sizeof(*v), by_depth);
    for (size_t i = 1; i < kept; i++)
        v[i].parent = find_parent(v, kept, &v[i]);
    *ret_branches = v;
    *ret_n = kept;
    return 0;
}

/* All of it at once, so that nothing is copied in vain. */
static int check_quota(struct store_tx *tx, const struct folder_copy *copy)
{
    const int64_t mailbox_id = copy->branches[0].folder.mailbox_id;
    struct store_quota quota;
    uint64_t size = 0, all = 0;
    int r = store_mailbox_quota(tx, mailbox_id, &quota);
    if (r || quota.bytes == 0)
        return r;
    for (size_t i = 0; r == 0 && i < copy->n; i++) {
        r = store_folder_size(tx, mailbox_id, copy->branches[i].folder.folder_no, &size);
        all += size;
    }
    return r ? r : store_mailbox_room(tx, mailbox_id, all);
}

int folder_copy_begin(struct op_call *call, struct store_tx *tx, const struct access *access, const struct folder *from,
                      const struct folder *to, const struct folder *below, size_t n, struct folder_copy **ret_copy)
{
    struct folder_copy *copy = arena_alloc(call->arena, sizeof(*copy));
    struct branch *branches = NULL;
    if (!copy)
        return -ENOMEM;
    int r = list_tree(call, tx, access, from, below, n, &branches, &copy->n);
    if (r)
        return r;
    copy->access = access;
    copy->branches = branches;
    copy->to_no = to->folder_no;
    copy->copies = arena_array(call->arena, copy->n, sizeof(*copy->copies));
    *ret_copy = copy;
    return copy->copies ? check_quota(tx, copy) : -ENOMEM;
}

int folder_copy_again(struct op_call *call, struct folder_copy **copy)
{
    struct folder_copy *again = arena_alloc(call->arena, sizeof(*again));
    if (!again)
        return -ENOMEM;
    *again = **copy;
    *copy = again;
    return 0;
}

const struct folder *folder_copy_top(const struct folder_copy *copy)
{
    return &copy->copies[0];
}

/* ---- copying ---- */

/* What is in a folder that is left out is left out, too. */
static int begin_folder(struct store_tx *tx, struct folder_copy *c)
{
    const struct branch *branch = &c->branches[c->at];
    struct folder *copy = &c->copies[c->at];
    c->items = (struct store_copying){ 0 };
    *copy = branch->folder;
    copy->role = FOLDER_ROLE_none;
    copy->origin_no = copy->folder_no = 0;
    copy->parent_no = c->at == 0 ? c->to_no : branch->parent < c->n ? c->copies[branch->parent].folder_no : 0;
    c->begun = copy->parent_no != 0;
    return c->begun ? store_folder_insert(tx, copy) : 0;
}

static int copy_items(struct op_call *call, struct store_tx *tx, struct folder_copy *c, unsigned *budget)
{
    const struct folder *from = &c->branches[c->at].folder;
    const unsigned max = *budget;
    unsigned n = 0;
    int r = store_folder_copy_items(tx, from->mailbox_id, from->folder_no, c->copies[c->at].folder_no,
                                    access_creator(call, c->access), max, &c->items, &n);
    *budget -= n;
    if (r == 0 && n < max)
        c->begun = false;
    return r;
}

int folder_copy_step(struct op_call *call, struct store_tx *tx, struct folder_copy *c, unsigned *budget, bool *ret_more)
{
    int r = 0;
    while (r == 0 && c->at < c->n && *budget > 0) {
        if (!c->begun) {
            r = begin_folder(tx, c);
            *budget -= 1;
        }
        if (r == 0 && c->begun && *budget > 0)
            r = copy_items(call, tx, c, budget);
        if (r == 0 && !c->begun)
            c->at++;
    }
    *ret_more = c->at < c->n;
    return r;
}
