/*
 * See secret.h.
 */
#include "outbox/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int say(char ret_why[SECRET_WHY_SIZE], const char *why)
{
    snprintf(ret_why, SECRET_WHY_SIZE, "%s", why);
    return 1;
}

static int read_file(struct arena *arena, int fd, struct span *ret_text, char ret_why[SECRET_WHY_SIZE])
{
    struct stat info;
    if (fstat(fd, &info))
        return say(ret_why, strerror(errno));
    if (!S_ISREG(info.st_mode) || info.st_size > SECRET_FILE_MAX) {
        snprintf(ret_why, SECRET_WHY_SIZE, "not a file of at most %d bytes", SECRET_FILE_MAX);
        return 1;
    }
    if (info.st_mode & S_IRWXO) {
        snprintf(ret_why, SECRET_WHY_SIZE, "others may use the file (mode %03o); chmod o= it", info.st_mode & 0777u);
        return 1;
    }
    char *text = arena_alloc(arena, (size_t)info.st_size + 1);
    if (!text)
        return -ENOMEM;
    ssize_t n = read(fd, text, (size_t)info.st_size);
    if (n < 0)
        return say(ret_why, strerror(errno));
    *ret_text = (struct span){ text, (size_t)n };
    return 0;
}

int secret_read(struct arena *arena, const char *path, struct span *ret_text, char ret_why[SECRET_WHY_SIZE])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return say(ret_why, strerror(errno));
    int r = read_file(arena, fd, ret_text, ret_why);
    close(fd);
    return r;
}

void secret_wipe(struct span text)
{
    if (text.len)
        explicit_bzero((void *)(uintptr_t)text.ptr, text.len);
}
