/*
 * See pages.h.
 */
#include "base/pages.h"

#include <sys/mman.h>
#include <unistd.h>

void pages_give_back(void *memory, size_t len)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t from = ((uintptr_t)memory + page - 1) / page * page;
    uintptr_t to = ((uintptr_t)memory + len) / page * page;

    if (to > from)
        (void)madvise((void *)from, to - from, MADV_DONTNEED);
}
