/*
 * Is this the store that was open here the last time, or a copy of it? What a
 * copy sends, its original may have sent already, and what a copy numbers
 * anew, its original may have numbered otherwise. So a store that is a copy
 * goes on under a new epoch, with numbers far behind the old ones, and with
 * its outbox held (decisions 16).
 *
 * A store is a copy when
 * - it says so: a backup does;
 * - it is not in the place where it was opened the last time (in SQLite: not
 *   the same file), so it was copied, restored or moved between file systems;
 * - the stamp of its last opening is not the one kept beside it: the file is
 *   the same, but has older content.
 * Each opening makes a new stamp. Until the store has it for certain, both the
 * old and the new one are kept beside it, so that a crash in between is no
 * copy. A disk or a machine that goes back to an earlier state as a whole
 * cannot be told from one that was switched off: ewsctl store renew is for that.
 */
#include "base/when.h"
#include "store/store_copy.h"
#include "store/store_core.h"
#include "store/store_keep.h"

#include <errno.h>

#define SKIPPED 4294967296 /* more numbers than an original can have given since; ids have room for 65536 times as many */

static const char stamp_name[] = "stamp", place_name[] = "place", copied_name[] = "copied", held_name[] = "held",
                  unfinished_name[] = "unfinished";

/* ---- what the store keeps by name ---- */

int meta_get(struct store_tx *tx, const char *name, void *ret_bytes, size_t len)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    int r = sql_first(tx, SQL_meta_get, ARGS(V_TEXT(span_of(name))), &sql);

    if (r != 0)
        return r;
    struct span value = sql_bytes(&sql, 0);
    if (value.len != len)
        return -EIO;
    if (len > 0)
        memcpy(ret_bytes, value.ptr, len);
    return 0;
}

int meta_put(struct store_tx *tx, const char *name, const void *bytes, size_t len)
{
    return sql_run(tx, SQL_meta_put, ARGS(V_TEXT(span_of(name)), V_RAW(bytes, len)), NULL);
}

static int meta_delete(struct store_tx *tx, const char *name)
{
    return sql_run(tx, SQL_meta_delete, ARGS(V_TEXT(span_of(name))), NULL);
}

/* ---- is it a copy? ---- */

/* What is known of the opening and of the last one. */
struct identity {
    uint8_t stamp[STORE_STAMP_SIZE];
    struct store_place place, now;
    struct store_stamps beside;
    bool known; /* it was opened before, by a version that keeps these */
};

static int read_identity(struct store_tx *tx, struct identity *identity)
{
    int r = tx->driver->place ? tx->driver->place(tx->store->db, &identity->now) : 0;

    if (r == 0 && tx->driver->stamps_read)
        r = tx->driver->stamps_read(tx->store->db, &identity->beside);
    if (r == 0)
        r = meta_get(tx, stamp_name, identity->stamp, sizeof(identity->stamp));
    if (r != 0)
        return r < 0 ? r : 0;
    identity->known = true;
    return meta_get(tx, place_name, &identity->place, sizeof(identity->place));
}

static bool is_elsewhere(const struct identity *identity)
{
    const struct store_place *then = &identity->place, *now = &identity->now;

    return then->number != now->number || (then->born && now->born && then->born != now->born);
}

static bool is_older(const struct store_tx *tx, const struct identity *identity)
{
    for (unsigned i = 0; i < identity->beside.n; i++)
        if (memcmp(identity->beside.v[i], identity->stamp, STORE_STAMP_SIZE) == 0)
            return false;
    return tx->driver->stamps_read != NULL;
}

static int judge(struct store_tx *tx, const struct identity *identity, bool *ret_copied)
{
    int r = meta_get(tx, copied_name, NULL, 0);

    if (r < 0)
        return r;
    *ret_copied = !tx->store->options.in_place &&
                  (r == 0 || (identity->known && (is_elsewhere(identity) || is_older(tx, identity))));
    return 0;
}

/* ---- going on as one ---- */

