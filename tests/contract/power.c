/*
 * See power.h. Files are known by their names within the folder; a deleted one
 * is gone at once, a created one is there at once.
 */
#include "power.h"

#include "vfs_pass.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FILES_MAX 8
#define SECTOR 512

enum kind { WRITE, TRUNCATE, SYNC, REMOVE };

struct event {
    enum kind kind;
    int file;
    sqlite3_int64 at; /* of a write; of a truncation the size */
    size_t len;
    unsigned char *bytes;
};

struct image {
    unsigned char *bytes;
    size_t len, room;
    bool there;
};

static struct {
    pthread_mutex_t lock;
    bool recording;
    char names[FILES_MAX][64];
    struct image base[FILES_MAX];
    int files;
    struct event *events;
    size_t n, room;
} disk = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void need(bool good, const char *what)
{
    if (good)
        return;
    perror(what);
    abort();
}

static int file_by_name(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    for (int i = 0; i < disk.files; i++)
        if (strcmp(disk.names[i], name) == 0)
            return i;
    need(disk.files < FILES_MAX && strlen(name) < sizeof(disk.names[0]), "another file");
    strcpy(disk.names[disk.files], name);
    return disk.files++;
}

static void note(enum kind kind, int file, const void *bytes, size_t len, sqlite3_int64 at)
{
    pthread_mutex_lock(&disk.lock);
    if (disk.recording) {
        if (disk.n == disk.room) {
            disk.room = disk.room ? disk.room * 2 : 1024;
            disk.events = realloc(disk.events, disk.room * sizeof(*disk.events));
            need(disk.events != NULL, "memory");
        }
        struct event *event = &disk.events[disk.n++];
        *event = (struct event){ .kind = kind, .file = file, .at = at, .len = len };
        if (len) {
            event->bytes = malloc(len);
            need(event->bytes != NULL, "memory");
            memcpy(event->bytes, bytes, len);
        }
    }
    pthread_mutex_unlock(&disk.lock);
}

/* ---- the VFS: SQLite's own, with a note of what goes through ---- */

struct power_file {
    sqlite3_file base; /* first, as vfs_file */
    sqlite3_file *real;
    int file;
};

PASS(f_read, (sqlite3_file * f, void *p, int n, sqlite3_int64 at), xRead(REAL(f), p, n, at))
PASS(f_size, (sqlite3_file * f, sqlite3_int64 *size), xFileSize(REAL(f), size))
PASS(f_shm_map, (sqlite3_file * f, int page, int size, int extend, void volatile **out), xShmMap(REAL(f), page, size, extend, out))

static int f_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    note(WRITE, ((struct power_file *)f)->file, p, (size_t)n, at);
    return REAL(f)->pMethods->xWrite(REAL(f), p, n, at);
}

static int f_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    note(TRUNCATE, ((struct power_file *)f)->file, NULL, 0, size);
    return REAL(f)->pMethods->xTruncate(REAL(f), size);
}

static int f_sync(sqlite3_file *f, int flags)
{
    int rc = REAL(f)->pMethods->xSync(REAL(f), flags);
    note(SYNC, ((struct power_file *)f)->file, NULL, 0, 0);
    return rc;
}

static const sqlite3_io_methods methods = {
    VFS_PASSED, .xRead = f_read, .xWrite = f_write, .xTruncate = f_truncate, .xSync = f_sync, .xFileSize = f_size,
    .xShmMap = f_shm_map,
};

static int v_open(sqlite3_vfs *self ATTR_UNUSED, const char *name, sqlite3_file *base, int flags, int *ret_flags)
{
    struct power_file *file = (struct power_file *)base;
    *file = (struct power_file){ .real = (sqlite3_file *)(file + 1) };
    int rc = below->xOpen(below, name, file->real, flags, ret_flags);
    if (name) {
        pthread_mutex_lock(&disk.lock);
        file->file = file_by_name(name);
        pthread_mutex_unlock(&disk.lock);
    }
    if (file->real->pMethods)
        file->base.pMethods = &methods;
    return rc;
}

static int v_delete(sqlite3_vfs *self ATTR_UNUSED, const char *name, int sync)
{
    pthread_mutex_lock(&disk.lock);
    int file = file_by_name(name);
    pthread_mutex_unlock(&disk.lock);
    note(REMOVE, file, NULL, 0, 0);
    return below->xDelete(below, name, sync);
}

void power_install(void)
{
    vfs_install("power", sizeof(struct power_file), v_open, v_delete);
}

/* ---- images ---- */

static void grow(struct image *image, size_t len)
{
    if (len > image->room) {
        image->room = len * 2;
        image->bytes = realloc(image->bytes, image->room);
        need(image->bytes != NULL, "memory");
    }
    if (len > image->len) {
        memset(image->bytes + image->len, 0, len - image->len);
        image->len = len;
    }
}

