/*
 * See zone.h. Whatever a file says, nothing outside of it is read, and no more
 * changes are made than fit the years asked for.
 */
#include "base/zone.h"

#include <errno.h>
#include <stdio.h>

#define FOLDER "/usr/share/zoneinfo/"
#define FILE_MAX 131072
#define HEADER 44
#define DAY 86400
#define PATH_SIZE 128

/* ---- dates ---- */

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int month_days(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    return days[month - 1] + (month == 2 && is_leap(year));
}

int64_t zone_day(int year, int month, int day)
{
    const int64_t y = year - (month <= 2), era = (y >= 0 ? y : y - 399) / 400;
    const int64_t of_era = y - era * 400, of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return (era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468) * DAY;
}

struct zone_date zone_date(int64_t at)
{
    const int64_t days = at / DAY - (at % DAY < 0);
    struct zone_date date = { .year = (int)(1970 + days / 366 - (days < 0)), .month = 1,
                              .weekday = (int)(((days + 4) % 7 + 7) % 7), .second = (int32_t)(at - days * DAY) };
    while (zone_day(date.year + 1, 1, 1) <= at)
        date.year++;
    while (date.month < 12 && zone_day(date.year, date.month + 1, 1) <= at)
        date.month++;
    date.day = (int)((at - zone_day(date.year, date.month, 1)) / DAY) + 1;
    return date;
}

/* ---- the rule at the end of a file: "PST8PDT,M3.2.0,M11.1.0" ---- */

struct rule_date {
    char kind; /* M, J, or N: the number of a day that counts February 29 */
    int month, week, day;
    int32_t time;
};

struct rule {
    bool daylight;
    int32_t standard_offset, daylight_offset;
    struct rule_date to_daylight, to_standard;
};

struct reading {
    const char *at, *end;
};

static bool take(struct reading *in, char c)
{
    if (in->at == in->end || *in->at != c)
        return false;
    in->at++;
    return true;
}

static bool take_number(struct reading *in, int max, int *ret_number)
{
    int number = 0;
    const char *start = in->at;
    for (; in->at < in->end && *in->at >= '0' && *in->at <= '9'; in->at++) {
        number = number * 10 + (*in->at - '0');
        if (number > max)
            return false;
    }
    *ret_number = number;
    return in->at > start;
}

static bool take_name(struct reading *in)
{
    const char *start = in->at;
    if (take(in, '<')) {
        while (in->at < in->end && *in->at != '>')
            in->at++;
        return take(in, '>');
    }
    while (in->at < in->end && ((*in->at >= 'A' && *in->at <= 'Z') || (*in->at >= 'a' && *in->at <= 'z')))
        in->at++;
    return in->at > start;
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(struct reading *in, int32_t *ret_seconds)
{
    int hours, minutes = 0, seconds = 0;
    bool minus = take(in, '-');
    if (!minus)
        (void)take(in, '+');
    if (!take_number(in, 167, &hours) || (take(in, ':') && !take_number(in, 59, &minutes)) ||
        (take(in, ':') && !take_number(in, 59, &seconds)))
        return false;
    int32_t all = hours * 3600 + minutes * 60 + seconds;
    *ret_seconds = minus ? -all : all;
    return true;
}

static bool take_date(struct reading *in, struct rule_date *ret_date)
{
    struct rule_date date = { .kind = 'N', .time = 2 * 3600 };
    if (take(in, 'M')) {
        date.kind = 'M';
        if (!take_number(in, 12, &date.month) || !take(in, '.') || !take_number(in, 5, &date.week) || !take(in, '.') ||
            !take_number(in, 6, &date.day) || !date.month || !date.week)
            return false;
    } else {
        if (take(in, 'J'))
            date.kind = 'J';
        if (!take_number(in, 365, &date.day))
            return false;
    }
    if (take(in, '/') && !take_time(in, &date.time))
        return false;
    *ret_date = date;
    return true;
}

static bool parse_rule(struct span text, struct rule *ret_rule)
{
    struct reading in = { text.ptr, text.ptr + text.len };
    struct rule rule = { 0 };
    int32_t west;
    if (!take_name(&in) || !take_time(&in, &west))
        return false;
    rule.standard_offset = -west;
    rule.daylight_offset = -west + 3600;
    rule.daylight = in.at < in.end;
    if (rule.daylight) {
        if (!take_name(&in))
            return false;
        if (in.at < in.end && *in.at != ',') {
            if (!take_time(&in, &west))
                return false;
            rule.daylight_offset = -west;
        }
        if (!take(&in, ',') || !take_date(&in, &rule.to_daylight) || !take(&in, ',') || !take_date(&in, &rule.to_standard))
            return false;
    }
    *ret_rule = rule;
    return in.at == in.end;
}

/* Local seconds since 1970. */
static int64_t date_in(const struct rule_date *date, int year)
{
    if (date->kind == 'N')
        return zone_day(year, 1, 1) + (int64_t)date->day * DAY + date->time;
    if (date->kind == 'J')
        return zone_day(year, 1, 1) + (int64_t)(date->day - 1 + (is_leap(year) && date->day > 59)) * DAY + date->time;
    int64_t first = zone_day(year, date->month, 1);
    int day = 1 + (date->day - zone_date(first).weekday + 7) % 7 + (date->week - 1) * 7;
    while (day > month_days(year, date->month))
        day -= 7;
    return first + (int64_t)(day - 1) * DAY + date->time;
}

/* ---- the file ---- */

struct file {
    const unsigned char *bytes;
    size_t len;
    size_t times, types; /* counts */
    size_t times_at, types_at;
    size_t rule_at;
};

static int64_t number_at(const unsigned char *bytes, size_t size)
{
    uint64_t number = bytes[0] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < size; i++)
        number = number << 8 | bytes[i];
    return (int64_t)number;
}

