/*
 * Settings as a table: each row of settings.def becomes a member, its bounds
 * and its default, so a setting is known in one place.
 */
#include "base/conf.h"

#include <inttypes.h>
#include <stdio.h>

enum setting_type { SETTING_INT, SETTING_BOOL, SETTING_TEXT };

struct setting {
    const char *name;
    enum setting_type type;
    size_t offset;
    int64_t min;
    int64_t max;
    const char *unit;
    int64_t number; /* defaults */
    const char *text;
};

/* A default is a number or a string by the type of its row. */
#define DEFAULT_INT(def) .number = (def), .text = NULL
#define DEFAULT_BOOL(def) .number = (def), .text = NULL
#define DEFAULT_TEXT(def) .number = 0, .text = (def)

static const struct setting settings[] = {
#define SETTING(section, key, kind, def, low, high, unit_text, meaning)                                               \
    { .name = #section "." #key, .type = SETTING_##kind, .offset = offsetof(struct conf, section##_##key), .min = (low), \
      .max = (high), .unit = (unit_text), DEFAULT_##kind(def) },
#include "base/settings.def"
#undef SETTING
};

static void set_number(struct conf *conf, const struct setting *setting, int64_t value)
{
    char *at = (char *)conf + setting->offset;

    if (setting->type == SETTING_BOOL)
        memcpy(at, &(bool){ value != 0 }, sizeof(bool));
    else
        memcpy(at, &value, sizeof(value));
}

static void set_text(struct conf *conf, const struct setting *setting, struct span value)
{
    char *at = (char *)conf + setting->offset;

    memset(at, 0, CONF_TEXT_SIZE);
    if (value.len > 0)
        memcpy(at, value.ptr, value.len);
}

void conf_init(struct conf *conf)
{
    memset(conf, 0, sizeof(*conf));
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        if (settings[i].type == SETTING_TEXT)
            set_text(conf, &settings[i], span_of(settings[i].text));
        else
            set_number(conf, &settings[i], settings[i].number);
    }
}

static int apply_int(struct conf *conf, const struct setting *setting, struct span value, char *ret_error)
{
    int64_t number;

    if (!span_int(value, false, setting->min, setting->max, &number)) {
        snprintf(ret_error, CONF_ERROR_SIZE, "%s must be a number from %" PRId64 " to %" PRId64 "%s%s", setting->name,
                 setting->min, setting->max, *setting->unit ? " " : "", setting->unit);
        return 1;
    }
    set_number(conf, setting, number);
    return 0;
}

static int apply_bool(struct conf *conf, const struct setting *setting, struct span value, char *ret_error)
{
    bool yes = span_is(value, "yes") || span_is(value, "true") || span_is(value, "1");

    if (!yes && !span_is(value, "no") && !span_is(value, "false") && !span_is(value, "0")) {
        snprintf(ret_error, CONF_ERROR_SIZE, "%s must be yes or no", setting->name);
        return 1;
    }
    set_number(conf, setting, yes ? 1 : 0);
    return 0;
}

static int apply_text(struct conf *conf, const struct setting *setting, struct span value, char *ret_error)
{
    if (value.len >= CONF_TEXT_SIZE || !span_utf8_ok(value)) {
        snprintf(ret_error, CONF_ERROR_SIZE, "%s must be text of at most %d bytes", setting->name, CONF_TEXT_SIZE - 1);
        return 1;
    }
    set_text(conf, setting, value);
    return 0;
}

int conf_set(struct conf *conf, struct span name, struct span value, char ret_error[CONF_ERROR_SIZE])
{
    static int (*const apply[])(struct conf *, const struct setting *, struct span, char *) = {
        [SETTING_INT] = apply_int,
        [SETTING_BOOL] = apply_bool,
        [SETTING_TEXT] = apply_text,
    };

    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        if (span_is(name, settings[i].name))
            return apply[settings[i].type](conf, &settings[i], value, ret_error);
    snprintf(ret_error, CONF_ERROR_SIZE, "there is no setting %.*s", (int)(name.len < 100 ? name.len : 100),
             name.len > 0 ? name.ptr : "");
    return 1;
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
