/*
 * The narrow waist between the verbs and an engine: connections, prepared
 * statements with arguments and rows, and transaction control. A driver knows
 * no table. Statements are those of statements.def, by number; each connection
 * prepares one at its first use and keeps it.
 * Slots return 0 or -errno; a connection belongs to one thread at a time.
 */
#ifndef EWSD_STORE_DRIVER_H
#define EWSD_STORE_DRIVER_H

#include "store/store.h"

struct store_db;   /* an opened store */
struct store_conn; /* one connection */
struct store_rows; /* a running statement */

enum store_value_type { STORE_NULL, STORE_INT, STORE_TEXT, STORE_BLOB };

struct store_value {
    enum store_value_type type;
    int64_t number;
    struct span bytes; /* stays the caller's until finish */
};

enum store_control {
    STORE_BEGIN_READ,
    STORE_BEGIN_WRITE,
    STORE_COMMIT,
    STORE_ROLLBACK,
    STORE_JOB_BEGIN,
    STORE_JOB_RELEASE,
    STORE_JOB_ROLLBACK,
    STORE_ITEM_BEGIN,
    STORE_ITEM_RELEASE,
    STORE_ITEM_ROLLBACK,
    STORE_CONTROL_COUNT
};

/* All but how a transaction begins, as every SQL says it: of an array of texts. */
#define STORE_CONTROL_ENDS                                                              \
    [STORE_COMMIT] = "COMMIT", [STORE_ROLLBACK] = "ROLLBACK",                           \
    [STORE_JOB_BEGIN] = "SAVEPOINT job", [STORE_JOB_RELEASE] = "RELEASE job",           \
    [STORE_JOB_ROLLBACK] = "ROLLBACK TO job", [STORE_ITEM_BEGIN] = "SAVEPOINT item",    \
    [STORE_ITEM_RELEASE] = "RELEASE item", [STORE_ITEM_ROLLBACK] = "ROLLBACK TO item"

/* How a table should lie, where the engine can: in the order of its primary key;
 * in parts by its first column, mailbox_id. */
enum store_form { STORE_CLUSTERED = 1, STORE_BY_MAILBOX = 2 };

/* Where the engine has the store, so that a copy of it is somewhere else. */
struct store_place {
    uint64_t number; /* of the file, of the database */
    uint64_t born;   /* when it was made there; 0: not known */
};

enum { STORE_STAMP_SIZE = 16, STORE_STAMPS = 2 };

/* What the engine keeps beside the store, not in it. */
struct store_stamps {
    uint8_t v[STORE_STAMPS][STORE_STAMP_SIZE];
    unsigned n; /* 0: it keeps nothing, or what it kept is gone */
};

/* A sentence about something that is wrong. -errno: stop. */
typedef int store_complaint(void *arg, struct span text);

/* The engine's full-text index over the words in search_item. Where it does not
 * follow that table by itself, add is run after item $2 of mailbox $1 was
 * written there, remove before it is written or goes, and sweep before the first
 * $2 items of mailbox $1 go; else they are NULL.
 * How it is asked: a SELECT of item_no and words of mailbox $1, with the query
 * as $5, and what that is put together from. Words have letters and digits alone. */
struct store_words_dialect {
    const char *add, *remove, *sweep;
    const char *match;
    const char *and, *or;
    const char *open, *close, *close_prefix; /* around a word, or the begin of words */
};

extern const struct store_words_dialect store_words_sqlite, store_words_postgres;

struct store_driver {
    const char *name;
    /* Nothing else writes to the store while it is open. An engine without that
     * lets several nodes lease: it ends the texts that statement_skipping names
     * with FOR UPDATE SKIP LOCKED. */
    bool one_writer;
    /* Takes the exclusive lock: -EBUSY. */
    int (*open)(const struct store_options *options, struct store_db **ret_db);
    void (*close)(struct store_db *db);
    /* number: of the writer, on an engine with several: what its last connection
     * left under way is ended first. */
    int (*connect)(struct store_db *db, bool writer, uint64_t number, struct store_conn **ret_conn);
    void (*disconnect)(struct store_conn *conn);
    /* STORE_COMMIT: -EINPROGRESS: it may stand, or not; -EAGAIN, or another
     * -errno while in_transaction() is false and nothing is broken: it does not,
     * as something in it had failed. */
    int (*control)(struct store_conn *conn, enum store_control what);
    /* False: the engine has given up the transaction by itself. */
    bool (*in_transaction)(struct store_conn *conn);
    /* One statement of a migration; form: bits of enum store_form, for one that
     * makes a table. */
    int (*define)(struct store_conn *conn, const char *text, unsigned form);
    /* Statement number `statement`, or text (not kept) when that is not NULL. */
    int (*start)(struct store_conn *conn, unsigned statement, const char *text, const struct store_value *args, size_t n,
                 struct store_rows **ret_rows);
    /* 1: a row is there; 0: the end. */
    int (*step)(struct store_rows *rows);
    int64_t (*get_int)(struct store_rows *rows, unsigned column);
    /* Valid until the next step; len 0 for NULL. */
    struct span (*get_bytes)(struct store_rows *rows, unsigned column);
    bool (*is_null)(struct store_rows *rows, unsigned column);
    /* Rows that the last finished INSERT, UPDATE or DELETE wrote. */
    int64_t (*changes)(struct store_conn *conn);
    void (*finish)(struct store_rows *rows);

