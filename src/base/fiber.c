/*
 * Fibers by setjmp, which leaves the mask of signals alone: a switch is a few
 * instructions. The contexts of the C library, whose switches call the kernel for that
 * mask, only give a fiber its stack, once. The sanitizers are told of each switch, since
 * what they know belongs to a stack.
 */
#undef _FORTIFY_SOURCE /* its longjmp stays on one stack */
#include "base/fiber.h"

#include <errno.h>
#include <setjmp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#ifdef __has_feature /* clang's way to say it */
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__
#endif
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

/* ThreadSanitizer counts calls and returns, of each stack by itself. */
#define WITHIN static inline __attribute__((always_inline))

struct fiber {
    jmp_buf own, caller;
    ucontext_t first;
    char *memory; /* the stack, behind a page that nobody may touch */
    size_t size, guard; /* of both; of that page */
    fiber_main *main;
    void *arg;
    bool on_stack; /* it is there, if only to wait for the next main */
    bool ended;
    /* of the sanitizers */
    void *fake, *caller_fake;
    const void *caller_stack;
    size_t caller_size;
    void *thread, *caller_thread;
};

/* ---- what the sanitizers are told ---- */

/* Before and behind a switch into the fiber, by who resumes it. */
WITHIN void entering(struct fiber *fiber)
{
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_start_switch_fiber(&fiber->caller_fake, fiber->memory + fiber->guard, fiber->size - fiber->guard);
#endif
#ifdef __SANITIZE_THREAD__
    fiber->caller_thread = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(fiber->thread, 0);
#endif
    (void)fiber;
}

WITHIN void back(struct fiber *fiber)
{
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(fiber->caller_fake, NULL, NULL);
#endif
    (void)fiber;
}

/* The same for one out of it, by the fiber. */
WITHIN void leaving(struct fiber *fiber)
{
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_start_switch_fiber(fiber->ended ? NULL : &fiber->fake, fiber->caller_stack, fiber->caller_size);
#endif
#ifdef __SANITIZE_THREAD__
    __tsan_switch_to_fiber(fiber->caller_thread, 0);
#endif
    (void)fiber;
}

WITHIN void entered(struct fiber *fiber)
{
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(fiber->fake, &fiber->caller_stack, &fiber->caller_size);
#endif
    (void)fiber;
}

/* ---- fibers ---- */

int fiber_new(size_t stack, struct fiber **ret_fiber)
{
    struct fiber *fiber = calloc(1, sizeof(*fiber));

    if (!fiber)
        return -ENOMEM;
    fiber->guard = (size_t)sysconf(_SC_PAGESIZE);
    fiber->size = fiber->guard + stack;
    fiber->memory = mmap(NULL, fiber->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (fiber->memory == MAP_FAILED || mprotect(fiber->memory, fiber->guard, PROT_NONE) != 0) {
        fiber_free(fiber);
        return -ENOMEM;
    }
#ifdef __SANITIZE_THREAD__
    fiber->thread = __tsan_create_fiber(0);
#endif
    *ret_fiber = fiber;
    return 0;
}

void fiber_free(struct fiber *fiber)
{
    if (!fiber)
        return;
#ifdef __SANITIZE_THREAD__
    if (fiber->thread)
        __tsan_destroy_fiber(fiber->thread);
#endif
    if (fiber->memory != MAP_FAILED)
        munmap(fiber->memory, fiber->size);
    free(fiber);
}

/* ---- switches ---- */

static void leave(struct fiber *fiber)
{
    if (_setjmp(fiber->own) == 0) {
        leaving(fiber);
        _longjmp(fiber->caller, 1);
    }
    entered(fiber);
}

/* makecontext hands over ints, of which two are a pointer. */
static void live(unsigned high, unsigned low)
{
    struct fiber *fiber = (struct fiber *)((uintptr_t)high << 32 | low);

    entered(fiber);
    for (;;) {
        fiber->main(fiber->arg);
        fiber->ended = true;
        leave(fiber);
    }
}

static void step_on(struct fiber *fiber)
{
    uint64_t self = (uintptr_t)fiber;

    getcontext(&fiber->first);
    fiber->first.uc_stack.ss_sp = fiber->memory + fiber->guard;
    fiber->first.uc_stack.ss_size = fiber->size - fiber->guard;
    fiber->first.uc_link = NULL;
    makecontext(&fiber->first, (void (*)(void))live, 2, (unsigned)(self >> 32), (unsigned)self);
    fiber->on_stack = true;
    entering(fiber);
    setcontext(&fiber->first);
}

bool fiber_resume(struct fiber *fiber)
{
    if (_setjmp(fiber->caller) == 0) {
        if (!fiber->on_stack)
            step_on(fiber);
        entering(fiber);
        _longjmp(fiber->own, 1);
    }
    back(fiber);
    return !fiber->ended;
}

bool fiber_start(struct fiber *fiber, fiber_main *main, void *arg)
{
    fiber->main = main;
    fiber->arg = arg;
    fiber->ended = false;
    fiber->fake = NULL;
    return fiber_resume(fiber);
}

void fiber_wait(struct fiber *fiber)
{
    leave(fiber);
}
