/*
 * Fibers: functions with stacks of their own that one thread runs by turns. One
 * runs until it waits or ends; whoever resumed it goes on then. A fiber belongs
 * to the thread that started it until it has ended, and nothing runs at the same
 * time as it.
 */
#ifndef EWSD_BASE_FIBER_H
#define EWSD_BASE_FIBER_H

#include "base/base.h"

struct fiber;

typedef void fiber_main(void *arg);

/* Its stack is of that many bytes, in memory when they are used; what goes beyond
 * it faults. -ENOMEM. */
int fiber_new(size_t stack, struct fiber **ret_fiber);
/* Not one that waits. */
void fiber_free(struct fiber *fiber);
/* Begins to run main(arg); may be done again when that has ended. Both: true: it
 * waits; false: it has ended. */
bool fiber_start(struct fiber *fiber, fiber_main *main, void *arg);
bool fiber_resume(struct fiber *fiber);
/* By the fiber itself: returns when it is resumed. */
void fiber_wait(struct fiber *fiber);

#endif
