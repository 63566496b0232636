/*
 * A queue, a lock, a condition: jobs run in the order they came.
 */
#include "http/pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct pool_job *first;
    struct pool_job **last;
    bool stopping;
    size_t arena_cap;
    unsigned n;
    pthread_t threads[];
};

static struct pool_job *take(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    while (!pool->first && !pool->stopping)
        pthread_cond_wait(&pool->more, &pool->lock);
    struct pool_job *job = pool->first;
    if (job) {
        pool->first = job->next;
        if (!pool->first)
            pool->last = &pool->first;
    }
    pthread_mutex_unlock(&pool->lock);
    return job;
}

static void *run(void *arg)
{
    struct pool *pool = arg;
    struct arena *arena = NULL;
    if (arena_new(pool->arena_cap, &arena))
        abort();
    for (struct pool_job *job; (job = take(pool));) {
        job->run(job, arena);
        arena_reset(arena);
    }
    arena_free(arena);
    return NULL;
}

int pool_new(unsigned threads, size_t arena_cap, struct pool **ret_pool)
{
    struct pool *pool = calloc(1, sizeof(*pool) + threads * sizeof(pool->threads[0]));
    if (!pool)
        return -ENOMEM;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->more, NULL);
    pool->last = &pool->first;
    pool->arena_cap = arena_cap;
    for (; pool->n < threads; pool->n++) {
        int r = pthread_create(&pool->threads[pool->n], NULL, run, pool);
        if (r) {
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
    pthread_cond_broadcast(&pool->more);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->n; i++)
        pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->more);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

void pool_push(struct pool *pool, struct pool_job *job)
{
    job->next = NULL;
    pthread_mutex_lock(&pool->lock);
    *pool->last = job;
    pool->last = &job->next;
    pthread_cond_signal(&pool->more);
    pthread_mutex_unlock(&pool->lock);
}
