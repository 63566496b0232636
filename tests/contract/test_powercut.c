/*
 * Power fails at each write and each sync, under a SendItem with and without a
 * copy, messages with long parts, deliveries, checkpoints and a migration. What
 * is found at the next start must keep every promise: what was answered stands,
 * what was not happened wholly or not at all, each recipient has each message
 * once, content is whole and counts agree. Of long runs of writes that no sync
 * parts one in sixteen is tried, and at each place one way of losing what was
 * not synced; --everywhere tries all ways at all places.
 */
#include "base/log.h"
#include "mime/mime.h"
#include "outbox/outbox.h"
#include "power.h"
#include "store/store_capture.h"
#include "store/store_content.h"
#include "store/store_mail.h"
#include "store/store_sql.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "world.h"

#define LONG_SIZE (STORE_STAGE_MIN + 300000)
#define PATIENCE_MS 60000

/* What is done, in this order; each is begun at one place and answered at another. */
enum step { CREATE_KEPT, CREATE_LONG, SEND_KEPT, SEND_LONG, DELIVER, STEPS };
static bool everywhere;
static const char *const subjects[] = { "kept", "long" };

struct scene {
    char path[64];
    struct conf conf;
    struct store *store;
    struct arena *arena;
    struct store_mailbox alice, bob;
    char *bytes; /* LONG_SIZE of them */
    size_t begun[STEPS], answered[STEPS];
};

static int make_people(struct store_tx *tx, void *arg)
{
    int64_t id;
    (void)arg;
    int r = store_mailbox_create(tx, SPAN("alice@example.test"), SPAN("Alice"), SPAN("$y$hash"), &id);
    return r ? r : store_mailbox_create(tx, SPAN("bob@example.test"), SPAN("Bob"), SPAN("$y$hash"), &id);
}

static struct store *open_store(const char *path)
{
    struct store *store;
    /* a checkpoint every few transactions */
    assert_int_equal(store_open(&(struct store_options){ .path = path, .checkpoint_pages = 40, .in_place = true }, &store), 0);
    return store;
}

static struct store_tx *snapshot(struct store *store)
{
    struct store_tx *tx = NULL;
    assert_int_equal(store_read_begin(store, &tx), 0);
    return tx;
}

/* In memory where that can be had: what counts are the writes, not the disk. */
static void make_folder(char path[64])
{
    snprintf(path, 64, "%s/ewsd-power.XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(path));
}

static void remove_folder(const char *path)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", path);
    assert_int_equal(system(command), 0);
}

/* ---- what happens before the cut ---- */

static struct item draft_of(const struct scene *scene, size_t which, struct rcpt rcpts[2], struct attachment *attachment)
{
    struct item item;
    item_init(&item);
    rcpts[0] = (struct rcpt){ .address = SPAN("bob@example.test"), .type = RCPT_TO };
    rcpts[1] = (struct rcpt){ .address = SPAN("carol@elsewhere.test"), .type = RCPT_TO };
    item.mailbox_id = scene->alice.mailbox_id;
    item.folder_no = FOLDER_ROLE_drafts;
    item.flags = ITEM_DRAFT | ITEM_READ;
    item.subject = span_of(subjects[which]);
    item.body = SPAN("A body");
    item.created = item.modified = item.received = when_now();
    item.to = (struct rcpt_list){ rcpts, 2 };
    *attachment = (struct attachment){ .name = SPAN("a.bin"), .data = { scene->bytes, which ? LONG_SIZE : 5000 } };
    item.attachments = (struct attachment_list){ attachment, 1 };
    return item;
}

static int insert_job(struct store_tx *tx, void *arg)
{
    return store_item_insert(tx, arg);
}

struct sending {
    const struct scene *scene;
    struct item draft;
    uint64_t save_folder;
};

static int submit_job(struct store_tx *tx, void *arg)
{
    const struct sending *sending = arg;
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    struct outbox_sent sent;
    int r = arena_new(16u << 20, &arena);
    if (r)
        return r;
    const struct outbox_submit submit = { .conf = &sending->scene->conf, .arena = arena, .caller = &sending->scene->alice,
                                          .sender = &sending->scene->alice, .mailbox = &sending->scene->alice,
                                          .save_mailbox = &sending->scene->alice,
                                          .id_text = sending->draft.subject, .folder_no = sending->draft.folder_no,
                                          .item_no = sending->draft.item_no, .key_no = sending->draft.key_no,
                                          .save_folder = sending->save_folder };
    return outbox_submit(tx, &submit, &sent);
}

static void begin(struct scene *scene, enum step step)
{
    scene->begun[step] = power_now();
}

static void answer(struct scene *scene, enum step step)
{
    scene->answered[step] = power_now();
}

static uint64_t queued(struct store *store)
{
    uint64_t n;
    struct store_tx *tx = snapshot(store);
    assert_int_equal(store_outbox_count(tx, 0, &n), 0);
    store_read_end(tx);
    return n;
}

