/*
 * Running statements: thin wrappers over the driver's slots that close what
 * they open.
 */
#include "model/code.h"
#include "store/store_core.h"

#include <errno.h>

enum { SCRATCH_CAP = 16 * 1024 * 1024, PACKED_MAX = 16 * 1024 * 1024 };

int store_tx_open(struct store_tx *tx)
{
    tx->packed = BUF_INIT(PACKED_MAX);
    return arena_new(SCRATCH_CAP, &tx->scratch);
}

void store_tx_close(struct store_tx *tx)
{
    arena_free(tx->scratch);
    buf_done(&tx->packed);
}

static int run_rows(struct store_tx *tx, struct store_rows *rows, int64_t *ret_changes)
{
    int r;

    do
        r = tx->driver->step(rows);
    while (r > 0);
    tx->driver->finish(rows);
    if (r < 0) {
        tx->dirty = true; /* who knows how far it came */
        return r;
    }
    int64_t changes = tx->driver->changes(tx->conn);
    tx->dirty = tx->dirty || changes > 0;
    if (ret_changes)
        *ret_changes = changes;
    return 0;
}

/* Where nobody asks how many rows were written, some may have been. */
static int run_later(struct store_tx *tx, enum store_statement statement, const struct store_value *args, size_t n,
                     int64_t *ret_changes)
{
    int r = tx->driver->run(tx->conn, statement, args, n, ret_changes);

    tx->dirty = tx->dirty || r != 0 || !ret_changes || *ret_changes > 0;
    return r;
}

int sql_run(struct store_tx *tx, enum store_statement statement, const struct store_value *args, size_t n, int64_t *ret_changes)
{
    struct store_rows *rows = NULL;
    int r = hold_for_statement(tx, statement, args, n);

    if (r != 0)
        return r;
    if (tx->driver->run)
        return run_later(tx, statement, args, n, ret_changes);
    r = tx->driver->start(tx->conn, statement, NULL, args, n, &rows);
    return r == 0 ? run_rows(tx, rows, ret_changes) : r;
}

int sql_run_text(struct store_tx *tx, const char *text, const struct store_value *args, size_t n)
{
    struct store_rows *rows = NULL;
    int r = tx->driver->start(tx->conn, 0, text, args, n, &rows);

    return r == 0 ? run_rows(tx, rows, NULL) : r;
}

int sql_expect(struct store_tx *tx, enum store_statement statement, const struct store_value *args, size_t n)
{
    int r = tx->driver->expect ? hold_for_statement(tx, statement, args, n) : 0;

    return r == 0 && tx->driver->expect ? tx->driver->expect(tx->conn, statement, args, n) : r;
}

bool sql_is_expected(struct store_tx *tx, enum store_statement statement, const struct store_value *args, size_t n)
{
    return tx->driver->expect && tx->driver->is_expected(tx->conn, statement, args, n);
}

int sql_number(struct store_tx *tx, enum store_statement statement, const struct store_value *args, size_t n, int64_t *ret_value)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    int r = sql_first(tx, statement, args, n, &sql);

    if (r == 0)
        *ret_value = sql_int(&sql, 0);
    return r;
}

int sql_open(struct store_tx *tx, enum store_statement statement, const struct store_value *args, size_t n, struct sql *ret_sql)
{
    int r = hold_for_statement(tx, statement, args, n);

    ret_sql->driver = tx->driver;
    return r == 0 ? tx->driver->start(tx->conn, statement, NULL, args, n, &ret_sql->rows) : r;
}

int sql_first(struct store_tx *tx, enum store_statement statement, const struct store_value *args, size_t n, struct sql *ret_sql)
{
    int r = sql_open(tx, statement, args, n, ret_sql);

    if (r != 0)
        return r;
    r = sql_next(ret_sql);
    return r < 0 ? r : r == 0;
}

int sql_open_text(struct store_tx *tx, const char *text, const struct store_value *args, size_t n, struct sql *ret_sql)
{
    ret_sql->driver = tx->driver;
    return tx->driver->start(tx->conn, 0, text, args, n, &ret_sql->rows);
}

int sql_next(struct sql *sql)
{
    return sql->driver->step(sql->rows);
}

int64_t sql_int(struct sql *sql, unsigned column)
{
    return sql->driver->get_int(sql->rows, column);
}

struct span sql_bytes(struct sql *sql, unsigned column)
{
    return sql->driver->get_bytes(sql->rows, column);
}

int sql_copy(struct sql *sql, unsigned column, struct arena *arena, struct span *ret_text)
{
    return arena_copy(arena, sql_bytes(sql, column), ret_text);
}

void sql_close(struct sql *sql)
{
    if (sql->rows)
        sql->driver->finish(sql->rows);
    sql->rows = NULL;
}

int sql_list(struct store_tx *tx, struct arena *arena, enum store_statement statement, const struct store_value *args, size_t n,
             size_t size, sql_read *read, void *ret_rows, size_t *ret_n)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    char *rows = NULL;
    size_t rows_n = 0, room = 0;
    int r = sql_open(tx, statement, args, n, &sql);

    if (r != 0)
        return r;
    while ((r = sql_next(&sql)) == 1) {
        rows = store_grow(arena, rows, rows_n, &room, size);
        if (!rows)
            return -ENOMEM;
        r = read(&sql, arena, rows + rows_n * size);
        if (r != 0)
            return r;
        rows_n++;
    }
    if (r != 0)
        return r;
    memcpy(ret_rows, &rows, sizeof(rows)); /* a pointer to whatever they are */
    *ret_n = rows_n;
    return 0;
}

