/*
 * The configuration: one typed member per row of settings.def, set by name
 * ("section.key") with bounds checked. A struct conf is a plain value that the
 * program owns and hands down; nothing in it is global.
 */
#ifndef EWSD_BASE_CONF_H
#define EWSD_BASE_CONF_H

#include "base/base.h"

#define CONF_TEXT_SIZE 256
#define CONF_ERROR_SIZE 256

struct conf {
#define CONF_TYPE_INT int64_t
#define CONF_TYPE_BOOL bool
#define CONF_MEMBER_INT(name) int64_t name;
#define CONF_MEMBER_BOOL(name) bool name;
#define CONF_MEMBER_TEXT(name) char name[CONF_TEXT_SIZE];
#define SETTING(section, key, type, def, min, max, unit, text) CONF_MEMBER_##type(section##_##key)
#include "base/settings.def"
#undef SETTING
};

/* Every setting at its default. */
void conf_init(struct conf *conf);
/* name is "section.key". 1: refused, and ret_error says what is allowed. */
int conf_set(struct conf *conf, struct span name, struct span value, char ret_error[CONF_ERROR_SIZE]);
/* "section.key=value" as on a command line. 1 as conf_set. */
int conf_assign(struct conf *conf, const char *assignment, char ret_error[CONF_ERROR_SIZE]);

#endif
