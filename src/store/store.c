/*
 * Opening a store: the driver, the secret and epoch kept in it, and the pool of
 * reader connections. Its tables are store_migrate.c's, the writers' threads
 * writer_queue.c's.
 */
#include "store/writer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const struct store_driver *const drivers[] = {
#define STORE_DRIVER(name) &store_driver_##name,
#include "store/drivers.def"
#undef STORE_DRIVER
};

bool store_is_shared(const char *path)
{
    return strncmp(path, "postgresql://", 13) == 0 || strncmp(path, "postgres://", 11) == 0;
}

const struct store_driver *store_driver_find(const struct store_options *options)
{
    const char *name = options->driver ? options->driver : store_is_shared(options->path) ? "postgres" : "sqlite";

    for (size_t i = 0; i < ARRAY_LEN(drivers); i++)
        if (strcmp(drivers[i]->name, name) == 0)
            return drivers[i];
    return NULL;
}

/* A password stands between the first colon behind // and the last @ before the
 * path, or is a parameter. */
const char *store_name(const char *path, char ret_name[STORE_NAME_SIZE])
{
    const char *host = store_is_shared(path) ? strstr(path, "//") + 2 : NULL;
    size_t authority = host ? strcspn(host, "/?#") : 0;
    const char *at = host ? memrchr(host, '@', authority) : NULL;
    const char *colon = at ? memchr(host, ':', (size_t)(at - host)) : NULL;
    const char *end = host ? host + strcspn(host, "?#") : path + strlen(path);

    if (colon)
        snprintf(ret_name, STORE_NAME_SIZE, "%.*s%.*s", (int)(colon - path), path, (int)(end - at), at);
    else
        snprintf(ret_name, STORE_NAME_SIZE, "%.*s", (int)(end - path), path);
    return ret_name;
}

/* Reads bytes that the store keeps, or makes them at random. */
static int keep_bytes(struct store_tx *tx, const char *name, uint8_t *bytes, size_t len)
{
    int r = meta_get(tx, name, bytes, len);

    if (r <= 0)
        return r;
    r = random_bytes(bytes, len);
    return r != 0 ? r : meta_put(tx, name, bytes, len);
}

/* Before anything else is in it: a copy that ends early must not be taken for a
 * store. */
static int settle_filling(struct store_tx *tx)
{
    int r = identity_unfinished(tx);

    if (r == 1) {
        r = store_drop_tables(tx);
        if (r == 0)
            r = store_migrate(tx, false);
    }
    return r == 0 && tx->store->options.filling ? identity_fill(tx) : r;
}

/* Leases are void only at open: after a recovery their owners still live, as
 * other nodes may at any time. */
static int prepare_store(struct store_tx *tx, bool opening)
{
    struct store *store = tx->store;
    int r = tx->holds ? store_hold_mailbox(tx, HOLD_OPENING) : 0;

    if (r == 0)
        r = store_migrate(tx, opening);
    if (r == 0 && opening)
        r = settle_filling(tx);
    if (r == 0)
        r = keep_bytes(tx, "id_secret", store->secret, sizeof(store->secret));
    if (r == 0 && opening)
        r = identity_settle(tx);
    if (r == 0)
        r = keep_bytes(tx, "epoch", store->epoch, sizeof(store->epoch));
    if (r != 0 || !opening || store_has_nodes(store))
        return r;
    r = sql_run(tx, SQL_garbage_all_due, NULL, 0, NULL); /* what was staged is nobody's */
    if (r == 0)
        r = sql_run(tx, SQL_lease_void, NULL, 0, NULL);
    return r == 0 ? sql_run(tx, SQL_due_renew, NULL, 0, NULL) : r;
}

