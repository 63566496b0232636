/*
 * The configuration: one typed member per row of settings.def, set by name
 * ("section.key") with bounds checked, from a command line or an INI file. A
 * struct conf is a plain value that the program owns and hands down; nothing
 * in it is global.
 */
#ifndef EWSD_BASE_CONF_H
#define EWSD_BASE_CONF_H

#include "base/buf.h"

#define CONF_TEXT_SIZE 1024
#define CONF_ERROR_SIZE 512
#define CONF_NAME_SIZE 64
#define CONF_RELAYS_MAX 16

#define CONF_MEMBER_INT(name) int64_t name;
#define CONF_MEMBER_BOOL(name) bool name;
#define CONF_MEMBER_TEXT(name) char name[CONF_TEXT_SIZE];
#define CONF_MEMBER_CHOICE(name) char name[CONF_TEXT_SIZE];

/* Rows are numbered in their order, relays' apart from the rest. */
enum {
#define SETTING(section, key, when, type, def, min, max, unit, text) CONF_ROW_##section##_##key,
#define RELAY_SETTING(key, type, def, min, max, unit, text)
#include "base/settings.def"
    CONF_ROWS
};
enum {
#define SETTING(section, key, when, type, def, min, max, unit, text)
#define RELAY_SETTING(key, type, def, min, max, unit, text) CONF_RELAY_ROW_##key,
#include "base/settings.def"
    CONF_RELAY_ROWS
};

/* One [relay NAME] section; the row [relay] has the empty name. */
struct conf_relay {
    char name[CONF_NAME_SIZE];
    unsigned lines[CONF_RELAY_ROWS];
#define SETTING(section, key, when, type, def, min, max, unit, text)
#define RELAY_SETTING(key, type, def, min, max, unit, text) CONF_MEMBER_##type(key)
#include "base/settings.def"
};

struct conf {
#define SETTING(section, key, when, type, def, min, max, unit, text) CONF_MEMBER_##type(section##_##key)
#define RELAY_SETTING(key, type, def, min, max, unit, text)
#include "base/settings.def"
    struct conf_relay relays[CONF_RELAYS_MAX]; /* [0] is [relay], always there */
    unsigned relays_n;
    /* Where in a file each setting stands; 0: in none. For conf_line. */
    unsigned lines[CONF_ROWS];
    unsigned reading; /* the line being read, or 0 */
};

/* Every setting at its default. */
void conf_init(struct conf *conf);
/* name is "section.key", or "relay NAME.key". 1: refused, and ret_error says
 * what is allowed. */
int conf_set(struct conf *conf, struct span name, struct span value, char ret_error[CONF_ERROR_SIZE]);
/* "section.key=value" as on a command line. 1 as conf_set. */
int conf_assign(struct conf *conf, const char *assignment, char ret_error[CONF_ERROR_SIZE]);

/* Who is told everything that is wrong with a configuration. */
struct conf_report {
    void (*tell)(void *arg, const char *text); /* a sentence: "FILE:LINE: SETTING must be ..." */
    void *arg;
    const char *file; /* NULL: sentences begin without it, and without a line */
    unsigned n;       /* sentences so far */
};
/* line 0: it has none. */
void conf_report(struct conf_report *report, unsigned line, const char *format, ...) ATTR_PRINTF(3, 4);
/* The same, for the line of a setting. */
#define conf_report_of(report, conf, name, ...) conf_report((report), conf_line((conf), (name)), __VA_ARGS__)

/* report->file, an INI file ([section], key = value, # or ; comments), over what
 * conf holds. 1: something is wrong, all of which was reported; settings that
 * were refused have not changed. -errno: it cannot be read, which was reported, too. */
int conf_read_file(struct conf *conf, struct conf_report *report);
/* A setting that is read at the start only, and was changed all the same: it is
 * put back to what it is in `now`, and told as "section.key". */
void conf_keep(struct conf *conf, const struct conf *now, void (*tell)(void *arg, const char *name), void *arg);

/* Every setting with what it means, unit, bounds and default, for a terminal.
 * of: NULL for all, "section" or "section.key". False: there is none. */
bool conf_help(struct buf *out, const char *of);
/* What somebody may have meant who wrote this section and key: "section.key",
 * "[section]"; or "". */
void conf_nearest(struct span section, struct span key, char ret_name[2 * CONF_NAME_SIZE]);

/* The line of the file that gave "section.key" (or "relay NAME.key") its value;
 * 0: it has its default, or the command line's. */
unsigned conf_line(const struct conf *conf, const char *name);

/* The next word of a list separated by commas and white space; false at the
 * end. *rest starts as the whole list. */
bool conf_list_next(struct span *rest, struct span *ret_word);

#endif
