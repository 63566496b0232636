/*
 * The backup of a store in a database, and back: a file as that of a store in a
 * folder, filled from the database by store_copy, under one snapshot. It is read
 * and written through a descriptor.
 */
#include "store/store_copy.h"
#include "store/store_core.h"
#include "store/store_keep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE ((size_t)1 << 20)

static int tell_nobody(void *arg, const struct store_copied *copied)
{
    (void)arg;
    (void)copied;
    return 0;
}

/* What was read again and is not what was written is a failure of the disk. */
static int copy(struct store *from, struct store *to, const struct store_watch *watch)
{
    struct store_copy how = { .copied = tell_nobody };
    struct store_copy_problem problem;

    if (watch)
        how.watch = *watch;
    int r = store_copy(from, to, &how, &problem);
    return r > 0 ? -EIO : r;
}

int store_copy_out(struct store *store, int file, const struct store_watch *watch)
{
    const struct store_options options = { .driver = "sqlite", .path = "", .file = file, .mode = STORE_NEW, .readers = 1, .filling = true };
    struct store *to;
    int r = store_open(&options, &to);

    if (r != 0)
        return r;
    r = copy(store, to, watch);
    store_close(to);
    return r == 0 && fsync(file) != 0 ? -errno : r;
}

/* ---- and back ---- */

/* Opening a store writes to it, which is not for a backup: a file without a name
 * that goes with the program. */
static int make_scratch(void)
{
    const char *folder = getenv("TMPDIR");
    char path[4096];

    if (snprintf(path, sizeof(path), "%s/ewsd.XXXXXX", folder && *folder ? folder : "/var/tmp") >= (int)sizeof(path))
        return -ENAMETOOLONG;
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return -errno;
    return unlink(path) == 0 ? fd : -errno;
}

static int copy_bytes(int from, int to)
{
    off_t at = 0;
    ssize_t n;

    while ((n = copy_file_range(from, &at, to, NULL, PIECE, 0)) > 0)
        ;
    return n < 0 ? -errno : 0;
}

/* The file of a store that ended in order says that it has a log, though all of
 * that is in it. */
static int forget_log(int file)
{
    static const char log[2] = { 2, 2 }, none[2] = { 1, 1 };
    char versions[sizeof(log)];

    if (pread(file, versions, sizeof(versions), 18) != sizeof(versions))
        return -EUCLEAN;
    if (memcmp(versions, log, sizeof(log)) != 0)
        return 0;
    return pwrite(file, none, sizeof(none), 18) == sizeof(none) ? 0 : -EIO;
}

static int open_file(int file, struct store **ret_store)
{
    const struct store_options options = { .driver = "sqlite", .path = "", .file = file, .mode = STORE_EXISTING, .readers = 1, .in_place = true };
    struct store *store = NULL;
    int found, now;
    int r = store_open(&options, &store);

    if (r == -ENOENT || r == -ENOTRECOVERABLE)
        r = -EUCLEAN;
    if (r != 0)
        return r;
    store_versions(store, &found, &now);
    if (found == 0) {
        store_close(store);
        return -EUCLEAN;
    }
    *ret_store = store;
    return 0;
}

static int fill(struct store *from, const struct store_options *options, bool replace, const struct store_watch *watch)
{
    struct store_options filling = *options;
    struct store *to;

    filling.mode = replace ? STORE_ANY : STORE_NEW;
    filling.filling = true;
    int r = store_open(&filling, &to);
    if (r != 0)
        return r;
    r = copy(from, to, watch);
    store_close(to);
    return r;
}

int store_copy_in(const struct store_options *options, int file, bool replace, const struct store_watch *watch)
{
    struct store *from = NULL;
    int scratch = make_scratch();
    int r = scratch < 0 ? scratch : copy_bytes(file, scratch);

    if (r == 0)
        r = forget_log(scratch);
    if (r == 0)
        r = open_file(scratch, &from);
    if (r == 0)
        r = fill(from, options, replace, watch);
    store_close(from);
    if (scratch >= 0)
        close(scratch);
    return r;
}
