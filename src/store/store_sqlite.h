/*
 * What the files of the SQLite engine share: store_sqlite.c (connections and
 * statements) and store_sqlite_keep.c (the file as a whole).
 */
#ifndef EWSD_STORE_STORE_SQLITE_H
#define EWSD_STORE_STORE_SQLITE_H

#include "store/driver.h"

#include <pthread.h>
#include <sqlite3.h>

#define SQLITE_PATH_SIZE 4096
#define SQLITE_FILE "ewsd.db"
#define SQLITE_STAMP "ewsd.stamp"

struct store_db {
    int lock;
    bool copy; /* a file that somebody else opened; lock is a descriptor of it */
    unsigned checkpoint_pages;
    pthread_mutex_t tidying; /* by one thread at a time */
    sqlite3 *tidier; /* made when it is needed */
    char file[SQLITE_PATH_SIZE];
    char stamp[SQLITE_PATH_SIZE];
};

/* A result code as -errno; 0 also for SQLITE_ROW and SQLITE_DONE. */
int sqlite_error(int rc);
/* False: it would be too long. */
bool sqlite_path(const char *folder, const char *name, char ret_path[SQLITE_PATH_SIZE]);
/* Makes the folder where it is missing, and locks it; the caller closes the
 * lock. -EBUSY. */
int sqlite_lock(const char *folder, int *ret_lock);
/* -EEXIST, -ENOENT. A file of no bytes is none. */
int sqlite_check_mode(const char *path, enum store_mode mode);

/* ---- store_sqlite_keep.c ---- */

int sqlite_place(struct store_db *db, struct store_place *ret_place);
void sqlite_tidy(struct store_db *db);
int sqlite_stamps_read(struct store_db *db, struct store_stamps *ret_stamps);
int sqlite_stamps_write(struct store_db *db, const struct store_stamps *stamps);
int sqlite_verify(struct store_db *db, unsigned limit, store_complaint *complain, void *arg, const struct store_watch *watch);
int sqlite_backup(struct store_db *db, int file, const char *mark, const struct store_watch *watch);
int sqlite_restore(const struct store_options *options, int file, const char *mark, bool replace, const struct store_watch *watch);

/* ---- store_sqlite_copy.c ---- */

/* A VFS whose one file is an open descriptor, of which it takes no care beyond
 * reading, writing and syncing: file:copy?fd=N. It knows no locks and forgets
 * journals at once, so who uses it is alone and begins anew after a failure. */
#define SQLITE_COPY_VFS "ewsd-copy"
int sqlite_copy_register(void);
/* The store in options->file, as db->file and db->lock. */
int sqlite_copy_open(const struct store_options *options, struct store_db *db);

#endif