struct store_growth store_grows(uint64_t from, uint64_t to)
{
    return (struct store_growth){ .bytes = (int64_t)(to - from), .limited = to > from };
}

/* What comes next, and the last change. */
static int read_numbers(struct store_tx *tx, int64_t mailbox_id, uint64_t *ret_next, uint64_t *ret_change)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    int r = sql_first(tx, SQL_numbers_taken, ARGS(V_INT(mailbox_id)), &sql);

    if (r != 0)
        return r < 0 ? r : -ENOENT;
    *ret_next = (uint64_t)sql_int(&sql, 0);
    *ret_change = (uint64_t)sql_int(&sql, 1);
    return 0;
}

/* The same, from what the writer keeps. */
static int numbers_taken(struct store_tx *tx, int64_t mailbox_id, uint32_t n, uint64_t *ret_next, uint64_t *ret_change)
{
    size_t slot = (uint64_t)mailbox_id % NUMBERS_KEPT;
    bool known = tx->kept && tx->kept->numbers[slot].mailbox_id == mailbox_id;

    *ret_next = known ? tx->kept->numbers[slot].next_no + n : 0;
    *ret_change = known ? tx->kept->numbers[slot].change + 1 : 0;
    int r = known ? 0 : read_numbers(tx, mailbox_id, ret_next, ret_change);
    if (r == 0 && tx->kept) {
        tx->kept->numbers[slot].mailbox_id = mailbox_id;
        tx->kept->numbers[slot].next_no = *ret_next;
        tx->kept->numbers[slot].change = *ret_change;
    }
    return r;
}

static int take_one_by_one(struct store_tx *tx, const struct store_value args[4], int64_t *ret_written, uint64_t *ret_next,
                           uint64_t *ret_change)
{
    int r = sql_run(tx, SQL_take_numbers, args, 4, ret_written);

    return r == 0 && *ret_written ? numbers_taken(tx, args[0].number, (uint32_t)args[1].number, ret_next, ret_change) : r;
}

static int take_at_once(struct store_tx *tx, const struct store_value args[4], int64_t *ret_written, uint64_t *ret_next,
                        uint64_t *ret_change)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    int r = sql_open(tx, SQL_take_numbers_now, args, 4, &sql);

    if (r == 0)
        r = sql_next(&sql);
    if (r <= 0)
        return r;
    tx->dirty = true;
    *ret_written = 1;
    *ret_next = (uint64_t)sql_int(&sql, 0);
    *ret_change = (uint64_t)sql_int(&sql, 1);
    return 0;
}

/* The numbers are known before they are taken, as nobody else takes any. */
static int take_expected(struct store_tx *tx, const struct store_value args[4], int64_t *ret_written, uint64_t *ret_next,
                         uint64_t *ret_change)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    int r = sql_first(tx, SQL_counter_room, args, 1, &sql);

    if (r != 0)
        return r < 0 ? r : -ENOENT;
    const int64_t size = sql_int(&sql, 2), own = sql_int(&sql, 3), quota = own < 0 ? args[3].number : own;
    *ret_written = args[3].number < 0 || quota == 0 || size + args[2].number <= quota;
    *ret_next = (uint64_t)(sql_int(&sql, 0) + args[1].number);
    *ret_change = (uint64_t)sql_int(&sql, 1) + 1;
    return *ret_written ? sql_run(tx, SQL_take_numbers, args, 4, NULL) : 0;
}

static int take_numbers(struct store_tx *tx, const struct store_value args[4], int64_t *ret_written, uint64_t *ret_next,
                        uint64_t *ret_change)
{
    if (tx->driver->one_writer)
        return take_one_by_one(tx, args, ret_written, ret_next, ret_change);
    if (sql_is_expected(tx, SQL_counter_room, args, 1))
        return take_expected(tx, args, ret_written, ret_next, ret_change);
    return take_at_once(tx, args, ret_written, ret_next, ret_change);
}

int store_take_numbers(struct store_tx *tx, int64_t mailbox_id, uint32_t n, struct store_growth growth, uint64_t *ret_no,
                       uint64_t *ret_change)
{
    int64_t quota = growth.limited ? (int64_t)tx->store->options.quota : -1;
    uint64_t next = 0, change = 0;
    int64_t written = 0;
    const struct store_value args[] = { V_INT(mailbox_id), V_INT(n), V_INT(growth.bytes), V_INT(quota) };
    int r = take_numbers(tx, args, &written, &next, &change);

    if (r == 0 && !written)
        r = read_numbers(tx, mailbox_id, &next, &change);
    if (r != 0)
        return r;
    if (written == 0)
        return CODE_ErrorQuotaExceeded;
    *ret_no = next - n;
    *ret_change = change;
    return 0;
}

int store_fold(struct arena *arena, struct span text, struct span *ret_key)
{
    char *key = arena_alloc(arena, text.len + 1);

    if (!key)
        return -ENOMEM;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        key[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    *ret_key = (struct span){ key, text.len };
    return 0;
}

void *store_grow(struct arena *arena, void *array, size_t n, size_t *room, size_t size)
{
    if (n < *room)
        return array;
    size_t larger_room = *room ? *room * 2 : 8;
    void *larger = arena_array(arena, larger_room, size);
    if (!larger)
        return NULL;
    if (n > 0)
        memcpy(larger, array, n * size);
    *room = larger_room;
    return larger;
}
