/*
 * The SQLite engine: one file ewsd.db in the data folder, WAL,
 * synchronous=FULL, one connection that writes and many that read. The writer
 * checkpoints as it commits, and who brings large pieces does (sqlite_tidy). ewsd.lock in the folder is locked exclusively for
 * as long as the store is open, so a second server refuses.
 * Only this and the other files of store_sqlite include <sqlite3.h>.
 */
#include "store/driver.h"
#include "store/statements.h"
#include "store/store_sqlite.h"
#include "store/store_sqlite_wal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define MAX_ARGS 64

struct store_rows {
    sqlite3_stmt *stmt;
    struct store_conn *conn;
    unsigned char slot[MAX_ARGS]; /* argument n is bound at slot[n - 1] */
    bool kept;
    bool busy;
};

struct store_conn {
    struct store_db *db;
    sqlite3 *handle;
    sqlite3_stmt *controls[STORE_CONTROL_COUNT];
    struct store_rows kept[STATEMENT_COUNT];
};

static const char *const control_text[] = {
    [STORE_BEGIN_READ] = "BEGIN",
    [STORE_BEGIN_WRITE] = "BEGIN IMMEDIATE",
    STORE_CONTROL_ENDS,
};
_Static_assert(ARRAY_LEN(control_text) == STORE_CONTROL_COUNT, "a text for each control");

int sqlite_error(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return 0;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -EBUSY;
    case SQLITE_TOOBIG:
        return -EFBIG;
    case SQLITE_CONSTRAINT:
        return -EEXIST;
    case SQLITE_INTERRUPT:
        return -ECANCELED;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return -EUCLEAN;
    default:
        return -EIO;
    }
}

int sqlite_lock(const char *folder, int *ret_lock)
{
    char path[SQLITE_PATH_SIZE];

    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return -errno;
    if (!sqlite_path(folder, "ewsd.lock", path))
        return -ENAMETOOLONG;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int error = errno == EWOULDBLOCK ? EBUSY : errno;
        close(fd);
        return -error;
    }
    *ret_lock = fd;
    return 0;
}

/* A file of no bytes is none: a program ended just after it had made it. */
int sqlite_check_mode(const char *path, enum store_mode mode)
{
    struct stat info = { 0 };

    if (stat(path, &info) != 0 && errno != ENOENT)
        return -errno;
    if (mode == STORE_NEW && info.st_size > 0)
        return -EEXIST;
    return mode == STORE_EXISTING && info.st_size == 0 ? -ENOENT : 0;
}

/* Made here so that nobody else may read it; the log takes the same mode. */
static int make_file(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0)
        return -errno;
    close(fd);
    return 0;
}

/* The mode is checked first, so that a wrong folder stays as it is, and again
 * under the lock. */
static int lock_file(struct store_db *db, const struct store_options *options)
{
    int r = sqlite_check_mode(db->file, options->mode);

    if (r == 0)
        r = sqlite_lock(options->path, &db->lock);
    if (r != 0)
        return r;
    r = sqlite_check_mode(db->file, options->mode);
    if (r == 0)
        r = make_file(db->file);
    if (r != 0)
        close(db->lock);
    return r;
}

/* SQLite's memory statistics cost a lock at each allocation. */
static void quiet_memory(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static int open_db(const struct store_options *options, struct store_db **ret_db)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct store_db *db = calloc(1, sizeof(*db));

    pthread_once(&once, quiet_memory);
    if (!db)
        return -ENOMEM;
    if (sqlite_wal_register() != SQLITE_OK) {
        free(db);
        return -EIO;
    }
    db->checkpoint_pages = options->checkpoint_pages ? options->checkpoint_pages : 10000;
    int r = -ENAMETOOLONG;
    if (options->file > 0)
        r = sqlite_copy_open(options, db);
    else if (sqlite_path(options->path, SQLITE_FILE, db->file) && sqlite_path(options->path, SQLITE_STAMP, db->stamp))
        r = lock_file(db, options);
    if (r != 0) {
        free(db);
        return r;
    }
    pthread_mutex_init(&db->tidying, NULL);
    *ret_db = db;
    return 0;
}

static void close_db(struct store_db *db)
{
    if (!db)
        return;
    sqlite3_close_v2(db->tidier);
    pthread_mutex_destroy(&db->tidying);
    close(db->lock);
    free(db);
}

