/*
 * `ewsd dev --with-parent`: a server of tests ends with them, however they end.
 * Two things tell: the standard input, when it is a pipe or a socket of which the
 * other side is closed, and the process that started this one, when it ends. The
 * first tells of a parent that was gone before anybody looked, too.
 * (PR_SET_PDEATHSIG would not do: it tells of the thread that started us.)
 */
#include "bin/dev.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FD_STOP, FD_INPUT, FD_PARENT, FDS };

struct dev_parent {
    pthread_t thread;
    int fds[FDS];
};

/* What comes is of no interest; the end is. */
static bool has_ended(int fd)
{
    char bytes[4096];
    ssize_t n = read(fd, bytes, sizeof(bytes));
    return n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN);
}

static void *watch(void *arg)
{
    const struct dev_parent *parent = arg;
    struct pollfd polled[FDS];
    for (int i = 0; i < FDS; i++)
        polled[i] = (struct pollfd){ .fd = parent->fds[i], .events = POLLIN };
    for (;;) {
        if (poll(polled, FDS, -1) < 0 && errno != EINTR)
            return NULL;
        if (polled[FD_STOP].revents)
            return NULL;
        if (polled[FD_PARENT].revents || (polled[FD_INPUT].revents && has_ended(STDIN_FILENO)))
            break;
    }
    (void)kill(getpid(), SIGTERM); /* which the program waits for */
    return NULL;
}

static bool input_tells(void)
{
    struct stat input;
    return fstat(STDIN_FILENO, &input) == 0 && (S_ISFIFO(input.st_mode) || S_ISSOCK(input.st_mode));
}

static void close_all(struct dev_parent *parent)
{
    for (int i = 0; i < FDS; i++)
        if (i != FD_INPUT && parent->fds[i] >= 0)
            close(parent->fds[i]);
    free(parent);
}

int dev_parent_watch(struct dev_parent **ret_parent)
{
    struct dev_parent *parent = calloc(1, sizeof(*parent));
    if (!parent)
        return -ENOMEM;
    pid_t pid = getppid();
    parent->fds[FD_INPUT] = input_tells() ? STDIN_FILENO : -1;
    parent->fds[FD_PARENT] = pid > 1 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1; /* 1 does not end before us */
    parent->fds[FD_STOP] = eventfd(0, EFD_CLOEXEC);
    int r = parent->fds[FD_STOP] < 0 ? -errno : -pthread_create(&parent->thread, NULL, watch, parent);
    if (r == 0 && getppid() != pid)
        (void)kill(getpid(), SIGTERM); /* it ended in between */
    if (r)
        close_all(parent);
    else
        *ret_parent = parent;
    return r;
}

void dev_parent_unwatch(struct dev_parent *parent)
{
    if (!parent)
        return;
    uint64_t one = 1;
    if (write(parent->fds[FD_STOP], &one, sizeof(one)) == (ssize_t)sizeof(one))
        pthread_join(parent->thread, NULL);
    close_all(parent);
}
