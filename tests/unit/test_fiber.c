/*
 * Fibers: who runs when, that each keeps its stack, and where that ends.
 */
#include "base/fiber.h"

#include <alloca.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { STACK = 256 * 1024, MANY = 100 };

struct walker {
    struct fiber *fiber;
    char name;
    int steps;
    int sum;
};

static char trail[1024];
static size_t trail_n;

static void walk(void *arg)
{
    struct walker *walker = arg;
    volatile int seen[64] = { 0 }; /* is still there after others ran */

    for (int i = 0; i < walker->steps; i++) {
        seen[i] = walker->name + i;
        trail[trail_n++] = walker->name;
        fiber_wait(walker->fiber);
    }
    for (int i = 0; i < walker->steps; i++)
        walker->sum += seen[i] - walker->name;
}

static void make(struct walker *walker, char name, int steps)
{
    *walker = (struct walker){ .name = name, .steps = steps };
    assert_int_equal(fiber_new(STACK, &walker->fiber), 0);
}

static void test_by_turns(void **state ATTR_UNUSED)
{
    struct walker a, b;

    trail_n = 0;
    make(&a, 'a', 3);
    make(&b, 'b', 2);
    assert_true(fiber_start(a.fiber, walk, &a));
    assert_true(fiber_start(b.fiber, walk, &b));
    assert_true(fiber_resume(a.fiber));
    assert_true(fiber_resume(b.fiber));
    assert_false(fiber_resume(b.fiber));
    assert_true(fiber_resume(a.fiber));
    assert_false(fiber_resume(a.fiber));
    assert_memory_equal(trail, "ababa", trail_n);
    assert_int_equal(trail_n, 5);
    assert_int_equal(a.sum, 3);
    assert_int_equal(b.sum, 1);
    fiber_free(a.fiber);
    fiber_free(b.fiber);
}

/* The stack of one that has ended is good for the next. */
static void test_again(void **state ATTR_UNUSED)
{
    struct walker walker;

    make(&walker, 'w', 2);
    for (int i = 0; i < 1000; i++) {
        trail_n = 0;
        walker.sum = 0;
        assert_true(fiber_start(walker.fiber, walk, &walker));
        assert_true(fiber_resume(walker.fiber));
        assert_false(fiber_resume(walker.fiber));
        assert_int_equal(walker.sum, 1);
    }
    fiber_free(walker.fiber);
}

static void test_many(void **state ATTR_UNUSED)
{
    static struct walker walkers[MANY];
    int waiting = MANY;

    trail_n = 0;
    for (int i = 0; i < MANY; i++) {
        make(&walkers[i], (char)i, 1 + i % 7);
        assert_true(fiber_start(walkers[i].fiber, walk, &walkers[i]));
    }
    for (int round = 1; waiting > 0; round++)
        for (int i = 0; i < MANY; i++)
            if (1 + i % 7 >= round)
                waiting -= fiber_resume(walkers[i].fiber) ? 0 : 1;
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(walkers[i].sum, (i % 7) * (i % 7 + 1) / 2);
        fiber_free(walkers[i].fiber);
    }
}

static void *run_one(void *arg)
{
    struct walker *walker = arg;

    if (fiber_start(walker->fiber, walk, walker))
        while (fiber_resume(walker->fiber))
            continue;
    return NULL;
}

/* Between two runs another thread may take it. */
static void test_threads(void **state ATTR_UNUSED)
{
    struct walker walker;
    pthread_t thread;

    make(&walker, 't', 5);
    for (int i = 1; i <= 20; i++) {
        trail_n = 0;
        assert_int_equal(pthread_create(&thread, NULL, run_one, &walker), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(walker.sum, 10 * i);
    }
    fiber_free(walker.fiber);
}

static void use(void *arg)
{
    size_t bytes = *(size_t *)arg;
    volatile char *memory = alloca(bytes);

    for (size_t i = bytes; i > 0; i -= 512)
        memory[i - 1] = 1;
}

/* How the process ended whose fiber used that much of its stack. */
static int status_of(size_t bytes)
{
    int status;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        struct fiber *fiber = NULL;
        setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
        if (!freopen("/dev/null", "w", stderr)) /* what a sanitizer says about it */
            _exit(2);
        if (fiber_new(STACK, &fiber) != 0)
            _exit(3);
        fiber_start(fiber, use, &bytes);
        fiber_free(fiber);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void test_end_of_stack(void **state ATTR_UNUSED)
{
    assert_int_equal(status_of(STACK / 2), 0);
    assert_int_not_equal(status_of(STACK + 1024), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_turns), cmocka_unit_test(test_again),        cmocka_unit_test(test_many),
        cmocka_unit_test(test_threads),  cmocka_unit_test(test_end_of_stack),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
