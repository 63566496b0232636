/*
 * A time zone as EWS describes it: spans of time, each with one offset or with
 * two that take turns by the same two rules every year.
 */
#ifndef EWSD_OPS_ZONE_RULES_H
#define EWSD_OPS_ZONE_RULES_H

#include "base/zone.h"

#define ZONE_BEGINNING INT64_MIN

/* "The second Sunday of March at 2:00". */
struct zone_turn {
    int month, weekday;
    unsigned weeks; /* bits: which Sundays it may be, all of those seen considered */
    int32_t second; /* of the day, by the clock that is turned */
};

struct zone_span {
    int64_t start; /* seconds since 1970 by the local clock; ZONE_BEGINNING: of time */
    int32_t standard, daylight; /* offsets; the same: nothing is turned */
    struct zone_turn to_daylight, to_standard;
};

/* In order, the first from the beginning of time; the last has no end. */
int zone_spans(struct arena *arena, const struct zone *zone, int from_year, int to_year, struct zone_span **ret_spans, size_t *ret_n);
/* 1 to 4, or -1 for the last of the month. */
int zone_turn_occurrence(const struct zone_turn *turn);

#endif
