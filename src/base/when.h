/*
 * Time: milliseconds since 1970 UTC in int64_t, a clock that tests can
 * replace, and the two spellings that mail and EWS use (xs:dateTime, RFC 5322).
 * WHEN_NONE means "not set".
 */
#ifndef EWSD_BASE_WHEN_H
#define EWSD_BASE_WHEN_H

#include "base/base.h"

#include <pthread.h>
#include <time.h>

#define WHEN_NONE INT64_MIN
#define WHEN_XS_SIZE 32
#define WHEN_RFC5322_SIZE 48

int64_t when_now(void);
int64_t when_monotonic(void); /* ms; for deadlines, never for display */
int64_t when_monotonic_us(void); /* the same, finer: for how long something took */
void when_sleep(unsigned ms);
/* A condition whose timed waits end by when_in, whatever is done to the clock on
 * the wall meanwhile. */
void when_cond_init(pthread_cond_t *cond);
struct timespec when_in(int64_t ms);
struct timespec when_in_us(int64_t us);
/* NULL restores the system's clock. */
void when_set_clock(int64_t (*clock_ms)(void));
void when_set_monotonic(int64_t (*clock_ms)(void));

/* 2026-11-24T04:28:04Z; whole seconds (protocol.md 4.4). */
void when_format_xs(int64_t at, char ret_text[WHEN_XS_SIZE]);
/* Tue, 24 Nov 2026 04:28:04 +0000 */
void when_format_rfc5322(int64_t at, char ret_text[WHEN_RFC5322_SIZE]);
/* xs:dateTime with or without fraction and offset (without: UTC). */
bool when_parse_xs(struct span text, int64_t *ret_at);

#endif
