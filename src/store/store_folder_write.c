/*
 * Writing folders. Each write takes the mailbox' next change number, keeps the
 * number of children of the folders around it, and leaves what it does to the
 * tree in folder_log.
 */
#include "store/store_folder.h"

#include "model/fold.h"
#include "base/when.h"
#include "model/code.h"
#include "store/store_hierarchy.h"
#include "store/store_mailbox.h"
#include "store/store_sql.h"

#include <errno.h>

enum { PACKED_MAX = 1 << 20 };

int store_folder_by_name(struct store_tx *tx, int64_t mailbox_id, uint64_t parent_no, struct span name, uint64_t *ret_folder_no)
{
    struct span key = { 0 };
    int64_t number = 0;
    int r = fold_text(tx->scratch, name, FOLD_CASE, &key);

    if (r == 0)
        r = sql_number(tx, SQL_folder_by_name, ARGS(V_INT(mailbox_id), V_INT(parent_no), V_BLOB(key)), &number);
    if (r == 0)
        *ret_folder_no = (uint64_t)number;
    return r;
}

/* Is the name free in a folder, but for the one that is to have it? */
static int check_name(struct store_tx *tx, const struct folder *folder, uint64_t parent_no)
{
    uint64_t other = 0;
    int r = store_folder_by_name(tx, folder->mailbox_id, parent_no, folder->name, &other);

    if (r != 0)
        return r < 0 ? r : 0;
    return other == folder->folder_no ? 0 : CODE_ErrorFolderExists;
}

static int grow(struct store_tx *tx, int64_t mailbox_id, uint64_t folder_no, int by, uint64_t change)
{
    int64_t written = 0;
    int r = sql_run(tx, SQL_folder_grow, ARGS(V_INT(mailbox_id), V_INT(folder_no), V_INT(by), V_INT(change)), &written);

    return r == 0 && written == 0 ? CODE_ErrorFolderNotFound : r;
}

/* The name's key and the packed extended properties, which the caller frees. */
static int make_values(struct store_tx *tx, const struct folder *folder, struct span *ret_key, struct buf *packed)
{
    int r = fold_text(tx->scratch, folder->name, FOLD_CASE, ret_key);

    xprops_pack(&folder->xprops, packed);
    return r == 0 ? buf_error(packed) : r;
}

static struct store_value packed_value(const struct buf *packed)
{
    return packed->len ? V_BLOB(buf_span(packed)) : V_NULL;
}

static int insert(struct store_tx *tx, const struct folder *folder)
{
    struct buf packed = BUF_INIT(PACKED_MAX);
    struct span key = { 0 };
    int r = make_values(tx, folder, &key, &packed);

    if (r == 0)
        r = sql_run(tx, SQL_folder_create,
                    ARGS(V_INT(folder->mailbox_id), V_INT(folder->folder_no), V_INT(folder->parent_no), V_INT(folder->change_no),
                         V_TEXT(folder->name), V_BLOB(key), V_TEXT(folder->class), packed_value(&packed)),
                    NULL);
    buf_done(&packed);
    return r;
}

int store_folder_insert(struct store_tx *tx, struct folder *folder)
{
    uint64_t no = 0, change = 0;
    int r = check_name(tx, folder, folder->parent_no);

    if (r == 0)
        r = store_take_numbers(tx, folder->mailbox_id, 1, STORE_NO_GROWTH, &no, &change);
    if (r == 0)
        r = grow(tx, folder->mailbox_id, folder->parent_no, 1, change);
    if (r != 0)
        return r;
    folder->folder_no = no;
    folder->change_no = folder->key_no = change;
    r = insert(tx, folder);
    if (r == 0)
        r = sql_run(tx, SQL_permission_inherit, ARGS(V_INT(folder->mailbox_id), V_INT(folder->parent_no), V_INT(no)), NULL);
    return r == 0 ? hierarchy_note(tx, folder, HIERARCHY_CREATED, 0) : r;
}

