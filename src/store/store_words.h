/*
 * The full-text index of a mailbox. It is made when somebody searches for words
 * there for the first time, and brought up to date when somebody does so again,
 * in the background, step by step, from the record of changes: nothing that
 * writes an item knows of it, nor waits for it. What is newer than the index is
 * found without it (store_search.c), so an answer is right at any time.
 * An item's words are those of filter_each_word, each once, behind the
 * mailbox' number, so that a search meets no other mailbox' words. An item of
 * too many words has the first of them only and is marked: it is read.
 */
#ifndef EWSD_STORE_STORE_WORDS_H
#define EWSD_STORE_STORE_WORDS_H

#include "model/filter.h"
#include "store/store.h"

enum { STORE_WORDS_ITEM = 4096 }; /* different words of one item in the index */

/* Everything up to ret_change is in the index. 1: there is none, or not yet. */
int store_words_state(struct store_tx *tx, int64_t mailbox_id, uint64_t *ret_change);
/* One step towards that, of some items, in a job. body_max as in store_search. */
int store_words_step(struct store_tx *tx, int64_t mailbox_id, size_t body_max, bool *ret_more);
/* All steps, in the background, soon. */
void store_words_want(struct store *store, int64_t mailbox_id, size_t body_max);

/* ---- inside the store ---- */

/* Before the first rows of search_item go, in the order of their numbers. */
int words_sweep(struct store_tx *tx, int64_t mailbox_id, unsigned rows);
/* What stands in front of each word of a mailbox, or the mark alone. */
void words_add_prefix(struct buf *out, int64_t mailbox_id, bool mark);

/* ---- store_words_query.c ---- */

struct store_words_dialect;
/* Appends the SELECT of the items that the index finds: $1 mailbox, $2 folder, $3
 * associated, $4 the change up to which it knows them, $5 the query. Columns: as
 * item_from_row, then whether the item is marked. */
void words_select(const struct store_words_dialect *dialect, struct buf *out);
/* A filter as a query of the engine's index. False: the index cannot narrow the
 * search down. ret_exact: what is found matches, but for items that are marked,
 * which are always found. */
bool words_query(const struct store_words_dialect *dialect, int64_t mailbox_id, const struct filter *filter, struct buf *out,
                 bool *ret_exact);

#endif