static void deliver(struct store *store, const struct conf *conf)
{
    struct outbox *outbox;
    int64_t end = when_monotonic() + PATIENCE_MS;
    assert_int_equal(outbox_start(&(struct outbox_options){ .store = store, .conf = conf, .capture = true }, &outbox), 0);
    outbox_wake(outbox);
    while (queued(store) > 0) {
        assert_true(when_monotonic() < end);
        usleep(1000);
    }
    outbox_stop(outbox);
}

static void play(struct scene *scene)
{
    struct rcpt rcpts[2];
    struct attachment attachments[2];
    struct item drafts[2];
    for (size_t i = 0; i < 2; i++) {
        drafts[i] = draft_of(scene, i, rcpts, &attachments[i]);
        begin(scene, i ? CREATE_LONG : CREATE_KEPT);
        assert_int_equal(store_stage_item(scene->store, &drafts[i]), 0);
        assert_int_equal(store_write(scene->store, insert_job, &drafts[i]), 0);
        answer(scene, i ? CREATE_LONG : CREATE_KEPT);
    }
    for (size_t i = 0; i < 2; i++) { /* the first with a copy, the second without */
        struct sending sending = { scene, drafts[i], i ? 0 : FOLDER_ROLE_sentitems };
        begin(scene, i ? SEND_LONG : SEND_KEPT);
        assert_int_equal(store_write(scene->store, submit_job, &sending), 0);
        answer(scene, i ? SEND_LONG : SEND_KEPT);
    }
    begin(scene, DELIVER);
    deliver(scene->store, &scene->conf);
    answer(scene, DELIVER);
}

/* ---- what must be there afterwards ---- */

/* How many items of the folder have the subject; each must be whole. */
static size_t count_items(struct scene *scene, struct store *store, int64_t mailbox_id, enum folder_role role, size_t which)
{
    struct item *items;
    struct folder folder;
    size_t n, found = 0;
    uint64_t total;
    struct store_tx *tx = snapshot(store);
    const struct store_find find = { .mailbox_id = mailbox_id, .folder_no = role, .limit = 100, .depth = STORE_ALL };
    assert_int_equal(store_item_find(tx, scene->arena, &find, &items, &n, &total), 0);
    assert_int_equal(store_folder_by_role(tx, scene->arena, mailbox_id, role, &folder), 0);
    assert_int_equal(folder.total, n);
    for (size_t i = 0; i < n; i++) {
        if (!span_is(items[i].subject, subjects[which]))
            continue;
        found++;
        assert_true(span_is(items[i].body, "A body"));
        assert_int_equal(items[i].attachments.n, 1);
        assert_true(span_eq(items[i].attachments.v[0].data, (struct span){ scene->bytes, which ? LONG_SIZE : 5000 }));
    }
    store_read_end(tx);
    return found;
}

static size_t count_captured(struct scene *scene, struct store *store, size_t which)
{
    struct store_capture *captured;
    size_t n, found = 0;
    struct span raw;
    struct store_tx *tx = snapshot(store);
    assert_int_equal(store_capture_list(tx, scene->arena, 0, 0, &captured, &n), 0);
    for (size_t i = 0; i < n; i++) {
        if (!span_is(captured[i].subject, subjects[which]))
            continue;
        found++;
        assert_int_equal(store_capture_raw(tx, scene->arena, captured[i].capture_no, &raw), 0);
        assert_int_equal(raw.len, captured[i].size);
    }
    store_read_end(tx);
    return found;
}

static void check_message(struct scene *scene, struct store *store, size_t at, size_t which, bool *ret_sent)
{
    const enum step create = which ? CREATE_LONG : CREATE_KEPT, send = which ? SEND_LONG : SEND_KEPT;
    size_t draft = count_items(scene, store, scene->alice.mailbox_id, FOLDER_ROLE_drafts, which);
    size_t copy = count_items(scene, store, scene->alice.mailbox_id, FOLDER_ROLE_sentitems, which);
    bool created = at >= scene->answered[create], sent = at >= scene->answered[send];
    if (at < scene->begun[send]) {
        assert_int_equal(copy, 0);
        assert_true(draft == 1 || (draft == 0 && !created));
        assert_true(at >= scene->begun[create] || draft == 0);
        *ret_sent = false;
        return;
    }
    *ret_sent = draft == 0;
    assert_true(!sent || *ret_sent);
    assert_int_equal(copy, *ret_sent && which == 0 ? 1 : 0);
}

static int sweep_job(struct store_tx *tx, void *arg)
{
    return store_sweep(tx, when_now(), arg);
}

