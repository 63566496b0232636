/*
 * GetServerTimeZones (protocol.md 3.5): the zones of model/zones.def, with what
 * the system's tz data says about them from FIRST_YEAR on. Ids that are no
 * zone's are left out, as are zones that the system does not have; one that is
 * asked for twice is written once.
 */
#include "ops/call.h"
#include "ops/zone_rules.h"

#include <stdio.h>

#define FIRST_YEAR 2000
#define LAST_YEAR 2037
#define ZONE_MEMORY (1u << 20) /* to read one zone */
#define TEXT_SIZE 160

static const struct zone_name {
    const char *id, *zone;
} zones[] = {
#define ZONE(id, zone) { id, zone },
#include "model/zones.def"
#undef ZONE
};

struct definition {
    const struct zone_name *name;
    const struct zone_span *spans;
    size_t n;
};

/* xs:duration */
static const char *duration(int32_t seconds, char text[TEXT_SIZE])
{
    const int all = seconds < 0 ? -seconds : seconds, hours = all / 3600, minutes = all / 60 % 60;
    int len = snprintf(text, TEXT_SIZE, "%sPT", seconds < 0 ? "-" : "");
    if (hours || all < 60)
        len += snprintf(text + len, (size_t)(TEXT_SIZE - len), "%dH", hours);
    if (minutes)
        len += snprintf(text + len, (size_t)(TEXT_SIZE - len), "%dM", minutes);
    if (all % 60)
        (void)snprintf(text + len, (size_t)(TEXT_SIZE - len), "%dS", all % 60);
    return text;
}

/* "(UTC-08:00) Los Angeles" */
static void write_name(struct op_call *call, const struct definition *zone)
{
    char text[TEXT_SIZE];
    const int32_t offset = zone->spans[zone->n - 1].standard;
    const int all = offset < 0 ? -offset : offset;
    const char *city = strncmp(zone->name->zone, "Etc/", 4) == 0 ? zone->name->id : strrchr(zone->name->zone, '/') + 1;
    (void)snprintf(text, sizeof(text), "(UTC%c%02d:%02d) %s", offset < 0 ? '-' : '+', all / 3600, all / 60 % 60, city);
    for (char *c = text; *c; c++)
        if (*c == '_')
            *c = ' ';
    xw_attr_str(call->xw, "Id", zone->name->id);
    xw_attr_str(call->xw, "Name", text);
}

/* Of one length: there are clients that put them in order as texts. */
static const char *group_id(const struct definition *zone, size_t i, char text[TEXT_SIZE])
{
    (void)snprintf(text, TEXT_SIZE, "%0*zu", zone->n > 100 ? 3 : zone->n > 10 ? 2 : 1, i);
    return text;
}

/* Clients take such an id apart: behind the last slash stand the year from which
 * it counts and a kind. */
static const char *period_id(const struct definition *zone, size_t i, const char *kind, char text[TEXT_SIZE])
{
    const int year = zone->spans[i].start == ZONE_BEGINNING ? 1 : zone_date(zone->spans[i].start).year;
    (void)snprintf(text, TEXT_SIZE, "trule:ewsd/%s/%zu/%d-%s", zone->name->id, i, year, kind);
    return text;
}

static bool turns(const struct zone_span *span)
{
    return span->standard != span->daylight;
}

static void write_period(struct op_call *call, const struct definition *zone, size_t i, const char *kind, int32_t offset)
{
    char text[TEXT_SIZE];
    xw_open(call->xw, "t:Period");
    xw_attr_str(call->xw, "Bias", duration(-offset, text));
    xw_attr_str(call->xw, "Name", kind);
    xw_attr_str(call->xw, "Id", period_id(zone, i, kind, text));
    xw_close(call->xw);
}

static void write_periods(struct op_call *call, const struct definition *zone)
{
    xw_open(call->xw, "t:Periods");
    for (size_t i = 0; i < zone->n; i++) {
        write_period(call, zone, i, "Standard", zone->spans[i].standard);
        if (turns(&zone->spans[i]))
            write_period(call, zone, i, "Daylight", zone->spans[i].daylight);
    }
    xw_close(call->xw);
}

static void write_to(struct op_call *call, const char *kind, const char *id)
{
    xw_open(call->xw, "t:To");
    xw_attr_str(call->xw, "Kind", kind);
    xw_text(call->xw, span_of(id));
    xw_close(call->xw);
}

