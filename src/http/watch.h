/*
 * How the server fares, for those who watch it: whether it can serve, and the
 * numbers that nobody counts as they change, but that are read when somebody
 * asks. Any thread may ask.
 */
#ifndef EWSD_HTTP_WATCH_H
#define EWSD_HTTP_WATCH_H

#include "ops/op.h"

struct watch;

/* ops outlives the watch. The process counts as started now. -ENOMEM. */
int watch_new(const struct op_env *ops, struct watch **ret_watch);
void watch_free(struct watch *watch);
/* Whoever watches is not told that it can serve before it does. */
void watch_start(struct watch *watch);
/* From now on it cannot: it ends. */
void watch_stop(struct watch *watch);

/* NULL: it can serve; else why it cannot. */
const char *watch_unready(const struct watch *watch);
/* Brings the gauges up to date. What takes long to read is read seldom: for no more
 * than a hundredth of the time. */
void watch_read(struct watch *watch);

#endif
