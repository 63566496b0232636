/*
 * Inside the SQLite engine only: the VFS that gathers writes to the log.
 */
#ifndef EWSD_STORE_STORE_SQLITE_WAL_H
#define EWSD_STORE_STORE_SQLITE_WAL_H

#include <sqlite3.h>

#define SQLITE_WAL_VFS "ewsd"

/* Makes SQLITE_WAL_VFS known to SQLite, once; an SQLite result. */
int sqlite_wal_register(void);

#endif
