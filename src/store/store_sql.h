/*
 * Inside the store only: running a statement from a verb.
 */
#ifndef EWSD_STORE_STORE_SQL_H
#define EWSD_STORE_STORE_SQL_H

#include "store/driver.h"
#include "store/statements.h"

enum { DOMAINS_KEPT = 32, DOMAINS_EXPECTED = 4, DOMAIN_SIZE = 64, NUMBERS_KEPT = 256, HOLDS_MAX = 2048 };

/* What the writer has read and need not read again: which domains are ours,
 * and the numbers of mailboxes that come next. What changes addresses, or
 * undoes anything, forgets it; with several writers, the end of the transaction
 * does. */
struct store_kept {
    struct {
        char name[DOMAIN_SIZE]; /* folded; empty: unused */
        bool local;
        bool asked; /* by a job that has no answer yet */
    } domains[DOMAINS_KEPT];
    struct {
        int64_t mailbox_id; /* 0: unused */
        uint64_t next_no, change;
    } numbers[NUMBERS_KEPT];
    char expected[DOMAINS_EXPECTED][DOMAIN_SIZE]; /* by the next transaction: those that this one asked for; ends with an empty one */
};

/* The mailboxes that a transaction has to itself (store_hold.c). */
struct store_holds {
    int64_t held[HOLDS_MAX]; /* ascending */
    size_t held_n;
    int64_t wanted[HOLDS_MAX]; /* from the beginning of the next transaction on; ascending */
    size_t wanted_n;
    bool refused; /* one was not to be had, so the transaction has to begin anew */
    struct store_mark {
        struct store_writer *writer;
        enum { MARK_NONE, MARK_WANTED, MARK_LOST, MARK_THERE } state;
        int64_t site;   /* where it is, and all that the transaction writes (driver.h), once it is or was there */
        bool shared;    /* by several jobs */
        bool apart;     /* which can't be */
        bool directory; /* the next transaction writes at several sites, and the directory says whether it stands */
    } mark; /* of writer_doubt.c */
};

struct store_tx {
    struct store *store;
    const struct store_driver *driver;
    struct store_conn *conn;
    struct arena *scratch; /* for keys and the like; forgotten with the job or the snapshot */
    struct buf packed;     /* item_args packs properties here */
    bool dirty;            /* the job has written */
    struct {
        int64_t mailbox_id; /* 0: none */
        uint64_t folder_no;
    } there; /* a folder that the job knows to be there: its last */
    struct store_kept *kept; /* the writer's; where there are several, for as long as the transaction */
    struct store_holds *holds; /* the writer's, on an engine that has several; else NULL */
    struct store_lane *lane;   /* it shares the transaction with others that run by turns (writer_lanes.c); else NULL */
};

/* ---- writer_lanes.c ---- */

/* The job needs to touch mailbox `other`, or with 0 what is of none. If that is not
 * its own, goes on when no job is under way but those that wait for the same.
 * -EAGAIN: that can't be, and the transaction begins anew. */
int lane_be_alone(struct store_tx *tx, int64_t other);
/* Goes on when what others have asked is answered. */
void lane_let_others(struct store_tx *tx);

/* ---- writer_doubt.c ---- */

/* Before a statement that writes: leaves the mark where it writes. -EAGAIN: the
 * transaction has written elsewhere, and begins anew. -EXDEV: it has, and into the
 * mailbox of this statement only another one can. */
int mark_for_statement(struct store_tx *tx, enum store_statement statement, const struct store_value *args, size_t n);
/* A savepoint was gone back to, and may have taken the mark with it. */
void mark_again(struct store_tx *tx);

/* ---- store_hold.c ---- */

enum { HOLD_OPENING = -2, HOLD_DIRECTORY = -1 };

/* Nothing else writes into the mailbox until the transaction ends; what is read
 * of it from now on stays true. Statements see to it by themselves, those of a
 * mailbox by their first argument. -EAGAIN: begin anew. */
int store_hold_mailbox(struct store_tx *tx, int64_t mailbox_id);
/* Of a mailbox that is being made: nobody else has its number. */
int store_hold_new(struct store_tx *tx, int64_t mailbox_id);
/* For what the statement will touch. */
int hold_for_statement(struct store_tx *tx, enum store_statement statement, const struct store_value *args, size_t n);
/* Is the statement about rows of the mailbox that is its first argument? */
bool statement_is_of_mailbox(enum store_statement statement);
/* One more that the next transaction will begin with. */
void holds_want(struct store_holds *holds, int64_t mailbox_id);
/* A transaction has begun: takes what is wanted. only_free: without waiting, what
 * nobody else has; but if that is nothing, it waits for all. */
