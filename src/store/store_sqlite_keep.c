/*
 * The file of the SQLite engine as a whole: where it is, the stamps kept beside
 * it in ewsd.stamp, its log, whether it is whole, and copies of it. Long work has a
 * connection of its own, so that it disturbs nobody but the log, which is not
 * used anew as long as a snapshot of before is read.
 */
#include "store/statements.h"
#include "store/store_sqlite.h"
#include "store/store_sqlite_wal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TICK_STEPS 20000 /* of SQLite's machine between two ticks: some milliseconds */
#define PIECE 1048576

/* ---- where it is ---- */

int sqlite_place(struct store_db *db, struct store_place *ret_place)
{
    struct statx info;

    const char *path = db->copy ? "" : db->file;

    if (statx(db->copy ? db->lock : AT_FDCWD, path, db->copy ? AT_EMPTY_PATH : 0, STATX_INO | STATX_BTIME, &info) != 0)
        return -errno;
    *ret_place = (struct store_place){ .number = info.stx_ino };
    if (info.stx_mask & STATX_BTIME)
        ret_place->born = (uint64_t)info.stx_btime.tv_sec * 1000000000 + info.stx_btime.tv_nsec;
    return 0;
}

int sqlite_stamps_read(struct store_db *db, struct store_stamps *ret_stamps)
{
    *ret_stamps = (struct store_stamps){ .n = 0 };
    if (db->copy)
        return 0;
    int fd = open(db->stamp, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    ssize_t n = pread(fd, ret_stamps->v, sizeof(ret_stamps->v), 0);
    int error = n < 0 ? errno : 0;
    close(fd);
    if (error)
        return -error;
    ret_stamps->n = (unsigned)n / STORE_STAMP_SIZE;
    return 0;
}

static int sync_folder(const char *path)
{
    char folder[SQLITE_PATH_SIZE];
    const char *end = strrchr(path, '/');

    snprintf(folder, sizeof(folder), "%.*s", end ? (int)(end - path) : 1, end ? path : ".");
    int fd = open(*folder ? folder : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int r = fsync(fd) == 0 ? 0 : -errno;
    close(fd);
    return r;
}

/* Over the old bytes and no longer than a sector, so there is never a part. */
int sqlite_stamps_write(struct store_db *db, const struct store_stamps *stamps)
{
    struct store_stamps all = *stamps;

    if (db->copy)
        return 0;
    int fd = open(db->stamp, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0)
        return -errno;
    for (unsigned i = all.n; i < STORE_STAMPS; i++)
        memcpy(all.v[i], all.v[0], STORE_STAMP_SIZE);
    ssize_t n = pwrite(fd, all.v, sizeof(all.v), 0);
    int r = n < 0 || fsync(fd) != 0 ? -errno : 0;
    if (r == 0 && n < (ssize_t)sizeof(all.v))
        r = -ENOSPC;
    close(fd);
    return r == 0 ? sync_folder(db->stamp) : r;
}

/* ---- long work ---- */

struct work {
    const struct store_watch *watch;
    int file;     /* how far a copy is, its size says; -1: nobody knows */
    uint64_t all;
};

static bool is_over(const struct work *work, uint64_t done)
{
    return work->watch && work->watch->tick && work->watch->tick(work->watch->arg, done, work->all);
}

static int tick(void *arg)
{
    const struct work *work = arg;
    struct stat info = { 0 };

    if (work->file >= 0 && fstat(work->file, &info) != 0)
        info.st_size = 0;
    return is_over(work, (uint64_t)info.st_size);
}

static int open_file(const char *name, const char *vfs_name, int flags, struct work *work, sqlite3 **ret_handle)
{
    sqlite3 *handle = NULL;
    int rc = sqlite3_open_v2(name, &handle, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, vfs_name);

    if (rc == SQLITE_OK)
        rc = sqlite3_exec(handle, "PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF", NULL, NULL, NULL);
    if (rc != SQLITE_OK) {
        sqlite3_close_v2(handle);
        return sqlite_error(rc);
    }
    sqlite3_busy_timeout(handle, 5000);
    if (work)
        sqlite3_progress_handler(handle, TICK_STEPS, tick, work);
    *ret_handle = handle;
    return 0;
}

static int run(sqlite3 *handle, const char *text)
{
    return sqlite_error(sqlite3_exec(handle, text, NULL, NULL, NULL));
}

/* The first column of the first row, as a number. */
static int number(sqlite3 *handle, const char *text, uint64_t *ret_number)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(handle, text, -1, &stmt, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        *ret_number = (uint64_t)sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return rc == SQLITE_DONE ? -EUCLEAN : sqlite_error(rc);
}

/* ---- is it whole? ---- */

struct complaining {
    store_complaint *complain;
    void *arg;
    int result;
};

static int pass_on(void *arg, int columns, char **values, char **names)
{
    struct complaining *to = arg;

    (void)columns;
    (void)names;
    if (values[0] && strcmp(values[0], "ok") != 0)
        to->result = to->complain(to->arg, span_of(values[0]));
    return to->result != 0;
}

static int verify(sqlite3 *handle, const char *pragma, struct complaining *to)
{
    int rc = sqlite3_exec(handle, pragma, pass_on, to, NULL);

    if (to->result != 0)
        return to->result;
    if (rc == SQLITE_OK || sqlite_error(rc) != -EUCLEAN)
        return sqlite_error(rc);
    return to->complain(to->arg, span_of(sqlite3_errmsg(handle)));
}

int sqlite_verify(struct store_db *db, unsigned limit, store_complaint *complain, void *arg, const struct store_watch *watch)
{
    struct work work = { .watch = watch, .file = -1 };
    struct complaining to = { complain, arg, 0 };
    sqlite3 *handle = NULL;
    char pragma[64];
    int r = open_file(db->file, NULL, SQLITE_OPEN_READWRITE, &work, &handle);

    if (r != 0)
        return r;
    snprintf(pragma, sizeof(pragma), "PRAGMA integrity_check(%u)", limit);
    r = verify(handle, pragma, &to);
    sqlite3_close_v2(handle);
    return r;
}

/* ---- the log ---- */

static sqlite3 *open_tidier(struct store_db *db)
{
    static const char mode[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-16; PRAGMA wal_autocheckpoint=0";
    sqlite3 *handle = NULL;
    int rc = sqlite3_open_v2(db->file, &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, SQLITE_WAL_VFS);

    if (rc == SQLITE_OK)
        rc = sqlite3_exec(handle, mode, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        return handle;
    sqlite3_close_v2(handle);
    return NULL;
}

/* A checkpoint that waits for nobody. What it leaves, or can't do, the writer does. */
void sqlite_tidy(struct store_db *db)
{
    if (db->copy || pthread_mutex_trylock(&db->tidying) != 0)
        return;
    if (!db->tidier)
        db->tidier = open_tidier(db);
    if (db->tidier)
        (void)sqlite3_wal_checkpoint_v2(db->tidier, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    pthread_mutex_unlock(&db->tidying);
}

/* ---- a copy ---- */

static int copy_out(struct store_db *db, int file, const struct store_watch *watch)
{
    struct work work = { .watch = watch, .file = file };
    sqlite3 *handle = NULL;
    uint64_t pages = 0, size = 0;
    char text[128];
    int r = open_file(db->file, NULL, SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI, &work, &handle);

    if (r == 0)
        r = number(handle, "PRAGMA page_count", &pages);
    if (r == 0)
        r = number(handle, "PRAGMA page_size", &size);
    work.all = pages * size;
    snprintf(text, sizeof(text), "VACUUM INTO 'file:copy?vfs=" SQLITE_COPY_VFS "&fd=%d'", file);
    if (r == 0)
        r = run(handle, text);
    sqlite3_close_v2(handle);
    return r;
}

static int mark_copy(int file, const char *mark)
{
    sqlite3 *handle = NULL;
    char name[64];

    snprintf(name, sizeof(name), "file:copy?fd=%d", file);
    int r = open_file(name, SQLITE_COPY_VFS, SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI, NULL, &handle);
    if (r == 0)
        r = run(handle, "PRAGMA journal_mode=OFF");
    if (r == 0)
        r = run(handle, mark);
    sqlite3_close_v2(handle);
    return r;
}

int sqlite_backup(struct store_db *db, int file, const char *mark, const struct store_watch *watch)
{
    int r = sqlite_error(sqlite_copy_register());

    if (r == 0)
        r = copy_out(db, file, watch);
    if (r == 0)
        r = mark_copy(file, mark);
    return r == 0 && fsync(file) != 0 ? -errno : r;
}

/* ---- and back ---- */

/* Into a file of its own beside the store. */
static int copy_in(int file, const char *path, const struct store_watch *watch)
{
    static const size_t most = PIECE;
    struct work work = { .watch = watch };
    struct stat info;
    off_t at = 0;
    int r = fstat(file, &info) != 0 || (unlink(path) != 0 && errno != ENOENT) ? -errno : 0;
    int fd = r == 0 ? open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;

    if (r == 0 && fd < 0)
        r = -errno;
    work.all = r == 0 ? (uint64_t)info.st_size : 0;
    while (r == 0 && at < info.st_size) {
        ssize_t n = copy_file_range(file, &at, fd, NULL, most, 0);
        r = n < 0 ? -errno : n == 0 ? -EIO : is_over(&work, (uint64_t)at) ? -ECANCELED : 0;
    }
    if (r == 0 && fsync(fd) != 0)
        r = -errno;
    if (fd >= 0)
        close(fd);
    return r;
}

static int note_bad(void *arg, struct span text)
{
    (void)arg;
    (void)text;
    return -EUCLEAN;
}

/* Is it a whole store? Then it is marked. */
static int prepare_copy(const char *path, const char *mark, const struct store_watch *watch)
{
    struct work work = { .watch = watch, .file = -1 };
    struct complaining to = { note_bad, NULL, 0 };
    sqlite3 *handle = NULL;
    uint64_t version = 0;
    int r = open_file(path, NULL, SQLITE_OPEN_READWRITE, &work, &handle);

    if (r == 0)
        r = run(handle, "PRAGMA journal_mode=DELETE");
    if (r == 0)
        r = verify(handle, "PRAGMA integrity_check(1)", &to);
    if (r == 0 && number(handle, "SELECT version FROM schema_version", &version) != 0)
        r = -EUCLEAN;
    if (r == 0 && version > (uint64_t)migrations[migrations_n - 1].version)
        r = -ENOTSUP;
    if (r == 0)
        r = run(handle, mark);
    sqlite3_close_v2(handle);
    return r;
}

static int move(const char *from, const char *suffix, const char *to)
{
    char whole[SQLITE_PATH_SIZE], kept[SQLITE_PATH_SIZE];

    if ((size_t)snprintf(whole, sizeof(whole), "%s%s", from, suffix) >= sizeof(whole) ||
        (size_t)snprintf(kept, sizeof(kept), "%s%s", to, suffix) >= sizeof(kept))
        return -ENAMETOOLONG;
    return rename(whole, kept) == 0 || errno == ENOENT ? 0 : -errno;
}

/* The file of before stays as `kept`, with its log: a log beside a file that it
 * is not of would ruin it. At no moment is there no store. */
static int put_in_place(const char *path, const char *file, const char *kept)
{
    if ((unlink(kept) != 0 && errno != ENOENT) || (link(file, kept) != 0 && errno != ENOENT))
        return -errno;
    int r = move(file, "-wal", kept);
    if (r == 0)
        r = move(file, "-shm", kept);
    if (r == 0 && rename(path, file) != 0)
        r = -errno;
    return r == 0 ? sync_folder(file) : r;
}

int sqlite_restore(const struct store_options *options, int file, const char *mark, bool replace, const struct store_watch *watch)
{
    char path[SQLITE_PATH_SIZE], store[SQLITE_PATH_SIZE], kept[SQLITE_PATH_SIZE];
    int lock;

    if (!sqlite_path(options->path, SQLITE_FILE ".new", path) || !sqlite_path(options->path, SQLITE_FILE, store) ||
        !sqlite_path(options->path, SQLITE_FILE ".replaced", kept))
        return -ENAMETOOLONG;
    int r = sqlite_lock(options->path, &lock);
    if (r != 0)
        return r;
    r = replace ? 0 : sqlite_check_mode(store, STORE_NEW);
    if (r == 0)
        r = copy_in(file, path, watch);
    if (r == 0)
        r = prepare_copy(path, mark, watch);
    if (r == 0)
        r = put_in_place(path, store, kept);
    if (r != 0)
        (void)unlink(path);
    close(lock);
    return r;
}
