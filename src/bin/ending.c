/*
 * See ending.h.
 */
#include "bin/ending.h"

#include "base/daemon.h"
#include "base/log.h"
#include "base/when.h"
#include "bin/server.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct ending {
    int signals, over;
    int64_t until;
    pthread_t thread;
};

/* No exit handlers: threads are still at work. */
static void end(const char *why)
{
    log_event(LOG_ERROR_LEVEL, "ended before everything was done; what was answered is kept", LOG_S("why", why));
    _exit(EXIT_FAILED);
}

static void *wait_for_it(void *arg)
{
    struct ending *ending = arg;
    for (;;) {
        struct pollfd fds[] = { { .fd = ending->over, .events = POLLIN }, { .fd = ending->signals, .events = POLLIN } };
        int64_t left = ending->until - when_monotonic();
        int n = left > 0 ? poll(fds, ARRAY_LEN(fds), left < INT32_MAX ? (int)left : INT32_MAX) : 0;
        if (fds[0].revents)
            return NULL;
        if (n == 0)
            end("server.stop_timeout is over");
        if (n > 0 && daemon_signals_wait(ending->signals, 0) != SIGHUP)
            end("a second signal");
    }
}

int ending_start(int signals, int64_t until, struct ending **ret_ending)
{
    struct ending *ending = calloc(1, sizeof(*ending));
    if (!ending)
        return -ENOMEM;
    *ending = (struct ending){ .signals = signals, .until = until, .over = eventfd(0, EFD_CLOEXEC) };
    int r = ending->over < 0 ? -errno : -pthread_create(&ending->thread, NULL, wait_for_it, ending);
    if (r) {
        if (ending->over >= 0)
            close(ending->over);
        free(ending);
        return r;
    }
    *ret_ending = ending;
    return 0;
}

void ending_stop(struct ending *ending)
{
    if (!ending)
        return;
    eventfd_write(ending->over, 1);
    pthread_join(ending->thread, NULL);
    close(ending->over);
    free(ending);
}
