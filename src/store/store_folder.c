/*
 * Folders: looking them up, one or all below another, and their counts.
 */
#include "model/code.h"
#include "store/store_folder.h"
#include "store/store_item.h"
#include "store/store_mail.h"

#include <errno.h>

static int read_folder(struct sql *sql, struct arena *arena, int64_t mailbox_id, struct folder *ret_folder)
{
    struct folder folder = {
        .mailbox_id = mailbox_id,
        .folder_no = (uint64_t)sql_int(sql, 0),
        .parent_no = (uint64_t)sql_int(sql, 1),
        .role = (enum folder_role)sql_int(sql, 2),
        .change_no = (uint64_t)sql_int(sql, 3),
        .key_no = (uint64_t)sql_int(sql, 4),
        .total = (uint32_t)sql_int(sql, 7),
        .unread = (uint32_t)sql_int(sql, 8),
        .children = (uint32_t)sql_int(sql, 9),
    };
    int r = sql_copy(sql, 5, arena, &folder.name);

    struct span packed = sql_bytes(sql, 11);

    folder.origin_no = (uint64_t)sql_int(sql, 10);
    if (r == 0)
        r = sql_copy(sql, 6, arena, &folder.class);
    if (r == 0 && packed.len > 0)
        r = xprops_unpack(arena, packed, &folder.xprops);
    if (r == -EBADMSG)
        r = CODE_ErrorFolderCorrupt;
    if (r == 0)
        *ret_folder = folder;
    return r;
}

int store_folder_get(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, uint64_t folder_no, struct folder *ret_folder)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    int r = sql_first(tx, SQL_folder_get, ARGS(V_INT(mailbox_id), V_INT(folder_no)), &sql);

    if (r != 0)
        return r < 0 ? r : CODE_ErrorFolderNotFound;
    tx->there.mailbox_id = mailbox_id;
    tx->there.folder_no = folder_no;
    return read_folder(&sql, arena, mailbox_id, ret_folder);
}

int store_folder_by_role(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, enum folder_role role,
                         struct folder *ret_folder)
{
    return store_folder_get(tx, arena, mailbox_id, (uint64_t)role, ret_folder);
}

static int read_row(struct sql *sql, struct arena *arena, void *ret_row)
{
    struct folder *folder = ret_row;
    int r = read_folder(sql, arena, 0, folder);

    if (r == CODE_ErrorFolderCorrupt) { /* only its extended properties are lost */
        folder->xprops = (struct xprop_list){ 0 };
        r = 0;
    }
    return r;
}

static int list(struct store_tx *tx, struct arena *arena, enum store_statement statement, const struct store_value *args, size_t args_n,
                struct folder **ret_folders, size_t *ret_n)
{
    int r = sql_list(tx, arena, statement, args, args_n, sizeof(struct folder), read_row, ret_folders, ret_n);

    for (size_t i = 0; r == 0 && i < *ret_n; i++)
        (*ret_folders)[i].mailbox_id = args[0].number;
    return r;
}

/* ---- the tree ---- */

struct tree {
    const struct folder *list; /* by number */
    size_t n;
    uint8_t *place; /* of each: unknown, or whether it is below */
};
enum { UNKNOWN, BELOW, ELSEWHERE };

static size_t find(const struct tree *tree, uint64_t folder_no)
{
    size_t low = 0, high = tree->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (tree->list[middle].folder_no < folder_no)
            low = middle + 1;
        else
            high = middle;
    }
    return low < tree->n && tree->list[low].folder_no == folder_no ? low : tree->n;
}

static uint8_t step_up(const struct tree *tree, size_t i, uint64_t top, size_t *ret_parent)
{
    const struct folder *folder = &tree->list[i];

    if (folder->folder_no == top || folder->parent_no == folder->folder_no)
        return ELSEWHERE;
    if (folder->parent_no == top)
        return BELOW;
    *ret_parent = find(tree, folder->parent_no);
    return *ret_parent == tree->n ? ELSEWHERE : tree->place[*ret_parent];
}

/* Goes up until something is known, and then notes it all the way: each folder is
 * passed twice at most, however deep they are. */
