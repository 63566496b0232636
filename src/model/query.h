/*
 * A query string (Advanced Query Syntax, as far as it is published for EWS) to
 * the filter it means. Words are looked for from their begin on, in quotation
 * marks whole and in that order; AND, OR, NOT, + and - and parentheses join what
 * is asked for. What is no keyword in front of a colon is words like any others.
 */
#ifndef EWSD_MODEL_QUERY_H
#define EWSD_MODEL_QUERY_H

#include "model/filter.h"

struct query_limits {
    size_t length;  /* bytes */
    unsigned nodes; /* of the filter */
    unsigned depth; /* parentheses and negations in each other */
};

/* ret_filter: NULL when nothing is asked for. Days are those of UTC, relative
 * ones as of now (ms). CODE_ErrorQueryFilterTooLong, -RestrictionTooLong,
 * -RestrictionTooComplex; CODE_ErrorInvalidValueForProperty: no date, number or
 * choice where one belongs. -ENOMEM. */
int query_read(struct arena *arena, struct span text, int64_t now, const struct query_limits *limits, struct filter **ret_filter);

/* ---- query_date.c ---- */

/* A span of time: from, and the first instant behind it. */
struct query_days {
    int64_t from, to;
};

/* Takes a date off the front of text: a day, a month, a year, a weekday, "last
 * week" and the like. False: there is none. */
bool query_take_date(struct span *text, int64_t now, struct query_days *ret_days);

#endif
