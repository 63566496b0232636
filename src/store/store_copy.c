/*
 * See store_copy.h. Rows go over in batches (store_walk.h). The digest of a table
 * is the sum of the hashes of its rows, since engines order text in their own
 * ways. What a store knows of its own place is not copied.
 */
#include "store/store_copy.h"

#include "store/store_core.h"
#include "store/store_walk.h"

#include <errno.h>
#include <stdio.h>

#define MEMORY ((size_t)1 << 30)

/* Of the store that they are in; the rest of meta is copied. */
static const char *const own_names[] = { "stamp", "place", "epoch", "copied", "unfinished" };
/* Of the programs that have the store open. */
static const char *const own_tables[] = { "node", "writer", "mark" };

/* One side, and one table of it. */
struct side {
    const struct table *table;
    uint64_t expected; /* of all its rows; rows and sum are of those that are not its own */
    uint64_t rows;
    uint64_t sum[SHA256_SIZE / 8];
};

struct copying {
    const struct store_copy *copy;
    struct store *from, *to;
    struct store_tx *tx; /* the snapshot of from */
    struct arena *arena; /* for a batch */
    struct tables *tables;
    struct side *sides; /* of from, for each table */
    uint64_t done, all;
    struct store_copy_problem *problem;
};

/* ---- which rows ---- */

static bool is_own_table(const struct table *table)
{
    for (size_t i = 0; i < ARRAY_LEN(own_tables); i++)
        if (span_is(table->name, own_tables[i]))
            return true;
    return false;
}

static bool is_own_row(const struct table *table, const struct store_value *row)
{
    for (size_t i = 0; span_is(table->name, "meta") && i < ARRAY_LEN(own_names); i++)
        if (span_is(row[0].bytes, own_names[i]))
            return true;
    return false;
}

/* ---- digests ---- */

static void put_value(struct buf *text, const struct store_value *value)
{
    uint64_t number = value->type == STORE_INT ? (uint64_t)value->number : value->bytes.len;

    buf_add_char(text, (char)value->type);
    buf_add(text, &number, value->type == STORE_NULL ? 0 : sizeof(number));
    if (value->type == STORE_TEXT || value->type == STORE_BLOB)
        buf_add_span(text, value->bytes);
}

static int count_row(struct side *side, struct buf *text, const struct store_value *row)
{
    uint8_t digest[SHA256_SIZE];
    uint64_t parts[SHA256_SIZE / 8];

    buf_clear(text);
    for (size_t i = 0; i < side->table->columns_n; i++)
        put_value(text, &row[i]);
    if (buf_error(text))
        return buf_error(text);
    const struct span whole = buf_span(text);
    sha256_parts(&whole, 1, digest);
    memcpy(parts, digest, sizeof(parts));
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        side->sum[i] += parts[i];
    side->rows++;
    return 0;
}

static int count_batch(struct side *side, const struct batch *batch)
{
    struct buf text = BUF_INIT(WALK_ROW_MAX);
    int r = 0;

    for (size_t i = 0; r == 0 && i < batch->n; i++) {
        const struct store_value *row = &batch->values[i * batch->table->columns_n];
        r = is_own_row(batch->table, row) ? 0 : count_row(side, &text, row);
    }
    buf_done(&text);
    return r;
}

/* ---- one table ---- */

static int failed(struct copying *copying, const struct table *table, enum store_copy_side side, int r)
{
    if (r == 0 || copying->problem->side != STORE_COPY_NONE)
        return r;
    snprintf(copying->problem->table, sizeof(copying->problem->table), "%.*s", (int)table->name.len, table->name.ptr);
    copying->problem->side = side;
    return r;
}

static int went_on(struct copying *copying, size_t rows)
{
    const struct store_watch *watch = &copying->copy->watch;

    copying->done += rows;
    return watch->tick && watch->tick(watch->arg, copying->done, copying->all) ? -ECANCELED : 0;
}

/* Some of meta is there already. */
static int put_meta(struct store_tx *tx, const struct batch *batch)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < batch->n; i++) {
        const struct store_value *row = &batch->values[i * batch->table->columns_n];
        r = is_own_row(batch->table, row) ? 0 : sql_run(tx, SQL_meta_put, row, 2, NULL);
    }
    return r;
}

static int insert_job(struct store_tx *tx, void *arg)
{
    const struct batch *batch = arg;

    return span_is(batch->table->name, "meta") ? put_meta(tx, batch) : batch_insert(tx, batch);
}

static int copy_table(struct copying *copying, struct side *side)
{
    struct walk walk = WALK_INIT(side->table);
    struct batch batch = { .n = 1 };
    uint64_t seen = 0;
    int r = 0;

    while (r == 0 && batch.n > 0) {
        arena_reset(copying->arena);
        r = failed(copying, side->table, STORE_COPY_FROM, walk_next(copying->tx, copying->arena, &walk, &batch));
        if (r == 0)
            r = count_batch(side, &batch);
        if (r == 0 && batch.n > 0)
            r = failed(copying, side->table, STORE_COPY_TO, store_write(copying->to, insert_job, &batch));
        if (r == 0)
            r = went_on(copying, batch.n);
        seen += batch.n;
    }
    walk_done(&walk);
    if (r == 0 && seen != side->expected)
        r = failed(copying, side->table, STORE_COPY_FROM, -EUCLEAN);
    return r;
}