static uint8_t place_of(const struct tree *tree, size_t start, uint64_t top)
{
    uint8_t place = tree->place[start];
    size_t at = start, up = 0;

    for (size_t steps = 0; place == UNKNOWN && steps <= tree->n; steps++) {
        place = step_up(tree, at, top, &up);
        at = place == UNKNOWN ? up : at;
    }
    place = place == UNKNOWN ? ELSEWHERE : place; /* they go in circles */
    for (at = start; at < tree->n && tree->place[at] == UNKNOWN; at = find(tree, tree->list[at].parent_no))
        tree->place[at] = place;
    return place;
}

static int list_below(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, uint64_t top, struct folder **ret_folders,
                      size_t *ret_n)
{
    struct folder *all = NULL;
    struct tree tree = { 0 };
    size_t kept = 0;
    int r = list(tx, arena, SQL_folder_all, ARGS(V_INT(mailbox_id)), &all, &tree.n);

    if (r != 0)
        return r;
    tree.list = all;
    tree.place = arena_alloc(arena, tree.n);
    if (!tree.place)
        return -ENOMEM;
    for (size_t i = 0; i < tree.n; i++)
        tree.place[i] = place_of(&tree, i, top);
    for (size_t i = 0; i < tree.n; i++)
        if (tree.place[i] == BELOW)
            all[kept++] = all[i];
    *ret_folders = all;
    *ret_n = kept;
    return 0;
}

int store_folder_list(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, uint64_t parent_no, bool deep,
                      struct folder **ret_folders, size_t *ret_n)
{
    if (deep)
        return list_below(tx, arena, mailbox_id, parent_no, ret_folders, ret_n);
    return list(tx, arena, SQL_folder_children, ARGS(V_INT(mailbox_id), V_INT(parent_no)), ret_folders, ret_n);
}

int store_folder_all(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, struct folder **ret_folders, size_t *ret_n)
{
    return list(tx, arena, SQL_folder_all, ARGS(V_INT(mailbox_id)), ret_folders, ret_n);
}

int store_folder_list_recoverable(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, uint64_t origin_no,
                                  struct folder **ret_folders, size_t *ret_n)
{
    return list(tx, arena, SQL_folder_recoverable,
                ARGS(V_INT(mailbox_id), V_INT(FOLDER_ROLE_recoverableitemsdeletions), V_INT(origin_no)), ret_folders, ret_n);
}

static int count_total(uint32_t flags, int sign)
{
    return flags & ITEM_ASSOCIATED ? 0 : sign;
}

static int count_unread(uint32_t flags, int sign)
{
    return flags & ITEM_READ ? 0 : count_total(flags, sign);
}

int folder_count_item(struct store_tx *tx, int64_t mailbox_id, uint64_t folder_no, uint32_t flags, int sign, uint64_t change_no)
{
    int64_t written = 0;
    int total = count_total(flags, sign), unread = count_unread(flags, sign);
    int r = sql_run(tx, SQL_folder_count,
                    ARGS(V_INT(mailbox_id), V_INT(folder_no), V_INT(total), V_INT(unread), V_INT(change_no)), &written);

    return r == 0 && written == 0 ? CODE_ErrorFolderNotFound : r;
}

/* Each mailbox has those with a role. */
static bool is_there(const struct store_tx *tx, int64_t mailbox_id, uint64_t folder_no)
{
    return folder_no < FOLDER_ROLE_COUNT || (tx->there.mailbox_id == mailbox_id && tx->there.folder_no == folder_no);
}

/* The one that it comes from has the item. */
static int count_both(struct store_tx *tx, const struct item *item, const struct item_place *from)
{
    bool sure = is_there(tx, item->mailbox_id, item->folder_no);
    int64_t written = 2;
    int r = sql_run(tx, SQL_folder_count_both,
                    ARGS(V_INT(item->mailbox_id), V_INT(item->folder_no), V_INT(count_total(item->flags, 1)),
                         V_INT(count_unread(item->flags, 1)), V_INT(from->folder_no), V_INT(count_total(from->flags, -1)),
                         V_INT(count_unread(from->flags, -1)), V_INT(item->change_no)),
                    sure ? NULL : &written);

    return r == 0 && written != 2 ? CODE_ErrorFolderNotFound : r;
}

int folder_count_move(struct store_tx *tx, const struct item *item, const struct item_place *from)
{
    if (!tx->driver->one_writer && from->folder_no != item->folder_no)
        return count_both(tx, item, from);
    int r = folder_count_item(tx, item->mailbox_id, item->folder_no, item->flags, 1, item->change_no);
    return r == 0 ? folder_count_item(tx, item->mailbox_id, from->folder_no, from->flags, -1, item->change_no) : r;
}