static int renew(struct store_tx *tx)
{
    int64_t now = when_now();
    uint8_t epoch[STORE_GUID_SIZE];
    int r = random_bytes(epoch, sizeof(epoch));

    if (r == 0)
        r = meta_put(tx, "epoch", epoch, sizeof(epoch));
    if (r == 0)
        r = sql_run(tx, SQL_numbers_skip, ARGS(V_INT(SKIPPED)), NULL);
    if (r == 0)
        r = meta_put(tx, held_name, &now, sizeof(now));
    return r == 0 ? meta_delete(tx, copied_name) : r;
}

/* A new stamp, beside the store together with the old one. A full disk keeps
 * the old one: the store can be read, and told from its copies as before. */
static int restamp(struct store_tx *tx, const struct identity *identity)
{
    struct store_stamps both = { .n = 2 };
    int r = random_bytes(both.v[0], sizeof(both.v[0]));

    memcpy(both.v[1], identity->known ? identity->stamp : both.v[0], STORE_STAMP_SIZE);
    if (r == 0 && tx->driver->stamps_write)
        r = tx->driver->stamps_write(tx->store->db, &both);
    if (r == -ENOSPC && identity->known && !tx->store->copied)
        return 0;
    if (r == 0)
        r = meta_put(tx, stamp_name, both.v[0], STORE_STAMP_SIZE);
    if (r == 0)
        r = meta_put(tx, place_name, &identity->now, sizeof(identity->now));
    if (r == 0) {
        memcpy(tx->store->stamp.v[0], both.v[0], STORE_STAMP_SIZE);
        tx->store->stamp.n = 1;
    }
    return r;
}

int identity_settle(struct store_tx *tx)
{
    struct identity identity = { 0 };
    int r = read_identity(tx, &identity);

    if (r == 0)
        r = judge(tx, &identity, &tx->store->copied);
    if (r == 0 && tx->store->copied)
        r = renew(tx);
    return r == 0 ? restamp(tx, &identity) : r;
}

int identity_settled(struct store *store)
{
    if (store->stamp.n == 0 || !store->driver->stamps_write)
        return 0;
    int r = store->driver->stamps_write(store->db, &store->stamp);
    return r == -ENOSPC ? 0 : r; /* both are there */
}

bool store_was_copied(const struct store *store)
{
    return store->copied;
}

/* ---- filled from another one ---- */

int identity_unfinished(struct store_tx *tx)
{
    const struct store *store = tx->store;
    int r = meta_get(tx, unfinished_name, NULL, 0);

    if (r < 0)
        return r;
    if (r == 1)
        return store->options.filling && store->version_found > 0 ? -EEXIST : 0;
    return store->options.filling ? 1 : -ENOTRECOVERABLE;
}

int identity_fill(struct store_tx *tx)
{
    return meta_put(tx, unfinished_name, "", 0);
}

int identity_filled(struct store_tx *tx)
{
    int r = meta_delete(tx, unfinished_name);

    return r == 0 ? meta_put(tx, copied_name, "", 0) : r;
}

/* ---- copies ---- */

static const char mark[] = "DELETE FROM meta WHERE name = 'copied'; INSERT INTO meta (name, value) VALUES ('copied', '')";

int store_backup(struct store *store, int file, const struct store_watch *watch)
{
    return store->driver->backup ? store->driver->backup(store->db, file, mark, watch) : store_copy_out(store, file, watch);
}

int store_restore(const struct store_options *options, int file, bool replace, const struct store_watch *watch)
{
    const struct store_driver *driver = store_driver_find(options);

    if (!driver)
        return -EINVAL;
    return driver->restore ? driver->restore(options, file, mark, replace, watch) : store_copy_in(options, file, replace, watch);
}

int store_renew(struct store_tx *tx)
{
    return meta_put(tx, copied_name, "", 0);
}

/* ---- the hold ---- */

int store_held(struct store_tx *tx, int64_t *ret_since)
{
    return meta_get(tx, held_name, ret_since, sizeof(*ret_since));
}

int store_hold(struct store_tx *tx)
{
    int64_t now = when_now();
    int r = store_held(tx, &now);

    return r == 1 ? meta_put(tx, held_name, &now, sizeof(now)) : r;
}

int store_release(struct store_tx *tx)
{
    return meta_delete(tx, held_name);
}
