/*
 * See zone_rules.h. Years in which the clock is turned twice, there and back,
 * are spans with rules, joined as long as the rules agree; in all other years
 * each change begins a span of its own, so nothing is left out.
 */
#include "ops/zone_rules.h"

#include <errno.h>

#define LAST_WEEK (1u << 4)

struct building {
    struct zone_span *spans;
    size_t n, room;
};

static struct zone_turn turn_of(const struct zone_change *change)
{
    const int64_t local = change->at + change->before;
    const struct zone_date date = zone_date(local), later = zone_date(local + 7 * 86400);
    const int week = (date.day - 1) / 7;
    return (struct zone_turn){ .month = date.month, .weekday = date.weekday, .second = date.second,
                               .weeks = (week < 4 ? 1u << week : 0) | (later.month != date.month ? LAST_WEEK : 0) };
}

int zone_turn_occurrence(const struct zone_turn *turn)
{
    for (int week = 0; week < 4; week++)
        if (turn->weeks & 1u << week && !(turn->weeks & LAST_WEEK))
            return week + 1;
    return -1;
}

/* Whether one rule does for both, which it is then. */
static bool join_turns(struct zone_turn *turn, const struct zone_turn *other)
{
    if (turn->month != other->month || turn->weekday != other->weekday || turn->second != other->second ||
        !(turn->weeks & other->weeks))
        return false;
    turn->weeks &= other->weeks;
    return true;
}

static bool join(struct zone_span *span, const struct zone_span *next)
{
    struct zone_span joined = *span;
    if (span->standard != next->standard || span->daylight != next->daylight)
        return false;
    if (span->standard != span->daylight &&
        (!join_turns(&joined.to_daylight, &next->to_daylight) || !join_turns(&joined.to_standard, &next->to_standard)))
        return false;
    *span = joined;
    return true;
}

static void add(struct building *building, struct zone_span span)
{
    if (building->n > 0 && join(&building->spans[building->n - 1], &span))
        return;
    if (building->n == 0)
        span.start = ZONE_BEGINNING;
    if (building->n < building->room)
        building->spans[building->n++] = span;
}

static void add_fixed(struct building *building, int64_t start, int32_t offset)
{
    add(building, (struct zone_span){ .start = start, .standard = offset, .daylight = offset });
}

static bool there_and_back(const struct zone_change *changes, size_t n)
{
    return n == 2 && changes[0].before == changes[1].after && changes[0].after == changes[1].before;
}

static void add_year(struct building *building, int64_t start, int32_t offset, const struct zone_change *changes, size_t n)
{
    if (there_and_back(changes, n)) {
        const struct zone_change *up = changes[0].after > changes[0].before ? &changes[0] : &changes[1];
        const struct zone_change *down = up == &changes[0] ? &changes[1] : &changes[0];
        add(building, (struct zone_span){ .start = start, .standard = up->before, .daylight = up->after,
                                          .to_daylight = turn_of(up), .to_standard = turn_of(down) });
        return;
    }
    add_fixed(building, start, offset);
    for (size_t i = 0; i < n; i++)
        add_fixed(building, changes[i].at + changes[i].before, changes[i].after);
}

int zone_spans(struct arena *arena, const struct zone *zone, int from_year, int to_year, struct zone_span **ret_spans, size_t *ret_n)
{
    struct building building = { .room = zone->n + (size_t)(to_year - from_year) + 2 };
    int32_t offset = zone->first;
    size_t at = 0;
    building.spans = arena_array(arena, building.room, sizeof(*building.spans));
    if (!building.spans)
        return -ENOMEM;
    for (int year = from_year; year <= to_year; year++) {
        size_t n = 0;
        const int64_t end = zone_day(year + 1, 1, 1);
        while (at + n < zone->n && zone->changes[at + n].at + zone->changes[at + n].before < end)
            n++;
        add_year(&building, zone_day(year, 1, 1), offset, zone->changes + at, n);
        offset = n ? zone->changes[at + n - 1].after : offset;
        at += n;
    }
    *ret_spans = building.spans;
    *ret_n = building.n;
    return 0;
}
