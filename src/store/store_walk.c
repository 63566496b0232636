/*
 * See store_walk.h. Statements are put together from the columns of a table.
 */
#include "store/store_walk.h"

#include <errno.h>
#include <stdio.h>

enum { TEXT_SIZE = 4096, BATCH_MAX = 1024, ARGS_MAX = 64 };
#define BATCH_BYTES 4194304 /* from which on the next batch is smaller */
#define BATCH_LARGE (4 * BATCH_BYTES) /* and this one at its end */

/* ---- statements ---- */

static void add_names(struct buf *text, const struct table *table)
{
    for (size_t i = 0; i < table->columns_n; i++)
        buf_printf(text, "%s%.*s", i ? ", " : "", (int)table->columns[i].name.len, table->columns[i].name.ptr);
}

static void add_key(struct buf *text, const struct table *table)
{
    for (size_t i = 0; i < table->key_n; i++) {
        const struct span name = table->columns[table->key[i]].name;
        buf_printf(text, "%s%.*s", i ? ", " : "", (int)name.len, name.ptr);
    }
}

static void add_places(struct buf *text, size_t first, size_t n)
{
    buf_add_char(text, '(');
    for (size_t i = 0; i < n; i++)
        buf_printf(text, "%s$%zu", i ? ", " : "", first + i);
    buf_add_char(text, ')');
}

static void make_select(struct buf *text, const struct table *table, bool first, size_t limit)
{
    buf_clear(text);
    buf_add_str(text, "SELECT ");
    add_names(text, table);
    buf_printf(text, " FROM %.*s", (int)table->name.len, table->name.ptr);
    if (!first) {
        buf_add_str(text, " WHERE (");
        add_key(text, table);
        buf_add_str(text, ") > ");
        add_places(text, 1, table->key_n);
    }
    buf_add_str(text, " ORDER BY ");
    add_key(text, table);
    buf_printf(text, " LIMIT %zu", limit);
    buf_add_char(text, 0);
}

static void make_insert(struct buf *text, const struct table *table, size_t rows)
{
    buf_clear(text);
    buf_printf(text, "INSERT INTO %.*s (", (int)table->name.len, table->name.ptr);
    add_names(text, table);
    buf_add_str(text, ") VALUES ");
    for (size_t i = 0; i < rows; i++) {
        buf_add_str(text, i ? ", " : "");
        add_places(text, i * table->columns_n + 1, table->columns_n);
    }
    buf_add_char(text, 0);
}

/* ---- reading ---- */

static int read_value(struct sql *sql, unsigned column, enum store_value_type type, struct arena *arena, struct store_value *ret_value)
{
    *ret_value = (struct store_value){ .type = sql->driver->is_null(sql->rows, column) ? STORE_NULL : type };
    if (ret_value->type == STORE_INT)
        ret_value->number = sql_int(sql, column);
    else if (ret_value->type != STORE_NULL)
        return sql_copy(sql, column, arena, &ret_value->bytes);
    return 0;
}

static int read_row(struct sql *sql, struct arena *arena, struct batch *batch)
{
    const struct table *table = batch->table;
    struct store_value *row = &batch->values[batch->n * table->columns_n];
    int r = 0;

    for (unsigned i = 0; r == 0 && i < table->columns_n; i++) {
        r = read_value(sql, i, table->columns[i].type, arena, &row[i]);
        batch->bytes += sizeof(*row) + row[i].bytes.len;
    }
    batch->n++;
    return r;
}

static int keep_key(struct walk *walk, const struct batch *batch)
{
    const struct store_value *row = &batch->values[(batch->n - 1) * walk->table->columns_n];
    size_t at = 0;

    buf_clear(&walk->kept);
    for (size_t i = 0; i < walk->table->key_n; i++) {
        walk->key[i] = row[walk->table->key[i]];
        buf_add_span(&walk->kept, walk->key[i].bytes);
    }
    for (size_t i = 0; i < walk->table->key_n; i++) {
        walk->key[i].bytes.ptr = walk->kept.ptr + at;
        at += walk->key[i].bytes.len;
    }
    walk->begun = true;
    return buf_error(&walk->kept);
}

/* As much as is good for memory and for the number of round trips. */
static void adapt(struct walk *walk, const struct batch *batch)
{
    if (batch->bytes > BATCH_BYTES && walk->limit > WALK_BATCH_MIN)
        walk->limit /= 2;
    else if (batch->bytes < BATCH_BYTES / 4 && walk->limit < BATCH_MAX)
        walk->limit *= 2;
}

int walk_next(struct store_tx *tx, struct arena *arena, struct walk *walk, struct batch *ret_batch)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    struct buf text = BUF_INIT(TEXT_SIZE);
    struct batch batch = { .table = walk->table };

    make_select(&text, walk->table, !walk->begun, walk->limit);
    int r = buf_error(&text);
    batch.values = arena_array(arena, walk->limit * walk->table->columns_n, sizeof(*batch.values));
    if (r == 0)
        r = batch.values ? sql_open_text(tx, text.ptr, walk->key, walk->begun ? walk->table->key_n : 0, &sql) : -ENOMEM;
    while (r == 0 && batch.n < walk->limit && batch.bytes < BATCH_LARGE && (r = sql_next(&sql)) == 1)
        r = read_row(&sql, arena, &batch);
    if (r == 0 && batch.n > 0)
        r = keep_key(walk, &batch);
    adapt(walk, &batch);
    buf_done(&text);
    if (r == 0)
        *ret_batch = batch;
    return r;
}

/* ---- writing, counting ---- */

static int insert_rows(struct store_tx *tx, const struct batch *batch, size_t first, size_t rows)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    struct buf text = BUF_INIT(TEXT_SIZE);
    size_t columns = batch->table->columns_n;

    make_insert(&text, batch->table, rows);
    int r = buf_error(&text);
    if (r == 0)
        r = sql_open_text(tx, text.ptr, &batch->values[first * columns], rows * columns, &sql);
    if (r == 0)
        r = sql_next(&sql);
    buf_done(&text);
    return r;
}

/* As many rows in a statement as its arguments allow. */
int batch_insert(struct store_tx *tx, const struct batch *batch)
{
    size_t most = ARGS_MAX / batch->table->columns_n;
    int r = 0;

    tx->dirty = true; /* it is not sql_run's writing */
    for (size_t at = 0; r == 0 && at < batch->n; at += most)
        r = insert_rows(tx, batch, at, batch->n - at < most ? batch->n - at : most);
    return r;
}

int table_count(struct store_tx *tx, const struct table *table, uint64_t *ret_rows)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    char text[128];

    snprintf(text, sizeof(text), "SELECT COUNT(*) FROM %.*s", (int)table->name.len, table->name.ptr);
    int r = sql_open_text(tx, text, NULL, 0, &sql);
    if (r == 0)
        r = sql_next(&sql);
    if (r != 1)
        return r < 0 ? r : -EUCLEAN;
    *ret_rows = (uint64_t)sql_int(&sql, 0);
    return 0;
}
