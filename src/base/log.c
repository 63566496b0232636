/*
 * Log lines: formatted into one buffer and written with one write(2), so lines
 * of different threads never mix; several together up to what a pipe takes at once.
 */
#include "base/log.h"

#include "base/json.h"
#include "base/when.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_MAX_BYTES 8192
#define JSON_MAX_BYTES 131072 /* an escape takes six bytes */
#define LINE_USUAL_BYTES 512
#define VALUE_MAX_BYTES 1024

static const char level_names[][6] = {
    [LOG_ERROR_LEVEL] = "error",
    [LOG_WARN_LEVEL] = "warn",
    [LOG_INFO_LEVEL] = "info",
    [LOG_DEBUG_LEVEL] = "debug",
};

/* As sd-daemon(3) numbers them. */
static const char priorities[] = { [LOG_ERROR_LEVEL] = '3', [LOG_WARN_LEVEL] = '4', [LOG_INFO_LEVEL] = '6', [LOG_DEBUG_LEVEL] = '7' };

static atomic_int shown_level = LOG_INFO_LEVEL;
static atomic_bool as_json, with_priority;

void log_begin(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat info;
    char own[64];

    if (!stream || fstat(STDERR_FILENO, &info))
        return;
    snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)info.st_dev, (uintmax_t)info.st_ino);
    atomic_store(&with_priority, strcmp(own, stream) == 0);
}

void log_set_json(bool json)
{
    atomic_store(&as_json, json);
}

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

/* What is left of it, up to the end of a character. */
static struct span shortened(struct span value)
{
    if (value.len <= VALUE_MAX_BYTES)
        return value;
    value.len = VALUE_MAX_BYTES;
    while (value.len > VALUE_MAX_BYTES - 4 && ((unsigned char)value.ptr[value.len] & 0xc0) == 0x80)
        value.len--;
    return value;
}

static void add_field(struct buf *line, const struct log_field *field)
{
    struct span value = shortened(field->value);

    buf_add_char(line, ' ');
    buf_add_str(line, field->key);
    buf_add_char(line, '=');
    if (is_plain(value))
        buf_add_span(line, value);
    else
        add_quoted(line, value);
}

static void write_text(struct buf *line, const char *at, enum log_level level, const char *event, const struct log_field *fields)
{
    buf_add_str(line, at);
    buf_add_char(line, ' ');
    buf_add_str(line, level_names[level]);
    buf_add_char(line, ' ');
    buf_add_str(line, event);
    for (; fields->key; fields++)
        add_field(line, fields);
    if (buf_error(line)) {
        /* What did not fit is cut; the line still ends. */
        line->error = 0;
        line->len = line->len < LINE_MAX_BYTES ? line->len : LINE_MAX_BYTES - 1;
    }
}

static void write_json(struct buf *line, const char *at, enum log_level level, const char *event, const struct log_field *fields)
{
    size_t whole;

    buf_printf(line, "{\"time\":\"%s\",\"level\":\"%s\",\"event\":", at, level_names[level]);
    json_add_string(line, span_of(event));
    whole = line->len;
    for (; fields->key && !buf_error(line); fields++) {
        whole = line->len;
        buf_printf(line, ",\"%s\":", fields->key);
        if (fields->number)
            buf_add_span(line, fields->value);
        else
            json_add_string(line, shortened(fields->value));
    }
    if (buf_error(line)) { /* without the field that did not fit */
        line->error = 0;
        line->len = whole;
    }
    buf_add_char(line, '}');
}

void log_line(struct buf *ret_line, enum log_level level, const char *event, const struct log_field *fields)
{
    bool json = atomic_load(&as_json);
    struct buf line = BUF_INIT(json ? JSON_MAX_BYTES : LINE_MAX_BYTES);
    char at[WHEN_XS_SIZE];

    *ret_line = line;
    if ((int)level > atomic_load(&shown_level))
        return;
    when_format_xs(when_now(), at);
    (void)buf_reserve(&line, LINE_USUAL_BYTES);
    if (atomic_load(&with_priority))
        buf_printf(&line, "<%c>", priorities[level]);
    (json ? write_json : write_text)(&line, at, level, event, fields);
    buf_add_char(&line, '\n');
    *ret_line = line;
}

static void put(const char *text, size_t len)
{
    if (len > 0) {
        ssize_t n ATTR_UNUSED = write(STDERR_FILENO, text, len);
    }
}

void log_fields(enum log_level level, const char *event, const struct log_field *fields)
{
    struct buf line;

    log_line(&line, level, event, fields);
    put(line.ptr, line.len);
    buf_done(&line);
}

void log_gather(struct log_lines *lines, struct buf *line)
{
    if (line->len > sizeof(lines->text) - lines->len)
        log_flush(lines);
    if (line->len > sizeof(lines->text))
        put(line->ptr, line->len);
    else if (line->len > 0)
        memcpy(lines->text + lines->len, line->ptr, line->len);
    lines->len += line->len > sizeof(lines->text) ? 0 : line->len;
    buf_done(line);
}

void log_flush(struct log_lines *lines)
{
    put(lines->text, lines->len);
    lines->len = 0;
}

/* At least so many digits, which end before `end`; where they begin. */
static char *put_digits(char *end, uint64_t value, int least)
{
    do {
        *--end = (char)('0' + value % 10);
        value /= 10;
    } while (--least > 0 || value > 0);
    return end;
}

static uint64_t size_of(int64_t number)
{
    return number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
}

const char *log_number(char text[24], int64_t number)
{
    char *at = put_digits(text + 23, size_of(number), 1);

    text[23] = 0;
    if (number < 0)
        *--at = '-';
    return at;
}

const char *log_milli(char text[24], int64_t number)
{
    char *at = put_digits(text + 23, size_of(number) % 1000, 3);

    text[23] = 0;
    *--at = '.';
    at = put_digits(at, size_of(number) / 1000, 1);
    if (number < 0)
        *--at = '-';
    return at;
}
