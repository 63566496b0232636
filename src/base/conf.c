/*
 * Settings as a table: each row of settings.def becomes a member, its bounds
 * and its default, so a setting is known in one place.
 */
#include "base/conf_row.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

static const struct conf_row settings[] = {
#define SETTING(section, key, when, kind, def, low, high, unit, meaning) \
    CONF_ROW(#section, #key, when, kind, offsetof(struct conf, section##_##key), def, low, high, unit, meaning)
#define RELAY_SETTING(key, kind, def, low, high, unit, meaning)
#include "base/settings.def"
};

static const struct conf_row relay_settings[] = {
#define SETTING(section, key, when, kind, def, low, high, unit, meaning)
#define RELAY_SETTING(key, kind, def, low, high, unit, meaning) \
    CONF_ROW("relay", #key, RELOAD, kind, offsetof(struct conf_relay, key), def, low, high, unit, meaning)
#include "base/settings.def"
};

_Static_assert(ARRAY_LEN(settings) == CONF_ROWS && ARRAY_LEN(relay_settings) == CONF_RELAY_ROWS, "rows are numbered");

const struct conf_row *conf_row(size_t i)
{
    if (i < ARRAY_LEN(settings))
        return &settings[i];
    i -= ARRAY_LEN(settings);
    return i < ARRAY_LEN(relay_settings) ? &relay_settings[i] : NULL;
}

static void set_number(void *base, const struct conf_row *setting, int64_t value)
{
    char *at = (char *)base + setting->offset;

    if (setting->type == CONF_BOOL)
        memcpy(at, &(bool){ value != 0 }, sizeof(bool));
    else
        memcpy(at, &value, sizeof(value));
}

static void set_text(void *base, const struct conf_row *setting, struct span value)
{
    char *at = (char *)base + setting->offset;

    memset(at, 0, CONF_TEXT_SIZE);
    if (value.len > 0)
        memcpy(at, value.ptr, value.len);
}

static void set_defaults(void *base, const struct conf_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (rows[i].text)
            set_text(base, &rows[i], span_of(rows[i].text));
        else
            set_number(base, &rows[i], rows[i].number);
    }
}

void conf_init(struct conf *conf)
{
    memset(conf, 0, sizeof(*conf));
    set_defaults(conf, settings, ARRAY_LEN(settings));
    set_defaults(&conf->relays[0], relay_settings, ARRAY_LEN(relay_settings));
    conf->relays_n = 1;
}

static int apply_int(void *base, const struct conf_row *setting, struct span value, char *ret_error)
{
    int64_t number;

    if (!span_int(value, false, setting->min, setting->max, &number)) {
        snprintf(ret_error, CONF_ERROR_SIZE, "%s.%s must be a number from %" PRId64 " to %" PRId64 "%s%s", setting->section,
                 setting->key, setting->min, setting->max, *setting->unit ? " " : "", setting->unit);
        return 1;
    }
    set_number(base, setting, number);
    return 0;
}

static int apply_bool(void *base, const struct conf_row *setting, struct span value, char *ret_error)
{
    bool yes = span_is(value, "yes") || span_is(value, "true") || span_is(value, "1");

    if (!yes && !span_is(value, "no") && !span_is(value, "false") && !span_is(value, "0")) {
        snprintf(ret_error, CONF_ERROR_SIZE, "%s.%s must be yes or no", setting->section, setting->key);
        return 1;
    }
    set_number(base, setting, yes ? 1 : 0);
    return 0;
}

static int apply_text(void *base, const struct conf_row *setting, struct span value, char *ret_error)
{
    if (value.len >= CONF_TEXT_SIZE || !span_utf8_ok(value)) {
        snprintf(ret_error, CONF_ERROR_SIZE, "%s.%s must be text of at most %d bytes", setting->section, setting->key,
                 CONF_TEXT_SIZE - 1);
        return 1;
    }
    set_text(base, setting, value);
    return 0;
}

static int apply_choice(void *base, const struct conf_row *setting, struct span value, char *ret_error)
{
    for (const char *word = setting->unit; *word;) {
        size_t len = strcspn(word, "|");
        if (span_eq(value, (struct span){ word, len })) {
            set_text(base, setting, value);
            return 0;
        }
        word += len + (word[len] == '|');
    }
    snprintf(ret_error, CONF_ERROR_SIZE, "%s.%s must be one of %s", setting->section, setting->key, setting->unit);
    return 1;
}

/* The relay of that name, made when it is new; NULL: no room, or no name. */
static struct conf_relay *find_relay(struct conf *conf, struct span name)
{
    for (unsigned i = 0; i < conf->relays_n; i++)
        if (span_is(name, conf->relays[i].name))
            return &conf->relays[i];
    if (conf->relays_n == CONF_RELAYS_MAX || name.len >= CONF_NAME_SIZE || !span_utf8_ok(name))
        return NULL;
    struct conf_relay *relay = &conf->relays[conf->relays_n++];
    memcpy(relay->name, name.ptr, name.len);
    set_defaults(relay, relay_settings, ARRAY_LEN(relay_settings));
    return relay;
}

/* n: there is none. */
static size_t find_row(const struct conf_row *rows, size_t n, struct span section, struct span key)
{
    size_t i = 0;

    while (i < n && !(span_is(section, rows[i].section) && span_is(key, rows[i].key)))
        i++;
    return i;
}

static int refuse_name(struct span section, struct span key, char *ret_error)
{
    char near[2 * CONF_NAME_SIZE];
    conf_nearest(section, key, near);
    snprintf(ret_error, CONF_ERROR_SIZE, "there is no setting %.*s.%.*s%s%s%s", (int)(section.len < 100 ? section.len : 100),
             section.len > 0 ? section.ptr : "", (int)(key.len < 100 ? key.len : 100), key.len > 0 ? key.ptr : "",
             *near ? "; is " : "", near, *near ? " meant?" : "");
    return 1;
}

/* lines and line: where it is noted that the row was set there; once in a file. */
static int set_row(void *base, unsigned *lines, unsigned line, const struct conf_row *rows, size_t n, struct span section,
                   struct span key, struct span value, char *ret_error)
{
    static int (*const apply[])(void *, const struct conf_row *, struct span, char *) = {
        [CONF_INT] = apply_int,
        [CONF_BOOL] = apply_bool,
        [CONF_TEXT] = apply_text,
        [CONF_CHOICE] = apply_choice,
    };

    size_t i = find_row(rows, n, section, key);
    if (i == n)
        return refuse_name(section, key, ret_error);
    if (line && lines[i]) {
        snprintf(ret_error, CONF_ERROR_SIZE, "%s.%s stands in line %u already", rows[i].section, rows[i].key, lines[i]);
        return 1;
    }
    lines[i] = line;
    return apply[rows[i].type](base, &rows[i], value, ret_error);
}

/* "relay", "relay NAME": ret_name is the name. */
static bool is_relay(struct span section, struct span *ret_name)
{
    bool named = span_starts(section, SPAN("relay "));

    *ret_name = named ? span_trim((struct span){ section.ptr + 6, section.len - 6 }) : SPAN("");
    return named || span_is(section, "relay");
}

static int set_pair(struct conf *conf, struct span section, struct span key, struct span value, char *ret_error)
{
    struct span name;

    if (!is_relay(section, &name))
        return set_row(conf, conf->lines, conf->reading, settings, ARRAY_LEN(settings), section, key, value, ret_error);
    struct conf_relay *relay = find_relay(conf, name);
    if (!relay) {
        snprintf(ret_error, CONF_ERROR_SIZE, "at most %d [relay NAME] sections, with names under %d bytes", CONF_RELAYS_MAX - 1,
                 CONF_NAME_SIZE);
        return 1;
    }
    return set_row(relay, relay->lines, conf->reading, relay_settings, ARRAY_LEN(relay_settings), SPAN("relay"), key, value,
                   ret_error);
}

static bool split(struct span name, struct span *ret_section, struct span *ret_key)
{
    const char *dot = name.len ? memrchr(name.ptr, '.', name.len) : NULL;

    if (!dot)
        return false;
    *ret_section = (struct span){ name.ptr, (size_t)(dot - name.ptr) };
    *ret_key = (struct span){ dot + 1, name.len - ret_section->len - 1 };
    return true;
}

unsigned conf_line(const struct conf *conf, const char *name)
{
    struct span section, key, relay;

    if (!split(span_of(name), &section, &key))
        return 0;
    if (!is_relay(section, &relay)) {
        size_t row = find_row(settings, ARRAY_LEN(settings), section, key);
        return row < ARRAY_LEN(settings) ? conf->lines[row] : 0;
    }
    size_t row = find_row(relay_settings, ARRAY_LEN(relay_settings), SPAN("relay"), key);
    for (unsigned i = 0; row < ARRAY_LEN(relay_settings) && i < conf->relays_n; i++)
        if (span_is(relay, conf->relays[i].name))
            return conf->relays[i].lines[row];
    return 0;
}

int conf_set(struct conf *conf, struct span name, struct span value, char ret_error[CONF_ERROR_SIZE])
{
    struct span section, key;

    if (!split(name, &section, &key)) {
        snprintf(ret_error, CONF_ERROR_SIZE, "SECTION.KEY expected");
        return 1;
    }
    return set_pair(conf, section, key, value, ret_error);
}

int conf_assign(struct conf *conf, const char *assignment, char ret_error[CONF_ERROR_SIZE])
{
    const char *equals = strchr(assignment, '=');

    if (!equals) {
        snprintf(ret_error, CONF_ERROR_SIZE, "SECTION.KEY=VALUE expected");
        return 1;
    }
    return conf_set(conf, (struct span){ assignment, (size_t)(equals - assignment) }, span_of(equals + 1), ret_error);
}

void conf_report(struct conf_report *report, unsigned line, const char *format, ...)
{
    char text[2 * CONF_ERROR_SIZE];
    size_t n = 0;
    va_list args;

    if (report->file)
        n = (size_t)snprintf(text, CONF_ERROR_SIZE / 2, "%.240s:", report->file);
    if (n && line)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%u:", line);
    if (n)
        text[n++] = ' ';
    va_start(args, format);
    vsnprintf(text + n, sizeof(text) - n, format, args);
    va_end(args);
    report->n++;
    report->tell(report->arg, text);
}

static size_t size_of(const struct conf_row *row)
{
    return row->type == CONF_INT ? sizeof(int64_t) : row->type == CONF_BOOL ? sizeof(bool) : CONF_TEXT_SIZE;
}

void conf_keep(struct conf *conf, const struct conf *now, void (*tell)(void *arg, const char *name), void *arg)
{
    char name[2 * CONF_NAME_SIZE];

    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        const struct conf_row *row = &settings[i];
        char *at = (char *)conf + row->offset;
        const char *was = (const char *)now + row->offset;
        if (row->when == CONF_RELOAD || memcmp(at, was, size_of(row)) == 0)
            continue;
        memcpy(at, was, size_of(row));
        snprintf(name, sizeof(name), "%s.%s", row->section, row->key);
        tell(arg, name);
    }
}

bool conf_list_next(struct span *rest, struct span *ret_word)
{
    static const char separators[] = ", \t";
    size_t start = 0;

    while (start < rest->len && memchr(separators, rest->ptr[start], sizeof(separators) - 1))
        start++;
    size_t end = start;
    while (end < rest->len && !memchr(separators, rest->ptr[end], sizeof(separators) - 1))
        end++;
    if (end == start)
        return false;
    *ret_word = (struct span){ rest->ptr + start, end - start };
    *rest = (struct span){ rest->ptr + end, rest->len - end };
    return true;
}