/* One block: its header at `at`, times of `size` bytes. False: it is none. */
static bool find_block(struct file *file, size_t at, size_t size, size_t *ret_end)
{
    size_t counts[6];
    if (file->len < HEADER || at > file->len - HEADER || memcmp(file->bytes + at, "TZif", 4) != 0)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        int64_t count = number_at(file->bytes + at + 20 + 4 * i, 4);
        if (count < 0 || count > FILE_MAX)
            return false;
        counts[i] = (size_t)count;
    }
    file->times = counts[3];
    file->types = counts[4];
    file->times_at = at + HEADER;
    file->types_at = file->times_at + file->times * (size + 1);
    *ret_end = file->types_at + file->types * 6 + counts[5] + counts[2] * (size + 4) + counts[1] + counts[0];
    return *ret_end <= file->len && file->types > 0;
}

/* The second block, which has times of 64 bits, and the rule behind it. */
static bool find_parts(struct file *file)
{
    size_t end;
    if (!find_block(file, 0, 4, &end) || file->bytes[4] < '2' || !find_block(file, end, 8, &file->rule_at))
        return false;
    return true;
}

static int32_t type_offset(const struct file *file, size_t type)
{
    if (type >= file->types)
        type = 0;
    int64_t offset = number_at(file->bytes + file->types_at + type * 6, 4);
    return offset > -2 * DAY && offset < 2 * DAY ? (int32_t)offset : 0;
}

struct gathering {
    struct zone_change *v;
    size_t n, max;
    int64_t from, to;
    int64_t last;   /* of the changes that the file lists */
    int32_t offset; /* so far */
    int32_t first;
};

static void gather(struct gathering *all, int64_t at, int32_t offset)
{
    if (at < all->from)
        all->first = offset;
    else if (at < all->to && offset != all->offset && all->n < all->max)
        all->v[all->n++] = (struct zone_change){ at, all->offset, offset };
    all->offset = offset;
}

static void gather_listed(struct gathering *all, const struct file *file)
{
    for (size_t i = 0; i < file->times; i++) {
        int64_t at = number_at(file->bytes + file->times_at + 8 * i, 8);
        gather(all, at, type_offset(file, file->bytes[file->times_at + 8 * file->times + i]));
        all->last = at;
    }
}

/* A year has two of them, in either order. */
static void gather_ruled(struct gathering *all, const struct rule *rule, int from_year, int to_year)
{
    for (int year = from_year; year <= to_year; year++) {
        struct {
            int64_t at;
            int32_t offset;
        } both[] = { { date_in(&rule->to_daylight, year) - rule->standard_offset, rule->daylight_offset },
                     { date_in(&rule->to_standard, year) - rule->daylight_offset, rule->standard_offset } };
        for (size_t i = 0; i < 2; i++) {
            size_t one = both[0].at <= both[1].at ? i : 1 - i;
            if (both[one].at > all->last)
                gather(all, both[one].at, both[one].offset);
        }
    }
}

static int read_file(struct arena *arena, const char *name, struct file *ret_file)
{
    char path[PATH_SIZE];
    if (snprintf(path, sizeof(path), FOLDER "%s", name) >= (int)sizeof(path))
        return 1;
    FILE *stream = fopen(path, "re");
    if (!stream)
        return errno == ENOMEM ? -ENOMEM : 1;
    unsigned char *bytes = arena_alloc(arena, FILE_MAX);
    size_t len = bytes ? fread(bytes, 1, FILE_MAX, stream) : 0;
    (void)fclose(stream);
    *ret_file = (struct file){ .bytes = bytes, .len = len };
    return bytes ? 0 : -ENOMEM;
}

static struct span rule_of(const struct file *file)
{
    const char *start = (const char *)file->bytes + file->rule_at, *end = (const char *)file->bytes + file->len;
    if (start < end && *start == '\n')
        start++;
    const char *stop = start < end ? memchr(start, '\n', (size_t)(end - start)) : NULL;
    return (struct span){ start, stop ? (size_t)(stop - start) : 0 };
}

int zone_read(struct arena *arena, const char *name, int from_year, int to_year, struct zone *ret_zone)
{
    struct file file;
    struct rule rule;
    int r = read_file(arena, name, &file);
    if (r)
        return r;
    if (!find_parts(&file))
        return 1;
    struct gathering all = { .from = zone_day(from_year, 1, 1), .to = zone_day(to_year + 1, 1, 1), .last = INT64_MIN };
    all.max = file.times + 2 * (size_t)(to_year - from_year + 1);
    all.v = arena_array(arena, all.max + 1, sizeof(*all.v));
    if (!all.v)
        return -ENOMEM;
    all.offset = all.first = type_offset(&file, 0);
    gather_listed(&all, &file);
    if (parse_rule(rule_of(&file), &rule) && rule.daylight)
        gather_ruled(&all, &rule, from_year - 1, to_year);
    *ret_zone = (struct zone){ .first = all.first, .changes = all.v, .n = all.n };
    return 0;
}

int32_t zone_offset(const struct zone *zone, int64_t at)
{
    int32_t offset = zone->first;
    for (size_t i = 0; i < zone->n && zone->changes[i].at <= at; i++)
        offset = zone->changes[i].after;
    return offset;
}
