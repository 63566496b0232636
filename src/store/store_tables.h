/*
 * Inside the store only: the tables as the migrations leave them, for what has to
 * go over all of them. Read from the texts themselves, so that none is forgotten;
 * but what one engine alone has can be made again from the rest, and is left out.
 */
#ifndef EWSD_STORE_STORE_TABLES_H
#define EWSD_STORE_STORE_TABLES_H

#include "store/driver.h"
#include "store/statements.h"

enum { TABLES_MAX = 64, TABLE_COLUMNS_MAX = 56, TABLE_KEY_MAX = 6 };

/* Names are borrowed from the texts. */
struct table {
    struct span name;
    struct table_column {
        struct span name;
        enum store_value_type type;
    } columns[TABLE_COLUMNS_MAX];
    size_t columns_n;
    size_t key[TABLE_KEY_MAX]; /* which columns are the primary key, in its order */
    size_t key_n;
};

struct tables {
    struct table v[TABLES_MAX];
    size_t n;
};

/* -EINVAL: a statement of a form that is not known here. */
int tables_read(const struct migration *rows, size_t n, struct tables *ret_tables);

#endif