static void write_turn(struct op_call *call, const char *period, const struct zone_turn *turn)
{
    static const char *const days[] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" };
    char text[TEXT_SIZE];
    xw_open(call->xw, "t:RecurringDayTransition");
    write_to(call, "Period", period);
    xw_leaf_str(call->xw, "t:TimeOffset", duration(turn->second, text));
    xw_leaf_int(call->xw, "t:Month", turn->month);
    xw_leaf_str(call->xw, "t:DayOfWeek", days[turn->weekday]);
    xw_leaf_int(call->xw, "t:Occurrence", zone_turn_occurrence(turn));
    xw_close(call->xw);
}

static void write_group(struct op_call *call, const struct definition *zone, size_t i)
{
    const struct zone_span *span = &zone->spans[i];
    const bool up_first = span->to_daylight.month <= span->to_standard.month;
    char id[TEXT_SIZE];
    xw_open(call->xw, "t:TransitionsGroup");
    xw_attr_str(call->xw, "Id", group_id(zone, i, id));
    for (int turn = 0; turns(span) && turn < 2; turn++) {
        if ((turn == 0) == up_first)
            write_turn(call, period_id(zone, i, "Daylight", id), &span->to_daylight);
        else
            write_turn(call, period_id(zone, i, "Standard", id), &span->to_standard);
    }
    if (!turns(span)) {
        xw_open(call->xw, "t:Transition");
        write_to(call, "Period", period_id(zone, i, "Standard", id));
        xw_close(call->xw);
    }
    xw_close(call->xw);
}

static void write_transition(struct op_call *call, const struct definition *zone, size_t i)
{
    const int64_t start = zone->spans[i].start;
    char text[WHEN_XS_SIZE], id[TEXT_SIZE];
    xw_open(call->xw, start == ZONE_BEGINNING ? "t:Transition" : "t:AbsoluteDateTransition");
    write_to(call, "Group", group_id(zone, i, id));
    if (start != ZONE_BEGINNING) {
        when_format_xs(start * 1000, text);
        text[strlen(text) - 1] = 0; /* the local clock's: no Z */
        xw_leaf_str(call->xw, "t:DateTime", text);
    }
    xw_close(call->xw);
}

static void write_definition(struct op_call *call, const struct definition *zone, bool full)
{
    xw_open(call->xw, "t:TimeZoneDefinition");
    write_name(call, zone);
    if (full) {
        write_periods(call, zone);
        xw_open(call->xw, "t:TransitionsGroups");
        for (size_t i = 0; i < zone->n; i++)
            write_group(call, zone, i);
        xw_close(call->xw);
        xw_open(call->xw, "t:Transitions");
        for (size_t i = 0; i < zone->n; i++)
            write_transition(call, zone, i);
        xw_close(call->xw);
    }
    xw_close(call->xw);
}

static int write_zone(struct op_call *call, struct arena *arena, const struct zone_name *name, bool full)
{
    struct definition definition = { .name = name };
    struct zone_span *spans;
    struct zone zone;
    int r = zone_read(arena, name->zone, FIRST_YEAR, LAST_YEAR, &zone);
    if (r == 0)
        r = zone_spans(arena, &zone, FIRST_YEAR, LAST_YEAR, &spans, &definition.n);
    if (r)
        return r > 0 ? 0 : r;
    definition.spans = spans;
    write_definition(call, &definition, full);
    return 0;
}

static const struct zone_name *zone_by_id(struct span id)
{
    for (size_t i = 0; i < ARRAY_LEN(zones); i++)
        if (span_eq_nocase(id, span_of(zones[i].id)))
            return &zones[i];
    return NULL;
}

static int write_zones(struct op_call *call, struct arena *arena, const struct xml_node *ids, bool full)
{
    bool written[ARRAY_LEN(zones)] = { false };
    int r = 0;
    for (const struct xml_node *c = ids ? ids->child : NULL; r == 0 && c; c = c->next) {
        const struct zone_name *name = zone_by_id(span_trim(c->text));
        if (!name || written[name - zones])
            continue;
        written[name - zones] = true;
        r = write_zone(call, arena, name, full);
        arena_reset(arena);
    }
    for (size_t i = 0; r == 0 && !ids && i < ARRAY_LEN(zones); i++) {
        r = write_zone(call, arena, &zones[i], full);
        arena_reset(arena);
    }
    return r;
}

int op_run_GetServerTimeZones(struct op_call *call)
{
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    const struct op_result result = { 0 };
    int r = arena_new(ZONE_MEMORY, &arena);
    if (r)
        return r;
    op_messages_begin(call);
    op_message_begin(call, "m:GetServerTimeZonesResponseMessage", &result);
    xw_open(call->xw, "m:TimeZoneDefinitions");
    r = write_zones(call, arena, xml_child(call->node, "Ids"), xml_attr_bool(call->node, "ReturnFullTimeZoneData", true));
    xw_close(call->xw);
    op_message_end(call);
    op_messages_end(call);
    return r;
}
