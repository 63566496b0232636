/*
 * Clock and calendar: proleptic Gregorian days computed here, so nothing
 * depends on the time zone or the locale of the process.
 */
#include "base/when.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#define DAY_MS 86400000

struct moment {
    int64_t year;
    uint8_t month; /* 1..12 */
    uint8_t day;   /* 1..31 */
    uint8_t hour;
    uint8_t minute;
    uint8_t second;
    uint8_t weekday; /* 0 is Sunday */
};

static _Atomic(int64_t (*)(void)) replaced_clock, replaced_monotonic;

static int64_t clock_ms(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t when_now(void)
{
    int64_t (*clock)(void) = atomic_load(&replaced_clock);

    return clock ? clock() : clock_ms(CLOCK_REALTIME);
}

int64_t when_monotonic(void)
{
    int64_t (*clock)(void) = atomic_load_explicit(&replaced_monotonic, memory_order_relaxed);

    return clock ? clock() : clock_ms(CLOCK_MONOTONIC);
}

int64_t when_monotonic_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void when_sleep(unsigned ms)
{
    struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        continue;
}

void when_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attr);
    pthread_condattr_destroy(&attr);
}

struct timespec when_in_us(int64_t us)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_nsec += us % 1000000 * 1000;
    at.tv_sec += us / 1000000 + at.tv_nsec / 1000000000;
    at.tv_nsec %= 1000000000;
    return at;
}

struct timespec when_in(int64_t ms)
{
    return when_in_us(ms * 1000);
}

void when_set_clock(int64_t (*clock)(void))
{
    atomic_store(&replaced_clock, clock);
}

void when_set_monotonic(int64_t (*clock)(void))
{
    atomic_store(&replaced_monotonic, clock);
}

/* Days since 1970-01-01; years are counted from March so that leap days end them. */
static int64_t days_of(int64_t year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static struct moment moment_of(int64_t at)
{
    int64_t days = at / DAY_MS - (at % DAY_MS < 0 ? 1 : 0);
    int64_t seconds = (at - days * DAY_MS) / 1000;
    int64_t shifted = days + 719468;
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t of_era = shifted - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int month = (int)((5 * of_year + 2) / 153);

    return (struct moment){
        .year = year + era * 400 + (month >= 10 ? 1 : 0),
        .month = (uint8_t)(month < 10 ? month + 3 : month - 9),
        .day = (uint8_t)(of_year - (153 * month + 2) / 5 + 1),
        .hour = (uint8_t)(seconds / 3600),
        .minute = (uint8_t)(seconds / 60 % 60),
        .second = (uint8_t)(seconds % 60),
        .weekday = (uint8_t)(((days + 4) % 7 + 7) % 7),
    };
}

/* Outside years 1 to 9999 the nearest end is shown. */
static int64_t clamp(int64_t at)
{
    int64_t min = days_of(1, 1, 1) * DAY_MS;
    int64_t max = days_of(10000, 1, 1) * DAY_MS - 1;

    return at < min ? min : at > max ? max : at;
}

/* The last two digits of n. */
static char *put_2(char *at, int64_t n)
{
    at[0] = (char)('0' + n / 10 % 10);
    at[1] = (char)('0' + n % 10);
    return at + 2;
}

/* By hand, since it is written several times into most answers. */
void when_format_xs(int64_t at, char ret_text[WHEN_XS_SIZE])
{
    struct moment m = moment_of(clamp(at)); /* its year has four digits */
    char *end = put_2(put_2(ret_text, m.year / 100), m.year);

    *end++ = '-';
    end = put_2(end, m.month);
    *end++ = '-';
    end = put_2(end, m.day);
    *end++ = 'T';
    end = put_2(end, m.hour);
    *end++ = ':';
    end = put_2(end, m.minute);
    *end++ = ':';
    end = put_2(end, m.second);
    *end++ = 'Z';
    *end = 0;
}

void when_format_rfc5322(int64_t at, char ret_text[WHEN_RFC5322_SIZE])
{
    static const char weekdays[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
    static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    struct moment m = moment_of(clamp(at));

    snprintf(ret_text, WHEN_RFC5322_SIZE, "%s, %02d %s %04d %02d:%02d:%02d +0000", weekdays[m.weekday], m.day,
             months[m.month - 1], (int)(m.year % 10000), m.hour, m.minute, m.second);
}

/* Takes exactly n digits (1 to 9) and, when then is not 0, that character. */
static bool take(struct span *text, size_t n, char then, int *ret_value)
{
    int value = 0;

    if (text->len < n + (then ? 1 : 0))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (text->ptr[i] < '0' || text->ptr[i] > '9')
            return false;
        value = value * 10 + (text->ptr[i] - '0');
    }
    if (then && text->ptr[n] != then)
        return false;
    n += then ? 1 : 0;
    *text = (struct span){ text->ptr + n, text->len - n };
    *ret_value = value;
    return true;
}

/* ".5", ".123456789": to milliseconds, cut off. */
static bool take_fraction(struct span *text, int *ret_ms)
{
    int scale = 100;
    size_t n = 1;

    *ret_ms = 0;
    if (text->len == 0 || text->ptr[0] != '.')
        return true;
    for (; n < text->len && text->ptr[n] >= '0' && text->ptr[n] <= '9'; n++) {
        *ret_ms += scale * (text->ptr[n] - '0');
        scale /= 10;
    }
    *text = (struct span){ text->ptr + n, text->len - n };
    return n > 1;
}

/* "", "Z", "+hh:mm", "-hh:mm"; nothing may follow. */
static bool take_offset(struct span text, int *ret_minutes)
{
    int hours, minutes, sign;

    *ret_minutes = 0;
    if (text.len == 0 || span_is(text, "Z"))
        return true;
    if (text.ptr[0] != '+' && text.ptr[0] != '-')
        return false;
    sign = text.ptr[0] == '-' ? -1 : 1;
    text = (struct span){ text.ptr + 1, text.len - 1 };
    if (!take(&text, 2, ':', &hours) || !take(&text, 2, 0, &minutes) || text.len > 0)
        return false;
    *ret_minutes = sign * (hours * 60 + minutes);
    return minutes < 60 && hours * 60 + minutes <= 14 * 60;
}

static int month_days(int year, int month)
{
    static const int days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

bool when_parse_xs(struct span text, int64_t *ret_at)
{
    int year, month, day, hour, minute, second, ms, offset;

    text = span_trim(text);
    if (!take(&text, 4, '-', &year) || !take(&text, 2, '-', &month) || !take(&text, 2, 'T', &day) ||
        !take(&text, 2, ':', &hour) || !take(&text, 2, ':', &minute) || !take(&text, 2, 0, &second) ||
        !take_fraction(&text, &ms) || !take_offset(text, &offset))
        return false;
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > month_days(year, month) || minute > 59 ||
        second > 60 || hour > 24 || (hour == 24 && (minute > 0 || second > 0 || ms > 0)))
        return false;
    *ret_at = days_of(year, month, day) * DAY_MS +
              (((int64_t)hour * 60 + minute - offset) * 60 + second) * 1000 + ms;
    return true;
}
