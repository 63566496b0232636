/*
 * Dates of query strings, see query.h: days of the calendar in UTC.
 */
#include "base/when.h"
#include "model/query.h"

#define DAY INT64_C(86400000)

struct civil {
    int64_t year;
    int month, day; /* from 1; may run over */
};

/* Days since 1970, counted in years that begin in March. */
static int64_t days_of(struct civil c)
{
    int64_t year = c.year + (c.month - 1) / 12;
    int month = (c.month - 1) % 12 + 1;
    if (month <= 0) {
        month += 12;
        year--;
    }
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400, of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + c.day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int64_t day_of(int64_t at)
{
    return (at >= 0 ? at : at - DAY + 1) / DAY;
}

static struct civil civil_of(int64_t day)
{
    day += 719468;
    int64_t era = (day >= 0 ? day : day - 146096) / 146097, of_era = day - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100), m = (5 * of_year + 2) / 153;
    int month = (int)(m < 10 ? m + 3 : m - 9);
    return (struct civil){ year + era * 400 + (month <= 2), month, (int)(of_year - (153 * m + 2) / 5 + 1) };
}

static struct query_days days(int64_t first, int64_t behind)
{
    return (struct query_days){ first * DAY, behind * DAY };
}

static struct query_days month_days(int64_t year, int month)
{
    return days(days_of((struct civil){ year, month, 1 }), days_of((struct civil){ year, month + 1, 1 }));
}

/* Letters, digits and what stands in dates; not "..", which makes ranges. */
static struct span take_word(struct span *text)
{
    *text = span_trim(*text);
    size_t n = 0;
    while (n < text->len) {
        char c = text->ptr[n], low = (char)(c | 0x20);
        bool dots = c == '.' && n + 1 < text->len && text->ptr[n + 1] == '.';
        if (dots || !((low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || c == '/' || c == '-' || c == ':' || c == '.'))
            break;
        n++;
    }
    struct span word = { text->ptr, n };
    *text = (struct span){ text->ptr + n, text->len - n };
    return word;
}

static int index_of(struct span word, const char *const *names, int n)
{
    for (int i = 0; i < n; i++)
        if (span_eq_nocase(word, span_of(names[i])))
            return i;
    return -1;
}

/* "week", "month" or "year", `step` of them from now. */
static bool unit_days(struct span unit, int step, int64_t today, struct query_days *ret_days)
{
    static const char *const units[] = { "week", "month", "year" };
    struct civil now = civil_of(today);
    int64_t sunday = today - (today % 7 + 11) % 7; /* the first day of 1970 was a Thursday */
    switch (index_of(unit, units, (int)ARRAY_LEN(units))) {
    case 0:
        *ret_days = days(sunday + 7 * step, sunday + 7 * step + 7);
        return true;
    case 1:
        *ret_days = month_days(now.year, now.month + step);
        return true;
    case 2:
        *ret_days = days(days_of((struct civil){ now.year + step, 1, 1 }), days_of((struct civil){ now.year + step + 1, 1, 1 }));
        return true;
    default:
        return false;
    }
}

/* Up to three numbers, with '/' or '-' between them. */
static int take_numbers(struct span word, char between, int64_t *v)
{
    int n = 0;
    while (n < 3) {
        const char *at = memchr(word.ptr, between, word.len);
        struct span one = { word.ptr, at ? (size_t)(at - word.ptr) : word.len };
        if (!span_int(one, false, 0, 9999, &v[n++]))
            return 0;
        if (!at)
            return n;
        word = (struct span){ at + 1, word.len - one.len - 1 };
    }
    return 0;
}

static bool civil_days(int64_t year, int64_t month, int64_t day, struct query_days *ret_days)
{
    if (month < 1 || month > 12 || day < 1 || day > 31)
        return false;
    int64_t first = days_of((struct civil){ year < 100 ? year + 2000 : year, (int)month, (int)day });
    *ret_days = days(first, first + 1);
    return true;
}

static bool numeric_days(struct span word, int64_t today, struct query_days *ret_days)
{
    int64_t v[3], at;
    int n = take_numbers(word, '/', v);
    if (n >= 2)
        return civil_days(n == 3 ? v[2] : civil_of(today).year, v[0], v[1], ret_days);
    if (n == 1 && word.len == 4) {
        *ret_days = days(days_of((struct civil){ v[0], 1, 1 }), days_of((struct civil){ v[0] + 1, 1, 1 }));
        return true;
    }
    if (take_numbers(word, '-', v) == 3)
        return v[0] > 31 ? civil_days(v[0], v[1], v[2], ret_days) : civil_days(v[2], v[0], v[1], ret_days);
    if (!when_parse_xs(word, &at))
        return false;
    *ret_days = (struct query_days){ at, at + 1000 };
    return true;
}

/* "December", "December 11", "December 11, 2013", "December 2013". */
static struct query_days named_month(int month, int64_t today, struct span *text)
{
    struct span rest = *text, behind;
    int64_t day = 0, year = civil_of(today).year;
    struct query_days found = month_days(year, month);
    struct span word = take_word(&rest);
    if (!span_int(word, false, 1, 9999, &day))
        return found;
    *text = rest;
    if (day > 31)
        return month_days(day, month);
    behind = span_trim(rest);
    if (behind.len && behind.ptr[0] == ',')
        behind = (struct span){ behind.ptr + 1, behind.len - 1 };
    word = take_word(&behind);
    if (word.len == 4 && span_int(word, false, 0, 9999, &year))
        *text = behind;
    (void)civil_days(year, month, day, &found);
    return found;
}

bool query_take_date(struct span *text, int64_t now, struct query_days *ret_days)
{
    static const char *const near[] = { "yesterday", "today", "tomorrow" };
    static const char *const steps[] = { "last", "this", "next", "past", "coming" };
    static const char *const weekdays[] = { "sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday" };
    static const char *const months[] = { "january", "february", "march",     "april",   "may",      "june",
                                          "july",    "august",   "september", "october", "november", "december" };
    int64_t today = day_of(now);
    struct span word = take_word(text);
    int i = index_of(word, near, (int)ARRAY_LEN(near));
    if (i >= 0) {
        *ret_days = days(today + i - 1, today + i);
        return true;
    }
    if ((i = index_of(word, steps, (int)ARRAY_LEN(steps))) >= 0)
        return unit_days(take_word(text), i == 3 ? -1 : i == 4 ? 1 : i - 1, today, ret_days);
    if ((i = index_of(word, weekdays, (int)ARRAY_LEN(weekdays))) >= 0) {
        (void)unit_days(SPAN("week"), 0, today, ret_days);
        *ret_days = (struct query_days){ ret_days->from + i * DAY, ret_days->from + (i + 1) * DAY };
        return true;
    }
    if ((i = index_of(word, months, (int)ARRAY_LEN(months))) >= 0) {
        *ret_days = named_month(i + 1, today, text);
        return true;
    }
    return word.len && numeric_days(word, today, ret_days);
}
