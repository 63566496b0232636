/*
 * How the tree of folders is now, and how it was at an earlier change number:
 * the first row of folder_log since then says of each folder whether it existed
 * and what it was in; a folder without a row is where it was. So what a client
 * must be told is exact, whatever was created, moved and deleted in between, and
 * in whatever order. Rows older than KEEP go, some time later, and leave one that
 * says so.
 */
#include "store/store_hierarchy.h"

#include "base/when.h"
#include "store/store_sql.h"

#include <errno.h>
#include <stdlib.h>

#define KEEP (INT64_C(90) * 86400000) /* ms */

static int put(struct store_tx *tx, int64_t mailbox_id, uint64_t change_no, uint64_t folder_no, enum hierarchy_change change,
               uint64_t parent_no)
{
    return sql_run(tx, SQL_folder_log_put,
                   ARGS(V_INT(mailbox_id), V_INT(change_no), V_INT(folder_no), V_INT(change), V_INT(parent_no), V_INT(when_now())),
                   NULL);
}

/* The row that is left behind is new, so that this is seldom done. */
static int forget(struct store_tx *tx, int64_t mailbox_id)
{
    const int64_t since = when_now() - KEEP;
    int64_t oldest = 0, last = 0;
    int r = sql_number(tx, SQL_folder_log_oldest, ARGS(V_INT(mailbox_id)), &oldest);

    if (r != 0 || oldest >= since)
        return r < 0 ? r : 0;
    r = sql_number(tx, SQL_folder_log_over, ARGS(V_INT(mailbox_id), V_INT(since)), &last);
    if (r == 0)
        r = sql_run(tx, SQL_folder_log_forget, ARGS(V_INT(mailbox_id), V_INT(last)), NULL);
    return r == 0 ? put(tx, mailbox_id, (uint64_t)last, 0, HIERARCHY_FORGOTTEN, 0) : r;
}

int hierarchy_note(struct store_tx *tx, const struct folder *folder, enum hierarchy_change change, uint64_t parent_no)
{
    int r = put(tx, folder->mailbox_id, folder->change_no, folder->folder_no, change, parent_no);

    return r == 0 ? forget(tx, folder->mailbox_id) : r;
}

int store_hierarchy_now(struct store_tx *tx, int64_t mailbox_id, uint64_t *ret_change)
{
    int64_t change = 0;
    int r = sql_number(tx, SQL_mailbox_change, ARGS(V_INT(mailbox_id)), &change);

    if (r == 0)
        *ret_change = (uint64_t)change;
    return r > 0 ? -ENOENT : r;
}

/* ---- then and now ---- */

struct row {
    uint64_t folder_no, parent_no, change_no;
    int kind;
};

static int read_row(struct sql *sql, struct arena *arena ATTR_UNUSED, void *ret_row)
{
    struct row *row = ret_row;

    row->folder_no = (uint64_t)sql_int(sql, 0);
    row->kind = (int)sql_int(sql, 1);
    row->parent_no = (uint64_t)sql_int(sql, 2);
    row->change_no = (uint64_t)sql_int(sql, 3);
    return 0;
}

enum { THEN, NOW, TIMES };

struct node {
    uint64_t folder_no;
    uint64_t parent[TIMES]; /* 0: it did not exist */
    int depth[TIMES];       /* below the top; 0: unknown, -1: not below */
    bool too_new;           /* came into being after what is asked for */
    bool logged;
    const struct folder *folder;
};

struct tree {
    struct node *nodes; /* by number */
    size_t n;
    uint64_t top;
};

static int by_number(const void *a, const void *b)
{
    const struct node *x = a, *y = b;

    return x->folder_no < y->folder_no ? -1 : x->folder_no > y->folder_no;
}

static struct node *find(const struct tree *tree, uint64_t folder_no)
{
    const struct node wanted = { .folder_no = folder_no };

    return bsearch(&wanted, tree->nodes, tree->n, sizeof(wanted), by_number);
}

/* From the folders as they are, and nodes for those that are only in the log. */
static int plant(struct arena *arena, const struct folder *folders, size_t folders_n, const struct row *rows, size_t rows_n,
                 struct tree *tree)
{
    size_t n = 0;

    tree->nodes = arena_array(arena, folders_n + rows_n, sizeof(*tree->nodes));
    if (!tree->nodes)
        return -ENOMEM;
    for (; n < folders_n; n++)
        tree->nodes[n] = (struct node){ .folder_no = folders[n].folder_no, .folder = &folders[n],
                                        .parent = { folders[n].parent_no, folders[n].parent_no } };
    for (size_t i = 0; i < rows_n; i++)
        if (rows[i].kind == HIERARCHY_DELETED)
            tree->nodes[n++] = (struct node){ .folder_no = rows[i].folder_no };
    tree->n = n;
    qsort(tree->nodes, n, sizeof(*tree->nodes), by_number);
    return 0;
}