static int count_chunks(struct store_tx *tx, void *arg)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    int r = sql_open_text(tx, "SELECT COUNT(*) FROM chunk WHERE NOT EXISTS (SELECT 1 FROM content c WHERE c.mailbox_id = "
                              "chunk.mailbox_id AND c.content_no = chunk.content_no) AND NOT EXISTS (SELECT 1 FROM capture p "
                              "WHERE p.mailbox_id = chunk.mailbox_id AND p.content_no = chunk.content_no) AND NOT EXISTS (SELECT 1 "
                              "FROM garbage g WHERE g.mailbox_id = chunk.mailbox_id AND g.content_no = chunk.content_no)", NULL, 0,
                          &sql);
    if (r == 0 && (r = sql_next(&sql)) == 1)
        *(int64_t *)arg = sql_int(&sql, 0);
    return r < 0 ? r : 0;
}

/* Pieces that nothing refers to are swept, or listed for it. */
static void check_chunks(struct store *store)
{
    bool more = true;
    int64_t orphans = -1;
    while (more)
        assert_int_equal(store_write(store, sweep_job, &more), 0);
    assert_int_equal(store_write(store, count_chunks, &orphans), 0);
    assert_int_equal(orphans, 0);
}

static void check(struct scene *scene, size_t at, const char *path)
{
    bool sent[2];
    struct store *store = open_store(path);
    for (size_t i = 0; i < 2; i++)
        check_message(scene, store, at, i, &sent[i]);
    deliver(store, &scene->conf);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(count_items(scene, store, scene->bob.mailbox_id, FOLDER_ROLE_inbox, i), sent[i]);
        assert_int_equal(count_captured(scene, store, i), sent[i]);
    }
    check_chunks(store);
    store_close(store);
    arena_reset(scene->arena);
}

/* ---- the cases ---- */

static void set_scene(struct scene *scene)
{
    *scene = (struct scene){ .bytes = malloc(LONG_SIZE) };
    conf_init(&scene->conf);
    assert_non_null(scene->bytes);
    for (size_t i = 0; i < LONG_SIZE; i++)
        scene->bytes[i] = (char)(' ' + i / 611 % 90);
    make_folder(scene->path);
    assert_int_equal(arena_new(256u << 20, &scene->arena), 0);
    scene->store = open_store(scene->path);
    assert_int_equal(store_write(scene->store, make_people, NULL), 0);
    struct store_tx *tx = snapshot(scene->store);
    assert_int_equal(store_mailbox_by_address(tx, scene->arena, SPAN("alice@example.test"), &scene->alice), 0);
    assert_int_equal(store_mailbox_by_address(tx, scene->arena, SPAN("bob@example.test"), &scene->bob), 0);
    store_read_end(tx);
    store_close(scene->store);
}

static void test_mail(void **state)
{
    static const enum power_unsynced ways[] = { POWER_LOST, POWER_TORN, POWER_TORN, POWER_KEPT };
    struct scene scene;
    char cut[64];
    (void)state;
    set_scene(&scene);
    make_folder(cut);
    power_record(scene.path);
    scene.store = open_store(scene.path);
    play(&scene);
    store_close(scene.store);
    power_stop();
    size_t events = power_now();
    assert_true(events > 50);
    size_t cuts = 0;
    for (size_t at = 0; at <= events; at++) {
        if (!everywhere && power_amid(at) && at % 16)
            continue;
        for (size_t tries = everywhere ? ARRAY_LEN(ways) : 1; tries > 0; tries--) {
            power_cut(at, ways[cuts % ARRAY_LEN(ways)], (unsigned)cuts, cut);
            check(&scene, at, cut);
            cuts++;
        }
        if (everywhere && at % 100 == 0)
            print_message("cut at place %zu of %zu\n", at, events + 1);
    }
    print_message("power was cut %zu times in the mail, of %zu places\n", cuts, events + 1);
    power_forget();
    remove_folder(cut);
    remove_folder(scene.path);
    arena_free(scene.arena);
    free(scene.bytes);
}

/* A store of the first version comes up as one of the newest, or can still be
 * brought there. */
static void test_migration(void **state)
{
    char old[64], cut[64];
    struct store *store;
    (void)state;
    make_folder(old);
    make_folder(cut);
    make_version("sqlite", old, 1);
    power_record(old);
    store_close(open_store(old));
    power_stop();
    for (size_t at = 0; at <= power_now(); at++) {
        int found, newest;
        power_cut(at, at % 2 ? POWER_TORN : POWER_LOST, (unsigned)at, cut);
        store = open_store(cut);
        store_versions(store, &found, &newest);
        assert_true(found == 1 || found == newest);
        assert_int_equal(store_write(store, make_people, NULL), 0);
        store_close(store);
    }
    print_message("power was cut %zu times in a migration\n", power_now() + 1);
    power_forget();
    remove_folder(cut);
    remove_folder(old);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest cases[] = { cmocka_unit_test(test_mail), cmocka_unit_test(test_migration) };
    everywhere = argc > 1 && strcmp(argv[1], "--everywhere") == 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    mime_init();
    log_set_level(LOG_ERROR_LEVEL);
    power_install();
    return cmocka_run_group_tests(cases, NULL, NULL);
}
