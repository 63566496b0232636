/*
 * Inside the store only: what the files of the writers share.
 */
#ifndef EWSD_STORE_WRITER_H
#define EWSD_STORE_WRITER_H

#include "store/store_core.h"

/* Runs and commits the jobs, together or in the end each alone, and writes
 * their results. The caller has the connection. */
void writer_serve(struct store_writer *writer, struct store_pending *const *group, size_t n);
/* Closes the connection, whatever is under way on it. */
void writer_let_go(struct store_writer *writer);

/* ---- writer_doubt.c ---- */

/* In each transaction: leaves the mark by which it is known later. */
int writer_mark(struct store_writer *writer);
/* The connection was lost during COMMIT. 0: the transaction stands; 1: it does
 * not; -EIO: nobody can be asked. There may be a new connection then. */
int writer_settle_doubt(struct store_writer *writer);

#endif
