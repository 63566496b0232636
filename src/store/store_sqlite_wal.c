/*
 * A VFS over SQLite's own that gathers what is written to a write-ahead log:
 * SQLite writes each page with two small writes, and a commit of a group has a
 * hundred pages. Only a run of bytes that follow one another is held, and it is
 * written before any sync, read, truncation or other use of the file, so the
 * file's content differs from SQLite's idea of it never at a point where it
 * matters: pages become visible to others only behind the sync of their commit.
 * Every other file is SQLite's own.
 */
#include "store/store_sqlite_wal.h"

#include <pthread.h>
#include <string.h>

#define HELD_MAX 0x1ffff /* what one xWrite of the unix VFS takes */

struct wal_file {
    sqlite3_file base; /* first: SQLite's handle */
    sqlite3_file *real;
    char *held; /* bytes not yet written */
    sqlite3_int64 at; /* where they belong */
    int len;
};

static sqlite3_vfs vfs;
static int vfs_result = SQLITE_ERROR;

static sqlite3_vfs *real_vfs(void)
{
    return vfs.pAppData;
}

static struct wal_file *file_of(sqlite3_file *file)
{
    return (struct wal_file *)file;
}

/* What can't be written is forgotten: SQLite gives its transaction up, and a
 * later try could make a commit of what was refused. */
static int flush(struct wal_file *file)
{
    int len = file->len;

    file->len = 0;
    return len == 0 ? SQLITE_OK : file->real->pMethods->xWrite(file->real, file->held, len, file->at);
}

static int wal_close(sqlite3_file *base)
{
    struct wal_file *file = file_of(base);
    int rc = flush(file);
    int closed = file->real->pMethods->xClose(file->real);

    sqlite3_free(file->held);
    return rc != SQLITE_OK ? rc : closed;
}

static int wal_read(sqlite3_file *base, void *bytes, int n, sqlite3_int64 at)
{
    struct wal_file *file = file_of(base);
    int rc = at + n > file->at ? flush(file) : SQLITE_OK;

    return rc != SQLITE_OK ? rc : file->real->pMethods->xRead(file->real, bytes, n, at);
}

static int wal_write(sqlite3_file *base, const void *bytes, int n, sqlite3_int64 at)
{
    struct wal_file *file = file_of(base);
    int rc = at != file->at + file->len || n > HELD_MAX - file->len ? flush(file) : SQLITE_OK;

    if (rc != SQLITE_OK)
        return rc;
    if (!file->held)
        file->held = sqlite3_malloc(HELD_MAX);
    if (!file->held || n > HELD_MAX)
        return file->real->pMethods->xWrite(file->real, bytes, n, at);
    if (file->len == 0)
        file->at = at;
    memcpy(file->held + file->len, bytes, (size_t)n);
    file->len += n;
    return SQLITE_OK;
}

static int wal_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    int rc = flush(file_of(base));

    return rc != SQLITE_OK ? rc : file_of(base)->real->pMethods->xTruncate(file_of(base)->real, size);
}

static int wal_sync(sqlite3_file *base, int flags)
{
    int rc = flush(file_of(base));

    return rc != SQLITE_OK ? rc : file_of(base)->real->pMethods->xSync(file_of(base)->real, flags);
}

static int wal_size(sqlite3_file *base, sqlite3_int64 *ret_size)
{
    int rc = flush(file_of(base));

    return rc != SQLITE_OK ? rc : file_of(base)->real->pMethods->xFileSize(file_of(base)->real, ret_size);
}

static int wal_lock(sqlite3_file *base, int level)
{
    return file_of(base)->real->pMethods->xLock(file_of(base)->real, level);
}

static int wal_unlock(sqlite3_file *base, int level)
{
    return file_of(base)->real->pMethods->xUnlock(file_of(base)->real, level);
}

static int wal_check_lock(sqlite3_file *base, int *ret_reserved)
{
    return file_of(base)->real->pMethods->xCheckReservedLock(file_of(base)->real, ret_reserved);
}

static int wal_control(sqlite3_file *base, int what, void *arg)
{
    return file_of(base)->real->pMethods->xFileControl(file_of(base)->real, what, arg);
}

static int wal_sector_size(sqlite3_file *base)
{
    return file_of(base)->real->pMethods->xSectorSize(file_of(base)->real);
}

static int wal_characteristics(sqlite3_file *base)
{
    return file_of(base)->real->pMethods->xDeviceCharacteristics(file_of(base)->real);
}

static const sqlite3_io_methods wal_methods = {
    .iVersion = 1,
    .xClose = wal_close,
    .xRead = wal_read,
    .xWrite = wal_write,
    .xTruncate = wal_truncate,
    .xSync = wal_sync,
    .xFileSize = wal_size,
    .xLock = wal_lock,
    .xUnlock = wal_unlock,
    .xCheckReservedLock = wal_check_lock,
    .xFileControl = wal_control,
    .xSectorSize = wal_sector_size,
    .xDeviceCharacteristics = wal_characteristics,
};

static int vfs_open(sqlite3_vfs *self, const char *name, sqlite3_file *base, int flags, int *ret_flags)
{
    struct wal_file *file = file_of(base);

    (void)self;
    if (!(flags & SQLITE_OPEN_WAL))
        return real_vfs()->xOpen(real_vfs(), name, base, flags, ret_flags);
    *file = (struct wal_file){ .real = (sqlite3_file *)(file + 1) };
    int rc = real_vfs()->xOpen(real_vfs(), name, file->real, flags, ret_flags);
    if (file->real->pMethods)
        file->base.pMethods = &wal_methods;
    return rc;
}

static void register_vfs(void)
{
    sqlite3_vfs *real = sqlite3_vfs_find(NULL);

    if (!real)
        return;
    vfs = *real;
    vfs.zName = SQLITE_WAL_VFS;
    vfs.pNext = NULL;
    vfs.pAppData = real;
    vfs.szOsFile = real->szOsFile + (int)sizeof(struct wal_file);
    vfs.xOpen = vfs_open;
    vfs_result = sqlite3_vfs_register(&vfs, 0);
}

int sqlite_wal_register(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, register_vfs);
    return vfs_result;
}
