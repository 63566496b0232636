/*
 * Fibers by the contexts of the C library. A switch costs a call of the kernel,
 * which keeps the mask of signals: some 0.2 us, of hundreds that a fiber waits for.
 * The sanitizers are told of each switch, since what they know belongs to a stack.
 */
#include "base/fiber.h"

#include <errno.h>
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
    ucontext_t own, caller;
    char *memory; /* the stack, behind a page that nobody may touch */
    size_t size, guard; /* of both; of that page */
    fiber_main *main;
    void *arg;
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

#ifdef __SANITIZE_ADDRESS__
/* It warns of swapcontext each time a process uses that. */
static void change(ucontext_t *from, const ucontext_t *to)
{
    volatile bool gone = false;

    getcontext(from);
    if (!gone) {
        gone = true;
        setcontext(to);
    }
}
#else
#define change(from, to) swapcontext(from, to)
#endif

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

/* makecontext hands over ints, of which two are a pointer. */
static void begin(unsigned high, unsigned low)
{
    struct fiber *fiber = (struct fiber *)((uintptr_t)high << 32 | low);

    entered(fiber);
    fiber->main(fiber->arg);
    fiber->ended = true;
    leaving(fiber);
    setcontext(&fiber->caller);
}

bool fiber_start(struct fiber *fiber, fiber_main *main, void *arg)
{
    uint64_t self = (uintptr_t)fiber;

    fiber->main = main;
    fiber->arg = arg;
    fiber->ended = false;
    fiber->fake = NULL;
    getcontext(&fiber->own);
    fiber->own.uc_stack.ss_sp = fiber->memory + fiber->guard;
    fiber->own.uc_stack.ss_size = fiber->size - fiber->guard;
    fiber->own.uc_link = NULL;
    makecontext(&fiber->own, (void (*)(void))begin, 2, (unsigned)(self >> 32), (unsigned)self);
    return fiber_resume(fiber);
}

bool fiber_resume(struct fiber *fiber)
{
    entering(fiber);
    change(&fiber->caller, &fiber->own);
    back(fiber);
    return !fiber->ended;
}

void fiber_wait(struct fiber *fiber)
{
    leaving(fiber);
    change(&fiber->own, &fiber->caller);
    entered(fiber);
}