int holds_begin(struct store_tx *tx, bool only_free);
bool holds_have(const struct store_holds *holds, int64_t mailbox_id);

void store_forget_kept(struct store_tx *tx);
/* A transaction begins. */
int store_domains_expect(struct store_tx *tx);

/* The memory of a transaction that begins and one that is over for good. */
int store_tx_open(struct store_tx *tx);
void store_tx_close(struct store_tx *tx);

#define V_INT(n) ((struct store_value){ .type = STORE_INT, .number = (int64_t)(n) })
#define V_TEXT(s) ((struct store_value){ .type = STORE_TEXT, .bytes = (s) })
#define V_BLOB(s) ((struct store_value){ .type = STORE_BLOB, .bytes = (s) })
#define V_RAW(p, n) V_BLOB(((struct span){ (const char *)(p), (n) }))
#define V_NULL ((struct store_value){ .type = STORE_NULL })
#define ARGS(...) (const struct store_value[]){ __VA_ARGS__ }, ARRAY_LEN(((const struct store_value[]){ __VA_ARGS__ }))

struct sql {
    const struct store_driver *driver;
    struct store_rows *rows;
};

/* Runs a statement that writes; ret_changes (rows written) may be NULL. */
int sql_run(struct store_tx *tx, enum store_statement statement, const struct store_value *args, size_t n, int64_t *ret_changes);
int sql_run_text(struct store_tx *tx, const char *text, const struct store_value *args, size_t n);
/* The first column of the first row. 1: no row. */
int sql_number(struct store_tx *tx, enum store_statement statement, const struct store_value *args, size_t n, int64_t *ret_value);

/* Soon it will be read: driver.h. */
int sql_expect(struct store_tx *tx, enum store_statement statement, const struct store_value *args, size_t n);
bool sql_is_expected(struct store_tx *tx, enum store_statement statement, const struct store_value *args, size_t n);

/* Row by row, for SELECT only (what writes goes through sql_run): CLEANUP(sql_close) struct sql q = {0}; sql_open; sql_next. */
int sql_open(struct store_tx *tx, enum store_statement statement, const struct store_value *args, size_t n, struct sql *ret_sql);
/* The same, at its first row. 1: there is none. */
int sql_first(struct store_tx *tx, enum store_statement statement, const struct store_value *args, size_t n, struct sql *ret_sql);
int sql_open_text(struct store_tx *tx, const char *text, const struct store_value *args, size_t n, struct sql *ret_sql);
/* 1: a row; 0: the end. */
int sql_next(struct sql *sql);
int64_t sql_int(struct sql *sql, unsigned column);
struct span sql_bytes(struct sql *sql, unsigned column);
/* A copy in the arena. */
int sql_copy(struct sql *sql, unsigned column, struct arena *arena, struct span *ret_text);
void sql_close(struct sql *sql);

/* Fills one element of an array, zeroed, from the row that sql is at. */
typedef int sql_read(struct sql *sql, struct arena *arena, void *ret_row);
/* All rows of a statement as an array in the arena, of elements of `size` bytes;
 * ret_rows is the address of the pointer to the first. */
int sql_list(struct store_tx *tx, struct arena *arena, enum store_statement statement, const struct store_value *args, size_t n,
             size_t size, sql_read *read, void *ret_rows, size_t *ret_n);

/* What a write makes of the size of its mailbox. */
struct store_growth {
    int64_t bytes;
    bool limited; /* refused when the mailbox is, or would be, over its quota */
};

/* Takes n numbers and a change number of the mailbox at once: ret_no is the
 * first of n. -ENOENT when the mailbox is gone. CODE_ErrorQuotaExceeded:
 * nothing was written. */
int store_take_numbers(struct store_tx *tx, int64_t mailbox_id, uint32_t n, struct store_growth growth, uint64_t *ret_no,
                       uint64_t *ret_change);
#define STORE_NO_GROWTH ((struct store_growth){ 0 })
/* By that many bytes: growing is limited, the same or less is always allowed. */
struct store_growth store_grows(uint64_t from, uint64_t to);

/* Room for one more element behind n of them: the array, or a larger copy of it
 * in the arena; NULL when memory is out. */
void *store_grow(struct arena *arena, void *array, size_t n, size_t *room, size_t size);

/* A row of address: a mailbox's, or a group's (0). 1: the address is taken. */
int store_address_insert(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, struct span address);
/* ASCII lower case, for keys; in arena memory. */
int store_fold(struct arena *arena, struct span text, struct span *ret_key);

#endif
