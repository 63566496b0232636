/*
 * What the files of the PostgreSQL engine share: store_postgres.c (transactions
 * and rows), store_postgres_wire.c (what is sent and answered),
 * store_postgres_link.c (connections), store_postgres_partition.c (tables),
 * store_postgres_site.c (those on other servers), store_postgres_expect.c (what is asked
 * ahead) and store_postgres_watch.c (telling other nodes). Only these include <libpq-fe.h>.
 */
#ifndef EWSD_STORE_STORE_POSTGRES_H
#define EWSD_STORE_STORE_POSTGRES_H

#include "store/driver.h"
#include "store/statements.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>

enum { POSTGRES_OWED_MAX = 1024, POSTGRES_EXPECTED_MAX = 256, POSTGRES_PARTITIONS_MAX = 256 };
enum { POSTGRES_ARGS_MAX = 64, POSTGRES_NAME_SIZE = 64, POSTGRES_TEXT_SIZE = 4096 };

struct store_db {
    char *url, *passfile;
    unsigned partitions; /* for a store that has none yet */
    _Atomic int64_t away_until; /* monotonic ms; nobody connects before */
    _Atomic int64_t there_at;   /* somebody connected */
    struct store_place place;
    /* store_postgres_watch.c */
    pthread_t watcher;
    PGconn *listening; /* the watcher's first connection */
    bool watching;
    int wake, stop; /* eventfds */
    atomic_uint news; /* to be told with the next wake */
    store_woken *woken;
    void *woken_arg;
};

/* Statements of the engine's own, behind those of statements.def. */
enum postgres_statement { POSTGRES_LOCK = STATEMENT_COUNT, POSTGRES_TRY_LOCK, POSTGRES_TRY_LOCKS, POSTGRES_STATEMENTS };

/* An answer to come. */
struct postgres_owed {
    int32_t what;  /* what is prepared, or one of the following */
    PGresult **to; /* who waits for it; may be NULL */
};

enum { OWED_RESULT = -1, OWED_SYNC = -2, OWED_COMMIT = -3 };

/* What was asked ahead: store_postgres_expect.c. */
struct postgres_expected {
    int state;
    unsigned statement;
    struct store_value args[3];
    size_t n;
    char text[64]; /* of args */
    PGresult *result; /* NULL: not there yet */
};

/* Connections are always in libpq's pipeline mode: what is sent is owed an
 * answer, and answers are read, in order, when somebody needs one. */
struct store_conn {
    struct store_db *db;
    PGconn *pg;
    bool writer;
    bool in_tx;
    bool untouched; /* nothing has been read in this transaction */
    bool patient; /* in this transaction an answer may take long */
    bool failed; /* something of this transaction has failed: nothing of it will stand */
    bool broken;
    int error;   /* what failed first */
    bool unknown; /* it was the end of the connection, so what was last sent may have been done */
    unsigned owed_n;
    struct postgres_owed owed[POSTGRES_OWED_MAX];
    struct postgres_expected expected[POSTGRES_EXPECTED_MAX];
    size_t expected_n; /* those behind were never used */
    void (*wait)(void *arg); /* who needs an answer calls this; NULL: reads it */
    void *wait_arg;
    int partitions; /* of each table of mailboxes that can be named; -1: not known yet */
    bool spread;    /* some are on other servers */
    int64_t sites[POSTGRES_PARTITIONS_MAX]; /* where the partitions are: store_postgres_site.c */
    bool asked; /* in this transaction, for something that may be there */
    bool prepared[POSTGRES_STATEMENTS * (POSTGRES_PARTITIONS_MAX + 1)]; /* see postgres_part */
    bool checked[STATEMENT_COUNT]; /* its columns are of types that are read here */
};

/* The types of PostgreSQL that are used here; of its catalog, and for good. */
enum { TYPE_UNKNOWN = 0, TYPE_BOOL = 16, TYPE_BYTEA = 17, TYPE_INT8 = 20, TYPE_INT2 = 21, TYPE_INT4 = 23, TYPE_TEXT = 25,
       TYPE_NAME = 19, TYPE_VOID = 2278 };

/* ---- store_postgres_wire.c ---- */

