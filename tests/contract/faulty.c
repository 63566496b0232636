/*
 * See faulty.h. Everything else is SQLite's own VFS.
 */
#include "faulty.h"

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>

static struct {
    atomic_uint left; /* until one fails; 0: none will */
    atomic_uint failed;
    atomic_bool lasting, on;
    enum faulty_error error;
} disk;

void faulty_arm(unsigned n, enum faulty_error error, bool lasting)
{
    disk.error = error;
    atomic_store(&disk.failed, 0);
    atomic_store(&disk.left, n);
    atomic_store(&disk.lasting, lasting);
    atomic_store(&disk.on, true);
}

unsigned faulty_clear(void)
{
    atomic_store(&disk.on, false);
    return atomic_load(&disk.failed);
}

bool faulty_fired(void)
{
    return atomic_load(&disk.failed) > 0;
}

/* takes_space: it is one of those that a full disk refuses. */
static bool fails(bool takes_space)
{
    if (!atomic_load(&disk.on) || (disk.error == FAULTY_ENOSPC && !takes_space))
        return false;
    unsigned left = atomic_load(&disk.left);
    while (left > 0 && !atomic_compare_exchange_weak(&disk.left, &left, left - 1))
        continue;
    if (left != 1 && !(left == 0 && atomic_load(&disk.lasting)))
        return false;
    atomic_fetch_add(&disk.failed, 1);
    return true;
}

/* ---- the VFS ---- */

struct faulty_file {
    sqlite3_file base; /* first */
    sqlite3_file *real;
};

static sqlite3_vfs vfs, *below;

#define REAL(base) (((struct faulty_file *)(base))->real)
#define PASS(name, args, call)                     \
    static int name args                           \
    {                                              \
        return REAL(f)->pMethods->call;            \
    }
#define FAIL(name, takes_space, error, args, call) \
    static int name args                           \
    {                                              \
        return fails(takes_space) ? error : REAL(f)->pMethods->call; \
    }

PASS(f_close, (sqlite3_file * f), xClose(REAL(f)))
PASS(f_lock, (sqlite3_file * f, int level), xLock(REAL(f), level))
PASS(f_unlock, (sqlite3_file * f, int level), xUnlock(REAL(f), level))
PASS(f_reserved, (sqlite3_file * f, int *out), xCheckReservedLock(REAL(f), out))
PASS(f_control, (sqlite3_file * f, int op, void *arg), xFileControl(REAL(f), op, arg))
PASS(f_sector, (sqlite3_file * f), xSectorSize(REAL(f)))
PASS(f_traits, (sqlite3_file * f), xDeviceCharacteristics(REAL(f)))
PASS(f_shm_lock, (sqlite3_file * f, int offset, int n, int flags), xShmLock(REAL(f), offset, n, flags))
PASS(f_shm_unmap, (sqlite3_file * f, int remove_it), xShmUnmap(REAL(f), remove_it))
FAIL(f_size, false, SQLITE_IOERR_FSTAT, (sqlite3_file * f, sqlite3_int64 *size), xFileSize(REAL(f), size))
FAIL(f_truncate, false, SQLITE_IOERR_TRUNCATE, (sqlite3_file * f, sqlite3_int64 size), xTruncate(REAL(f), size))
FAIL(f_sync, false, SQLITE_IOERR_FSYNC, (sqlite3_file * f, int flags), xSync(REAL(f), flags))
FAIL(f_shm_map, extend != 0, SQLITE_IOERR_SHMSIZE, (sqlite3_file * f, int page, int size, int extend, void volatile **out),
     xShmMap(REAL(f), page, size, extend, out))

static void f_shm_barrier(sqlite3_file *f)
{
    REAL(f)->pMethods->xShmBarrier(REAL(f));
}

static int f_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    return fails(false) ? SQLITE_IOERR_READ : REAL(f)->pMethods->xRead(REAL(f), p, n, at);
}

static int f_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    if (!fails(true))
        return REAL(f)->pMethods->xWrite(REAL(f), p, n, at);
    (void)REAL(f)->pMethods->xWrite(REAL(f), p, n / 2, at);
    return disk.error == FAULTY_ENOSPC ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}

static const sqlite3_io_methods methods = {
    .iVersion = 2, .xClose = f_close, .xRead = f_read, .xWrite = f_write, .xTruncate = f_truncate, .xSync = f_sync,
    .xFileSize = f_size, .xLock = f_lock, .xUnlock = f_unlock, .xCheckReservedLock = f_reserved, .xFileControl = f_control,
    .xSectorSize = f_sector, .xDeviceCharacteristics = f_traits, .xShmMap = f_shm_map, .xShmLock = f_shm_lock,
    .xShmBarrier = f_shm_barrier, .xShmUnmap = f_shm_unmap,
};

static int v_open(sqlite3_vfs *self ATTR_UNUSED, const char *name, sqlite3_file *base, int flags, int *ret_flags)
{
    struct faulty_file *file = (struct faulty_file *)base;
    *file = (struct faulty_file){ .real = (sqlite3_file *)(file + 1) };
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
    below = sqlite3_vfs_find(NULL);
    if (!below)
        abort();
    vfs = *below;
    vfs.zName = "faulty";
    vfs.pNext = NULL;
    vfs.szOsFile = below->szOsFile + (int)sizeof(struct faulty_file);
    vfs.xOpen = v_open;
    vfs.xDelete = v_delete;
    if (sqlite3_vfs_register(&vfs, 1) != SQLITE_OK)
        abort();
}
