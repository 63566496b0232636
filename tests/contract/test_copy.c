/*
 * A whole store into another: every table with every column, the same rows on
 * both sides; what is not whole is opened by nobody.
 */
#include "base/when.h"
#include "store/store_copy.h"
#include "store/store_content.h"
#include "store/store_keep.h"
#include "store/store_mail.h"
#include "store/store_outbox.h"
#include "store/store_queue.h"
#include "store/store_tables.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "world.h"

#define ITEMS 1500
#define LONG_BODY 700000

/* ---- a store with something in it ---- */

static int put_items(struct store_tx *tx, struct world *world, void *data)
{
    static const char bytes[] = "\0'\"\xff;--";
    struct item item;
    struct attachment attachment = { .name = SPAN("a'b.bin"), .data = { bytes, sizeof(bytes) } };
    int r = 0;
    for (unsigned i = 0; r == 0 && i < ITEMS; i++) {
        item_init(&item);
        item.mailbox_id = i % 3 ? world->alice : world->bob;
        item.folder_no = FOLDER_ROLE_inbox;
        item.subject = SPAN("It's \xc3\xa9");
        item.body = i % 1000 == 0 ? (struct span){ data, LONG_BODY } : SPAN("A body");
        item.attachments.v = &attachment;
        item.attachments.n = i % 7 == 0;
        item.received = when_now();
        r = store_item_insert(tx, &item);
    }
    return r;
}

static int put_rest(struct store_tx *tx, struct world *world, void *data)
{
    struct store_outbox_rcpt rcpts[2] = { { .address = SPAN("carol@elsewhere.test"), .kind = STORE_RCPT_REMOTE },
                                          { .address = SPAN("bob@example.test") } };
    struct store_outbox entry = { .mailbox_id = world->alice, .message_id = SPAN("<a@b>"), .rcpts = rcpts, .rcpts_n = 2 };
    struct store_outbox_key *keys;
    struct item item;
    uint8_t key[SHA256_SIZE] = { 0 };
    size_t n;
    (void)data;
    item_init(&item);
    item.mailbox_id = world->alice;
    int r = store_outbox_insert(tx, &item, &entry);
    if (r == 0)
        r = store_outbox_take(tx, world->arena, 77, when_now(), when_now() + 1000000, 5, &keys, &n);
    for (int i = 0; r == 0 && i < 300; i++) {
        memcpy(key, &i, sizeof(i));
        r = store_replay_put(tx, world->alice, (uint64_t)i, key, SPAN(""), INT64_MAX);
        if (r == 0)
            r = store_delivery_mark(tx, world->bob, key, INT64_MAX);
    }
    if (r == 0)
        r = store_grant_set(tx, world->alice, world->bob, 3);
    if (r == 0)
        r = store_trace_put(tx, SPAN("<a@b>"), &(struct store_trace){ .key = { world->alice, 1 }, .no = 1, .at = when_now() });
    return r;
}

static int set_up(void **state)
{
    int r = world_set_up(state);
    struct world *world = *state;
    char *text = malloc(LONG_BODY);
    assert_non_null(text);
    memset(text, 'x', LONG_BODY);
    assert_int_equal(do_write(world, put_items, text), 0);
    assert_int_equal(do_write(world, put_rest, NULL), 0);
    free(text);
    return r;
}

#define COPY_CASE(fn) { #fn, fn, set_up, world_tear_down, NULL }

/* ---- copying ---- */

struct copies {
    struct world *world;
    struct store *to;
    char path[WORLD_PATH_SIZE + 8];
    struct store_copied tables[TABLES_MAX];
    char names[TABLES_MAX][32];
    size_t n;
    uint64_t stop_at; /* rows; 0: never */
    bool meddle;      /* with what was written, before it is read again */
    struct store_copy_problem problem;
};

static int note(void *arg, const struct store_copied *copied)
{
    struct copies *copies = arg;
    snprintf(copies->names[copies->n], sizeof(copies->names[0]), "%.*s", (int)copied->table.len, copied->table.ptr);
    copies->tables[copies->n++] = *copied;
    return 0;
}

static int drop_answer(struct store_tx *tx, void *arg)
{
    struct world *world = arg;
    struct store_replay *replays;
    size_t n;
    int r = store_replays_list(tx, world->arena, &(struct store_replay){ 0 }, 1, &replays, &n);
    return r == 0 ? store_replays_forget(tx, replays, n) : r;
}

static bool tick(void *arg, uint64_t done, uint64_t all)
{
    struct copies *copies = arg;
    assert_true(done <= all + 16);
    if (copies->meddle && done >= all / 2) {
        assert_int_equal(store_write(copies->to, drop_answer, copies->world), 0);
        copies->meddle = false;
    }
    return copies->stop_at && done >= copies->stop_at;
}

