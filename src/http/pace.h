/*
 * How the body of an answer goes out when it doesn't go at once: later, slowly,
 * in part or not at all. Plain functions of plain values; all zero is an answer
 * as any other.
 */
#ifndef EWSD_HTTP_PACE_H
#define EWSD_HTTP_PACE_H

#include "base/base.h"

struct http_pace {
    int64_t hold_ms; /* it waits so long, and no thread with it */
    uint64_t rate;   /* bytes a second; 0: as fast as it goes */
    bool broken;     /* the connection ends when `after` bytes have gone */
    uint64_t after;
    bool dropped;    /* the connection ends without a byte */
};

enum { PACE_BROKEN = -1 };

/* Bytes of a body of len that may go now, elapsed_ms after its beginning, when
 * sent have gone already; PACE_BROKEN. 0: not before ret_wait_ms. */
int64_t pace_allows(const struct http_pace *pace, uint64_t len, uint64_t sent, int64_t elapsed_ms, int64_t *ret_wait_ms);

#endif
