/*
 * See faulty.h. Everything else is SQLite's own VFS.
 */
#include "faulty.h"

#include "nth.h"
#include "vfs_pass.h"

static enum faulty_error kind;

void faulty_arm(unsigned n, enum faulty_error error, bool lasting)
{
    kind = error;
    nth_arm(n, lasting);
}

/* takes_space: it is one of those that a full disk refuses. */
static bool fails(bool takes_space)
{
    return (kind == FAULTY_EIO || takes_space) && nth_fails();
}

/* ---- the VFS ---- */

#define FAIL(name, takes_space, error, args, call)                   \
    static int name args                                             \
    {                                                                \
        return fails(takes_space) ? error : REAL(f)->pMethods->call; \
    }

FAIL(f_size, false, SQLITE_IOERR_FSTAT, (sqlite3_file * f, sqlite3_int64 *size), xFileSize(REAL(f), size))
FAIL(f_truncate, false, SQLITE_IOERR_TRUNCATE, (sqlite3_file * f, sqlite3_int64 size), xTruncate(REAL(f), size))
FAIL(f_sync, false, SQLITE_IOERR_FSYNC, (sqlite3_file * f, int flags), xSync(REAL(f), flags))
FAIL(f_shm_map, extend != 0, SQLITE_IOERR_SHMSIZE, (sqlite3_file * f, int page, int size, int extend, void volatile **out),
     xShmMap(REAL(f), page, size, extend, out))

static int f_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    return fails(false) ? SQLITE_IOERR_READ : REAL(f)->pMethods->xRead(REAL(f), p, n, at);
}

static int f_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    if (!fails(true))
        return REAL(f)->pMethods->xWrite(REAL(f), p, n, at);
    (void)REAL(f)->pMethods->xWrite(REAL(f), p, n / 2, at);
    return kind == FAULTY_ENOSPC ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}

static const sqlite3_io_methods methods = {
    VFS_PASSED, .xRead = f_read, .xWrite = f_write, .xTruncate = f_truncate, .xSync = f_sync, .xFileSize = f_size,
    .xShmMap = f_shm_map,
};

static int v_open(sqlite3_vfs *self ATTR_UNUSED, const char *name, sqlite3_file *base, int flags, int *ret_flags)
{
    struct vfs_file *file = (struct vfs_file *)base;
    *file = (struct vfs_file){ .real = (sqlite3_file *)(file + 1) };
    if (name && fails((flags & (SQLITE_OPEN_CREATE | SQLITE_OPEN_WAL)) != 0))
        return SQLITE_CANTOPEN;
    int rc = below->xOpen(below, name, file->real, flags, ret_flags);
    if (file->real->pMethods)
        file->base.pMethods = &methods;
    return rc;
}

static int v_delete(sqlite3_vfs *self ATTR_UNUSED, const char *name, int sync)
{
    return fails(false) ? SQLITE_IOERR_DELETE : below->xDelete(below, name, sync);
}

void faulty_install(void)
{
    vfs_install("faulty", sizeof(struct vfs_file), v_open, v_delete);
}
