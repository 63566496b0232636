/*
 * Threads that take jobs off a queue. Each job has an arena while it lasts. A
 * job that has to wait for something goes on later: it keeps its arena, blocks
 * no thread, and is pushed again.
 */
#ifndef EWSD_HTTP_POOL_H
#define EWSD_HTTP_POOL_H

#include "base/arena.h"

struct pool;
struct pool_job {
    /* True: the job is over, its memory is no longer looked at, and the arena is
     * reset. False: it goes on with pool_push_again, perhaps by now. */
    bool (*run)(struct pool_job *job, struct arena *arena);
    bool may_wait;         /* the pool's: false may be answered. Not so for a job that is alone, which is served soonest by waiting */
    bool can_wait;         /* the pool's: it may, alone or not */
    struct arena *arena;   /* the pool's, as next is */
    struct pool_job *next;
};

/* niceness: how much less of the processor its threads get than others do. */
int pool_new(unsigned threads, int niceness, size_t arena_cap, struct pool **ret_pool);
/* Waits until every job is over, then joins the threads. */
void pool_free(struct pool *pool);
/* The job's memory is the caller's until it is over. */
void pool_push(struct pool *pool, struct pool_job *job);
/* The same, but the job is run by the caller, in this call. False: there is no memory
 * for it, and nothing was done. */
bool pool_run(struct pool *pool, struct pool_job *job);
/* One that waited; run may be another function now. */
void pool_push_again(struct pool *pool, struct pool_job *job);

#endif
