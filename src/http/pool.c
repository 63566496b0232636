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
#include <semaphore.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

struct worker {
    pthread_t thread;
    sem_t wake; /* posted once it is off the stack */
    bool ended; /* a job: to be told under the next lock */
    bool alone; /* its job is the only one that is not over */
    struct pool *pool;
    struct arena *arena;  /* for the next job */
    struct arena *other;  /* for the one after, should that keep it; or NULL */
    struct worker *below; /* on the stack */
};

/* An arena that nobody uses; this lies in itself. */
struct spare {
    struct arena *arena;
    struct spare *next;
};

struct pool {
    pthread_mutex_t lock;
    struct pool_job *first;
    struct pool_job **last;
    struct worker *idle; /* top of the stack */
    bool waking; /* a woken thread has not yet looked at the queue */
    bool stopping;
    size_t open; /* jobs that are not over */
    struct spare *spares;
    size_t arena_cap;
    int niceness;
    unsigned n;
    struct worker workers[];
};

/* Under the lock: the thread that is to be signalled once it is released. */
static struct worker *choose(struct pool *pool)
{
    bool over = pool->stopping && !pool->open;
    struct worker *worker = (pool->first || over) && !pool->waking ? pool->idle : NULL;
    if (worker) {
        pool->idle = worker->below;
        pool->waking = true;
    }
    return worker;
}

/* Under the lock. */
static void rest(struct pool *pool, struct worker *self)
{
    self->below = pool->idle;
    pool->idle = self;
    pthread_mutex_unlock(&pool->lock);
    while (sem_wait(&self->wake) != 0)
        continue; /* a signal */
    pthread_mutex_lock(&pool->lock);
    pool->waking = false;
}

static struct pool_job *take(struct pool *pool, struct worker *self)
{
    pthread_mutex_lock(&pool->lock);
    pool->open -= self->ended;
    self->ended = false;
    while (!pool->first && !(pool->stopping && !pool->open))
        rest(pool, self);
    struct pool_job *job = pool->first;
    if (job) {
        pool->first = job->next;
        if (!pool->first)
            pool->last = &pool->first;
    }
    self->alone = pool->open == 1;
    struct worker *next = choose(pool);
    pthread_mutex_unlock(&pool->lock);
    if (next)
        sem_post(&next->wake);
    return job;
}

/* An arena more; NULL when there is no memory. */
static struct arena *spare_take(struct pool *pool)
{
    struct arena *arena = NULL;
    pthread_mutex_lock(&pool->lock);
    struct spare *spare = pool->spares;
    if (spare)
        pool->spares = spare->next;
    pthread_mutex_unlock(&pool->lock);
    if (!spare)
        return arena_new(pool->arena_cap, &arena) ? NULL : arena;
    arena = spare->arena;
    arena_reset(arena);
    return arena;
}

static void spare_give(struct pool *pool, struct arena *arena)
{
    arena_reset(arena);
    struct spare *spare = arena_alloc(arena, sizeof(*spare));
    if (!spare) {
        arena_free(arena);
        return;
    }
    pthread_mutex_lock(&pool->lock);
    *spare = (struct spare){ arena, pool->spares };
    pool->spares = spare;
    pthread_mutex_unlock(&pool->lock);
}

/* A new job: it may keep the arena that it is given if there is another one. */
static bool run_new(struct worker *self, struct pool_job *job)
{
    if (!self->other)
        self->other = spare_take(self->pool);
    job->arena = self->arena;
    job->can_wait = self->other != NULL;
    job->may_wait = job->can_wait && !self->alone;
    bool ended = job->run(job, self->arena);
    if (ended) {
        arena_reset(self->arena);
    } else {
        self->arena = self->other;
        self->other = NULL;
    }
    return ended;
}

static bool run_again(struct worker *self, struct pool_job *job)
{
    struct arena *arena = job->arena;
    bool ended = job->run(job, arena);
    if (ended && self->other) {
        spare_give(self->pool, arena);
    } else if (ended) {
        arena_reset(arena);
        self->other = arena;
    }
    return ended;
}

