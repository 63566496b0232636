/*
 * Inside the store only: the rows of any table, as the migrations made it. They
 * are read in batches, in the order of the primary key; each begins behind the
 * last key of the one before, so that memory does not grow with the store,
 * whatever an engine does with a long answer.
 */
#ifndef EWSD_STORE_STORE_WALK_H
#define EWSD_STORE_STORE_WALK_H

#include "store/store_sql.h"
#include "store/store_tables.h"

enum { WALK_BATCH_MIN = 16, WALK_ROW_MAX = 64 << 20 };

struct batch {
    const struct table *table;
    struct store_value *values; /* rows of table->columns_n, in the arena */
    size_t n;
    uint64_t bytes;
};

/* Where a walk over a table is. */
struct walk {
    const struct table *table;
    struct store_value key[TABLE_KEY_MAX];
    struct buf kept; /* their bytes */
    bool begun;
    size_t limit;
};
#define WALK_INIT(of) { .table = (of), .kept = BUF_INIT(WALK_ROW_MAX), .limit = WALK_BATCH_MIN }

/* Rows in the arena; none: the end. */
int walk_next(struct store_tx *tx, struct arena *arena, struct walk *walk, struct batch *ret_batch);
static inline void walk_done(struct walk *walk)
{
    buf_done(&walk->kept);
}

/* In a job. */
int batch_insert(struct store_tx *tx, const struct batch *batch);
int table_count(struct store_tx *tx, const struct table *table, uint64_t *ret_rows);

#endif
