/*
 * Log lines: formatted into one buffer and written with one write(2), so lines
 * of different threads never mix.
 */
#include "base/log.h"

#include "base/buf.h"
#include "base/when.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#define LINE_MAX_BYTES 8192
#define LINE_USUAL_BYTES 512
#define VALUE_MAX_BYTES 1024

static const char level_names[][6] = {
    [LOG_ERROR_LEVEL] = "error",
    [LOG_WARN_LEVEL] = "warn",
    [LOG_INFO_LEVEL] = "info",
    [LOG_DEBUG_LEVEL] = "debug",
};

static atomic_int shown_level = LOG_INFO_LEVEL;

void log_set_level(enum log_level level)
{
    atomic_store(&shown_level, (int)level);
}

bool log_level_by_name(struct span name, enum log_level *ret_level)
{
    for (size_t i = 0; i < ARRAY_LEN(level_names); i++)
        if (span_is(name, level_names[i])) {
            *ret_level = (enum log_level)i;
            return true;
        }
    return false;
}

static bool is_plain(struct span value)
{
    if (value.len == 0)
        return false;
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        if (c <= ' ' || c > '~' || c == '"' || c == '=' || c == '\\')
            return false;
    }
    return true;
}

static void add_quoted(struct buf *line, struct span value)
{
    bool utf8 = span_utf8_ok(value);

    buf_add_char(line, '"');
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        if (c == '"' || c == '\\')
            buf_printf(line, "\\%c", c);
        else if (c < 0x20 || c == 0x7f || (c >= 0x80 && !utf8))
            buf_printf(line, "\\x%02x", c);
        else
            buf_add_char(line, (char)c);
    }
    buf_add_char(line, '"');
}

static void add_field(struct buf *line, const struct log_field *field)
{
    struct span value = field->value;

    if (value.len > VALUE_MAX_BYTES)
        value.len = VALUE_MAX_BYTES;
    buf_add_char(line, ' ');
    buf_add_str(line, field->key);
    buf_add_char(line, '=');
    if (is_plain(value))
        buf_add_span(line, value);
    else
        add_quoted(line, value);
}

void log_fields(enum log_level level, const char *event, const struct log_field *fields)
{
    struct buf line = BUF_INIT(LINE_MAX_BYTES);
    char at[WHEN_XS_SIZE];

    if ((int)level > atomic_load(&shown_level))
        return;
    when_format_xs(when_now(), at);
    (void)buf_reserve(&line, LINE_USUAL_BYTES);
    buf_add_str(&line, at);
    buf_add_char(&line, ' ');
    buf_add_str(&line, level_names[level]);
    buf_add_char(&line, ' ');
    buf_add_str(&line, event);
    for (; fields->key; fields++)
        add_field(&line, fields);
    if (buf_error(&line)) {
        /* What did not fit is cut; the line still ends. */
        line.error = 0;
        line.len = line.len < LINE_MAX_BYTES ? line.len : LINE_MAX_BYTES - 1;
    }
    buf_add_char(&line, '\n');
    if (line.len > 0) {
        ssize_t n ATTR_UNUSED = write(STDERR_FILENO, line.ptr, line.len);
    }
    buf_done(&line);
}

const char *log_number(char text[24], int64_t number)
{
    snprintf(text, 24, "%" PRId64, number);
    return text;
}