/* A thread that is woken lets who has the processor go on: so the loop, which wakes one
 * for each of several jobs, pushes them all, and one thread does them in one go. Not
 * for the loop itself: on processors that are busy with other programs it would wait
 * behind them at each event, and so would everybody. As impatient as before if it fails. */
static void be_patient(void)
{
    (void)pthread_setschedparam(pthread_self(), SCHED_BATCH, &(struct sched_param){ 0 });
}

static void *run(void *arg)
{
    struct worker *self = arg;
    be_patient();
    if (self->pool->niceness) /* of this thread alone: setpriority(2), BUGS; as nice as it was if that fails */
        (void)setpriority(PRIO_PROCESS, (id_t)gettid(), getpriority(PRIO_PROCESS, 0) + self->pool->niceness);
    for (struct pool_job *job; (job = take(self->pool, self));)
        self->ended = job->arena ? run_again(self, job) : run_new(self, job);
    arena_free(self->arena);
    arena_free(self->other);
    return NULL;
}

int pool_new(unsigned threads, int niceness, size_t arena_cap, struct pool **ret_pool)
{
    struct pool *pool = calloc(1, sizeof(*pool) + threads * sizeof(pool->workers[0]));
    if (!pool)
        return -ENOMEM;
    pthread_mutex_init(&pool->lock, NULL);
    pool->last = &pool->first;
    pool->arena_cap = arena_cap;
    pool->niceness = niceness;
    for (; pool->n < threads; pool->n++) {
        struct worker *worker = &pool->workers[pool->n];
        worker->pool = pool;
        sem_init(&worker->wake, 0, 0);
        int r = arena_new(arena_cap, &worker->arena);
        if (r == 0)
            r = -pthread_create(&worker->thread, NULL, run, worker);
        if (r) {
            arena_free(worker->arena);
            sem_destroy(&worker->wake);
            pool_free(pool);
            return r;
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
    struct worker *worker = choose(pool); /* who wakes the next */
    pthread_mutex_unlock(&pool->lock);
    if (worker)
        sem_post(&worker->wake);
    for (unsigned i = 0; i < pool->n; i++)
        pthread_join(pool->workers[i].thread, NULL);
    for (unsigned i = 0; i < pool->n; i++) /* now that nobody signals any more */
        sem_destroy(&pool->workers[i].wake);
    for (struct spare *spare = pool->spares, *next; spare; spare = next) {
        next = spare->next;
        arena_free(spare->arena);
    }
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

static void push(struct pool *pool, struct pool_job *job, bool is_new)
{
    job->next = NULL;
    pthread_mutex_lock(&pool->lock);
    pool->open += is_new;
    *pool->last = job;
    pool->last = &job->next;
    struct worker *worker = choose(pool);
    pthread_mutex_unlock(&pool->lock);
    if (worker)
        sem_post(&worker->wake);
}

void pool_push(struct pool *pool, struct pool_job *job)
{
    job->arena = NULL;
    push(pool, job, true);
}

bool pool_run(struct pool *pool, struct pool_job *job)
{
    struct arena *arena = spare_take(pool);
    if (!arena)
        return false;
    pthread_mutex_lock(&pool->lock);
    job->may_wait = ++pool->open > 1;
    pthread_mutex_unlock(&pool->lock);
    job->can_wait = true;
    job->arena = arena;
    if (!job->run(job, arena))
        return true;
    spare_give(pool, arena);
    pthread_mutex_lock(&pool->lock);
    pool->open--;
    struct worker *worker = choose(pool); /* that it may end */
    pthread_mutex_unlock(&pool->lock);
    if (worker)
        sem_post(&worker->wake);
    return true;
}

void pool_push_again(struct pool *pool, struct pool_job *job)
{
    push(pool, job, false);
}
