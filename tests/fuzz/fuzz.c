/*
 * See fuzz.h.
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>

#define SHOWN_MAX 4000

void fuzz_failed(const char *file, int line, const char *condition, struct span text)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    if (text.len)
        fprintf(stderr, "of: %.*s\n", (int)(text.len < SHOWN_MAX ? text.len : SHOWN_MAX), text.ptr);
    abort();
}

struct arena *fuzz_arena(size_t cap)
{
    struct arena *arena = NULL;
    FUZZ_CHECK(arena_new(cap, &arena) == 0);
    return arena;
}

bool fuzz_next(struct span *rest, char separator, struct span *ret_piece)
{
    if (rest->len == 0)
        return false;
    const char *end = memchr(rest->ptr, separator, rest->len);
    size_t len = end ? (size_t)(end - rest->ptr) : rest->len, skip = len + (end ? 1 : 0);
    *ret_piece = (struct span){ rest->ptr, len };
    *rest = (struct span){ rest->ptr + skip, rest->len - skip };
    return true;
}

uint64_t fuzz_number(struct span text)
{
    uint64_t value = 0;
    memcpy(&value, text.ptr, text.len < sizeof(value) ? text.len : sizeof(value));
    return value;
}

bool fuzz_contains(struct span text, struct span wanted)
{
    return text.len >= wanted.len && memmem(text.ptr, text.len, wanted.ptr, wanted.len);
}

bool fuzz_is_plain(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7f)
            return false;
    return span_utf8_ok(text) && span_trim(text).len == text.len;
}
