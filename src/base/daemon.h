/*
 * What a long-running program owes its system: termination signals as an
 * event, and readiness told to a service manager (sd_notify protocol).
 */
#ifndef EWSD_BASE_DAEMON_H
#define EWSD_BASE_DAEMON_H

#include "base/base.h"

/* Blocks SIGTERM and SIGINT in all threads started later, ignores SIGPIPE.
 * The descriptor becomes readable when one arrives; the caller closes it.
 * -errno. */
int daemon_signals_open(int *ret_fd);
/* Waits for the descriptor; returns the signal number, or -errno. */
int daemon_signals_wait(int fd);
/* Tells a service manager, if there is one ($NOTIFY_SOCKET). state such as
 * "READY=1". Failure is not an error of ours and is ignored. */
void daemon_notify(const char *state);

#endif
