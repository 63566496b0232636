/*
 * The configuration file, read by inih: the only file that includes <ini.h>.
 * inih tells of the first line alone that it cannot read, so the file is gone
 * through until there is no further one, and then once more for the settings,
 * with those lines left out.
 */
#include "base/conf.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>

#define BAD_LINES_MAX 20
#define FILE_MAX_BYTES 1048576

struct reading {
    struct conf *conf;
    struct conf_report *report;
    struct span text, left; /* the file, and what was not yet read of it */
    bool within; /* a line longer than one read */
    bool apply;
    unsigned bad[BAD_LINES_MAX];
    size_t bad_n;
};

static bool is_bad(const struct reading *reading, unsigned line)
{
    for (size_t i = 0; i < reading->bad_n; i++)
        if (reading->bad[i] == line)
            return true;
    return false;
}

/* inih's, as fgets: it counts the lines. */
static char *read_line(char *text, int size, void *arg)
{
    struct reading *reading = arg;
    bool begins = !reading->within;
    const char *end = reading->left.len ? memchr(reading->left.ptr, '\n', reading->left.len) : NULL;
    size_t n = end ? (size_t)(end + 1 - reading->left.ptr) : reading->left.len;

    if (n == 0)
        return NULL;
    n = n < (size_t)size - 1 ? n : (size_t)size - 1;
    memcpy(text, reading->left.ptr, n);
    text[n] = 0;
    reading->left = (struct span){ reading->left.ptr + n, reading->left.len - n };
    reading->conf->reading += begins;
    reading->within = text[n - 1] != '\n';
    if (!is_bad(reading, reading->conf->reading))
        return text;
    if (begins && reading->apply)
        conf_report(reading->report, reading->conf->reading, "[section] or key = value expected");
    snprintf(text, (size_t)size, "%s", reading->within ? " " : "\n");
    return text;
}

/* inih's: 1 is fine. */
static int on_setting(void *arg, const char *section, const char *key, const char *value)
{
    struct reading *reading = arg;
    char name[CONF_TEXT_SIZE], error[CONF_ERROR_SIZE];

    if (!reading->apply)
        return 1;
    if ((size_t)snprintf(name, sizeof(name), "%s.%s", section, key) >= sizeof(name))
        conf_report(reading->report, reading->conf->reading, "the name of a setting is too long");
    else if (conf_set(reading->conf, span_of(name), span_of(value), error))
        conf_report(reading->report, reading->conf->reading, "%s", error);
    return 1;
}

/* As ini_parse_stream: 0, or the line that is neither nor. */
static int pass(struct reading *reading)
{
    reading->left = reading->text;
    reading->within = false;
    reading->conf->reading = 0;
    int line = ini_parse_stream(read_line, reading, on_setting, reading);
    reading->conf->reading = 0;
    return line;
}

static void read_all(struct reading *reading)
{
    int line = 0;

    ini_use_stack = false;
    ini_max_line = 4 * CONF_TEXT_SIZE;
    ini_allow_realloc = true;
    ini_allow_multiline = false; /* an indented line is a line */
    ini_stop_on_first_error = true;
    while (reading->bad_n < BAD_LINES_MAX && (line = pass(reading)) > 0)
        reading->bad[reading->bad_n++] = (unsigned)line;
    reading->apply = true;
    if (line >= 0)
        line = pass(reading);
    if (line > 0)
        conf_report(reading->report, (unsigned)line, "[section] or key = value expected; the rest was not looked at");
    else if (line < 0)
        conf_report(reading->report, 0, "cannot be read");
}

/* 0, or errno. */
static int read_text(const char *path, struct buf *text)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return errno;
    char *room = buf_reserve(text, FILE_MAX_BYTES);
    text->len = room ? fread(room, 1, FILE_MAX_BYTES, file) : 0;
    int error = !room ? ENOMEM : ferror(file) ? EIO : text->len == FILE_MAX_BYTES ? EFBIG : 0;
    fclose(file);
    return error;
}

int conf_read_file(struct conf *conf, struct conf_report *report)
{
    unsigned before = report->n;
    struct buf text = BUF_INIT(FILE_MAX_BYTES);
    int error = read_text(report->file, &text);
    struct reading reading = { .conf = conf, .report = report, .text = buf_span(&text) };

    if (error)
        conf_report(report, 0, "%s", strerror(error));
    else
        read_all(&reading);
    buf_done(&text);
    return error ? -error : report->n > before;
}
