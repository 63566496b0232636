/*
 * Bytes that are too many to be held at once: read in pieces, from the
 * beginning, as often as one likes. Whoever has some as a span or as a source
 * gives both to source_each, which takes the source when there is one.
 */
#ifndef EWSD_BASE_SOURCE_H
#define EWSD_BASE_SOURCE_H

#include "base/base.h"

#define SOURCE_PIECE 262144 /* bytes of every piece but the last */

struct source {
    uint64_t len;
    /* The piece at `at`, a multiple of SOURCE_PIECE below len; valid until the
     * next call. Pieces are asked for in order, from 0. */
    int (*read)(struct source *source, uint64_t at, struct span *ret_piece);
};

/* take gets each piece, and its non-zero result ends it. -EUCLEAN: the source
 * ended too early. */
int source_each(struct source *source, struct span whole, int (*take)(void *arg, struct span piece), void *arg);

#endif
