/*
 * What a long-running program owes its system: signals as an event, and what a
 * service manager is told and gives (sd_notify(3), sd_watchdog_enabled(3),
 * sd_listen_fds(3), whose protocols these are).
 */
#ifndef EWSD_BASE_DAEMON_H
#define EWSD_BASE_DAEMON_H

#include "base/base.h"

/* Blocks SIGTERM, SIGINT and SIGHUP in all threads started later, ignores
 * SIGPIPE. The descriptor becomes readable when one arrives; the caller closes
 * it. -errno. */
int daemon_signals_open(int *ret_fd);
/* Waits for the descriptor, wait_ms at most (-1: for ever); returns the signal
 * number, 0 when the time is over, or -errno. */
int daemon_signals_wait(int fd, int wait_ms);
/* Tells a service manager, if there is one ($NOTIFY_SOCKET). state such as
 * "READY=1". Failure is not an error of ours and is ignored. */
void daemon_notify(const char *state, ...) ATTR_PRINTF(1, 2);
/* How often at least the service manager wants to hear "WATCHDOG=1", in ms; 0: it
 * does not. */
int64_t daemon_watchdog_ms(void);
/* A listening socket that the service manager has opened for us (LISTEN_FDS): that
 * of this name (FileDescriptorName=); or, unless others is NULL, the first that
 * has none of these names, whose end is NULL. -1: none. Ask for each once. */
int daemon_socket_take(const char *name, const char *const *others);

#endif
