/*
 * See store_sqlite.h. A copy is written through a descriptor that somebody else
 * opened, since a confined server may not open files outside of its folder.
 */
#include "store/store_sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOTHING (-1) /* the descriptor of a journal */
#define SECTOR 4096

struct copy_file {
    sqlite3_file base; /* first: SQLite's handle */
    int fd;
};

static sqlite3_vfs vfs;
static int vfs_result = SQLITE_ERROR;

static int fd_of(sqlite3_file *file)
{
    return ((struct copy_file *)file)->fd;
}

static int copy_close(sqlite3_file *file)
{
    (void)file;
    return SQLITE_OK;
}

static int copy_read(sqlite3_file *file, void *bytes, int n, sqlite3_int64 at)
{
    char *to = bytes;
    int have = 0;

    while (fd_of(file) != NOTHING && have < n) {
        ssize_t got = pread(fd_of(file), to + have, (size_t)(n - have), at + have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return SQLITE_IOERR_READ;
        if (got == 0)
            break;
        have += (int)got;
    }
    memset(to + have, 0, (size_t)(n - have));
    return have == n ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int copy_write(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 at)
{
    const char *from = bytes;
    int done = 0;

    while (fd_of(file) != NOTHING && done < n) {
        ssize_t put = pwrite(fd_of(file), from + done, (size_t)(n - done), at + done);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return errno == ENOSPC || errno == EDQUOT ? SQLITE_FULL : SQLITE_IOERR_WRITE;
        done += (int)put;
    }
    return SQLITE_OK;
}

static int copy_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return fd_of(file) == NOTHING || ftruncate(fd_of(file), size) == 0 ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
}

static int copy_sync(sqlite3_file *file, int flags)
{
    (void)flags;
    return fd_of(file) == NOTHING || fsync(fd_of(file)) == 0 ? SQLITE_OK : SQLITE_IOERR_FSYNC;
}

static int copy_size(sqlite3_file *file, sqlite3_int64 *ret_size)
{
    struct stat info = { 0 };

    if (fd_of(file) != NOTHING && fstat(fd_of(file), &info) != 0)
        return SQLITE_IOERR_FSTAT;
    *ret_size = info.st_size;
    return SQLITE_OK;
}

static int copy_lock(sqlite3_file *file, int level)
{
    (void)file;
    (void)level;
    return SQLITE_OK;
}

static int copy_check_lock(sqlite3_file *file, int *ret_reserved)
{
    (void)file;
    *ret_reserved = 0;
    return SQLITE_OK;
}

static int copy_control(sqlite3_file *file, int what, void *arg)
{
    (void)file;
    (void)what;
    (void)arg;
    return SQLITE_NOTFOUND;
}

static int copy_sector_size(sqlite3_file *file)
{
    (void)file;
    return SECTOR;
}

static int copy_characteristics(sqlite3_file *file)
{
    (void)file;
    return 0;
}

static const sqlite3_io_methods copy_methods = {
    .iVersion = 1,
    .xClose = copy_close,
    .xRead = copy_read,
    .xWrite = copy_write,
    .xTruncate = copy_truncate,
    .xSync = copy_sync,
    .xFileSize = copy_size,
    .xLock = copy_lock,
    .xUnlock = copy_lock,
    .xCheckReservedLock = copy_check_lock,
    .xFileControl = copy_control,
    .xSectorSize = copy_sector_size,
    .xDeviceCharacteristics = copy_characteristics,
};

static int vfs_open(sqlite3_vfs *self, const char *name, sqlite3_file *base, int flags, int *ret_flags)
{
    struct copy_file *file = (struct copy_file *)base;

    (void)self;
    *file = (struct copy_file){ .fd = NOTHING };
    if (flags & SQLITE_OPEN_MAIN_DB) {
        file->fd = (int)sqlite3_uri_int64(name, "fd", NOTHING);
        if (file->fd < 0)
            return SQLITE_CANTOPEN;
    }
    file->base.pMethods = &copy_methods;
    if (ret_flags)
        *ret_flags = flags;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *self, const char *name, int sync)
{
    (void)self;
    (void)name;
    (void)sync;
    return SQLITE_OK;
}

static int vfs_access(sqlite3_vfs *self, const char *name, int flags, int *ret_there)
{
    (void)self;
    (void)name;
    (void)flags;
    *ret_there = 0;
    return SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *self, const char *name, int room, char *ret_path)
{
    (void)self;
    if (strlen(name) >= (size_t)room)
        return SQLITE_CANTOPEN;
    memcpy(ret_path, name, strlen(name) + 1);
    return SQLITE_OK;
}

static void register_vfs(void)
{
    const sqlite3_vfs *real = sqlite3_vfs_find(NULL);

    if (!real)
        return;
    vfs = *real;
    vfs.zName = SQLITE_COPY_VFS;
    vfs.pNext = NULL;
    vfs.szOsFile = (int)sizeof(struct copy_file);
    vfs.xOpen = vfs_open;
    vfs.xDelete = vfs_delete;
    vfs.xAccess = vfs_access;
    vfs.xFullPathname = vfs_full_path;
    vfs_result = sqlite3_vfs_register(&vfs, 0);
}

int sqlite_copy_register(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, register_vfs);
    return vfs_result;
}

int sqlite_copy_open(const struct store_options *options, struct store_db *db)
{
    struct stat info;
    int r = sqlite_error(sqlite_copy_register());

    if (r == 0 && fstat(options->file, &info) != 0)
        r = -errno;
    if (r == 0 && options->mode == STORE_NEW && info.st_size > 0)
        r = -EEXIST;
    if (r == 0 && options->mode == STORE_EXISTING && info.st_size == 0)
        r = -ENOENT;
    if (r != 0)
        return r;
    db->copy = true;
    db->lock = fcntl(options->file, F_DUPFD_CLOEXEC, 0);
    snprintf(db->file, sizeof(db->file), "file:copy?fd=%d", db->lock);
    return db->lock < 0 ? -errno : 0;
}
