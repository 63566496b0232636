/*
 * A queue of jobs, and a stack of threads that wait for one. Jobs start in the
 * order they came. A job wakes a thread only when none is on its way already;
 * a thread that takes a job and leaves others wakes the next. So a burst is
 * worked off by the threads that run, as long as these don't block, and the
 * thread that waits the shortest, whose memory is warm, is woken first.
 */
#include "http/pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct worker {
    pthread_t thread;
    pthread_cond_t wake;
    bool woken; /* off the stack, and not yet running */
    struct pool *pool;
    struct worker *below; /* on the stack */
};

struct pool {
    pthread_mutex_t lock;
    struct pool_job *first;
    struct pool_job **last;
    struct worker *idle; /* top of the stack */
    bool waking; /* a woken thread has not yet looked at the queue */
    bool stopping;
    size_t arena_cap;
    unsigned n;
    struct worker workers[];
};

/* Under the lock: the thread that is to be signalled once it is released. */
static struct worker *choose(struct pool *pool)
{
    struct worker *worker = pool->first && !pool->waking ? pool->idle : NULL;
    if (worker) {
        pool->idle = worker->below;
        pool->waking = worker->woken = true;
    }
    return worker;
}

/* Under the lock. */
static void rest(struct pool *pool, struct worker *self)
{
    self->below = pool->idle;
    self->woken = false;
    pool->idle = self;
    while (!self->woken)
        pthread_cond_wait(&self->wake, &pool->lock);
    pool->waking = false;
}

static struct pool_job *take(struct pool *pool, struct worker *self)
{
    pthread_mutex_lock(&pool->lock);
    while (!pool->first && !pool->stopping)
        rest(pool, self);
    struct pool_job *job = pool->first;
    if (job) {
        pool->first = job->next;
        if (!pool->first)
            pool->last = &pool->first;
    }
    struct worker *next = choose(pool);
    pthread_mutex_unlock(&pool->lock);
    if (next)
        pthread_cond_signal(&next->wake);
    return job;
}

static void *run(void *arg)
{
    struct worker *self = arg;
    struct pool *pool = self->pool;
    struct arena *arena = NULL;
    if (arena_new(pool->arena_cap, &arena))
        abort();
    for (struct pool_job *job; (job = take(pool, self));) {
        job->run(job, arena);
        arena_reset(arena);
    }
    arena_free(arena);
    return NULL;
}

int pool_new(unsigned threads, size_t arena_cap, struct pool **ret_pool)
{
    struct pool *pool = calloc(1, sizeof(*pool) + threads * sizeof(pool->workers[0]));
    if (!pool)
        return -ENOMEM;
    pthread_mutex_init(&pool->lock, NULL);
    pool->last = &pool->first;
    pool->arena_cap = arena_cap;
    for (; pool->n < threads; pool->n++) {
        struct worker *worker = &pool->workers[pool->n];
        worker->pool = pool;
        pthread_cond_init(&worker->wake, NULL);
        int r = pthread_create(&worker->thread, NULL, run, worker);
        if (r) {
            pthread_cond_destroy(&worker->wake);
            pool_free(pool);
            return -r;
        }
    }
    *ret_pool = pool;
    return 0;
}

void pool_free(struct pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    for (struct worker *worker = pool->idle; worker; worker = worker->below) {
        worker->woken = true;
        pthread_cond_signal(&worker->wake);
    }
    pool->idle = NULL;
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->n; i++)
        pthread_join(pool->workers[i].thread, NULL);
    for (unsigned i = 0; i < pool->n; i++) /* now that nobody signals any more */
        pthread_cond_destroy(&pool->workers[i].wake);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

void pool_push(struct pool *pool, struct pool_job *job)
{
    job->next = NULL;
    pthread_mutex_lock(&pool->lock);
    *pool->last = job;
    pool->last = &job->next;
    struct worker *worker = choose(pool);
    pthread_mutex_unlock(&pool->lock);
    if (worker)
        pthread_cond_signal(&worker->wake);
}
