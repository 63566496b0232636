/*
 * What grantees may do in single folders: rows of folder_permission. Which
 * rights there are is model/folder_rights.def's.
 */
#include "store/store_mailbox.h"
#include "store/store_sql.h"

int store_permission_set(struct store_tx *tx, int64_t mailbox_id, uint64_t folder_no, int64_t grantee_id, uint32_t rights)
{
    const struct store_value args[] = { V_INT(mailbox_id), V_INT(folder_no), V_INT(grantee_id), V_INT(rights) };
    int r = sql_run(tx, SQL_permission_change, args, ARRAY_LEN(args), NULL);

    return r == 0 ? sql_run(tx, SQL_permission_put, args, ARRAY_LEN(args), NULL) : r;
}

int store_permission_clear(struct store_tx *tx, int64_t mailbox_id, uint64_t folder_no, int64_t grantee_id)
{
    return sql_run(tx, SQL_permission_delete, ARGS(V_INT(mailbox_id), V_INT(folder_no), V_INT(grantee_id)), NULL);
}

int store_permission_get(struct store_tx *tx, int64_t mailbox_id, uint64_t folder_no, int64_t grantee_id, uint32_t *ret_rights)
{
    int64_t rights = 0;
    int r = sql_number(tx, SQL_permission_get, ARGS(V_INT(mailbox_id), V_INT(folder_no), V_INT(grantee_id)), &rights);

    if (r == 0)
        *ret_rights = (uint32_t)rights;
    return r;
}

int store_permission_effective(struct store_tx *tx, int64_t mailbox_id, uint64_t folder_no, int64_t grantee_id,
                               uint32_t *ret_rights, bool *ret_named)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    int r = sql_first(tx, SQL_permission_effective, ARGS(V_INT(mailbox_id), V_INT(folder_no), V_INT(grantee_id)), &sql);

    if (r != 0)
        return r;
    *ret_rights = (uint32_t)sql_int(&sql, 0);
    *ret_named = sql_int(&sql, 1) == grantee_id;
    return 0;
}

static int read_of_grantee(struct sql *sql, struct arena *arena ATTR_UNUSED, void *ret_row)
{
    struct store_entry *entry = ret_row;

    entry->folder_no = (uint64_t)sql_int(sql, 0);
    entry->grantee_id = sql_int(sql, 1);
    entry->rights = (uint32_t)sql_int(sql, 2);
    return 0;
}

int store_permission_of_grantee(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, int64_t grantee_id,
                                struct store_entry **ret_entries, size_t *ret_n)
{
    return sql_list(tx, arena, SQL_permission_of_grantee, ARGS(V_INT(mailbox_id), V_INT(grantee_id)), sizeof(struct store_entry),
                    read_of_grantee, ret_entries, ret_n);
}

static int read_of_folder(struct sql *sql, struct arena *arena, void *ret_row)
{
    struct store_entry *entry = ret_row;
    struct span guid = { 0 };

    entry->grantee_id = sql_int(sql, 0);
    entry->rights = (uint32_t)sql_int(sql, 1);
    if (entry->grantee_id <= 0)
        return 0;
    int r = sql_copy(sql, 2, arena, &guid);
    if (r == 0)
        r = sql_copy(sql, 3, arena, &entry->address);
    entry->guid = guid.len == STORE_GUID_SIZE ? (const uint8_t *)guid.ptr : NULL;
    return r == 0 ? sql_copy(sql, 4, arena, &entry->display_name) : r;
}

int store_permission_of_folder(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, uint64_t folder_no,
                               struct store_entry **ret_entries, size_t *ret_n)
{
    return sql_list(tx, arena, SQL_permission_of_folder, ARGS(V_INT(mailbox_id), V_INT(folder_no)), sizeof(struct store_entry),
                    read_of_folder, ret_entries, ret_n);
}

int store_permission_drop(struct store_tx *tx, int64_t mailbox_id, uint64_t folder_no)
{
    return sql_run(tx, SQL_permission_drop, ARGS(V_INT(mailbox_id), V_INT(folder_no)), NULL);
}

static int read_permission(struct sql *sql, struct arena *arena, void *ret_row)
{
    struct store_permission *permission = ret_row;

    permission->folder_no = (uint64_t)sql_int(sql, 0);
    permission->rights = (uint32_t)sql_int(sql, 1);
    permission->role = (int)sql_int(sql, 4);
    int r = sql_copy(sql, 2, arena, &permission->mailbox);
    if (r == 0)
        r = sql_copy(sql, 3, arena, &permission->grantee);
    return r == 0 ? sql_copy(sql, 5, arena, &permission->name) : r;
}

int store_permission_list(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, int64_t grantee_id,
                          struct store_permission **ret_permissions, size_t *ret_n)
{
    return sql_list(tx, arena, SQL_permission_list, ARGS(V_INT(mailbox_id), V_INT(grantee_id)), sizeof(struct store_permission),
                    read_permission, ret_permissions, ret_n);
}
