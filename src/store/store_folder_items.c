/*
 * What is done to all items of a folder, some at a time: they are listed first
 * and then treated one by one, by the verbs for single items, so that counts,
 * changes and content are kept as theirs are.
 */
#include "store/store_folder.h"

#include "model/code.h"
#include "store/store_item.h"

#include <errno.h>

enum { ROOM = 16 << 20 }; /* for the rows of one step */

static int list_numbers(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, uint64_t folder_no, bool hidden, unsigned max,
                        uint64_t **ret_numbers, unsigned *ret_n)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    uint64_t *numbers = arena_array(arena, max, sizeof(*numbers));
    unsigned n = 0;

    if (!numbers)
        return -ENOMEM;
    int r = sql_open(tx, SQL_folder_items, ARGS(V_INT(mailbox_id), V_INT(folder_no), V_INT(hidden), V_INT(max)), &sql);
    while (r == 0 && (r = sql_next(&sql)) == 1 && n < max) {
        numbers[n++] = (uint64_t)sql_int(&sql, 0);
        r = 0;
    }
    if (r < 0)
        return r;
    *ret_numbers = numbers;
    *ret_n = n;
    return 0;
}

int store_folder_delete_items(struct store_tx *tx, int64_t mailbox_id, uint64_t folder_no, bool hidden, unsigned max, unsigned *ret_n)
{
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    uint64_t *numbers = NULL;
    unsigned n = 0;
    int r = arena_new(ROOM, &arena);

    if (r == 0)
        r = list_numbers(tx, arena, mailbox_id, folder_no, hidden, max, &numbers, &n);
    for (unsigned i = 0; r == 0 && i < n; i++)
        r = store_item_delete(tx, mailbox_id, numbers[i]);
    if (r == 0)
        *ret_n = n;
    return r;
}

static int move_one(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, uint64_t item_no, uint64_t to_no)
{
    struct item item;
    int r = store_item_get(tx, arena, mailbox_id, item_no, STORE_HOT, &item);

    return r == 0 ? store_item_move(tx, &item, to_no, true) : r;
}

int store_folder_move_items(struct store_tx *tx, int64_t mailbox_id, uint64_t folder_no, uint64_t to_no, bool hidden, unsigned max,
                            unsigned *ret_n)
{
    CLEANUP(free_ptr_arena) struct arena *arena = NULL, *row = NULL;
    uint64_t *numbers = NULL;
    unsigned n = 0;
    int r = arena_new(ROOM, &arena);

    if (r == 0)
        r = arena_new(ROOM, &row);
    if (r == 0)
        r = list_numbers(tx, arena, mailbox_id, folder_no, hidden, max, &numbers, &n);
    for (unsigned i = 0; r == 0 && i < n; i++) {
        r = move_one(tx, row, mailbox_id, numbers[i], to_no);
        arena_reset(row);
    }
    if (r == 0)
        *ret_n = n;
    return r;
}

struct listed {
    struct item item;
    int64_t associated;
};

static int read_listed(struct sql *sql, struct arena *arena, void *ret_row)
{
    struct listed *listed = ret_row;

    listed->associated = sql_int(sql, 2 + ITEM_COLUMNS_N);
    return item_from_row(sql, arena, 0, &listed->item);
}

int store_folder_copy_items(struct store_tx *tx, int64_t mailbox_id, uint64_t folder_no, uint64_t to_no, int64_t creator_id,
                            unsigned max, struct store_copying *copying, unsigned *ret_n)
{
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    const struct listed *listed = NULL;
    size_t n = 0;
    int r = arena_new(ROOM * 4, &arena);

    if (r == 0)
        r = sql_list(tx, arena, SQL_folder_items_after,
                     ARGS(V_INT(mailbox_id), V_INT(folder_no), V_INT(copying->begun ? copying->associated : -1), V_INT(copying->received),
                          V_INT(copying->item_no), V_INT(max)),
                     sizeof(*listed), read_listed, &listed, &n);
    for (size_t i = 0; r == 0 && i < n; i++) {
        struct item copy = listed[i].item;
        copying->begun = true;
        copying->associated = listed[i].associated;
        copying->received = copy.received;
        copying->item_no = copy.item_no;
        if (copy.damaged)
            return CODE_ErrorItemCorrupt;
        copy.mailbox_id = mailbox_id;
        copy.creator_id = creator_id;
        r = store_item_copy(tx, &copy, to_no);
    }
    if (r == 0)
        *ret_n = (unsigned)n;
    return r;
}

int store_folder_size(struct store_tx *tx, int64_t mailbox_id, uint64_t folder_no, uint64_t *ret_size)
{
    int64_t size = 0;
    int r = sql_number(tx, SQL_folder_size, ARGS(V_INT(mailbox_id), V_INT(folder_no)), &size);

    if (r == 0)
        *ret_size = (uint64_t)size;
    return r;
}
