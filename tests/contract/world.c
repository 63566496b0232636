/*
 * See world.h.
 */
#include "world.h"

#include "store/driver.h"
#include "store/statements.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct steps {
    struct world *world;
    void *data;
    int (*run)(struct store_tx *tx, struct world *world, void *data);
};

static int run_steps(struct store_tx *tx, void *arg)
{
    struct steps *steps = arg;
    return steps->run(tx, steps->world, steps->data);
}

int do_write(struct world *world, int (*run)(struct store_tx *, struct world *, void *), void *data)
{
    struct steps steps = { world, data, run };
    return store_write(world->store, run_steps, &steps);
}

static int make_people(struct store_tx *tx, struct world *world, void *data)
{
    (void)data;
    int r = store_mailbox_create(tx, SPAN("alice@example.test"), SPAN("Alice"), SPAN("$y$hash"), &world->alice);
    if (r == 0)
        r = store_mailbox_create(tx, SPAN("Bob@Example.test"), SPAN(""), SPAN("$y$hash"), &world->bob);
    return r == 0 ? store_address_add(tx, world->alice, SPAN("post@example.test")) : r;
}

/* ---- places ---- */

static void psql(const char *format, const char *name)
{
    const char *server = getenv("EWSD_POSTGRES");
    char text[256], command[1024];
    if (!server)
        fail_msg("EWSD_POSTGRES is not set: tests/pg_server.py COMMAND runs a command with it");
    snprintf(text, sizeof(text), format, name);
    snprintf(command, sizeof(command), "psql -Xq -d '%s' -c '%s' >/dev/null 2>&1", server, text);
    assert_int_equal(system(command), 0);
}

/* The name of a database stands behind the last slash of its URL's path. */
static void name_of(const char *path, char ret_name[64])
{
    const char *end = strchr(path, '?');
    const char *slash = memrchr(path, '/', (size_t)(end - path));
    snprintf(ret_name, 64, "%.*s", (int)(end - slash - 1), slash + 1);
}

void make_place(const char *driver, char ret_path[WORLD_PATH_SIZE])
{
    static unsigned made;
    const char *server = getenv("EWSD_POSTGRES");
    char name[64];
    if (strcmp(driver, "sqlite") == 0) {
        strcpy(ret_path, "/tmp/ewsd-contract.XXXXXX");
        assert_non_null(mkdtemp(ret_path));
        return;
    }
    snprintf(name, sizeof(name), "world_%d_%u", getpid(), ++made);
    psql("CREATE DATABASE %s", name);
    const char *end = strchr(server, '?');
    const char *slash = memrchr(server, '/', (size_t)(end - server));
    snprintf(ret_path, WORLD_PATH_SIZE, "%.*s/%s%s", (int)(slash - server), server, name, end);
}

void remove_place(const char *driver, const char *path)
{
    char name[64], command[WORLD_PATH_SIZE + 16];
    if (strcmp(driver, "sqlite") == 0) {
        snprintf(command, sizeof(command), "rm -rf '%s'", path);
        assert_int_equal(system(command), 0);
        return;
    }
    name_of(path, name);
    psql("DROP DATABASE %s WITH (FORCE)", name);
}

bool is_sqlite(const struct world *world)
{
    return strcmp(world->driver, "sqlite") == 0;
}

/* ---- worlds ---- */

int world_set_up(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    assert_non_null(world);
    world->driver = *state;
    make_place(world->driver, world->path);
    world->options = (struct store_options){ .driver = world->driver, .path = world->path, .readers = 8, .partitions = 2 };
    assert_int_equal(store_open(&world->options, &world->store), 0);
    assert_int_equal(arena_new(256u << 20, &world->arena), 0);
    assert_int_equal(do_write(world, make_people, NULL), 0);
    *state = world;
    return 0;
}

int world_tear_down(void **state)
{
    struct world *world = *state;
    store_close(world->store);
    arena_free(world->arena);
    remove_place(world->driver, world->path);
    free(world);
    return 0;
}

void reopen(struct world *world)
{
    store_close(world->store);
    assert_int_equal(store_open(&world->options, &world->store), 0);
}

struct store_tx *reader(struct world *world)
{
    struct store_tx *tx = NULL;
    assert_int_equal(store_read_begin(world->store, &tx), 0);
    return tx;
}

int world_run_on(const char *driver, const struct CMUnitTest *cases, size_t n)
{
    struct CMUnitTest *mine = calloc(n, sizeof(*mine));
    assert_non_null(mine);
    memcpy(mine, cases, n * sizeof(*mine));
    for (size_t i = 0; i < n; i++)
        mine[i].initial_state = (void *)(uintptr_t)driver;
    int failed = _cmocka_run_group_tests(driver, mine, n, NULL, NULL);
    free(mine);
    return failed;
}

int world_run(const struct CMUnitTest *cases, size_t n)
{
    static const char *const drivers[] = {
#define STORE_DRIVER(name) #name,
#include "store/drivers.def"
#undef STORE_DRIVER
    };
    int failed = 0;
    for (size_t d = 0; d < ARRAY_LEN(drivers); d++)
        failed += world_run_on(drivers[d], cases, n);
    return failed;
}

static const struct store_driver *driver_named(const char *name)
{
    static const struct store_driver *const drivers[] = {
#define STORE_DRIVER(name) &store_driver_##name,
#include "store/drivers.def"
#undef STORE_DRIVER
    };
    for (size_t i = 0; i < ARRAY_LEN(drivers); i++)
        if (strcmp(drivers[i]->name, name) == 0)
            return drivers[i];
    return NULL;
}

void make_version(const char *driver_name, const char *path, int version)
{
    const struct store_driver *driver = driver_named(driver_name);
    struct store_options options = { .driver = driver_name, .path = path };
    struct store_db *db;
    struct store_conn *conn;
    char text[64];
    assert_int_equal(driver->open(&options, &db), 0);
    assert_int_equal(driver->connect(db, true, 1, &conn), 0);
    assert_int_equal(driver->control(conn, STORE_BEGIN_WRITE), 0);
    assert_int_equal(driver->define(conn, "CREATE TABLE schema_version (version BIGINT NOT NULL)", 0), 0);
    for (unsigned i = 0; i < migrations_n; i++)
        if (migrations[i].version <= version && migration_is_for(&migrations[i], driver->name))
            assert_int_equal(driver->define(conn, migrations[i].text, migration_form(&migrations[i])), 0);
    snprintf(text, sizeof(text), "INSERT INTO schema_version (version) VALUES (%d)", version);
    assert_int_equal(driver->define(conn, text, 0), 0);
    assert_int_equal(driver->control(conn, STORE_COMMIT), 0);
    driver->disconnect(conn);
    driver->close(db);
}
