/*
 * For a file that stands between SQLite and its own VFS: what only passes
 * through. Who includes it has a struct whose first members are those of
 * vfs_file, and writes the methods that do more.
 */
#ifndef EWSD_TESTS_CONTRACT_VFS_PASS_H
#define EWSD_TESTS_CONTRACT_VFS_PASS_H

#include <sqlite3.h>
#include <stdlib.h>

struct vfs_file {
    sqlite3_file base;
    sqlite3_file *real;
};

#define REAL(file) (((struct vfs_file *)(file))->real)
#define PASS(name, args, call)          \
    static int name args                \
    {                                   \
        return REAL(f)->pMethods->call; \
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

static void f_shm_barrier(sqlite3_file *f)
{
    REAL(f)->pMethods->xShmBarrier(REAL(f));
}

/* In an initialiser of sqlite3_io_methods; the rest is the includer's. */
#define VFS_PASSED                                                                                              \
    .iVersion = 2, .xClose = f_close, .xLock = f_lock, .xUnlock = f_unlock, .xCheckReservedLock = f_reserved,   \
    .xFileControl = f_control, .xSectorSize = f_sector, .xDeviceCharacteristics = f_traits,                     \
    .xShmLock = f_shm_lock, .xShmBarrier = f_shm_barrier, .xShmUnmap = f_shm_unmap

static sqlite3_vfs *below; /* SQLite's own */

/* Registers a VFS over it as the usual one. */
static void vfs_install(const char *name, size_t file_size, int (*open)(sqlite3_vfs *, const char *, sqlite3_file *, int, int *),
                        int (*remove)(sqlite3_vfs *, const char *, int))
{
    static sqlite3_vfs vfs;
    below = sqlite3_vfs_find(NULL);
    if (!below)
        abort();
    vfs = *below;
    vfs.zName = name;
    vfs.pNext = NULL;
    vfs.szOsFile = below->szOsFile + (int)file_size;
    vfs.xOpen = open;
    vfs.xDelete = remove;
    if (sqlite3_vfs_register(&vfs, 1) != SQLITE_OK)
        abort();
}

#endif
