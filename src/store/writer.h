/*
 * Inside the store only: what the files of the writers share.
 */
#ifndef EWSD_STORE_WRITER_H
#define EWSD_STORE_WRITER_H

#include "store/store_core.h"

/* What became of a job, or of a group in its transaction. But for the first,
 * nothing of the transaction is to stand. */
enum outcome {
    OUTCOME_KEPT,
    OUTCOME_SPOILT, /* a job failed behind its first write, with no savepoint to go back to */
    OUTCOME_LOST,   /* the engine has given up the transaction */
    OUTCOME_AGAIN,  /* it has to begin with more holds */
    OUTCOME_TURNS,  /* its jobs can't run by turns */
};

/* Runs and commits the jobs, together or in the end each alone, and writes
 * their results. The caller has the connection. may_put_off: those whose mailboxes another
 * node has now may be left for the next group; they are at the end then. How many are
 * through. */
size_t writer_serve(struct store_writer *writer, struct store_pending **group, size_t n, bool may_put_off);
/* Closes the connection, whatever is under way on it. */
void writer_let_go(struct store_writer *writer);
/* Without asking the engine whether the transaction is still there. */
enum outcome writer_run_job(struct store_tx *tx, struct store_pending *waiter);

/* ---- writer_queue.c ---- */

/* How many of the writers this node uses: other nodes have theirs. */
unsigned writers_used(const struct store *store);

/* ---- writer_await.c ---- */

/* With so many jobs in the queue the next group is to begin; 0: with any. */
size_t writer_awaits(const struct store *store, size_t answered, size_t queued);
/* The writer's thread has answered so many, whose group took so long; waits for as many
 * as writer_awaits says, but not for long. */
void writer_await(struct store_writer *writer, size_t answered, int64_t took_us);

/* ---- writer_lanes.c ---- */

/* Whether it is of use to run the jobs of the group by turns. */
bool lanes_can(const struct store_writer *writer, struct store_pending *const *group, size_t n);
/* Runs them in the transaction that has begun. */
enum outcome lanes_run(struct store_writer *writer, struct store_pending *const *group, size_t n);
void lanes_free(struct store_lanes *lanes);

/* ---- writer_doubt.c ---- */

/* A transaction of so many jobs has begun, which is to be known later by its mark. */
int writer_begin_step(struct store_writer *writer, size_t jobs);
/* A COMMIT may stand or not. 0: the transaction stands; 1: it does
 * not; -EIO: nobody can be asked. There may be a new connection then. */
int writer_settle_doubt(struct store_writer *writer);

#endif