    /* What follows may be NULL, where the engine has no such thing. */
    const struct store_words_dialect *words;
    /* The beginning of a statement that ends with the name of a table: much of it was
     * written at once, and what statements are planned by is to be counted now, not
     * some time later. */
    const char *analyze;
    /* A statement that writes, all of it; ret_changes NULL: it may fail later, at
     * the latest in STORE_COMMIT, so that nobody waits for it alone. */
    int (*run)(struct store_conn *conn, unsigned statement, const struct store_value *args, size_t n, int64_t *ret_changes);
    /* Where an answer takes a way there and back: a SELECT that will probably be
     * started with the same arguments in this transaction, so that it may be asked
     * for with what is asked next. Nothing is lost when it is not. Both or neither. */
    int (*expect)(struct store_conn *conn, unsigned statement, const struct store_value *args, size_t n);
    bool (*is_expected)(struct store_conn *conn, unsigned statement, const struct store_value *args, size_t n);
    /* With several writers: has the keys, which ascend, to itself until the
     * transaction ends. wait: may be found impossible later, as in run. Without,
     * it is one key. 1: somebody else has it, or it can't be had in this transaction
     * any more. */
    int (*hold)(struct store_conn *conn, const int64_t *keys, size_t n, bool wait);
    /* As hold, of those keys that nobody else has now: ret_held says for each whether it
     * is one. Waits for the answer. */
    int (*hold_free)(struct store_conn *conn, const int64_t *keys, size_t n, bool *ret_held);
    /* Where what is written into a mailbox is committed: 0: with all that is of no
     * mailbox. Below 0: apart, before that, so that either may stand alone; but with
     * all else of that site, of which rows of mailbox_id ret_site are a part.
     * mailbox_id 0: 1: there are such sites. */
    int (*site)(struct store_conn *conn, int64_t mailbox_id, int64_t *ret_site);
    /* Into how many parts the rows of mailboxes are divided, and in which those of one
     * are: a transaction costs less the fewer it touches. 0: not known. Both or neither. */
    int (*parts)(struct store_conn *conn, unsigned *ret_n);
    unsigned (*part)(int64_t mailbox_id, unsigned parts);
    /* Several use the connection by turns, in one transaction: who needs an answer
     * calls wait, which returns when somebody else has called collect and that
     * has read the answers of all. NULL: as before. Both or neither. */
    void (*share)(struct store_conn *conn, void (*wait)(void *arg), void *arg);
    /* False: nobody waited, and nothing was asked. */
    bool (*collect)(struct store_conn *conn);
    /* What is asked in this transaction from now on takes as long as a large store
     * makes it take, beyond what a request may wait for. */
    int (*be_patient)(struct store_conn *conn);
    /* The connection is of no more use. */
    bool (*is_broken)(struct store_conn *conn);
    /* Calls back when another program that has the store open calls
     * wake_others, which never waits when it watches, too. unwatch returns when
     * no call is under way. */
    int (*watch)(struct store_db *db, store_woken *woken, void *arg);
    void (*unwatch)(struct store_db *db);
    void (*wake_others)(struct store_db *db, unsigned news);
    /* Much was written that nobody writes again soon: if it still has to be brought to
     * its place, now is the time, by the caller, so that the writer need not. */
    void (*tidy)(struct store_db *db);
    /* Bytes that the disk has room for. */
    int (*room)(struct store_db *db, uint64_t *ret_bytes);
    int (*place)(struct store_db *db, struct store_place *ret_place);
    /* Both or neither. Written is on the disk when it returns. */
    int (*stamps_read)(struct store_db *db, struct store_stamps *ret_stamps);
    int (*stamps_write)(struct store_db *db, const struct store_stamps *stamps);
    /* The engine's own look at what it has stored; at most limit complaints. */
    int (*verify)(struct store_db *db, unsigned limit, store_complaint *complain, void *arg, const struct store_watch *watch);
    /* Writes one consistent copy of the store, with `mark` run in it, into an
     * empty file; it is on the disk when this returns. And back: -EBUSY as
     * open, -EEXIST: there is a store and replace is false; -EUCLEAN: the file
     * is no store; -ENOTSUP: of a newer version. */
    int (*backup)(struct store_db *db, int file, const char *mark, const struct store_watch *watch);
    int (*restore)(const struct store_options *options, int file, const char *mark, bool replace, const struct store_watch *watch);
};

#define STORE_DRIVER(name) extern const struct store_driver store_driver_##name;
#include "store/drivers.def"
#undef STORE_DRIVER

#endif
