/*
 * Inside the store only: the opened store, shared by store.c (open, readers)
 * and the writers (writer_queue.c: jobs and the threads that commit them).
 * A writer's lock guards its queue, reader_lock the pool; a writer's connection
 * belongs to whoever set its `writing`.
 */
#ifndef EWSD_STORE_STORE_CORE_H
#define EWSD_STORE_STORE_CORE_H

#include "store/store_outbox.h"
#include "store/store_sql.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

struct store_reader {
    struct store_tx tx; /* first: store_read_end casts back */
    struct store_conn *conn; /* NULL until first used */
    struct store_reader *next_idle;
};

/* Who brings the full-text index up to date (store_words.c). */
struct store_indexer {
    struct store_pending pending; /* first */
    struct store *store;
    pthread_mutex_t lock; /* of what follows */
    bool running, stopping;
    bool more; /* the step that ends now was not the last for its mailbox */
    int64_t mailbox_id;
    size_t body_max;
    int64_t wanted[32]; /* mailboxes that come next */
    size_t wanted_n;
};

struct store_lanes;

/* One that commits. An engine that lets only one write has one. */
struct store_writer {
    struct store *store;
    struct store_tx tx;
    struct store_kept kept;
    struct store_holds holds;
    struct store_lanes *lanes; /* of writer_lanes.c; NULL: none was needed yet */
    uint64_t id;   /* of its row in the table `writer`, for commits in doubt; 0: the engine knows none */
    uint64_t step; /* of the last transaction begun: in that row when it stands */
    int error;     /* why the last transaction does not stand */
    bool only_free; /* the transaction that begins next goes without jobs whose mailboxes another node has */
    pthread_t thread;
    pthread_mutex_t lock;
    sem_t filled; /* posted when the thread has something to do */
    struct store_pending *first;
    struct store_pending **last;
    size_t queued;
    size_t awaited; /* so many, before the thread is woken; 0: any */
    bool writing; /* somebody has the connection */
    bool stopping;
};

struct store {
    const struct store_driver *driver;
    struct store_db *db;
    struct store_options options;
    uint8_t secret[MAC_KEY_SIZE];
    uint8_t epoch[STORE_GUID_SIZE];
    int version_found; /* by the opening, before it migrated */
    bool copied;       /* found by the opening */
    struct store_stamps stamp; /* of this opening; n is 0 where none is kept */

    pthread_mutex_t reader_lock;
    pthread_cond_t reader_free;
    struct store_reader *readers;
    struct store_reader *idle;
    unsigned readers_n;
    unsigned readers_max;

    struct store_writer *writers;
    unsigned writers_n;      /* made */
    unsigned writers_max;
    atomic_uint nodes; /* that have the store open, as they were counted last; 0: never */
    unsigned parts; /* of the tables of mailboxes; 0: not known */
    atomic_uint writer_next; /* for jobs of no mailbox in particular */
    unsigned group_max;
    _Atomic uint64_t replays_drafts, replays_others; /* seen: see store_replays_seen */
    atomic_bool short_of_room;
    _Atomic uint64_t entries; /* of the outbox: counted last, and those since */
    _Atomic int64_t entries_counted; /* monotonic; 0: never */
    struct store_indexer indexer;
    _Atomic uint64_t commits;
    _Atomic uint64_t jobs;
    _Atomic uint64_t shared_rounds; /* for tests: times that jobs which ran by turns were answered */
};

/* The driver of that name, or by what the path is; NULL: there is none. */
const struct store_driver *store_driver_find(const struct store_options *options);

/* As store_read_begin, for what goes through a whole store or mailbox. */
int store_read_begin_long(struct store *store, struct store_tx **ret_tx);

/* ---- store_migrate.c ---- */

/* opening: notes the version that was found. -ENOTSUP: of a newer version. */
int store_migrate(struct store_tx *tx, bool opening);
int store_drop_tables(struct store_tx *tx);

/* ---- store_identity.c: is this store a copy? ---- */

/* In the transaction that opens the store, and behind its COMMIT. */
int identity_settle(struct store_tx *tx);
int identity_settled(struct store *store);
/* In the transaction that opens the store. 1: a copy that was not finished is to
 * give way. -ENOTRECOVERABLE: it is such a one. -EEXIST: it is to be filled, and
 * is whole. */
int identity_unfinished(struct store_tx *tx);
/* Until identity_filled the store opens as -ENOTRECOVERABLE, then as a copy. */
int identity_fill(struct store_tx *tx);
int identity_filled(struct store_tx *tx);
/* Bytes that the store keeps under a name. get: 1 when there are none, -EIO
 * when there are not len of them. */
int meta_get(struct store_tx *tx, const char *name, void *ret_bytes, size_t len);
int meta_put(struct store_tx *tx, const char *name, const void *bytes, size_t len);

/* ---- store_outbox.c ---- */

int outbox_insert_rcpt(struct store_tx *tx, struct store_outbox_key key, const struct store_outbox_rcpt *rcpt);
/* For sql_list: the first two columns, as a struct store_outbox_key. */
int outbox_read_key(struct sql *sql, struct arena *arena, void *ret_row);
/* outbox.due as its recipients have it now. */
int outbox_renew_due(struct store_tx *tx, struct store_outbox_key key);

/* ---- store_words.c ---- */

/* No step begins from now on. */
void words_stop(struct store *store);

/* ---- store.c, writer_queue.c ---- */

/* Connects and migrates; opening: the first of this store, which on an engine
 * with one writer also makes all leases void. */
int store_connect_writer(struct store_writer *writer, bool opening);
int store_start_writers(struct store *store);
/* Runs what is queued, then ends the threads. */
void store_stop_writers(struct store *store);

#endif
