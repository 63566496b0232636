/*
 * The configuration file, read by inih: the only file that includes <ini.h>.
 * The first line that is wrong ends the reading and is what the error names.
 */
#include "base/conf.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>

struct reading {
    struct conf *conf;
    FILE *file;
    bool within; /* a line longer than one read */
    char error[CONF_ERROR_SIZE]; /* of the first line refused, or empty */
};

/* inih's, as fgets: it counts the lines. */
static char *read_line(char *text, int size, void *arg)
{
    struct reading *reading = arg;

    if (!fgets(text, size, reading->file))
        return NULL;
    if (!reading->within)
        reading->conf->reading++;
    reading->within = !strchr(text, '\n');
    return text;
}

/* inih's: 1 is fine, 0 is not. */
static int on_setting(void *arg, const char *section, const char *key, const char *value)
{
    struct reading *reading = arg;
    char name[CONF_TEXT_SIZE];

    if ((size_t)snprintf(name, sizeof(name), "%s.%s", section, key) >= sizeof(name))
        snprintf(reading->error, sizeof(reading->error), "the name of a setting is too long");
    else if (conf_set(reading->conf, span_of(name), span_of(value), reading->error) == 0)
        return 1;
    return 0;
}

int conf_read_file(struct conf *conf, const char *path, char ret_error[CONF_ERROR_SIZE])
{
    FILE *file = fopen(path, "re");
    struct reading reading = { .conf = conf, .file = file };

    ini_use_stack = false;
    ini_max_line = 4 * CONF_TEXT_SIZE;
    ini_allow_realloc = true;
    ini_allow_multiline = false; /* an indented line is a line */
    ini_stop_on_first_error = true;
    if (!file) {
        snprintf(ret_error, CONF_ERROR_SIZE, "%.300s: %s", path, strerror(errno));
        return 1;
    }
    conf->reading = 0;
    int line = ini_parse_stream(read_line, &reading, on_setting, &reading);
    conf->reading = 0;
    bool broken = ferror(file) != 0;
    fclose(file);
    if (line == 0 && !broken)
        return 0;
    if (broken || line < 0)
        snprintf(ret_error, CONF_ERROR_SIZE, "%.300s: cannot be read", path);
    else
        snprintf(ret_error, CONF_ERROR_SIZE, "%.120s:%d: %.300s", path, line,
                 reading.error[0] ? reading.error : "[section] or key = value expected");
    return 1;
}