static void read_image(const char *path, struct image *image)
{
    FILE *file = fopen(path, "rb");
    need(file != NULL, path);
    char piece[65536];
    for (size_t n; (n = fread(piece, 1, sizeof(piece), file)) > 0;) {
        size_t at = image->len;
        grow(image, at + n);
        memcpy(image->bytes + at, piece, n);
    }
    fclose(file);
    image->there = true;
}

void power_record(const char *folder)
{
    DIR *dir = opendir(folder);
    need(dir != NULL, folder);
    power_forget();
    for (struct dirent *entry; (entry = readdir(dir));) {
        char path[512];
        if (strncmp(entry->d_name, "ewsd.db", 7) != 0)
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        read_image(path, &disk.base[file_by_name(path)]);
    }
    closedir(dir);
    disk.recording = true;
}

size_t power_now(void)
{
    pthread_mutex_lock(&disk.lock);
    size_t n = disk.n;
    pthread_mutex_unlock(&disk.lock);
    return n;
}

void power_stop(void)
{
    pthread_mutex_lock(&disk.lock);
    disk.recording = false;
    pthread_mutex_unlock(&disk.lock);
}

bool power_amid(size_t at)
{
    return at > 0 && at < disk.n && disk.events[at - 1].kind == WRITE && disk.events[at].kind == WRITE &&
           disk.events[at - 1].file == disk.events[at].file;
}

void power_forget(void)
{
    for (size_t i = 0; i < disk.n; i++)
        free(disk.events[i].bytes);
    for (int i = 0; i < disk.files; i++)
        free(disk.base[i].bytes);
    free(disk.events);
    disk.events = NULL;
    disk.n = disk.room = 0;
    disk.files = 0;
    memset(disk.base, 0, sizeof(disk.base));
}

/* len: how much of a write arrives. */
static void apply(struct image *image, const struct event *event, size_t len)
{
    image->there = event->kind != REMOVE;
    if (event->kind == WRITE && len) {
        grow(image, (size_t)event->at + len);
        memcpy(image->bytes + event->at, event->bytes, len);
    } else if (event->kind == TRUNCATE) {
        grow(image, (size_t)event->at);
        image->len = (size_t)event->at;
    } else if (event->kind == REMOVE) {
        image->len = 0;
    }
}

/* Where the last sync of that file before the cut is. */
static size_t last_sync(int file, size_t at)
{
    size_t synced = 0;
    for (size_t i = 0; i < at; i++)
        if (disk.events[i].file == file && (disk.events[i].kind == SYNC || disk.events[i].kind == REMOVE))
            synced = i + 1;
    return synced;
}

static size_t some_of(size_t len, unsigned *seed)
{
    unsigned what = (unsigned)rand_r(seed) % 4;
    size_t sectors = (len + SECTOR - 1) / SECTOR;
    if (what < 2)
        return what ? len : 0;
    size_t part = (size_t)rand_r(seed) % (sectors + 1) * SECTOR;
    return part < len ? part : len;
}

static void apply_unsynced(struct image *image, int file, size_t from, size_t at, enum power_unsynced unsynced, unsigned *seed)
{
    size_t n = 0, *order = calloc(at - from + 1, sizeof(*order));
    need(order != NULL, "memory");
    for (size_t i = from; i < at; i++)
        if (disk.events[i].file == file)
            order[n++] = i;
    for (size_t i = n; unsynced == POWER_TORN && i > 1; i--) { /* any order */
        size_t j = (size_t)rand_r(seed) % i, swap = order[i - 1];
        order[i - 1] = order[j];
        order[j] = swap;
    }
    for (size_t i = 0; i < n && unsynced != POWER_LOST; i++) {
        const struct event *event = &disk.events[order[i]];
        bool whole = unsynced == POWER_KEPT;
        if (event->kind == WRITE)
            apply(image, event, whole ? event->len : some_of(event->len, seed));
        else if (whole || rand_r(seed) % 2)
            apply(image, event, 0);
    }
    free(order);
}

static void make_image(int file, size_t at, enum power_unsynced unsynced, unsigned *seed, struct image *image)
{
    size_t synced = last_sync(file, at);
    const struct image *base = &disk.base[file];
    if (base->there) {
        grow(image, base->len);
        if (base->len)
            memcpy(image->bytes, base->bytes, base->len);
        image->there = true;
    }
    for (size_t i = 0; i < synced; i++)
        if (disk.events[i].file == file)
            apply(image, &disk.events[i], disk.events[i].len);
    apply_unsynced(image, file, synced, at, unsynced, seed);
}

void power_cut(size_t at, enum power_unsynced unsynced, unsigned seed, const char *folder)
{
    for (int file = 0; file < disk.files; file++) {
        char path[512];
        struct image image = { 0 };
        make_image(file, at, unsynced, &seed, &image);
        snprintf(path, sizeof(path), "%s/%s", folder, disk.names[file]);
        (void)unlink(path);
        if (image.there) {
            int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
            need(fd >= 0 && (image.len == 0 || write(fd, image.bytes, image.len) == (ssize_t)image.len), path);
            close(fd);
        }
        free(image.bytes);
    }
}