static void disconnect(struct store_conn *conn)
{
    if (!conn)
        return;
    for (size_t i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(conn->kept[i].stmt);
    for (size_t i = 0; i < STORE_CONTROL_COUNT; i++)
        sqlite3_finalize(conn->controls[i]);
    sqlite3_close_v2(conn->handle);
    free(conn);
}

/* What is read again and again, and a group's changes; more of it makes each commit
 * longer, and the system caches the file besides. */
enum { WRITER_CACHE_KB = 1024, READER_CACHE_KB = 128 };

/* Bytes, of a store that is made. A SendItem changes little on each of ten pages, and all
 * of a page goes into the log: with half of SQLite's usual size it writes 40 in 100 less
 * and goes 13 in 100 faster. Half of that again does less for it, and looks through large
 * folders take twice as long then. */
enum { PAGE_SIZE = 2048 };

static int configure(struct store_conn *conn, bool writer)
{
    char text[320];

    snprintf(text, sizeof(text),
             "PRAGMA page_size=%d; PRAGMA journal_mode=%s; PRAGMA synchronous=%s; PRAGMA cache_size=-%d;"
             "PRAGMA wal_autocheckpoint=%u; PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF; PRAGMA query_only=%d",
             PAGE_SIZE, conn->db->copy ? "MEMORY" : "WAL", conn->db->copy ? "OFF" : "FULL", writer ? WRITER_CACHE_KB : READER_CACHE_KB,
             writer ? conn->db->checkpoint_pages : 0, writer ? 0 : 1);
    sqlite3_busy_timeout(conn->handle, 5000);
    return sqlite_error(sqlite3_exec(conn->handle, text, NULL, NULL, NULL));
}

bool sqlite_path(const char *folder, const char *name, char ret_path[SQLITE_PATH_SIZE])
{
    return (size_t)snprintf(ret_path, SQLITE_PATH_SIZE, "%s/%s", folder, name) < SQLITE_PATH_SIZE;
}

static int connect_db(struct store_db *db, bool writer, uint64_t number ATTR_UNUSED, struct store_conn **ret_conn)
{
    struct store_conn *conn = calloc(1, sizeof(*conn));

    if (!conn)
        return -ENOMEM;
    conn->db = db;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | (writer ? SQLITE_OPEN_CREATE : 0) |
                (db->copy ? SQLITE_OPEN_URI : 0);
    int r = sqlite_error(sqlite3_open_v2(db->file, &conn->handle, flags, db->copy ? SQLITE_COPY_VFS : SQLITE_WAL_VFS));
    if (r == 0)
        r = configure(conn, writer);
    if (r != 0) {
        disconnect(conn);
        return r;
    }
    *ret_conn = conn;
    return 0;
}

static int control(struct store_conn *conn, enum store_control what)
{
    sqlite3_stmt **stmt = &conn->controls[what];

    if (!*stmt) {
        int r = sqlite_error(sqlite3_prepare_v3(conn->handle, control_text[what], -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL));
        if (r != 0)
            return r;
    }
    int rc = sqlite3_step(*stmt);
    sqlite3_reset(*stmt);
    return sqlite_error(rc);
}

static bool in_transaction(struct store_conn *conn)
{
    return !sqlite3_get_autocommit(conn->handle);
}

static int define(struct store_conn *conn, const char *text, unsigned form)
{
    char *whole = sqlite3_mprintf("%s%s", text, form & STORE_CLUSTERED ? " WITHOUT ROWID" : "");

    if (!whole)
        return -ENOMEM;
    int rc = sqlite3_exec(conn->handle, whole, NULL, NULL, NULL);
    sqlite3_free(whole);
    return sqlite_error(rc);
}

static int prepare(struct store_conn *conn, const char *text, bool keep, struct store_rows *rows)
{
    int rc = sqlite3_prepare_v3(conn->handle, text, -1, keep ? SQLITE_PREPARE_PERSISTENT : 0, &rows->stmt, NULL);

    if (rc != SQLITE_OK)
        return sqlite_error(rc);
    rows->conn = conn;
    rows->kept = keep;
    for (unsigned i = 0; i < MAX_ARGS; i++) {
        char name[8];
        snprintf(name, sizeof(name), "$%u", i + 1);
        rows->slot[i] = (unsigned char)sqlite3_bind_parameter_index(rows->stmt, name);
    }
    return 0;
}

static int bind(struct store_rows *rows, const struct store_value *args, size_t n)
{
    int rc = SQLITE_OK;

    if (n > MAX_ARGS)
        return -EINVAL;
    for (size_t i = 0; i < n && rc == SQLITE_OK; i++) {
        const struct store_value *arg = &args[i];
        const char *ptr = arg->bytes.ptr ? arg->bytes.ptr : "";
        int slot = rows->slot[i];
        if (slot == 0)
            continue;
        switch (arg->type) {
        case STORE_NULL:
            rc = sqlite3_bind_null(rows->stmt, slot);
            break;
        case STORE_INT:
            rc = sqlite3_bind_int64(rows->stmt, slot, arg->number);
            break;
        case STORE_TEXT:
            rc = sqlite3_bind_text64(rows->stmt, slot, ptr, arg->bytes.len, SQLITE_STATIC, SQLITE_UTF8);
            break;
        case STORE_BLOB:
            rc = sqlite3_bind_blob64(rows->stmt, slot, ptr, arg->bytes.len, SQLITE_STATIC);
            break;
        }
    }
    return sqlite_error(rc);
}

static void finish(struct store_rows *rows)
{
    if (!rows)
        return;
    if (!rows->kept) {
        sqlite3_finalize(rows->stmt);
        free(rows);
        return;
    }
    sqlite3_reset(rows->stmt); /* each start binds all of its arguments anew */
    rows->busy = false;
}

/* The kept statement, or one of its own when that is running already. */
static int find_rows(struct store_conn *conn, unsigned statement, const char *text, struct store_rows **ret_rows)
{
    if (!text && !conn->kept[statement].busy) {
        struct store_rows *kept = &conn->kept[statement];
        *ret_rows = kept;
        return kept->stmt ? 0 : prepare(conn, statement_text[statement], true, kept);
    }
    struct store_rows *rows = calloc(1, sizeof(*rows));
    if (!rows)
        return -ENOMEM;
    int r = prepare(conn, text ? text : statement_text[statement], false, rows);
    if (r != 0) {
        free(rows);
        return r;
    }
    *ret_rows = rows;
    return 0;
}

static int start(struct store_conn *conn, unsigned statement, const char *text, const struct store_value *args, size_t n,
                 struct store_rows **ret_rows)
{
    struct store_rows *rows = NULL;
    int r = find_rows(conn, statement, text, &rows);

    if (r != 0)
        return r;
    rows->busy = true;
    r = bind(rows, args, n);
    if (r != 0) {
        finish(rows);
        return r;
    }
    *ret_rows = rows;
    return 0;
}

static int step(struct store_rows *rows)
{
    int rc = sqlite3_step(rows->stmt);

    return rc == SQLITE_ROW ? 1 : sqlite_error(rc);
}

static int64_t get_int(struct store_rows *rows, unsigned column)
{
    return sqlite3_column_int64(rows->stmt, (int)column);
}

static struct span get_bytes(struct store_rows *rows, unsigned column)
{
    const char *ptr = sqlite3_column_blob(rows->stmt, (int)column);
    int len = sqlite3_column_bytes(rows->stmt, (int)column);

    return (struct span){ ptr, ptr ? (size_t)len : 0 };
}

static bool is_null(struct store_rows *rows, unsigned column)
{
    return sqlite3_column_type(rows->stmt, (int)column) == SQLITE_NULL;
}

static int64_t changes(struct store_conn *conn)
{
    return sqlite3_changes64(conn->handle);
}

/* What is left for us, who may not be root. */
static int room(struct store_db *db, uint64_t *ret_bytes)
{
    struct statvfs info;

    if (fstatvfs(db->lock, &info) != 0)
        return -errno;
    *ret_bytes = (uint64_t)info.f_bavail * info.f_frsize;
    return 0;
}

const struct store_driver store_driver_sqlite = {
    .name = "sqlite",
    .one_writer = true,
    .open = open_db,
    .close = close_db,
    .connect = connect_db,
    .disconnect = disconnect,
    .control = control,
    .in_transaction = in_transaction,
    .define = define,
    .start = start,
    .step = step,
    .get_int = get_int,
    .get_bytes = get_bytes,
    .is_null = is_null,
    .changes = changes,
    .finish = finish,
    .words = &store_words_sqlite,
    .room = room,
    .tidy = sqlite_tidy,
    .place = sqlite_place,
    .stamps_read = sqlite_stamps_read,
    .stamps_write = sqlite_stamps_write,
    .verify = sqlite_verify,
    .backup = sqlite_backup,
    .restore = sqlite_restore,
};
