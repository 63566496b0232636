/*
 * Threads that take jobs off a bounded queue. A job is told which thread runs
 * it through that thread's arena, which is reset after each job.
 */
#ifndef EWSD_HTTP_POOL_H
#define EWSD_HTTP_POOL_H

#include "base/arena.h"

struct pool;
struct pool_job {
    void (*run)(struct pool_job *job, struct arena *arena);
    struct pool_job *next; /* the pool's */
};

int pool_new(unsigned threads, size_t arena_cap, struct pool **ret_pool);
/* Runs what is queued, then joins the threads. */
void pool_free(struct pool *pool);
/* The job's memory is the caller's until run() returns. */
void pool_push(struct pool *pool, struct pool_job *job);

#endif