int store_connect_writer(struct store_writer *writer, bool opening)
{
    struct store *store = writer->store;
    struct store_tx *tx = &writer->tx;
    int r = store->driver->connect(store->db, true, writer->id, &tx->conn);

    if (r != 0)
        return r;
    r = store->driver->control(tx->conn, STORE_BEGIN_WRITE);
    writer->holds.held_n = 0;
    writer->holds.refused = false;
    writer->holds.mark.state = MARK_NONE; /* what it does is done again the next time */
    if (r == 0)
        r = prepare_store(tx, opening);
    if (r == 0)
        r = store->driver->control(tx->conn, STORE_COMMIT);
    if (r != 0) {
        store->driver->disconnect(tx->conn);
        tx->conn = NULL;
    }
    return r == -EINPROGRESS ? -EIO : r;
}

static void free_writer(struct store_writer *writer)
{
    if (writer->tx.conn)
        writer->store->driver->disconnect(writer->tx.conn);
    store_tx_close(&writer->tx);
    lanes_free(writer->lanes);
    sem_destroy(&writer->filled);
    pthread_mutex_destroy(&writer->lock);
}

static void free_store(struct store *store)
{
    for (unsigned i = 0; i < store->readers_n; i++) {
        store->driver->disconnect(store->readers[i].conn);
        store_tx_close(&store->readers[i].tx);
    }
    for (unsigned i = 0; i < store->writers_max; i++)
        free_writer(&store->writers[i]);
    store->driver->close(store->db);
    pthread_cond_destroy(&store->reader_free);
    pthread_mutex_destroy(&store->reader_lock);
    pthread_mutex_destroy(&store->indexer.lock);
    free(store->readers);
    free(store->writers);
    free(store);
}

static int init_writer(struct store *store, struct store_writer *writer)
{
    const struct store_driver *driver = store->driver;

    writer->store = store;
    writer->last = &writer->first;
    writer->tx = (struct store_tx){ .store = store, .driver = driver };
    if (!driver->one_writer || !store_has_nodes(store))
        writer->tx.kept = &writer->kept;
    if (driver->hold)
        writer->tx.holds = &writer->holds;
    writer->holds.mark.writer = writer;
    pthread_mutex_init(&writer->lock, NULL);
    sem_init(&writer->filled, 0, 0);
    int r = driver->one_writer ? 0 : random_bytes(&writer->id, sizeof(writer->id));
    writer->id &= INT64_MAX;
    return r == 0 ? store_tx_open(&writer->tx) : r;
}

static int init_writers(struct store *store)
{
    unsigned n = store->driver->one_writer ? 1 : store->options.writers ? store->options.writers : 8;
    int r = 0;

    store->writers = calloc(n, sizeof(*store->writers));
    if (!store->writers)
        return -ENOMEM;
    while (r == 0 && store->writers_max < n)
        r = init_writer(store, &store->writers[store->writers_max++]);
    return r;
}

static int new_store(const struct store_options *options, struct store **ret_store)
{
    const struct store_driver *driver = store_driver_find(options);
    unsigned readers = options->readers ? options->readers : 32;

    if (!driver)
        return -EINVAL;
    struct store *store = calloc(1, sizeof(*store));
    if (!store)
        return -ENOMEM;
    store->driver = driver;
    store->readers = calloc(readers, sizeof(*store->readers));
    store->readers_max = readers;
    store->group_max = options->group_max ? options->group_max : 64;
    store->options = *options;
    store->replays_drafts = INT64_MAX;
    pthread_mutex_init(&store->reader_lock, NULL);
    pthread_mutex_init(&store->indexer.lock, NULL);
    pthread_cond_init(&store->reader_free, NULL);
    int r = store->readers ? init_writers(store) : -ENOMEM;
    if (r != 0) {
        free_store(store);
        return r;
    }
    *ret_store = store;
    return 0;
}

int store_open(const struct store_options *options, struct store **ret_store)
{
    struct store *store = NULL;
    int r = new_store(options, &store);

    if (r != 0)
        return r;
    r = store->driver->open(options, &store->db);
    if (r == 0)
        r = store_connect_writer(store->writers, true);
    if (r == 0)
        r = identity_settled(store);
    if (r == 0 && store->driver->parts)
        r = store->driver->parts(store->writers[0].tx.conn, &store->parts);
    if (r == 0)
        r = store_start_writers(store);
    if (r != 0) {
        free_store(store);
        return r;
    }
    *ret_store = store;
    return 0;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    words_stop(store);
    store_stop_writers(store);
    free_store(store);
}

