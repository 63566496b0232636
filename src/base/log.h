/*
 * One line per event on standard error: key=value, or an object of JSON. Only
 * the frame, the runner and the programs log, once per failure; lower floors
 * return errors. Whatever bytes a value has, it cannot forge a line: they are
 * quoted and escaped.
 */
#ifndef EWSD_BASE_LOG_H
#define EWSD_BASE_LOG_H

#include "base/buf.h"

enum log_level { LOG_ERROR_LEVEL, LOG_WARN_LEVEL, LOG_INFO_LEVEL, LOG_DEBUG_LEVEL };

struct log_field {
    const char *key; /* none of time, level and event */
    struct span value;
    bool number;
};

/* At the start: lines for the journal of systemd begin with their priority (<3>),
 * when standard error is a stream of it ($JOURNAL_STREAM). */
void log_begin(void);
void log_set_level(enum log_level level);
/* Lines are objects of JSON from now on, or no longer. */
void log_set_json(bool json);
bool log_level_by_name(struct span name, enum log_level *ret_level);
/* Fields up to the first one whose key is NULL. */
void log_fields(enum log_level level, const char *event, const struct log_field *fields);
/* The line alone, which the caller frees (buf_done); empty when the level is not shown. */
void log_line(struct buf *ret_line, enum log_level level, const char *event, const struct log_field *fields);

/* Lines that are written together, in their order, as each write costs; no more of
 * them than a pipe takes without mixing (PIPE_BUF). */
struct log_lines {
    size_t len; /* 0 at first */
    char text[4096];
};

/* Takes the line over. What was gathered is written when it does not fit, and by log_flush. */
void log_gather(struct log_lines *lines, struct buf *line);
void log_flush(struct log_lines *lines);

#define LOG_FIELDS(...) ((const struct log_field[]){ __VA_ARGS__ __VA_OPT__(, ) { NULL, { NULL, 0 } } })
#define log_event(level, event, ...) log_fields((level), (event), LOG_FIELDS(__VA_ARGS__))
#define LOG_S(k, cstr) { (k), span_of(cstr) }
#define LOG_V(k, span) { (k), (span) }
/* A number as a field value; the text lives until the full expression ends. */
#define LOG_N(k, number) { (k), span_of(log_number((char[24]){ 0 }, (int64_t)(number))), true }
const char *log_number(char text[24], int64_t number);
/* The same for thousandths: 1234 is 1.234. */
#define LOG_MILLI(k, number) { (k), span_of(log_milli((char[24]){ 0 }, (int64_t)(number))), true }
const char *log_milli(char text[24], int64_t number);

#endif