static int read_again(struct copying *copying, const struct side *from)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    struct side to = { .table = from->table };
    struct walk walk = WALK_INIT(from->table);
    struct batch batch = { .n = 1 };
    int r = store_read_begin_long(copying->to, &tx);

    while (r == 0 && batch.n > 0) {
        arena_reset(copying->arena);
        r = walk_next(tx, copying->arena, &walk, &batch);
        if (r == 0)
            r = count_batch(&to, &batch);
        if (r == 0)
            r = went_on(copying, batch.n);
    }
    walk_done(&walk);
    if (r == 0 && (to.rows != from->rows || memcmp(to.sum, from->sum, sizeof(to.sum)) != 0))
        r = 1;
    return failed(copying, from->table, STORE_COPY_TO, r);
}

/* ---- all of them ---- */

/* It may be made over another index than the one that the rows are read by: when
 * they disagree something is damaged. */
static int begin(struct copying *copying)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < copying->tables->n; i++) {
        struct side *side = &copying->sides[i];
        side->table = &copying->tables->v[i];
        if (!is_own_table(side->table))
            r = failed(copying, side->table, STORE_COPY_FROM, table_count(copying->tx, side->table, &side->expected));
        copying->all += 2 * side->expected;
    }
    return r;
}

/* Statements of a store that is full at once are not planned as if it were empty. */
static int analyze(struct store_tx *tx, const struct tables *tables)
{
    const char *begin = tx->driver->analyze;
    int r = begin && tx->driver->be_patient ? tx->driver->be_patient(tx->conn) : 0;

    for (size_t i = 0; r == 0 && begin && i < tables->n; i++) {
        struct span text;
        r = arena_printf(tx->scratch, &text, "%s%.*s", begin, (int)tables->v[i].name.len, tables->v[i].name.ptr);
        if (r == 0)
            r = sql_run_text(tx, text.ptr, NULL, 0);
    }
    return r;
}

/* What is left to others when a store is opened: nothing is leased, and the
 * next opening is that of a copy. */
static int finish_job(struct store_tx *tx, void *arg)
{
    int r = sql_run(tx, SQL_lease_void, NULL, 0, NULL);

    if (r == 0)
        r = sql_run(tx, SQL_due_renew, NULL, 0, NULL);
    if (r == 0)
        r = analyze(tx, arg);
    return r == 0 ? identity_filled(tx) : r;
}

static int tell(const struct copying *copying)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < copying->tables->n; i++) {
        const struct side *side = &copying->sides[i];
        struct store_copied copied = { .table = side->table->name, .rows = side->rows };
        memcpy(copied.digest, side->sum, sizeof(copied.digest));
        if (!is_own_table(side->table))
            r = copying->copy->copied(copying->copy->arg, &copied);
    }
    return r;
}

static int copy_all(struct copying *copying)
{
    int r = begin(copying);

    for (size_t i = 0; r == 0 && i < copying->tables->n; i++)
        r = is_own_table(&copying->tables->v[i]) ? 0 : copy_table(copying, &copying->sides[i]);
    for (size_t i = 0; r == 0 && i < copying->tables->n; i++)
        r = is_own_table(&copying->tables->v[i]) ? 0 : read_again(copying, &copying->sides[i]);
    if (r == 0)
        r = store_write(copying->to, finish_job, copying->tables);
    return r == 0 ? tell(copying) : r;
}

int store_copy(struct store *from, struct store *to, const struct store_copy *copy, struct store_copy_problem *ret_problem)
{
    CLEANUP(free_ptr_arena) struct arena *arena = NULL, *all = NULL;
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    struct copying copying = { .copy = copy, .from = from, .to = to, .problem = ret_problem };

    *ret_problem = (struct store_copy_problem){ .side = STORE_COPY_NONE };
    int r = arena_new(MEMORY, &arena);
    if (r == 0)
        r = arena_new(MEMORY, &all);
    if (r == 0)
        r = store_read_begin_long(from, &tx);
    copying.tx = tx;
    copying.arena = arena;
    copying.tables = r == 0 ? arena_alloc(all, sizeof(*copying.tables)) : NULL;
    copying.sides = r == 0 ? arena_array(all, TABLES_MAX, sizeof(*copying.sides)) : NULL;
    if (r == 0 && (!copying.tables || !copying.sides))
        r = -ENOMEM;
    if (r == 0)
        r = tables_read(migrations, migrations_n, copying.tables);
    return r == 0 ? copy_all(&copying) : r;
}