static int open_copy(struct copies *copies, enum store_mode mode, bool filling)
{
    const struct store_options options = { .path = copies->path, .mode = mode, .filling = filling };
    int r = store_open(&options, &copies->to);
    if (r)
        copies->to = NULL;
    return r;
}

static int copy(struct copies *copies)
{
    const struct store_copy how = { .copied = note, .arg = copies, .watch = { tick, copies } };
    copies->n = 0;
    int r = store_copy(copies->world->store, copies->to, &how, &copies->problem);
    store_close(copies->to);
    copies->to = NULL;
    return r;
}

static struct copies begin(void **state)
{
    struct copies copies = { .world = *state };
    snprintf(copies.path, sizeof(copies.path), "%s/copy", copies.world->path);
    assert_int_equal(open_copy(&copies, STORE_NEW, true), 0);
    return copies;
}

/* ---- with the eyes of the engine ---- */

static sqlite3 *look(const char *folder)
{
    char path[WORLD_PATH_SIZE + 32];
    sqlite3 *db;
    snprintf(path, sizeof(path), "%s/ewsd.db", folder);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    return db;
}

static int64_t number(sqlite3 *db, const char *text)
{
    sqlite3_stmt *stmt;
    assert_int_equal(sqlite3_prepare_v2(db, text, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return n;
}

static bool has_table(const struct copies *copies, const char *name)
{
    for (size_t i = 0; i < copies->n; i++)
        if (strcmp(copies->names[i], name) == 0)
            return true;
    return false;
}

/* Whatever tables the engine has, but for its own index of words, which begins
 * anew. What a store knows of itself differs, and what was leased is not, in a copy. */
static void assert_same(const struct copies *copies)
{
    sqlite3 *db = look(copies->path);
    sqlite3_stmt *tables;
    char text[512];
    snprintf(text, sizeof(text), "ATTACH '%s/ewsd.db' AS other", copies->world->path);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT name FROM other.sqlite_master WHERE type = 'table' AND name NOT IN "
                                            "('meta', 'node', 'writer', 'mark', 'outbox', 'outbox_recipient', 'schema_version') "
                                            "AND name NOT LIKE 'search!_%' ESCAPE '!'", -1, &tables, NULL), SQLITE_OK);
    size_t n = 0;
    while (sqlite3_step(tables) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(tables, 0);
        assert_true(has_table(copies, name));
        snprintf(text, sizeof(text), "SELECT (SELECT COUNT(*) FROM (SELECT * FROM other.%s EXCEPT SELECT * FROM main.%s)) + "
                                     "(SELECT COUNT(*) FROM (SELECT * FROM main.%s EXCEPT SELECT * FROM other.%s))", name, name, name, name);
        assert_int_equal(number(db, text), 0);
        snprintf(text, sizeof(text), "SELECT (SELECT COUNT(*) FROM other.%s) - (SELECT COUNT(*) FROM main.%s)", name, name);
        assert_int_equal(number(db, text), 0);
        n++;
    }
    sqlite3_finalize(tables);
    assert_int_equal(n + 3, copies->n); /* meta and the two of the outbox */
    assert_int_equal(number(db, "SELECT COUNT(*) FROM main.outbox_recipient WHERE lease_owner <> 0"), 0);
    assert_int_equal(number(db, "SELECT COUNT(*) FROM main.outbox WHERE due <= 1"), 1);
    assert_int_equal(number(db, "SELECT COUNT(*) FROM main.item"), ITEMS);
    sqlite3_close(db);
}

static void a_copy_has_everything(void **state)
{
    struct copies copies = begin(state);
    assert_int_equal(copy(&copies), 0);
    assert_true(has_table(&copies, "meta") && has_table(&copies, "outbox_recipient"));
    store_close(copies.world->store); /* two at the same file, one with its own VFS, is for nobody */
    copies.world->store = NULL;
    assert_same(&copies);
    assert_int_equal(store_open(&copies.world->options, &copies.world->store), 0);
}

static void a_copy_goes_on_as_one(void **state)
{
    struct copies copies = begin(state);
    struct store_tx *tx;
    int64_t since;
    assert_int_equal(copy(&copies), 0);
    assert_int_equal(open_copy(&copies, STORE_EXISTING, false), 0);
    assert_true(store_was_copied(copies.to));
    assert_memory_equal(store_id_secret(copies.to), store_id_secret(copies.world->store), MAC_KEY_SIZE);
    assert_memory_not_equal(store_epoch(copies.to), store_epoch(copies.world->store), STORE_GUID_SIZE);
    assert_int_equal(store_read_begin(copies.to, &tx), 0);
    assert_int_equal(store_held(tx, &since), 0);
    store_read_end(tx);
    store_close(copies.to);
    assert_int_equal(open_copy(&copies, STORE_EXISTING, false), 0);
    assert_false(store_was_copied(copies.to));
    store_close(copies.to);
    tx = reader(copies.world);
    assert_int_equal(store_held(tx, &since), 1); /* and the original goes on as it was */
    store_read_end(tx);
}

