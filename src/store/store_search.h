/*
 * Searching a folder: which of its items match a filter, in what order, and a
 * stretch of them. What columns can tell, the engine sorts out; what words can
 * tell, the full-text index (store_words.h) where the mailbox has one; the rest
 * is read item by item, in memory that does not grow with the folder but for
 * the numbers and sort keys of what was found.
 */
#ifndef EWSD_STORE_STORE_SEARCH_H
#define EWSD_STORE_STORE_SEARCH_H

#include "model/filter.h"
#include "store/store_mail.h"

struct store_order {
    struct field field;
    bool descending;
};

struct store_search {
    int64_t mailbox_id;
    uint64_t folder_no;
    bool associated; /* the folder's hidden items instead */
    bool deleted;    /* what was deleted from the folder and can be recovered, instead */
    const struct filter *filter; /* NULL: all */
    const struct store_order *order; /* none: received, newest first; ties: newest first */
    size_t orders;
    bool listed;     /* ret_found->numbers is wanted whatever it takes */
    uint64_t max;    /* items that may be found where they have to be listed */
    size_t body_max; /* bytes of a body that are searched */
};

struct store_found {
    uint64_t total;
    const uint64_t *numbers; /* of all, in order; NULL: they are not listed */
    bool words;              /* words were looked for, */
    uint64_t unindexed;      /* and in that many items without the index */
};

/* CODE_ErrorFolderNotFound. CODE_ErrorExceededFindCountLimit: more than max. */
int store_search(struct store_tx *tx, struct arena *arena, const struct store_search *search, struct store_found *ret_found);
/* Of what was found, where the first (from_end: the last) stands that matches. 1: none. */
int store_search_seek(struct store_tx *tx, const struct store_search *search, const struct store_found *found,
                      const struct filter *condition, bool from_end, uint64_t *ret_at);

/* item and what it points to are gone when this returns; arena, too, is empty
 * for each. Not 0: stops. */
typedef int store_each_item(void *arg, struct arena *arena, const struct item *item);
/* n items from start on, read to depth, damaged ones as far as they can be. */
int store_search_each(struct store_tx *tx, const struct store_search *search, const struct store_found *found, uint64_t start,
                      uint64_t n, unsigned depth, store_each_item *each, void *arg);

#endif
