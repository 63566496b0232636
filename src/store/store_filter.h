/*
 * Inside the store only: the part of a filter that columns can tell, as SQL.
 */
#ifndef EWSD_STORE_STORE_FILTER_H
#define EWSD_STORE_STORE_FILTER_H

#include "model/filter.h"
#include "store/store_sql.h"

enum { FILTER_ARGS_MAX = 24 };

/* Appends " AND ..." that no matching item fails, put together from fixed
 * texts; constants become arguments from $(*n + 1) on, at most
 * FILTER_ARGS_MAX more. Nothing where columns tell nothing. */
void store_filter_sql(const struct filter *filter, struct buf *text, struct store_value *args, size_t *n);

#endif