static void what_is_not_whole_is_refused(void **state)
{
    struct copies copies = begin(state);
    copies.stop_at = 1000;
    assert_int_equal(copy(&copies), -ECANCELED);
    assert_int_equal(open_copy(&copies, STORE_ANY, false), -ENOTRECOVERABLE);
    assert_int_equal(open_copy(&copies, STORE_EXISTING, false), -ENOTRECOVERABLE);
    assert_int_equal(open_copy(&copies, STORE_NEW, true), -EEXIST);
    copies.stop_at = 0;
    assert_int_equal(open_copy(&copies, STORE_ANY, true), 0);
    assert_int_equal(copy(&copies), 0);
    assert_int_equal(open_copy(&copies, STORE_ANY, true), -EEXIST); /* it is whole */
    assert_int_equal(open_copy(&copies, STORE_EXISTING, false), 0);
    store_close(copies.to);
}

static void what_differs_is_told(void **state)
{
    struct copies copies = begin(state);
    copies.meddle = true;
    assert_int_equal(copy(&copies), 1);
    assert_string_equal(copies.problem.table, "replay");
    assert_int_equal(copies.problem.side, STORE_COPY_TO);
    assert_int_equal(open_copy(&copies, STORE_EXISTING, false), -ENOTRECOVERABLE);
}

/* ---- the tables ---- */

static void every_table_is_known(void **state)
{
    struct world *world = *state;
    struct tables *tables = calloc(1, sizeof(*tables));
    char text[256];
    assert_int_equal(tables_read(migrations, migrations_n, tables), 0);
    store_close(world->store);
    world->store = NULL;
    sqlite3 *db = look(world->path);
    assert_int_equal(number(db, "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name <> 'schema_version' "
                                "AND name NOT LIKE 'search!_%' ESCAPE '!'"), tables->n);
    for (size_t i = 0; i < tables->n; i++) {
        const struct table *table = &tables->v[i];
        snprintf(text, sizeof(text), "SELECT COUNT(*) FROM pragma_table_info('%.*s')", (int)table->name.len, table->name.ptr);
        assert_int_equal(number(db, text), table->columns_n);
        snprintf(text, sizeof(text), "SELECT COUNT(*) FROM pragma_table_info('%.*s') WHERE pk > 0", (int)table->name.len, table->name.ptr);
        assert_int_equal(number(db, text), table->key_n);
        for (size_t c = 0; c < table->columns_n; c++) {
            snprintf(text, sizeof(text), "SELECT COUNT(*) FROM pragma_table_info('%.*s') WHERE name = '%.*s' AND cid = %zu",
                     (int)table->name.len, table->name.ptr, (int)table->columns[c].name.len, table->columns[c].name.ptr, c);
            assert_int_equal(number(db, text), 1);
        }
    }
    sqlite3_close(db);
    free(tables);
    assert_int_equal(store_open(&world->options, &world->store), 0);
}

static void unknown_forms_are_refused(void **state)
{
    static const char *const bad[] = {
        "ALTER TABLE meta RENAME TO other", "CREATE TABLE x (a BIGINT NOT NULL)", "CREATE TABLE x (a REAL NOT NULL PRIMARY KEY)",
        "CREATE VIRTUAL TABLE x USING y", "CREATE TABLE x (a BIGINT, PRIMARY KEY (b))", "CREATE TABLE x (a BIGINT PRIMARY KEY",
        "DROP TABLE x", "ALTER TABLE x ADD COLUMN a BIGINT", "",
    };
    struct tables *tables = calloc(1, sizeof(*tables));
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const struct migration row = { .version = 1, .text = bad[i] };
        assert_int_equal(tables_read(&row, 1, tables), -EINVAL);
    }
    free(tables);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        COPY_CASE(a_copy_has_everything),
        COPY_CASE(a_copy_goes_on_as_one),
        COPY_CASE(what_is_not_whole_is_refused),
        COPY_CASE(what_differs_is_told),
        WORLD_CASE(every_table_is_known),
        WORLD_CASE(unknown_forms_are_refused),
    };
    return world_run_on("sqlite", cases, ARRAY_LEN(cases));
}
