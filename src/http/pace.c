/*
 * See pace.h.
 */
#include "http/pace.h"

#define STEP_MS 20 /* between two pieces */

int64_t pace_allows(const struct http_pace *pace, uint64_t len, uint64_t sent, int64_t elapsed_ms, int64_t *ret_wait_ms)
{
    uint64_t end = pace->broken && pace->after < len ? pace->after : len;
    if (pace->broken && sent >= end)
        return PACE_BROKEN;
    if (!pace->rate)
        return (int64_t)(end - sent);
    uint64_t due = (uint64_t)elapsed_ms * pace->rate / 1000;
    due = due < end ? due : end;
    if (due > sent)
        return (int64_t)(due - sent);
    int64_t next_ms = (int64_t)((sent + 1) * 1000 / pace->rate) + 1 - elapsed_ms;
    *ret_wait_ms = next_ms > STEP_MS ? next_ms : STEP_MS;
    return 0;
}
