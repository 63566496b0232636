/*
 * A preloaded library that kills its process just before the N-th call that
 * writes, syncs or sends anything, counted from the moment the file named by
 * KILL_AT_FILE holds N. With it tests/crash/run stops a server between any two
 * of its effects. While the file is absent, it does nothing.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long left = -1;

/* N of the file, 0 while it is absent. */
static long read_number(void)
{
    const char *path = getenv("KILL_AT_FILE");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    char text[16] = {0};
    if (fd < 0)
        return 0;
    ssize_t size = read(fd, text, sizeof text - 1);
    close(fd);
    return size > 0 ? atol(text) : 0;
}

static void count_down(void)
{
    long now = atomic_load(&left);
    if (now < 0) {
        long number = read_number();
        if (number <= 0)
            return;
        atomic_compare_exchange_strong(&left, &now, number);
    }
    if (atomic_fetch_sub(&left, 1) == 1)
        kill(getpid(), SIGKILL);
}

#define WATCH(result, name, parameters, arguments)                          \
    result name parameters;                                                 \
    result name parameters                                                  \
    {                                                                       \
        static result(*next) parameters;                                    \
        if (!next)                                                          \
            *(void **)&next = dlsym(RTLD_NEXT, #name);                      \
        count_down();                                                       \
        return next arguments;                                              \
    }

WATCH(ssize_t, pwrite, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at))
WATCH(ssize_t, pwrite64, (int fd, const void *data, size_t size, off64_t at), (fd, data, size, at))
WATCH(int, fsync, (int fd), (fd))
WATCH(int, fdatasync, (int fd), (fd))
WATCH(int, ftruncate, (int fd, off_t size), (fd, size))
WATCH(int, ftruncate64, (int fd, off64_t size), (fd, size))
WATCH(ssize_t, send, (int fd, const void *data, size_t size, int flags), (fd, data, size, flags))
WATCH(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags), (fd, message, flags))
WATCH(ssize_t, writev, (int fd, const struct iovec *parts, int count), (fd, parts, count))
