/*
 * See source.h.
 */
#include "base/source.h"

#include <errno.h>

static int give_parts(struct span whole, int (*take)(void *arg, struct span piece), void *arg)
{
    int r = 0;

    while (r == 0 && whole.len > 0) {
        struct span piece = { whole.ptr, whole.len < SOURCE_PIECE ? whole.len : SOURCE_PIECE };
        r = take(arg, piece);
        whole.ptr += piece.len;
        whole.len -= piece.len;
    }
    return r;
}

int source_each(struct source *source, struct span whole, int (*take)(void *arg, struct span piece), void *arg)
{
    int r = 0;

    if (!source)
        return give_parts(whole, take, arg);
    for (uint64_t at = 0; r == 0 && at < source->len;) {
        struct span piece;
        r = source->read(source, at, &piece);
        if (r != 0)
            return r;
        if (piece.len != (source->len - at < SOURCE_PIECE ? source->len - at : SOURCE_PIECE))
            return -EUCLEAN;
        at += piece.len;
        r = take(arg, piece);
    }
    return r;
}
