/*
 * Request memory: everything that one request needs is taken from one arena
 * and freed with it, once. Memory is zeroed. An arena is born with a cap, which
 * bounds what one request can make the server hold.
 * Under AddressSanitizer each object is a malloc of its own, so overruns show.
 * One arena belongs to one thread at a time.
 */
#ifndef EWSD_BASE_ARENA_H
#define EWSD_BASE_ARENA_H

#include "base/base.h"

#include <stdarg.h>

struct arena;

/* cap in bytes, the arena's own overhead included. -ENOMEM. */
int arena_new(size_t cap, struct arena **ret_arena);
void arena_free(struct arena *arena);
/* Forgets every object and keeps one block for the next use. */
void arena_reset(struct arena *arena);
size_t arena_used(const struct arena *arena);

/* Zeroed, aligned for any type; NULL when the cap or the system's memory is
 * reached (callers return -ENOMEM). n == 0 gives a valid pointer. */
void *arena_alloc(struct arena *arena, size_t n);
/* count * size with overflow check. */
void *arena_array(struct arena *arena, size_t count, size_t size);
/* A copy, NUL-terminated behind its len. -ENOMEM. */
int arena_copy(struct arena *arena, struct span text, struct span *ret_copy);
/* Formatted text, NUL-terminated. -ENOMEM. */
int arena_printf(struct arena *arena, struct span *ret_text, const char *format, ...) ATTR_PRINTF(3, 4);
int arena_vprintf(struct arena *arena, struct span *ret_text, const char *format, va_list args);

DEFINE_CLEANUP(arena, struct arena *, arena_free)

#endif
