/*
 * Inside the configuration only: a row of settings.def as a value, with all
 * that the row says.
 */
#ifndef EWSD_BASE_CONF_ROW_H
#define EWSD_BASE_CONF_ROW_H

#include "base/conf.h"

enum conf_type { CONF_INT, CONF_BOOL, CONF_TEXT, CONF_CHOICE };
enum conf_when { CONF_START, CONF_RELOAD };

struct conf_row {
    const char *section, *key;
    enum conf_when when;
    enum conf_type type;
    size_t offset; /* in struct conf_relay for those of a relay, else in struct conf */
    int64_t min;
    int64_t max;
    const char *unit; /* of a choice: its values, a|b|c */
    int64_t number;   /* defaults */
    const char *text;
    const char *meaning;
};

/* A default is a number or a string by the type of its row. */
#define CONF_DEFAULT_INT(def) .number = (def), .text = NULL
#define CONF_DEFAULT_BOOL(def) .number = (def), .text = NULL
#define CONF_DEFAULT_TEXT(def) .number = 0, .text = (def)
#define CONF_DEFAULT_CHOICE(def) .number = 0, .text = (def)
#define CONF_ROW(section_name, key_name, moment, kind, at, def, low, high, unit_text, meaning_text)                       \
    { .section = (section_name), .key = (key_name), .when = CONF_##moment, .type = CONF_##kind, .offset = (at),           \
      .min = (low), .max = (high), .unit = (unit_text), .meaning = (meaning_text), CONF_DEFAULT_##kind(def) },

/* All rows, those of a relay last; NULL behind them. */
const struct conf_row *conf_row(size_t i);

#endif
