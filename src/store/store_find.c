/*
 * FindItem's side of the store: a page of a folder's items in any order of
 * sorts.def. The usual order has a statement and an index of its own; others
 * are put together from the column names of that table, never from input.
 */
#include "model/code.h"
#include "store/store_item.h"
#include "store/store_mail.h"

#include <errno.h>

static const char *const sort_columns[] = {
#define SORT(column) #column,
#include "store/sorts.def"
#undef SORT
};

static const char *sort_column(const char *name)
{
    for (size_t i = 0; name && i < ARRAY_LEN(sort_columns); i++)
        if (strcmp(sort_columns[i], name) == 0)
            return sort_columns[i];
    return NULL;
}

bool find_sorts_by(const char *column)
{
    return sort_column(column) != NULL;
}

static int find_text(const struct store_find *find, bool numbers, struct buf *text)
{
    buf_printf(text, "SELECT %s FROM item WHERE mailbox_id = $1 AND folder_no = $2 AND associated = $3 ORDER BY ",
               numbers ? "item_no" : "item_no, folder_no, " ITEM_COLUMNS);
    if (find->sorts > STORE_FIND_SORTS)
        return -EINVAL;
    for (size_t i = 0; i < find->sorts; i++) {
        const char *column = sort_column(find->sort[i].column);
        if (!column)
            return -EINVAL;
        buf_printf(text, "%s %s, ", column, find->sort[i].descending ? "DESC" : "ASC");
    }
    buf_add_str(text, "item_no DESC LIMIT $4 OFFSET $5");
    buf_add(text, "", 1);
    return buf_error(text);
}

int find_open(struct store_tx *tx, const struct store_find *find, bool numbers, struct sql *ret_sql)
{
    struct buf text = BUF_INIT(4096);
    const struct store_value args[] = { V_INT(find->mailbox_id), V_INT(find->folder_no), V_INT(find->associated),
                                        V_INT(find->limit), V_INT(find->offset) };

    if (find->limit > INT64_MAX || find->offset > INT64_MAX)
        return -EINVAL;
    if (find->sorts == 0)
        return sql_open(tx, SQL_item_recent, args, ARRAY_LEN(args), ret_sql);
    int r = find_text(find, numbers, &text);
    if (r == 0)
        r = sql_open_text(tx, text.ptr, args, ARRAY_LEN(args), ret_sql);
    buf_done(&text);
    return r;
}

static int read_page(struct store_tx *tx, struct arena *arena, const struct store_find *find, struct item **ret_items,
                     size_t *ret_n)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    int r = find_open(tx, find, false, &sql);

    return r != 0 ? r : item_list_from_rows(&sql, arena, find->mailbox_id, ret_items, ret_n);
}

int store_item_find(struct store_tx *tx, struct arena *arena, const struct store_find *find, struct item **ret_items,
                    size_t *ret_n, uint64_t *ret_total)
{
    struct folder folder;
    struct item *items = NULL;
    size_t n = 0;
    int r = store_folder_get(tx, arena, find->mailbox_id, find->folder_no, &folder);
    int64_t total = r == 0 ? folder.total : 0;

    if (r == 0 && find->associated)
        r = sql_number(tx, SQL_item_count, ARGS(V_INT(find->mailbox_id), V_INT(find->folder_no), V_INT(1)), &total);
    if (r == 0 && find->limit > 0)
        r = read_page(tx, arena, find, &items, &n);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = item_load_content(tx, arena, find->depth, &items[i]);
    if (r != 0)
        return r;
    *ret_items = items;
    *ret_n = n;
    *ret_total = (uint64_t)total;
    return 0;
}
