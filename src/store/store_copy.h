/*
 * A whole store into another one, of whatever engines: all rows of all tables,
 * from one snapshot, counted and summed on both sides. A store that is filled is
 * of no use before it is whole (store_options.filling).
 */
#ifndef EWSD_STORE_STORE_COPY_H
#define EWSD_STORE_STORE_COPY_H

#include "store/store.h"

struct store_copied {
    struct span table;
    uint64_t rows;
    uint8_t digest[SHA256_SIZE]; /* of the set of them; the same on both sides */
};

enum store_copy_side { STORE_COPY_NONE, STORE_COPY_FROM, STORE_COPY_TO };

/* What went wrong: which table, and where. */
struct store_copy_problem {
    char table[64]; /* "" : none in particular */
    enum store_copy_side side;
};

struct store_copy {
    int (*copied)(void *arg, const struct store_copied *copied); /* at the end, for each table; -errno: stop */
    void *arg;
    struct store_watch watch; /* in rows, each counted twice: copied, and read again */
};

/* to was opened to be filled. When it is next opened it goes on as a copy: under
 * a new epoch, its outbox held. 1: what was read again is not what was written.
 * -EUCLEAN: from is damaged. -errno of either side; ret_problem is set then. */
int store_copy(struct store *from, struct store *to, const struct store_copy *copy, struct store_copy_problem *ret_problem);

/* As store_backup and store_restore (store_keep.h), for an engine that has none of
 * its own. The file is SQLite's; restoring needs room for another one in TMPDIR,
 * or /var/tmp. replace: only what was not filled to its end. */
int store_copy_out(struct store *store, int file, const struct store_watch *watch);
int store_copy_in(const struct store_options *options, int file, bool replace, const struct store_watch *watch);

#endif
