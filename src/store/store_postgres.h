/*
 * What the files of the PostgreSQL engine share: store_postgres.c (statements
 * and rows), store_postgres_link.c (connections) and store_postgres_watch.c
 * (telling other servers). Only these include <libpq-fe.h>.
 */
#ifndef EWSD_STORE_STORE_POSTGRES_H
#define EWSD_STORE_STORE_POSTGRES_H

#include "store/driver.h"
#include "store/statements.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>

enum { POSTGRES_OWED_MAX = 256, POSTGRES_ARGS_MAX = 64, POSTGRES_NAME_SIZE = 64 };

struct store_db {
    char *url, *passfile;
    _Atomic int64_t away_until; /* monotonic ms; nobody connects before */
    struct store_place place;
    /* store_postgres_watch.c */
    pthread_t watcher;
    bool watching;
    int wake, stop; /* eventfds */
    atomic_bool directory; /* to be told with the next wake */
    store_woken *woken;
    void *woken_arg;
};

/* Connections are always in libpq's pipeline mode: what is sent is owed an
 * answer, and answers are read, in order, when somebody needs one. */
struct store_conn {
    struct store_db *db;
    PGconn *pg;
    bool writer;
    bool in_tx;
    bool failed; /* something of this transaction has failed: nothing of it will stand */
    bool broken;
    int error;   /* what failed first */
    bool unknown; /* it was the end of the connection, so what was last sent may have been done */
    unsigned owed_n;
    int16_t owed[POSTGRES_OWED_MAX]; /* the statement that is prepared, or one of enum postgres_owed */
    bool prepared[STATEMENT_COUNT];
    bool checked[STATEMENT_COUNT]; /* its columns are of types that are read here */
};

enum postgres_owed { OWED_RESULT = -1, OWED_SYNC = -2 };

/* ---- store_postgres.c ---- */

/* An answer as -errno. */
int postgres_error(const PGresult *result);

/* ---- store_postgres_link.c ---- */

int postgres_open(const struct store_options *options, struct store_db **ret_db);
void postgres_close(struct store_db *db);
int postgres_connect(struct store_db *db, bool writer, uint64_t number, struct store_conn **ret_conn);
void postgres_disconnect(struct store_conn *conn);
int postgres_place(struct store_db *db, struct store_place *ret_place);
/* A connection by itself, not in pipeline mode; -EIO. */
int postgres_link(struct store_db *db, const char *name, PGconn **ret_pg);

/* ---- store_postgres_watch.c ---- */

int postgres_watch(struct store_db *db, store_woken *woken, void *arg);
void postgres_unwatch(struct store_db *db);
void postgres_wake_others(struct store_db *db, bool directory);

#endif