/* ---- others ---- */

int store_watch_others(struct store *store, store_woken *woken, void *arg)
{
    return store->driver->watch ? store->driver->watch(store->db, woken, arg) : 0;
}

void store_unwatch_others(struct store *store)
{
    if (store->driver->unwatch)
        store->driver->unwatch(store->db);
}

void store_wake_others(struct store *store, unsigned news)
{
    if (store->driver->wake_others)
        store->driver->wake_others(store->db, news);
}

/* ---- readers ---- */

/* Takes an idle connection, or room for a new one, waiting for either. */
static struct store_reader *claim_reader(struct store *store)
{
    struct store_reader *reader = NULL;

    pthread_mutex_lock(&store->reader_lock);
    while (!store->idle && store->readers_n == store->readers_max)
        pthread_cond_wait(&store->reader_free, &store->reader_lock);
    if (store->idle) {
        reader = store->idle;
        store->idle = reader->next_idle;
    } else {
        reader = &store->readers[store->readers_n++];
        reader->tx = (struct store_tx){ .store = store, .driver = store->driver };
    }
    pthread_mutex_unlock(&store->reader_lock);
    return reader;
}

static void return_reader(struct store *store, struct store_reader *reader)
{
    pthread_mutex_lock(&store->reader_lock);
    reader->next_idle = store->idle;
    store->idle = reader;
    pthread_cond_signal(&store->reader_free);
    pthread_mutex_unlock(&store->reader_lock);
}

int store_read_begin(struct store *store, struct store_tx **ret_tx)
{
    struct store_reader *reader = claim_reader(store);
    int r = 0;

    if (!reader->tx.scratch)
        r = store_tx_open(&reader->tx);
    if (r == 0 && reader->conn && store->driver->is_broken && store->driver->is_broken(reader->conn)) {
        store->driver->disconnect(reader->conn);
        reader->conn = NULL;
    }
    if (r == 0 && !reader->conn) {
        r = store->driver->connect(store->db, false, 0, &reader->conn);
        reader->tx.conn = reader->conn;
    }
    if (r == 0)
        r = store->driver->control(reader->conn, STORE_BEGIN_READ);
    if (r != 0) {
        return_reader(store, reader);
        return r;
    }
    *ret_tx = &reader->tx;
    return 0;
}

int store_read_begin_long(struct store *store, struct store_tx **ret_tx)
{
    struct store_tx *tx = NULL;
    int r = store_read_begin(store, &tx);

    if (r == 0 && store->driver->be_patient)
        r = store->driver->be_patient(tx->conn);
    if (r == 0)
        *ret_tx = tx;
    else
        store_read_end(tx);
    return r;
}

void store_read_end(struct store_tx *tx)
{
    if (!tx)
        return;
    struct store *store = tx->store;
    /* tx is the reader's first member. */
    struct store_reader *reader = (struct store_reader *)tx;
    if (store->driver->control(reader->conn, STORE_ROLLBACK) != 0) {
        store->driver->disconnect(reader->conn);
        reader->conn = NULL;
    }
    arena_reset(tx->scratch);
    return_reader(store, reader);
}

bool store_has_nodes(const struct store *store)
{
    return !store->driver->one_writer || store->options.shared;
}

const uint8_t *store_id_secret(const struct store *store)
{
    return store->secret;
}

const uint8_t *store_epoch(const struct store *store)
{
    return store->epoch;
}

void store_versions(const struct store *store, int *ret_found, int *ret_now)
{
    *ret_found = store->version_found;
    *ret_now = migrations[migrations_n - 1].version;
}

struct store *store_of(const struct store_tx *tx)
{
    return tx->store;
}