/* The first row of each folder says how it was then. */
static void look_back(struct tree *tree, const struct row *rows, size_t rows_n, uint64_t until)
{
    for (size_t i = 0; i < rows_n; i++) {
        struct node *node = find(tree, rows[i].folder_no);
        if (!node || node->logged)
            continue;
        node->logged = true;
        node->parent[THEN] = rows[i].kind == HIERARCHY_CREATED ? 0 : rows[i].parent_no;
        node->too_new = rows[i].kind == HIERARCHY_CREATED && rows[i].change_no > until;
    }
}

/* How deep a folder is below the top; -1: it is not. What is found on the way up
 * is noted on the way down, so that all of them together take one walk. */
static int depth_of(const struct tree *tree, struct node *node, int time)
{
    struct node *at = node;
    int steps = 0, known = -1;

    while (at && at->depth[time] == 0 && (size_t)steps <= tree->n) {
        const uint64_t parent = at->folder_no == tree->top ? 0 : at->parent[time];
        steps++;
        if (parent == tree->top) {
            known = 0;
            break;
        }
        at = parent && parent != at->folder_no ? find(tree, parent) : NULL;
        if (at && at->depth[time] != 0)
            known = at->depth[time];
    }
    if (node->depth[time] != 0)
        return node->depth[time];
    at = node;
    for (int depth = known < 0 ? -1 : known + steps; steps > 0 && at; steps--) {
        at->depth[time] = depth;
        depth -= depth > 0;
        at = find(tree, at->parent[time]);
    }
    return node->depth[time];
}

static int by_depth(const void *a, const void *b)
{
    const struct store_followed *x = a, *y = b;

    if (!x->folder != !y->folder)
        return x->folder ? -1 : 1;
    if (x->depth != y->depth)
        return x->depth < y->depth ? -1 : 1;
    return x->folder_no < y->folder_no ? -1 : x->folder_no > y->folder_no;
}

static int compare(struct arena *arena, const struct tree *tree, uint64_t since, struct store_followed **ret_changes, size_t *ret_n)
{
    struct store_followed *changes = arena_array(arena, tree->n, sizeof(*changes));
    size_t n = 0;

    if (!changes)
        return -ENOMEM;
    for (size_t i = 0; i < tree->n; i++) {
        struct node *node = &tree->nodes[i];
        const bool was = since > 0 && depth_of(tree, node, THEN) > 0, is = node->folder && depth_of(tree, node, NOW) > 0;
        if (node->too_new || (was == is && (!is || node->folder->key_no <= since)))
            continue;
        changes[n++] = (struct store_followed){ .folder_no = node->folder_no, .depth = is ? (unsigned)node->depth[NOW] : 0,
                                                .was = was, .folder = is ? node->folder : NULL };
    }
    if (n > 0)
        qsort(changes, n, sizeof(*changes), by_depth);
    *ret_changes = changes;
    *ret_n = n;
    return 0;
}

/* Nothing new is what most who ask are told: two looks into an index. */
static int anything(struct store_tx *tx, int64_t mailbox_id, uint64_t since, size_t rows_n, bool *ret_any)
{
    int64_t one = 0;
    int r = since == 0 || rows_n > 0 ? 0 : sql_number(tx, SQL_folder_changed, ARGS(V_INT(mailbox_id), V_INT(since)), &one);

    *ret_any = r == 0;
    return r < 0 ? r : 0;
}

int store_hierarchy_changes(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, uint64_t top, uint64_t since, uint64_t until,
                            struct store_followed **ret_changes, size_t *ret_n)
{
    struct tree tree = { .top = top };
    struct folder *folders = NULL;
    struct row *rows = NULL;
    size_t rows_n = 0, folders_n = 0;
    bool any = false;
    int r = sql_list(tx, arena, SQL_folder_log_since, ARGS(V_INT(mailbox_id), V_INT(since ? since : until)), sizeof(*rows),
                     read_row, &rows, &rows_n);

    for (size_t i = 0; r == 0 && since && i < rows_n; i++)
        if (rows[i].kind == HIERARCHY_FORGOTTEN)
            return 1;
    if (r == 0)
        r = anything(tx, mailbox_id, since, rows_n, &any);
    *ret_n = 0;
    if (r != 0 || !any)
        return r;
    r = store_folder_all(tx, arena, mailbox_id, &folders, &folders_n);
    if (r == 0)
        r = plant(arena, folders, folders_n, rows, rows_n, &tree);
    if (r != 0)
        return r;
    look_back(&tree, rows, rows_n, until);
    return compare(arena, &tree, since, ret_changes, ret_n);
}
