/*
 * Time zones, as the system's tz data has them (RFC 8536): the changes of the
 * offset in some years, those behind the end of the file included, which its
 * rule in the manner of TZ says. Files are small and read anew each time, so an
 * update of the system counts at once.
 */
#ifndef EWSD_BASE_ZONE_H
#define EWSD_BASE_ZONE_H

#include "base/arena.h"

struct zone_change {
    int64_t at;     /* seconds since 1970 UTC */
    int32_t before; /* offset in seconds, east is positive */
    int32_t after;
};

struct zone {
    int32_t first; /* the offset before the first change */
    const struct zone_change *changes;
    size_t n;
};

/* The changes from the beginning of a year to the end of another (UTC). name is
 * trusted. 1: there is no such file, or it can't be read as one. -ENOMEM. */
int zone_read(struct arena *arena, const char *name, int from_year, int to_year, struct zone *ret_zone);
/* The offset at a time. */
int32_t zone_offset(const struct zone *zone, int64_t at);

struct zone_date {
    int year, month, day, weekday; /* month and day from 1; weekday 0 is Sunday */
    int32_t second;                /* of the day */
};
/* Seconds since 1970 as a date, and the other way; a day may be 0 or 32. */
struct zone_date zone_date(int64_t at);
int64_t zone_day(int year, int month, int day);

#endif
