/*
 * Signals as a descriptor, and the protocols of the service manager: its
 * datagrams, its watchdog and its sockets.
 */
#include "base/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define STATE_SIZE 256
#define FIRST_SOCKET 3 /* SD_LISTEN_FDS_START */
#define SOCKETS_MAX 64

int daemon_signals_open(int *ret_fd)
{
    sigset_t set;
    int fd, r;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    r = pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (r != 0)
        return -r;
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        return -errno;
    fd = signalfd(-1, &set, SFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    *ret_fd = fd;
    return 0;
}

int daemon_signals_wait(int fd, int wait_ms)
{
    struct signalfd_siginfo info;
    struct pollfd readable = { .fd = fd, .events = POLLIN };

    for (;;) {
        int ready = poll(&readable, 1, wait_ms);
        if (ready == 0)
            return 0;
        ssize_t n = ready < 0 ? -1 : read(fd, &info, sizeof(info));
        if (n == (ssize_t)sizeof(info))
            return (int)info.ssi_signo;
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n == 0)
            return -EIO;
    }
}

static void send_state(const char *path, const char *state, size_t state_len)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t len = strlen(path);
    int fd;

    if (len < 2 || len >= sizeof(address.sun_path) || (path[0] != '/' && path[0] != '@'))
        return;
    memcpy(address.sun_path, path, len);
    if (path[0] == '@')
        address.sun_path[0] = '\0'; /* abstract name */
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    sendto(fd, state, state_len, MSG_NOSIGNAL, (const struct sockaddr *)&address,
           (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
    close(fd);
}

void daemon_notify(const char *state, ...)
{
    const char *path = getenv("NOTIFY_SOCKET");
    char text[STATE_SIZE];
    va_list args;

    va_start(args, state);
    int n = vsnprintf(text, sizeof(text), state, args);
    va_end(args);
    if (path && n > 0)
        send_state(path, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

/* A variable of the service manager as a number; false: it has none, or one that
 * is for another process. */
static bool read_number(const char *name, const char *pid_name, int64_t max, int64_t *ret_number)
{
    const char *text = getenv(name), *pid = getenv(pid_name);
    int64_t number;

    if (!text || !span_int(span_of(text), false, 1, max, ret_number))
        return false;
    return !pid || (span_int(span_of(pid), false, 1, INT32_MAX, &number) && number == getpid());
}

int64_t daemon_watchdog_ms(void)
{
    int64_t usec;

    return read_number("WATCHDOG_USEC", "WATCHDOG_PID", INT64_MAX, &usec) ? (usec + 999) / 1000 : 0;
}

static bool is_one_of(struct span name, const char *const *names)
{
    for (; *names; names++)
        if (span_is(name, *names))
            return true;
    return false;
}

int daemon_socket_take(const char *name, const char *const *others)
{
    const char *names = getenv("LISTEN_FDNAMES");
    int64_t n;
    int found = -1;

    if (!getenv("LISTEN_PID") || !read_number("LISTEN_FDS", "LISTEN_PID", SOCKETS_MAX, &n))
        return -1;
    for (int i = 0; i < (int)n; i++) {
        struct span word = { names ? names : "", names ? strcspn(names, ":") : 0 };
        if (span_is(word, name)) {
            found = FIRST_SOCKET + i;
            break;
        }
        if (found < 0 && others && !is_one_of(word, others))
            found = FIRST_SOCKET + i;
        names = names && names[word.len] ? names + word.len + 1 : NULL;
    }
    if (found >= 0)
        (void)fcntl(found, F_SETFD, FD_CLOEXEC);
    return found;
}
