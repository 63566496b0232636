/*
 * Arena: a chain of blocks, the newest first; objects are cut from the newest.
 * Large objects get a block of their own behind the newest, so its rest stays
 * in use. Under AddressSanitizer every object is such a large one.
 */
#include "base/arena.h"

#include <errno.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_SEPARATE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_SEPARATE 1
#endif
#endif
#ifndef ARENA_SEPARATE
#define ARENA_SEPARATE 0
#endif

#define BLOCK_MIN 16384u
#define BLOCK_MAX 1048576u
#define ALIGNMENT (alignof(max_align_t))

struct block {
    struct block *next;
    size_t room; /* of bytes */
    alignas(max_align_t) unsigned char bytes[];
};

struct arena {
    size_t cap;
    size_t used; /* what malloc gave, headers included */
    size_t next_size;
    size_t at; /* of the newest block */
    struct block *newest;
};

int arena_new(size_t cap, struct arena **ret_arena)
{
    struct arena *arena = calloc(1, sizeof(*arena));

    if (!arena)
        return -ENOMEM;
    arena->cap = cap;
    arena->used = sizeof(*arena);
    arena->next_size = BLOCK_MIN;
    *ret_arena = arena;
    return 0;
}

static void free_blocks(struct block *block)
{
    while (block) {
        struct block *next = block->next;
        free(block);
        block = next;
    }
}

void arena_free(struct arena *arena)
{
    if (!arena)
        return;
    free_blocks(arena->newest);
    free(arena);
}

void arena_reset(struct arena *arena)
{
    struct block *kept = arena->newest;
    size_t dirty = arena->at;

    arena->used = sizeof(*arena);
    arena->at = 0;
    if (!kept)
        return;
    free_blocks(kept->next);
    kept->next = NULL;
    if (ARENA_SEPARATE || kept->room > BLOCK_MAX) {
        free(kept);
        arena->newest = NULL;
        return;
    }
    memset(kept->bytes, 0, dirty);
    arena->used += sizeof(*kept) + kept->room;
}

size_t arena_used(const struct arena *arena)
{
    return arena->used;
}

static struct block *block_new(struct arena *arena, size_t room)
{
    size_t size;
    struct block *block;

    if (__builtin_add_overflow(sizeof(*block), room, &size) || arena->used > arena->cap ||
        size > arena->cap - arena->used)
        return NULL;
    block = calloc(1, size);
    if (!block)
        return NULL;
    block->room = room;
    arena->used += size;
    return block;
}

/* An object with a block of its own, which never becomes the newest. */
static void *alloc_separate(struct arena *arena, size_t n)
{
    struct block *block = block_new(arena, n);

    if (!block)
        return NULL;
    if (arena->newest) {
        block->next = arena->newest->next;
        arena->newest->next = block;
    } else {
        arena->newest = block;
        arena->at = block->room;
    }
    return block->bytes;
}

static bool add_block(struct arena *arena)
{
    struct block *block = block_new(arena, arena->next_size);

    if (!block)
        return false;
    block->next = arena->newest;
    arena->newest = block;
    arena->at = 0;
    if (arena->next_size < BLOCK_MAX)
        arena->next_size *= 2;
    return true;
}

void *arena_alloc(struct arena *arena, size_t n)
{
    size_t want;
    void *object;

    if (__builtin_add_overflow(n, ALIGNMENT - 1, &want))
        return NULL;
    want &= ~(ALIGNMENT - 1);
    if (ARENA_SEPARATE)
        return alloc_separate(arena, n);
    if (!arena->newest || arena->newest->room < want || arena->at > arena->newest->room - want) {
        if (want > arena->next_size / 4)
            return alloc_separate(arena, want);
        if (!add_block(arena))
            return alloc_separate(arena, want); /* near the cap */
    }
    object = arena->newest->bytes + arena->at;
    arena->at += want;
    return object;
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    size_t n;

    if (__builtin_mul_overflow(count, size, &n))
        return NULL;
    return arena_alloc(arena, n);
}

int arena_copy(struct arena *arena, struct span text, struct span *ret_copy)
{
    char *copy;

    if (text.len == SIZE_MAX)
        return -ENOMEM;
    copy = arena_alloc(arena, text.len + 1);
    if (!copy)
        return -ENOMEM;
    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    *ret_copy = (struct span){ copy, text.len };
    return 0;
}

int arena_vprintf(struct arena *arena, struct span *ret_text, const char *format, va_list args)
{
    va_list again;
    char *text;
    int len;

    va_copy(again, args);
    len = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (len < 0)
        return -ENOMEM;
    text = arena_alloc(arena, (size_t)len + 1);
    if (!text)
        return -ENOMEM;
    vsnprintf(text, (size_t)len + 1, format, args);
    *ret_text = (struct span){ text, (size_t)len };
    return 0;
}

int arena_printf(struct arena *arena, struct span *ret_text, const char *format, ...)
{
    va_list args;
    int r;

    va_start(args, format);
    r = arena_vprintf(arena, ret_text, format, args);
    va_end(args);
    return r;
}
