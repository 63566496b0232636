/*
 * The letters by ranges, as Unicode's simple case mapping has them, of those
 * whose small form takes as many bytes in UTF-8.
 */
#include "base/fold.h"

#include <errno.h>

/* Letters first..last become small by adding more; of pairs (large, small,
 * large, small...) only each second one. */
static const struct {
    uint32_t first, last, more;
    bool pairs;
} ranges[] = {
    { 'A', 'Z', 32, false },         { 0xc0, 0xd6, 32, false },       { 0xd8, 0xde, 32, false },
    { 0x100, 0x12e, 1, true },       { 0x132, 0x136, 1, true },       { 0x139, 0x147, 1, true },
    { 0x14a, 0x176, 1, true },       { 0x179, 0x17d, 1, true },       { 0x1cd, 0x1db, 1, true },
    { 0x1de, 0x1ee, 1, true },       { 0x1f8, 0x21e, 1, true },       { 0x222, 0x232, 1, true },
    { 0x246, 0x24e, 1, true },       { 0x386, 0x386, 38, false },     { 0x388, 0x38a, 37, false },
    { 0x38c, 0x38c, 64, false },     { 0x38e, 0x38f, 63, false },     { 0x391, 0x3a1, 32, false },
    { 0x3a3, 0x3ab, 32, false },     { 0x400, 0x40f, 80, false },     { 0x410, 0x42f, 32, false },
    { 0x460, 0x480, 1, true },       { 0x48a, 0x4be, 1, true },       { 0x4c1, 0x4cd, 1, true },
    { 0x4d0, 0x52e, 1, true },       { 0x531, 0x556, 48, false },     { 0x1e00, 0x1e94, 1, true },
    { 0x1ea0, 0x1efe, 1, true },     { 0xff21, 0xff3a, 32, false },
};

static uint32_t small(uint32_t c)
{
    for (size_t i = 0; i < ARRAY_LEN(ranges) && c >= ranges[i].first; i++)
        if (c <= ranges[i].last)
            return ranges[i].pairs && (c - ranges[i].first) % 2 ? c : c + ranges[i].more;
    return c;
}

/* Of two or three bytes; longer ones have no case here. */
static size_t fold_long(const unsigned char *at, size_t left, char *to)
{
    size_t len = (at[0] & 0xe0) == 0xc0 ? 2 : (at[0] & 0xf0) == 0xe0 ? 3 : 1;
    uint32_t c = len == 2 ? at[0] & 0x1fu : at[0] & 0xfu;

    for (size_t i = 1; i < len; i++) {
        if (i >= left || (at[i] & 0xc0) != 0x80)
            len = 1;
        else
            c = c << 6 | (at[i] & 0x3fu);
    }
    if (len == 1) {
        *to = (char)at[0];
        return 1;
    }
    c = small(c);
    for (size_t i = len - 1; i > 0; i--, c >>= 6)
        to[i] = (char)(0x80 | (c & 0x3f));
    to[0] = (char)((len == 2 ? 0xc0 : 0xe0) | c);
    return len;
}

int fold_text(struct arena *arena, struct span text, struct span *ret_folded)
{
    char *folded = arena_alloc(arena, text.len + 1);

    if (!folded)
        return -ENOMEM;
    for (size_t i = 0; i < text.len;) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c >= 0x80)
            i += fold_long((const unsigned char *)text.ptr + i, text.len - i, folded + i);
        else
            folded[i++] = (char)small(c);
    }
    *ret_folded = (struct span){ folded, text.len };
    return 0;
}

size_t fold_characters(struct span text)
{
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++)
        n += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
    return n;
}
