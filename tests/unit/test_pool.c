/*
 * The pool of threads: order, that jobs which block never keep others from
 * starting, and that what is queued runs before the pool goes.
 */
#include "http/pool.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <unistd.h>

#include <cmocka.h>

#define THREADS 8
#define MANY 5000
#define PATIENCE_S 60

struct job {
    struct pool_job job; /* first: a job is its pool_job */
    unsigned number;
    pthread_barrier_t *barrier;
};

static struct job jobs[MANY];
static atomic_uint ran, out_of_order;

static bool count(struct pool_job *job, struct arena *arena)
{
    assert_non_null(arena_alloc(arena, 100));
    if (atomic_fetch_add(&ran, 1) != ((struct job *)job)->number)
        atomic_fetch_add(&out_of_order, 1);
    return true;
}

/* Goes on only when as many jobs as there are threads have come together. */
static bool meet(struct pool_job *job, struct arena *arena)
{
    (void)arena;
    pthread_barrier_wait(((struct job *)job)->barrier);
    atomic_fetch_add(&ran, 1);
    return true;
}

static void push_many(struct pool *pool)
{
    atomic_store(&ran, 0);
    atomic_store(&out_of_order, 0);
    for (unsigned i = 0; i < MANY; i++) {
        jobs[i] = (struct job){ .job.run = count, .number = i };
        pool_push(pool, &jobs[i].job);
    }
}

static void test_order(void **state)
{
    struct pool *pool;
    (void)state;
    assert_int_equal(pool_new(1, 0, 65536, &pool), 0);
    push_many(pool);
    pool_free(pool);
    assert_int_equal(ran, MANY);
    assert_int_equal(out_of_order, 0);
}

static void test_all_run(void **state)
{
    struct pool *pool;
    (void)state;
    assert_int_equal(pool_new(THREADS, 0, 65536, &pool), 0);
    push_many(pool);
    pool_free(pool);
    assert_int_equal(ran, MANY);
}

static void test_blocked_jobs(void **state)
{
    enum { ROUNDS = 50 };
    struct pool *pool;
    pthread_barrier_t barrier;
    (void)state;
    alarm(PATIENCE_S); /* a thread that is not woken would be waited for in vain */
    assert_int_equal(pool_new(THREADS, 0, 65536, &pool), 0);
    assert_int_equal(pthread_barrier_init(&barrier, NULL, THREADS + 1), 0);
    atomic_store(&ran, 0);
    for (unsigned i = 0; i < ROUNDS * THREADS; i++) {
        jobs[i] = (struct job){ .job.run = meet, .barrier = &barrier };
        pool_push(pool, &jobs[i].job);
    }
    for (unsigned i = 0; i < ROUNDS; i++)
        pthread_barrier_wait(&barrier);
    alarm(0);
    pool_free(pool);
    assert_int_equal(ran, ROUNDS * THREADS);
    pthread_barrier_destroy(&barrier);
}

/* ---- jobs that go on later ---- */

struct waiter {
    struct pool_job job; /* first */
    struct pool *pool;
    unsigned *kept; /* in the arena */
    unsigned number;
    pthread_t thread;
};

static bool go_on(struct pool_job *job, struct arena *arena)
{
    const struct waiter *waiter = (const struct waiter *)job;
    assert_ptr_equal(job->arena, arena);
    assert_int_equal(*waiter->kept, waiter->number); /* no other job has had the arena */
    atomic_fetch_add(&ran, 1);
    return true;
}

static void *push_later(void *arg)
{
    struct waiter *waiter = arg;
    waiter->job.run = go_on;
    pool_push_again(waiter->pool, &waiter->job);
    return NULL;
}

static bool wait_for_push(struct pool_job *job, struct arena *arena)
{
    struct waiter *waiter = (struct waiter *)job;
    assert_true(job->may_wait);
    waiter->kept = arena_alloc(arena, sizeof(*waiter->kept));
    assert_non_null(waiter->kept);
    *waiter->kept = waiter->number;
    assert_int_equal(pthread_create(&waiter->thread, NULL, push_later, waiter), 0);
    return false;
}

/* Many more wait than there are threads, others run in between, and the pool
 * does not go before the last is over. */
static void test_waiting_jobs(void **state)
{
    enum { WAITERS = 200 };
    static struct waiter waiters[WAITERS];
    struct pool *pool;
    (void)state;
    alarm(PATIENCE_S);
    assert_int_equal(pool_new(2, 0, 65536, &pool), 0);
    atomic_store(&ran, 0);
    for (unsigned i = 0; i < WAITERS; i++) {
        waiters[i] = (struct waiter){ .job.run = wait_for_push, .pool = pool, .number = i };
        jobs[i] = (struct job){ .job.run = count };
        pool_push(pool, &waiters[i].job);
        pool_push(pool, &jobs[i].job);
    }
    pool_free(pool);
    alarm(0);
    assert_int_equal(ran, 2 * WAITERS);
    for (unsigned i = 0; i < WAITERS; i++)
        pthread_join(waiters[i].thread, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_all_run),
        cmocka_unit_test(test_blocked_jobs),
        cmocka_unit_test(test_waiting_jobs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
