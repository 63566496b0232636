/*
 * See ewsctl.h.
 */
#include "bin/ewsctl.h"

#include "base/err.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char *unfinished; /* for the signals' sake */

static void stop(int number)
{
    if (unfinished)
        (void)unlink(unfinished);
    _exit(128 + number);
}

static void take_signals(char *part)
{
    static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
    struct sigaction action = { .sa_handler = part ? stop : SIG_DFL };

    if (part)
        unfinished = part;
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        (void)sigaction(numbers[i], &action, NULL);
    unfinished = part;
}

/* Is this the very file of the store? */
static bool is_store(const struct ctl_call *call, const char *path)
{
    char store[4096];
    struct stat one, other;

    snprintf(store, sizeof(store), "%s/ewsd.db", call->folder);
    return stat(path, &one) == 0 && stat(store, &other) == 0 && one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

static int cannot(struct ctl_call *call, int status, const char *path, int error)
{
    return ctl_fail(call, status, "%s: %s", path, err_text(error));
}

static int open_part(struct ctl_call *call, struct ctl_file *file)
{
    struct stat info;

    if (is_store(call, file->path))
        return ctl_fail(call, EX_USAGE, "%s is the store itself", file->path);
    if (!file->force && lstat(file->path, &info) == 0)
        return ctl_fail(call, EX_CANTCREAT, "%s is there already; --force replaces it", file->path);
    if (asprintf(&file->part, "%s.XXXXXX", file->path) < 0) {
        file->part = NULL;
        return -ENOMEM;
    }
    take_signals(file->part); /* so that it is never there without */
    call->file = mkostemp(file->part, O_CLOEXEC);
    if (call->file < 0) {
        int error = errno;
        take_signals(NULL);
        free(file->part);
        file->part = NULL;
        return cannot(call, EX_CANTCREAT, file->path, -error);
    }
    return 0;
}

int ctl_file_open(struct ctl_call *call, struct ctl_file *ret_file)
{
    *ret_file = (struct ctl_file){ .path = NULL };
    if (!(call->command->flags & (CTL_SAVES | CTL_LOADS)))
        return 0;
    ret_file->path = call->operands[0];
    ret_file->force = ctl_option(call, "force") != NULL;
    if (call->command->flags & CTL_SAVES)
        return open_part(call, ret_file);
    call->file = open(ret_file->path, O_RDONLY | O_CLOEXEC);
    if (call->file < 0)
        return cannot(call, EX_NOINPUT, ret_file->path, -errno);
    return is_store(call, ret_file->path) ? ctl_fail(call, EX_USAGE, "%s is the store itself", ret_file->path) : 0;
}

static int sync_folder(const char *path)
{
    const char *end = strrchr(path, '/');
    char *folder = end ? strndup(path, (size_t)(end - path) + 1) : strdup(".");
    int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    int r = fd < 0 || fsync(fd) != 0 ? -errno : 0;

    if (fd >= 0)
        close(fd);
    free(folder);
    return r;
}

/* Not every file system can refuse to replace; a look is the next best then. */
static int rename_new(const char *from, const char *to)
{
    struct stat info;

    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -errno;
    if (lstat(to, &info) == 0)
        return -EEXIST;
    return rename(from, to) == 0 ? 0 : -errno;
}

static int finish(struct ctl_call *call, struct ctl_file *file)
{
    int r = fsync(call->file) == 0 ? 0 : -errno;

    if (r == 0 && file->force && rename(file->part, file->path) != 0)
        r = -errno;
    else if (r == 0 && !file->force)
        r = rename_new(file->part, file->path);
    if (r)
        return cannot(call, r == -EEXIST ? EX_CANTCREAT : EX_IOERR, file->path, r);
    r = sync_folder(file->path);
    return r ? cannot(call, EX_IOERR, file->path, r) : 0;
}

int ctl_file_close(struct ctl_call *call, struct ctl_file *file, int status)
{
    if (file->part && status == 0)
        status = finish(call, file);
    if (file->part && status)
        (void)unlink(file->part);
    if (file->part)
        take_signals(NULL);
    if (call->file >= 0)
        close(call->file);
    call->file = -1;
    free(file->part);
    file->part = NULL;
    return status;
}
