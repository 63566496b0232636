/*
 * Folders: looking them up, and their counts.
 */
#include "model/code.h"
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

    if (r == 0)
        r = sql_copy(sql, 6, arena, &folder.class);
    if (r == 0)
        *ret_folder = folder;
    return r;
}

int store_folder_get(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, uint64_t folder_no, struct folder *ret_folder)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    int r = sql_open(tx, SQL_folder_get, ARGS(V_INT(mailbox_id), V_INT(folder_no)), &sql);

    if (r == 0)
        r = sql_next(&sql);
    if (r <= 0)
        return r < 0 ? r : CODE_ErrorFolderNotFound;
    return read_folder(&sql, arena, mailbox_id, ret_folder);
}

int store_folder_by_role(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, enum folder_role role,
                         struct folder *ret_folder)
{
    return store_folder_get(tx, arena, mailbox_id, (uint64_t)role, ret_folder);
}

static int read_folders(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, uint64_t parent_no, bool deep,
                        struct folder **ret_folders, size_t *ret_n)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    struct folder *list = NULL;
    size_t n = 0, room = 0;
    int r = sql_open(tx, deep ? SQL_folder_all : SQL_folder_children, ARGS(V_INT(mailbox_id), V_INT(parent_no)), &sql);

    if (r != 0)
        return r;
    while ((r = sql_next(&sql)) == 1) {
        list = store_grow(arena, list, n, &room, sizeof(*list));
        if (!list)
            return -ENOMEM;
        r = read_folder(&sql, arena, mailbox_id, &list[n]);
        if (r != 0)
            return r;
        n++;
    }
    if (r != 0)
        return r;
    *ret_folders = list;
    *ret_n = n;
    return 0;
}

static const struct folder *folder_in(const struct folder *list, size_t n, uint64_t folder_no)
{
    for (size_t i = 0; i < n; i++)
        if (list[i].folder_no == folder_no)
            return &list[i];
    return NULL;
}

static bool is_below(const struct folder *list, size_t n, const struct folder *folder, uint64_t top)
{
    if (folder->folder_no == top)
        return false;
    for (size_t depth = 0; folder && depth <= n; depth++) {
        if (folder->parent_no == top)
            return true;
        if (folder->parent_no == folder->folder_no)
            return false;
        folder = folder_in(list, n, folder->parent_no);
    }
    return false;
}

int store_folder_list(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, uint64_t parent_no, bool deep,
                      struct folder **ret_folders, size_t *ret_n)
{
    struct folder *list = NULL;
    size_t n = 0, kept = 0;
    int r = read_folders(tx, arena, mailbox_id, parent_no, deep, &list, &n);

    if (r != 0)
        return r;
    if (!deep) {
        *ret_folders = list;
        *ret_n = n;
        return 0;
    }
    struct folder *below = arena_array(arena, n, sizeof(*below));
    if (!below)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        if (is_below(list, n, &list[i], parent_no))
            below[kept++] = list[i];
    *ret_folders = below;
    *ret_n = kept;
    return 0;
}

int folder_count_item(struct store_tx *tx, int64_t mailbox_id, uint64_t folder_no, uint32_t flags, int sign, uint64_t change_no)
{
    int64_t written = 0;
    int total = flags & ITEM_ASSOCIATED ? 0 : sign;
    int unread = flags & ITEM_READ ? 0 : total;
    int r = sql_run(tx, SQL_folder_count,
                    ARGS(V_INT(mailbox_id), V_INT(folder_no), V_INT(total), V_INT(unread), V_INT(change_no)), &written);

    return r == 0 && written == 0 ? CODE_ErrorFolderNotFound : r;
}
