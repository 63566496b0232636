/*
 * Settings as a table: each row of settings.def becomes a member, its bounds
 * and its default, so a setting is known in one place.
 */
#include "base/conf.h"

#include <inttypes.h>
#include <stdio.h>

enum setting_type { SETTING_INT, SETTING_BOOL, SETTING_TEXT, SETTING_CHOICE };

struct setting {
    const char *section, *key;
    enum setting_type type;
    size_t offset; /* in struct conf_relay for those of a relay, else in struct conf */
    int64_t min;
    int64_t max;
    const char *unit; /* of a choice: its values, a|b|c */
    int64_t number;   /* defaults */
    const char *text;
};

/* A default is a number or a string by the type of its row. */
#define DEFAULT_INT(def) .number = (def), .text = NULL
#define DEFAULT_BOOL(def) .number = (def), .text = NULL
#define DEFAULT_TEXT(def) .number = 0, .text = (def)
#define DEFAULT_CHOICE(def) .number = 0, .text = (def)
#define ROW(section_name, key_name, kind, at, def, low, high, unit_text)                                             \
    { .section = (section_name), .key = (key_name), .type = SETTING_##kind, .offset = (at), .min = (low), .max = (high), \
      .unit = (unit_text), DEFAULT_##kind(def) },

static const struct setting settings[] = {
#define SETTING(section, key, kind, def, low, high, unit, meaning) \
    ROW(#section, #key, kind, offsetof(struct conf, section##_##key), def, low, high, unit)
#define RELAY_SETTING(key, kind, def, low, high, unit, meaning)
#include "base/settings.def"
};

static const struct setting relay_settings[] = {
#define SETTING(section, key, kind, def, low, high, unit, meaning)
#define RELAY_SETTING(key, kind, def, low, high, unit, meaning) \
    ROW("relay", #key, kind, offsetof(struct conf_relay, key), def, low, high, unit)
#include "base/settings.def"
};

_Static_assert(ARRAY_LEN(settings) == CONF_ROWS && ARRAY_LEN(relay_settings) == CONF_RELAY_ROWS, "rows are numbered");

static void set_number(void *base, const struct setting *setting, int64_t value)
{
    char *at = (char *)base + setting->offset;

    if (setting->type == SETTING_BOOL)
        memcpy(at, &(bool){ value != 0 }, sizeof(bool));
    else
        memcpy(at, &value, sizeof(value));
}

static void set_text(void *base, const struct setting *setting, struct span value)
{
    char *at = (char *)base + setting->offset;

    memset(at, 0, CONF_TEXT_SIZE);
    if (value.len > 0)
        memcpy(at, value.ptr, value.len);
}

static void set_defaults(void *base, const struct setting *rows, size_t n)
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

static int apply_int(void *base, const struct setting *setting, struct span value, char *ret_error)
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

static int apply_bool(void *base, const struct setting *setting, struct span value, char *ret_error)
{
    bool yes = span_is(value, "yes") || span_is(value, "true") || span_is(value, "1");

    if (!yes && !span_is(value, "no") && !span_is(value, "false") && !span_is(value, "0")) {
        snprintf(ret_error, CONF_ERROR_SIZE, "%s.%s must be yes or no", setting->section, setting->key);
        return 1;
    }
    set_number(base, setting, yes ? 1 : 0);
    return 0;
}

static int apply_text(void *base, const struct setting *setting, struct span value, char *ret_error)
{
    if (value.len >= CONF_TEXT_SIZE || !span_utf8_ok(value)) {
        snprintf(ret_error, CONF_ERROR_SIZE, "%s.%s must be text of at most %d bytes", setting->section, setting->key,
                 CONF_TEXT_SIZE - 1);
        return 1;
    }
    set_text(base, setting, value);
    return 0;
}

static int apply_choice(void *base, const struct setting *setting, struct span value, char *ret_error)
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
static size_t find_row(const struct setting *rows, size_t n, struct span section, struct span key)
{
    size_t i = 0;

    while (i < n && !(span_is(section, rows[i].section) && span_is(key, rows[i].key)))
        i++;
    return i;
}

/* lines and line: where it is noted that the row was set there. */
static int set_row(void *base, unsigned *lines, unsigned line, const struct setting *rows, size_t n, struct span section,
                   struct span key, struct span value, char *ret_error)
{
    static int (*const apply[])(void *, const struct setting *, struct span, char *) = {
        [SETTING_INT] = apply_int,
        [SETTING_BOOL] = apply_bool,
        [SETTING_TEXT] = apply_text,
        [SETTING_CHOICE] = apply_choice,
    };

    size_t i = find_row(rows, n, section, key);
    if (i < n) {
        lines[i] = line;
        return apply[rows[i].type](base, &rows[i], value, ret_error);
    }
    snprintf(ret_error, CONF_ERROR_SIZE, "there is no setting %.*s.%.*s", (int)(section.len < 100 ? section.len : 100),
             section.len > 0 ? section.ptr : "", (int)(key.len < 100 ? key.len : 100), key.len > 0 ? key.ptr : "");
    return 1;
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
