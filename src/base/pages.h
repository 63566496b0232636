/*
 * Memory that is still ours, but of no more use: its whole pages go back to the
 * system. What lay there is lost, and the memory may be used again.
 */
#ifndef EWSD_BASE_PAGES_H
#define EWSD_BASE_PAGES_H

#include "base/base.h"

/* Of the heap only, and nobody else's. */
void pages_give_back(void *memory, size_t len);

#endif