/* An answer as -errno. */
int postgres_error(const PGresult *result);
/* The transaction has failed; the error that was first. */
int postgres_fail(struct store_conn *conn, int error);
/* The connection is over. */
int postgres_break_off(struct store_conn *conn);
/* Statement number `statement`, or text when that is not NULL: its answer is
 * owed. Nothing is sent any more in a transaction that has failed. */
int postgres_send(struct store_conn *conn, unsigned statement, const char *text, const struct store_value *args, size_t n);
/* From here on a failure before it has no effect. */
int postgres_sync(struct store_conn *conn);
/* Until the transaction ends. */
int postgres_be_patient(struct store_conn *conn);
/* Reads all that is owed. */
int postgres_drain(struct store_conn *conn);
/* Returns when all is answered that is owed now. */
int postgres_wait(struct store_conn *conn);
/* Waits for the answer of what was sent last, the caller's to clear. */
int postgres_answer(struct store_conn *conn, PGresult **ret_result);
void postgres_share(struct store_conn *conn, void (*wait)(void *arg), void *arg);
bool postgres_collect(struct store_conn *conn);

/* ---- store_postgres_link.c ---- */

int postgres_open(const struct store_options *options, struct store_db **ret_db);
void postgres_close(struct store_db *db);
int postgres_connect(struct store_db *db, bool writer, uint64_t number, struct store_conn **ret_conn);
/* A reader's that is broken, in its place. */
int postgres_connect_again(struct store_conn *conn);
void postgres_disconnect(struct store_conn *conn);
int postgres_place(struct store_db *db, struct store_place *ret_place);
/* A connection by itself, not in pipeline mode; -EIO. */
int postgres_link(struct store_db *db, const char *name, PGconn **ret_pg);

/* ---- store_postgres_partition.c ---- */

int postgres_define(struct store_conn *conn, const char *text, unsigned form);
/* A statement about one mailbox is sent to the partition itself, by another text:
 * planned and locked is one table, not all of them. 0: as it is; else the number
 * of the partition, from 1 on. */
int postgres_part(struct store_conn *conn, unsigned statement, const struct store_value *args, size_t n, unsigned *ret_part);
/* Of a mailbox, from 1 on; 0: it cannot be named. */
int postgres_part_of(struct store_conn *conn, int64_t mailbox_id, unsigned *ret_part);
/* 0: they cannot be named. */
int postgres_parts(struct store_conn *conn, unsigned *ret_n);
unsigned postgres_remainder(int64_t mailbox_id, unsigned partitions);
/* text may be of POSTGRES_TEXT_SIZE; -E2BIG. */
int postgres_part_text(unsigned part, char *text);

/* ---- store_postgres_site.c ---- */

int postgres_read_sites(struct store_conn *conn, unsigned partitions, bool known);
int postgres_site(struct store_conn *conn, int64_t mailbox_id, int64_t *ret_site);
/* The keys are held here: and where their mailboxes are. */
int postgres_hold_far(struct store_conn *conn, const int64_t *keys, size_t n);

/* ---- store_postgres_expect.c ---- */

/* Sends a SELECT that is likely to be asked for with the same arguments. */
int postgres_expect(struct store_conn *conn, unsigned statement, const struct store_value *args, size_t n);
bool postgres_is_expected(struct store_conn *conn, unsigned statement, const struct store_value *args, size_t n);
/* Its answer, the caller's to clear. 1: it was not expected. */
int postgres_take_expected(struct store_conn *conn, unsigned statement, const struct store_value *args, size_t n,
                           PGresult **ret_result);
/* A statement that writes goes: what speaks of the same is asked anew. */
void postgres_written(struct store_conn *conn, unsigned statement, const struct store_value *args, size_t n);
/* Something was undone: the same for all. */
void postgres_expect_nothing(struct store_conn *conn);
/* Nothing is owed any more. */
void postgres_forget_expected(struct store_conn *conn);

/* ---- store_postgres_watch.c ---- */

int postgres_watch(struct store_db *db, store_woken *woken, void *arg);
void postgres_unwatch(struct store_db *db);
void postgres_wake_others(struct store_db *db, unsigned news);

#endif
