/*
 * The end that comes anyhow: while the parts of a server are taken down, a thread
 * waits for the end of their time, or for a second signal, and then ends the
 * process. What was answered is on the disk, so nothing is lost by that.
 */
#ifndef EWSD_BIN_ENDING_H
#define EWSD_BIN_ENDING_H

#include "base/base.h"

struct ending;

/* signals: as daemon_signals_open gives it. until: monotonic ms. -errno. */
int ending_start(int signals, int64_t until, struct ending **ret_ending);
/* It was in time. NULL is fine. */
void ending_stop(struct ending *ending);

#endif
