/*
 * What a listener counts: answers by their status, and open connections. The
 * statuses that have a number are listed in count.c; others are counted
 * together, so that nothing that comes from outside makes a series.
 */
#ifndef EWSD_HTTP_COUNT_H
#define EWSD_HTTP_COUNT_H

#include "http/http.h"

/* Names them; to be called before anything is counted, any number of times. */
void count_names(void);
void count_answer(const struct http_options *options, int status);
/* up: 1 or -1. */
void count_connection(const struct http_options *options, int up);

#endif
