/*
 * What a command of ewsctl prints: records with named values, as JSON (one
 * object a line) or for people. For people a sheet has one value a line
 * ("name: value"), a table one record a line, tabs between its columns; records
 * inside a record are lines of their own there. Control characters never reach
 * the terminal.
 */
#ifndef EWSD_BIN_CTL_OUT_H
#define EWSD_BIN_CTL_OUT_H

#include "base/buf.h"

#define OUT_DEPTH 6
#define OUT_MAX (64u << 20)

enum out_style { OUT_TABLE, OUT_SHEET };

struct ctl_out {
    struct buf text;
    bool json;
    enum out_style style;
    unsigned depth; /* 0 outside, odd in a record, even in a list */
    struct {
        const char *name; /* of a list */
        unsigned n;       /* elements so far */
    } levels[OUT_DEPTH];
};

void out_init(struct ctl_out *out, bool json);
void out_done(struct ctl_out *out);
/* Forgets what was printed. */
void out_clear(struct ctl_out *out);

/* At the outside and in lists. Then values and lists, each with its name; in a
 * list, texts (name NULL) or records. */
void out_record(struct ctl_out *out);
void out_record_end(struct ctl_out *out);
void out_list(struct ctl_out *out, const char *name);
void out_list_end(struct ctl_out *out);
void out_text(struct ctl_out *out, const char *name, struct span text);
void out_number(struct ctl_out *out, const char *name, uint64_t number);
void out_flag(struct ctl_out *out, const char *name, bool flag);
/* Milliseconds; WHEN_NONE is null, or "-". */
void out_time(struct ctl_out *out, const char *name, int64_t at);

/* Text as a terminal may have it. */
void out_add_clean(struct buf *out, struct span text);

#endif
