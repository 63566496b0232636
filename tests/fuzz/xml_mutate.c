/*
 * See xml_mutate.h. Elements are found by their tags alone.
 */
#include "xml_mutate.h"

#include "base/base.h"

#include <stdbool.h>
#include <stdlib.h>

#define ELEMENTS_MAX 1024

/* The fuzzer's; not there in a program that replays. */
__attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

static unsigned next_random(unsigned *seed)
{
    *seed = *seed * 1103515245u + 12345u;
    return *seed >> 8;
}

static bool begins_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Behind the tag at `at`; its size is 1 for <a>, -1 for </a>, 0 for others. */
static size_t tag_end(struct span text, size_t at, int *ret_size)
{
    const char *end = memchr(text.ptr + at, '>', text.len - at);
    if (!end || at + 1 >= text.len)
        return 0;
    char first = text.ptr[at + 1];
    *ret_size = first == '/' ? -1 : begins_name(first) && end[-1] != '/' ? 1 : 0;
    return (size_t)(end - text.ptr) + 1;
}

/* The whole element whose tag is at `at`; empty when it does not end. */
static struct span element_at(struct span text, size_t at)
{
    size_t start = at;
    int depth = 0, size;
    do {
        size_t end = tag_end(text, at, &size);
        if (end == 0)
            return (struct span){ 0 };
        depth += size;
        if (depth <= 0)
            return (struct span){ text.ptr + start, end - start };
        const char *next = memchr(text.ptr + end, '<', text.len - end);
        at = next ? (size_t)(next - text.ptr) : text.len;
    } while (at < text.len);
    return (struct span){ 0 };
}

static struct span pick(struct span text, unsigned *seed)
{
    size_t starts[ELEMENTS_MAX], n = 0;
    for (size_t i = 0; i + 1 < text.len && n < ELEMENTS_MAX; i++)
        if (text.ptr[i] == '<' && begins_name(text.ptr[i + 1]))
            starts[n++] = i;
    return n ? element_at(text, starts[next_random(seed) % n]) : (struct span){ 0 };
}

/* text with the piece `old` of it (which may be empty) become `new`. */
static size_t splice(struct span text, struct span old, struct span new, uint8_t *out, size_t max)
{
    size_t before = (size_t)(old.ptr - text.ptr), after = text.len - before - old.len;
    if (before + new.len + after > max)
        return 0;
    memcpy(out, text.ptr, before);
    if (new.len)
        memcpy(out + before, new.ptr, new.len);
    memcpy(out + before + new.len, old.ptr + old.len, after);
    return before + new.len + after;
}

static size_t change(struct span text, struct span other, uint8_t *out, size_t max, unsigned *seed)
{
    struct span at = pick(text, seed), piece = pick(other, seed);
    if (!at.ptr || !piece.ptr)
        return 0;
    struct span behind = { at.ptr + at.len, 0 };
    switch (next_random(seed) % 4) {
    case 0:
        return splice(text, at, (struct span){ 0 }, out, max);
    case 1:
        return splice(text, behind, at, out, max);
    case 2:
        return splice(text, behind, piece, out, max);
    default:
        return splice(text, at, piece, out, max);
    }
}

size_t xml_mutate(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    size_t changed = 0;
    if (size && next_random(&seed) % 2) {
        char *copy = malloc(size);
        if (copy) {
            memcpy(copy, data, size);
            struct span text = { copy, size };
            changed = change(text, text, data, max, &seed);
            free(copy);
        }
    }
    return changed ? changed : LLVMFuzzerMutate(data, size, max);
}

size_t xml_cross(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *out, size_t max, unsigned seed)
{
    return a_size && b_size ? change((struct span){ (const char *)a, a_size }, (struct span){ (const char *)b, b_size }, out, max, &seed) : 0;
}
