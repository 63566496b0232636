/*
 * Keeping a store: the hold on its outbox, copies of it, and looking whether it
 * is whole.
 */
#ifndef EWSD_STORE_STORE_KEEP_H
#define EWSD_STORE_STORE_KEEP_H

#include "store/store.h"

/* ---- copies (store_identity.c) ---- */

/* While the outbox is held nothing of it falls due; mail is still accepted. A
 * copy is held from its first opening on. held: 1 when it is not. */
int store_held(struct store_tx *tx, int64_t *ret_since);
int store_hold(struct store_tx *tx);
int store_release(struct store_tx *tx);
/* The next opening treats the store as a copy. */
int store_renew(struct store_tx *tx);

/* One consistent copy of an opened store, of this moment, into an empty file,
 * while others read and write; it is on the disk when this returns. It is
 * marked as a copy. watch counts bytes, or rows twice where a database is copied. */
int store_backup(struct store *store, int file, const struct store_watch *watch);
/* Puts such a copy where options say a store is to be; nobody may have that
 * open (-EBUSY). -EEXIST: there is a store, and replace is false; else that is
 * kept beside it under another name; in a database only what was not filled to
 * its end is replaced. -EUCLEAN: the file is no store, or a damaged one.
 * -ENOTSUP: of a newer version. */
int store_restore(const struct store_options *options, int file, bool replace, const struct store_watch *watch);

/* ---- checking (store_check.c) ---- */

struct store_problem {
    int64_t mailbox_id;   /* 0: of no mailbox */
    struct span mailbox;  /* its address, if it has one */
    const char *table;    /* "" of the file as a whole */
    uint64_t number;      /* of the folder, item, content or entry; 0: none */
    struct span what;     /* is wrong */
    const char *advice;
    bool repaired;
};

struct store_check {
    bool repair; /* counters, from what they count */
    bool quick;  /* only the directory, and the tree of folders of each mailbox */
    int (*found)(void *arg, const struct store_problem *problem); /* -errno: stop */
    void *arg;
    struct store_watch watch;
};

/* Looks at everything, a mailbox in a snapshot, so that others go on. */
int store_check(struct store *store, const struct store_check *check);

/* ---- how it is (store_health.c) ---- */

struct store_health_queue {
    uint64_t entries;
    uint64_t held;  /* of them, by ewsctl queue hold or set aside */
    uint64_t aside; /* recipients of those that cannot be read */
    int64_t oldest; /* when it was submitted, of those that are not held; 0: none */
};
int store_health_queue(struct store_tx *tx, struct store_health_queue *ret_queue);
/* When the mailbox' newest item was made. 1: it has none. */
int store_health_newest(struct store_tx *tx, int64_t mailbox_id, int64_t *ret_at);
/* Messages in Drafts that were sent and left there as drafts (decisions 5). */
int store_health_drafts(struct store_tx *tx, int64_t mailbox_id, uint64_t *ret_n);

#endif