int store_folder_update(struct store_tx *tx, struct folder *folder)
{
    struct buf packed = BUF_INIT(PACKED_MAX);
    struct span key = { 0 };
    uint64_t no = 0, change = 0;
    int64_t written = 0;
    int r = folder->origin_no || folder->parent_no == folder->folder_no ? 0 : check_name(tx, folder, folder->parent_no);

    if (r == 0)
        r = store_take_numbers(tx, folder->mailbox_id, 0, STORE_NO_GROWTH, &no, &change);
    if (r == 0)
        r = make_values(tx, folder, &key, &packed);
    if (r == 0)
        r = sql_run(tx, SQL_folder_write,
                    ARGS(V_INT(folder->mailbox_id), V_INT(folder->folder_no), V_INT(change), V_TEXT(folder->name), V_BLOB(key),
                         V_TEXT(folder->class), packed_value(&packed)),
                    &written);
    buf_done(&packed);
    if (r != 0 || written == 0)
        return r != 0 ? r : CODE_ErrorFolderNotFound;
    folder->change_no = folder->key_no = change;
    return 0;
}

static int place(struct store_tx *tx, const struct folder *folder)
{
    struct span key = { 0 };
    int64_t written = 0;
    int r = fold_text(tx->scratch, folder->name, FOLD_CASE, &key);

    if (r == 0)
        r = sql_run(tx, SQL_folder_place,
                    ARGS(V_INT(folder->mailbox_id), V_INT(folder->folder_no), V_INT(folder->change_no), V_TEXT(folder->name),
                         V_BLOB(key), V_INT(folder->parent_no), V_INT(folder->origin_no)),
                    &written);
    return r == 0 && written == 0 ? CODE_ErrorFolderNotFound : r;
}

int store_folder_move(struct store_tx *tx, struct folder *folder, uint64_t parent_no, uint64_t origin_no)
{
    const uint64_t from = folder->parent_no;
    uint64_t no = 0, change = 0;
    int r = origin_no ? 0 : check_name(tx, folder, parent_no);

    if (r == 0)
        r = store_take_numbers(tx, folder->mailbox_id, 0, STORE_NO_GROWTH, &no, &change);
    if (r == 0)
        r = grow(tx, folder->mailbox_id, from, -1, change);
    if (r == 0)
        r = grow(tx, folder->mailbox_id, parent_no, 1, change);
    if (r != 0)
        return r;
    folder->change_no = folder->key_no = change;
    folder->parent_no = parent_no;
    folder->origin_no = origin_no;
    r = place(tx, folder);
    return r == 0 && from != parent_no ? hierarchy_note(tx, folder, HIERARCHY_MOVED, from) : r;
}

int store_folder_delete(struct store_tx *tx, const struct folder *folder)
{
    struct folder gone = *folder;
    uint64_t no = 0;
    int64_t written = 0;
    int r = store_take_numbers(tx, folder->mailbox_id, 0, STORE_NO_GROWTH, &no, &gone.change_no);

    if (r == 0)
        r = sql_run(tx, SQL_folder_delete, ARGS(V_INT(folder->mailbox_id), V_INT(folder->folder_no)), &written);
    if (r != 0 || written == 0)
        return r != 0 ? r : CODE_ErrorFolderNotFound;
    tx->there.mailbox_id = 0;
    r = grow(tx, folder->mailbox_id, folder->parent_no, -1, gone.change_no);
    if (r == 0)
        r = store_permission_drop(tx, folder->mailbox_id, folder->folder_no);
    return r == 0 ? hierarchy_note(tx, &gone, HIERARCHY_DELETED, folder->parent_no) : r;
}

int store_folder_child(struct store_tx *tx, int64_t mailbox_id, uint64_t parent_no, uint64_t *ret_folder_no)
{
    int64_t number = 0;
    int r = sql_number(tx, SQL_folder_child, ARGS(V_INT(mailbox_id), V_INT(parent_no)), &number);

    if (r == 0)
        *ret_folder_no = (uint64_t)number;
    return r;
}

int store_folder_number(struct store_tx *tx, int64_t mailbox_id, uint64_t *ret_n)
{
    int64_t n = 0;
    int r = sql_number(tx, SQL_folder_number, ARGS(V_INT(mailbox_id)), &n);

    if (r == 0)
        *ret_n = (uint64_t)n;
    return r;
}
