/*
 * The contract of the directory, over every row of drivers.def: lists, groups, opening
 * by mode and version, and removing a mailbox: at once for everybody else, in
 * bounded steps for what it held, resumed after any end, and its neighbours
 * unharmed. It looks inside (store_core.h) to count the rows of every table.
 */
#include "model/code.h"
#include "store/store_capture.h"
#include "store/store_content.h"
#include "store/store_core.h"
#include "store/store_folder.h"
#include "store/store_group.h"
#include "store/store_mail.h"
#include "store/store_queue.h"
#include "store/store_words.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "world.h"

#define ITEMS 4
#define STEP_MAX 500 /* rows that one step may write */
#define STEP_CHUNKS 8 /* and pieces of 256 KB among them */
#define TABLES_MAX 40

struct step {
    int64_t written;
    bool more;
};

/* ---- two people who have something in every table ---- */

static int insert_items(struct store_tx *tx, int64_t mailbox_id, struct span big)
{
    for (int i = 0; i < ITEMS; i++) {
        struct item attached;
        struct attachment attachments[] = { { .name = SPAN("a"), .content_type = SPAN("text/plain"), .data = big },
                                            { .name = SPAN("b"), .kind = ATTACHMENT_ITEM, .item = &attached } };
        struct rcpt to = { .address = SPAN("carol@elsewhere.test"), .type = RCPT_TO };
        struct item item;
        item_init(&attached);
        item_init(&item);
        item.mailbox_id = mailbox_id;
        item.folder_no = FOLDER_ROLE_inbox;
        item.item_class = SPAN("IPM.Note");
        item.body = item.mime = big;
        item.to = (struct rcpt_list){ &to, 1 };
        item.attachments = (struct attachment_list){ attachments, ARRAY_LEN(attachments) };
        item.size = big.len;
        int r = store_item_insert(tx, &item);
        if (r)
            return r;
    }
    return 0;
}

static int insert_entry(struct store_tx *tx, int64_t mailbox_id)
{
    struct store_outbox_rcpt rcpts[2] = { { .address = SPAN("x@elsewhere.test"), .kind = STORE_RCPT_REMOTE, .status = SPAN("4.4.1 no") },
                                          { .address = SPAN("y@elsewhere.test"), .kind = STORE_RCPT_REMOTE } };
    struct store_outbox entry = { .mailbox_id = mailbox_id, .message_id = SPAN("<1@x>"), .rcpts = rcpts, .rcpts_n = 2 };
    struct item item;
    item_init(&item);
    item.mailbox_id = mailbox_id;
    item.item_class = SPAN("IPM.Note");
    item.body = SPAN("waits");
    return store_outbox_insert(tx, &item, &entry);
}

static int insert_deleted(struct store_tx *tx, int64_t mailbox_id)
{
    struct item item;
    item_init(&item);
    item.mailbox_id = mailbox_id;
    item.folder_no = FOLDER_ROLE_inbox;
    int r = store_item_insert(tx, &item);
    return r ? r : store_item_move(tx, &item, FOLDER_ROLE_recoverableitemsdeletions, true);
}

static int insert_rest(struct store_tx *tx, int64_t mailbox_id)
{
    const uint8_t key[SHA256_SIZE] = { 7 };
    struct store_capture capture = { .mailbox_id = mailbox_id, .outbox_no = 5, .sender = SPAN("s"), .subject = SPAN("t"),
                                     .rcpts = &SPAN("r"), .rcpts_n = 1 };
    int r = store_capture_put(tx, &capture, SPAN("raw"));
    if (r == 0)
        r = store_replay_put(tx, mailbox_id, 1, key, SPAN("answer"), INT64_MAX);
    return r ? r : store_delivery_mark(tx, mailbox_id, key, INT64_MAX);
}

static int insert_folder(struct store_tx *tx, int64_t mailbox_id)
{
    struct folder folder = { .mailbox_id = mailbox_id, .parent_no = FOLDER_ROLE_inbox, .name = SPAN("made") };
    return store_folder_insert(tx, &folder);
}

static int index_mailbox(struct store_tx *tx, int64_t mailbox_id)
{
    bool more = true;
    int r = 0;
    while (r == 0 && more)
        r = store_words_step(tx, mailbox_id, 1 << 20, &more);
    return r;
}

static int fill_mailbox(struct store_tx *tx, struct world *world, int64_t mailbox_id)
{
    const size_t size = 300000; /* two chunks */
    char *big = arena_alloc(world->arena, size);
    int r = big ? insert_items(tx, mailbox_id, (struct span){ memset(big, 'x', size), size }) : -ENOMEM;
    if (r == 0)
        r = insert_entry(tx, mailbox_id);
    if (r == 0)
        r = insert_folder(tx, mailbox_id);
    if (r == 0)
        r = index_mailbox(tx, mailbox_id);
    if (r == 0)
        r = insert_deleted(tx, mailbox_id);
    return r ? r : insert_rest(tx, mailbox_id);
}

static int fill(struct store_tx *tx, struct world *world, void *data)
{
    (void)data;
    int r = fill_mailbox(tx, world, world->alice);
    if (r == 0)
        r = fill_mailbox(tx, world, world->bob);
    if (r == 0)
        r = store_grant_set(tx, world->alice, world->bob, 5);
    if (r == 0)
        r = store_permission_set(tx, world->alice, FOLDER_ROLE_inbox, world->bob, 0x401);
    if (r == 0)
        r = store_permission_set(tx, world->bob, FOLDER_ROLE_inbox, world->alice, 0x401);
    return r ? r : store_grant_set(tx, world->bob, world->alice, 2);
}

/* Content on the list of the sweep, as an upload that was given up leaves it. */
static void stage(struct world *world, int64_t mailbox_id)
{
    const size_t size = 1500000;
    char *big = arena_alloc(world->arena, size);
    assert_non_null(big);
    struct attachment attachment = { .data = { memset(big, 'x', size), size } };
    assert_int_equal(store_stage_attachment(world->store, mailbox_id, &attachment), 0);
    assert_int_not_equal(attachment.staged_no, 0);
}

static void make_people(struct world *world)
{
    assert_int_equal(do_write(world, fill, NULL), 0);
    stage(world, world->alice);
    stage(world, world->bob);
}

static int remove_alice(struct store_tx *tx, struct world *world, void *data)
{
    (void)data;
    return store_mailbox_remove(tx, world->alice, false);
}

static int force_alice(struct store_tx *tx, struct world *world, void *data)
{
    (void)data;
    return store_mailbox_remove(tx, world->alice, true);
}

static int sweep_once(struct store_tx *tx, struct world *world, void *data)
{
    struct step *step = data;
    (void)world;
    int r = store_mailbox_sweep(tx, &step->more);
    step->written = tx->driver->changes(tx->conn);
    return r;
}

/* ---- counting what is left ---- */

static int64_t count(struct world *world, const char *table, int64_t mailbox_id)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    CLEANUP(sql_close) struct sql sql = { 0 };
    char text[128];
    snprintf(text, sizeof(text), "SELECT COUNT(*) FROM %s WHERE mailbox_id = $1", table);
    assert_int_equal(store_read_begin(world->store, &tx), 0);
    assert_int_equal(sql_open_text(tx, text, ARGS(V_INT(mailbox_id)), &sql), 0);
    assert_int_equal(sql_next(&sql), 1);
    return sql_int(&sql, 0);
}

/* Each table that migrations.def gives a mailbox_id, so that nobody adds one
 * and forgets the sweep. trace expires by itself, removed is the record, mark is of no mailbox. */
static size_t each_table(void (*visit)(struct world *, const char *table, int64_t *data), struct world *world, int64_t *data)
{
    size_t n = 0;
    for (unsigned i = 0; i < migrations_n; i++) {
        char table[64];
        if (sscanf(migrations[i].text, "CREATE TABLE %63[a-z_]", table) != 1 || !strstr(migrations[i].text, "mailbox_id BIGINT") ||
            strcmp(table, "trace") == 0 || strcmp(table, "removed") == 0 || strcmp(table, "mark") == 0)
            continue;
        assert_true(n < TABLES_MAX);
        visit(world, table, &data[n++]);
    }
    return n;
}

static void count_alice(struct world *world, const char *table, int64_t *data)
{
    *data = count(world, table, world->alice);
}

static void count_bob(struct world *world, const char *table, int64_t *data)
{
    *data = count(world, table, world->bob);
}

static void has_some(struct world *world, const char *table, int64_t *data)
{
    (void)data;
    if (count(world, table, world->alice) == 0)
        fail_msg("alice has nothing in %s: the test must put something there", table);
}

/* ---- the tests ---- */

static void lists_are_whole(void **state)
{
    struct world *world = *state;
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    struct store_address *addresses;
    struct store_grant *grants;
    struct store_usage *folders;
    size_t n;
    make_people(world);
    assert_int_equal(store_read_begin(world->store, &tx), 0);
    assert_int_equal(store_address_list(tx, world->arena, 0, &addresses, &n), 0);
    assert_int_equal(n, 3);
    assert_true(span_is(addresses[2].address, "post@example.test") && span_is(addresses[2].mailbox, "alice@example.test"));
    assert_int_equal(store_address_list(tx, world->arena, world->bob, &addresses, &n), 0);
    assert_int_equal(n, 1);
    assert_int_equal(store_grant_list(tx, world->arena, 0, 0, &grants, &n), 0);
    assert_int_equal(n, 2);
    assert_int_equal(store_grant_list(tx, world->arena, world->alice, 0, &grants, &n), 0);
    assert_int_equal(n, 1);
    assert_true(span_is(grants[0].mailbox, "alice@example.test") && span_is(grants[0].grantee, "Bob@Example.test"));
    assert_int_equal(grants[0].rights, 5);
    assert_int_equal(store_grant_list(tx, world->arena, 0, world->alice, &grants, &n), 0);
    assert_true(n == 1 && grants[0].mailbox_id == world->bob && grants[0].rights == 2);
    assert_int_equal(store_mailbox_usage(tx, world->arena, world->alice, &folders, &n), 0);
    assert_true(n == 2 && span_is(folders[0].name, "Inbox") && folders[0].total == ITEMS && folders[0].unread == ITEMS);
    assert_int_equal(folders[0].size, ITEMS * 300000);
    assert_true(span_is(folders[1].name, "Deletions") && folders[1].total == 1);
    assert_int_equal(store_mailbox_usage(tx, world->arena, 999, &folders, &n), 0);
    assert_int_equal(n, 0);
}

static int drop_post(struct store_tx *tx, struct world *world, void *data)
{
    (void)world;
    (void)data;
    return store_address_remove(tx, SPAN("POST@example.test"));
}

static void addresses_are_removed(void **state)
{
    struct world *world = *state;
    make_people(world);
    assert_int_equal(do_write(world, drop_post, NULL), 0);
    assert_int_equal(do_write(world, drop_post, NULL), 1);
    assert_int_equal(count(world, "address", world->alice), 1);
}

static void the_queue_is_listed_in_pages(void **state)
{
    struct world *world = *state;
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    struct store_outbox_key *keys, first;
    size_t n;
    make_people(world);
    assert_int_equal(store_read_begin(world->store, &tx), 0);
    assert_int_equal(store_outbox_list(tx, world->arena, (struct store_outbox_key){ 0 }, 1, &keys, &n), 0);
    assert_true(n == 1 && keys[0].mailbox_id == world->alice);
    first = keys[0];
    assert_int_equal(store_outbox_list(tx, world->arena, first, 10, &keys, &n), 0);
    assert_true(n == 1 && keys[0].mailbox_id == world->bob);
    assert_int_equal(store_outbox_list(tx, world->arena, keys[0], 10, &keys, &n), 0);
    assert_int_equal(n, 0);
}

struct deed {
    struct store_outbox_key key;
    int64_t now;
    uint64_t n;
    int (*act)(struct store_tx *tx, struct deed *deed);
};

static int do_deed(struct store_tx *tx, struct world *world, void *data)
{
    struct deed *deed = data;
    (void)world;
    return deed->act(tx, deed);
}

static int hold(struct store_tx *tx, struct deed *deed)
{
    return store_outbox_set_held(tx, deed->key, true);
}

static int release(struct store_tx *tx, struct deed *deed)
{
    return store_outbox_set_held(tx, deed->key, false);
}

static int hurry(struct store_tx *tx, struct deed *deed)
{
    return store_outbox_hurry(tx, deed->key, deed->now, 0);
}

static size_t due_at(struct world *world, int64_t now)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    struct store_outbox_key *keys;
    int64_t next;
    size_t n;
    assert_int_equal(store_read_begin(world->store, &tx), 0);
    assert_int_equal(store_outbox_due(tx, world->arena, now, 10, &keys, &n, &next), 0);
    return n;
}

/* Held is not due, also after a restart, whatever else happens to the entry. */
static void entries_are_held_and_hurried(void **state)
{
    struct world *world = *state;
    struct deed deed = { .now = 1000 };
    size_t n;
    struct store_outbox_key *keys;
    make_people(world);
    {
        CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
        assert_int_equal(store_read_begin(world->store, &tx), 0);
        assert_int_equal(store_outbox_list(tx, world->arena, (struct store_outbox_key){ 0 }, 1, &keys, &n), 0);
        deed.key = keys[0];
    }
    assert_int_equal(due_at(world, INT64_MAX - 1), 2);
    deed.act = hold;
    assert_int_equal(do_write(world, do_deed, &deed), 0);
    assert_int_equal(do_write(world, do_deed, &deed), 1);
    assert_int_equal(due_at(world, INT64_MAX - 1), 1);
    reopen(world);
    assert_int_equal(due_at(world, INT64_MAX - 1), 1);
    deed.act = hurry;
    (void)do_write(world, do_deed, &deed);
    assert_int_equal(due_at(world, INT64_MAX - 1), 1);
    deed.act = release;
    assert_int_equal(do_write(world, do_deed, &deed), 0);
    assert_int_equal(do_write(world, do_deed, &deed), 1);
    assert_int_equal(due_at(world, INT64_MAX - 1), 2);
    deed.key.outbox_no = 999999;
    assert_int_equal(do_write(world, do_deed, &deed), 1);
}

#define DAY 86400000LL

static int put_traces(struct store_tx *tx, struct deed *deed)
{
    struct store_trace trace = { .key = { 7, 1000 }, .address = SPAN("x@a.test"), .state = STORE_RCPT_SENT, .status = SPAN("250 ok") };
    int r = 0;
    for (uint32_t day = 0; r == 0 && day < 3; day++) {
        trace.no = day;
        trace.at = deed->now + day * DAY;
        r = store_trace_put(tx, SPAN("<1@a.test>"), &trace);
        if (r == 0)
            r = store_trace_put(tx, SPAN("<1@a.test>"), &trace);
    }
    return r == 0 ? store_trace_put(tx, SPAN("<2@a.test>"), &trace) : r;
}

static int expire_traces(struct store_tx *tx, struct deed *deed)
{
    return store_trace_expire(tx, deed->now, 10, &deed->n);
}

static size_t traces_of(struct world *world, const char *message_id, int64_t since, int64_t until)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    struct store_trace *traces;
    size_t n;
    assert_int_equal(store_read_begin(world->store, &tx), 0);
    assert_int_equal(store_trace_find(tx, world->arena, span_of(message_id), since, until, &traces, &n), 0);
    assert_true(n == 0 || (span_is(traces[0].address, "x@a.test") && span_is(traces[0].status, "250 ok") && traces[0].key.outbox_no == 1000));
    return n;
}

static void traces_are_kept_by_the_day(void **state)
{
    struct world *world = *state;
    struct deed deed = { .act = put_traces, .now = 5 * DAY + 100 };
    assert_int_equal(do_write(world, do_deed, &deed), 0);
    assert_int_equal(traces_of(world, "<1@a.test>", 0, 10 * DAY), 3);
    assert_int_equal(traces_of(world, "<1@a.test>", 6 * DAY, 6 * DAY), 1);
    assert_int_equal(traces_of(world, "<2@a.test>", 0, 10 * DAY), 1);
    assert_int_equal(traces_of(world, "<3@a.test>", 0, 10 * DAY), 0);
    deed.act = expire_traces;
    deed.now = 7 * DAY + 5;
    assert_int_equal(do_write(world, do_deed, &deed), 0);
    assert_int_equal(deed.n, 2);
    assert_int_equal(traces_of(world, "<1@a.test>", 0, 10 * DAY), 1);
}

static void queued_mail_holds_a_mailbox(void **state)
{
    struct world *world = *state;
    make_people(world);
    assert_int_equal(do_write(world, remove_alice, NULL), 1);
    assert_int_equal(count(world, "mailbox", world->alice), 1);
    assert_int_equal(count(world, "address", world->alice), 2);
    assert_int_equal(count(world, "removed", world->alice), 0);
}

/* Before anything is swept. */
static void a_removed_mailbox_is_gone_at_once(void **state)
{
    struct world *world = *state;
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    struct store_mailbox mailbox;
    struct store_outbox_key *keys;
    struct store_grant *grants;
    struct store_permission *permissions;
    int64_t next;
    size_t n;
    make_people(world);
    assert_int_equal(do_write(world, force_alice, NULL), 0);
    assert_int_equal(do_write(world, force_alice, NULL), CODE_ErrorNonExistentMailbox);
    assert_int_equal(store_read_begin(world->store, &tx), 0);
    assert_int_equal(store_mailbox_by_address(tx, world->arena, SPAN("alice@example.test"), &mailbox), CODE_ErrorNonExistentMailbox);
    assert_int_equal(store_mailbox_by_address(tx, world->arena, SPAN("post@example.test"), &mailbox), CODE_ErrorNonExistentMailbox);
    assert_int_equal(store_mailbox_by_id(tx, world->arena, world->alice, &mailbox), CODE_ErrorNonExistentMailbox);
    assert_int_equal(store_grant_list(tx, world->arena, 0, 0, &grants, &n), 0);
    assert_int_equal(n, 0);
    assert_int_equal(store_permission_list(tx, world->arena, 0, 0, &permissions, &n), 0);
    assert_int_equal(n, 0);
    assert_int_equal(store_outbox_due(tx, world->arena, INT64_MAX - 1, 10, &keys, &n, &next), 0);
    assert_true(n == 1 && keys[0].mailbox_id == world->bob);
}

static int make_carol(struct store_tx *tx, void *ret_id)
{
    return store_mailbox_create(tx, SPAN("carol@example.test"), SPAN(""), SPAN(""), ret_id);
}

static int force_bob(struct store_tx *tx, struct world *world, void *data)
{
    (void)data;
    return store_mailbox_remove(tx, world->bob, true);
}

static void sweep_all(struct world *world)
{
    for (struct step step = { .more = true }; step.more;)
        assert_int_equal(do_write(world, sweep_once, &step), 0);
}

/* bob's is the highest, so MAX() alone would give it again. */
static void numbers_are_not_given_again(void **state)
{
    struct world *world = *state;
    int64_t carol = 0;
    make_people(world);
    assert_int_equal(do_write(world, force_bob, NULL), 0);
    sweep_all(world);
    reopen(world);
    assert_int_equal(store_write(world->store, make_carol, &carol), 0);
    assert_int_equal(carol, world->bob + 1);
}

static void removals_queue_up(void **state)
{
    struct world *world = *state;
    int64_t left[2 * TABLES_MAX];
    make_people(world);
    assert_int_equal(do_write(world, force_bob, NULL), 0);
    assert_int_equal(do_write(world, force_alice, NULL), 0);
    sweep_all(world);
    size_t n = each_table(count_alice, world, left);
    each_table(count_bob, world, left + n);
    for (size_t i = 0; i < 2 * n; i++)
        assert_int_equal(left[i], 0);
}

/* Each step is small, any of them may be the last before the program ends, and
 * what is left in the end is what bob has. */
static void removal_is_swept_in_steps(void **state)
{
    struct world *world = *state;
    int64_t before[TABLES_MAX], left[TABLES_MAX];
    unsigned steps = 0;
    make_people(world);
    each_table(has_some, world, left);
    assert_int_equal(do_write(world, force_alice, NULL), 0);
    each_table(count_bob, world, before); /* now: the grants went both ways */
    for (struct step step = { .more = true }; step.more; steps++) {
        int64_t chunks = count(world, "chunk", world->alice);
        assert_int_equal(do_write(world, sweep_once, &step), 0);
        assert_true(step.written <= STEP_MAX);
        assert_true(chunks - count(world, "chunk", world->alice) <= STEP_CHUNKS);
        if (steps % 3 == 0)
            reopen(world);
    }
    size_t n = each_table(count_alice, world, left);
    assert_true(n >= 12 && steps >= n - 4);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(left[i], 0);
    each_table(count_bob, world, left);
    assert_memory_equal(before, left, n * sizeof(*left));
}

static void *stage_in_background(void *arg)
{
    struct world *world = arg;
    const size_t size = 16 << 20;
    char *big = malloc(size);
    struct attachment attachment = { .data = { memset(big, 'x', size), size } };
    (void)store_stage_attachment(world->store, world->alice, &attachment); /* -ENOENT, unless it was faster */
    free(big);
    return NULL;
}

/* An upload under way when its mailbox goes leaves nothing behind, either. */
static void uploads_end_with_their_mailbox(void **state)
{
    struct world *world = *state;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, stage_in_background, world), 0);
    while (count(world, "chunk", world->alice) == 0)
        sched_yield();
    assert_int_equal(do_write(world, force_alice, NULL), 0);
    sweep_all(world);
    pthread_join(thread, NULL);
    assert_int_equal(count(world, "chunk", world->alice), 0);
    assert_int_equal(count(world, "garbage", world->alice), 0);
}

/* ---- opening ---- */

static int open_as(struct world *world, enum store_mode mode, const char *path)
{
    struct store_options options = world->options;
    struct store *store = NULL;
    options.mode = mode;
    options.path = path;
    int r = store_open(&options, &store);
    store_close(store);
    return r;
}

static void modes_are_kept(void **state)
{
    struct world *world = *state;
    char path[WORLD_PATH_SIZE];
    make_place(world->driver, path);
    assert_int_equal(open_as(world, STORE_EXISTING, path), -ENOENT);
    assert_int_equal(open_as(world, STORE_NEW, path), 0);
    assert_int_equal(open_as(world, STORE_NEW, path), -EEXIST);
    assert_int_equal(open_as(world, STORE_EXISTING, path), 0);
    assert_int_equal(open_as(world, STORE_ANY, path), 0);
    remove_place(world->driver, path);
}

static void a_folder_that_is_no_store_stays_so(void **state)
{
    struct world *world = *state;
    char path[WORLD_PATH_SIZE + 16], lock[WORLD_PATH_SIZE + 32];
    if (!is_sqlite(world))
        return;
    snprintf(path, sizeof(path), "%s/new", world->path);
    snprintf(lock, sizeof(lock), "%s/ewsd.lock", path);
    assert_int_equal(open_as(world, STORE_EXISTING, path), -ENOENT);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(open_as(world, STORE_EXISTING, path), -ENOENT);
    assert_int_not_equal(access(lock, F_OK), 0);
}

static void every_version_is_upgraded(void **state)
{
    struct world *world = *state;
    int newest, found, now;
    store_versions(world->store, &found, &newest);
    assert_int_equal(found, 0);
    reopen(world);
    store_versions(world->store, &found, &now);
    assert_true(found == newest && now == newest);
    for (int version = 1; version <= newest + 1; version++) {
        struct store_options options = world->options;
        struct store *store;
        int64_t carol = 0;
        char place[WORLD_PATH_SIZE];
        make_place(world->driver, place);
        make_version(world->options.driver, place, version);
        options.path = place;
        assert_int_equal(store_open(&options, &store), version > newest ? -ENOTSUP : 0);
        if (version <= newest) {
            store_versions(store, &found, &now);
            assert_true(found == version && now == newest);
            assert_int_equal(store_write(store, make_carol, &carol), 0);
            store_close(store);
        }
        remove_place(world->driver, place);
    }
}

/* ---- groups ---- */

/* Inside a job an assertion would leave the writer in the middle of it. */
#define HOLDS(what)          \
    do {                     \
        if (!(what))         \
            return __LINE__; \
    } while (0)

struct grouping {
    struct arena *arena;
    struct store_listing *entries;
    size_t n;
};

static int make_groups(struct store_tx *tx, void *arg)
{
    (void)arg;
    HOLDS(store_group_create(tx, SPAN("Staff@Lists.test"), SPAN("All Staff")) == 0);
    HOLDS(store_group_create(tx, SPAN("staff@lists.TEST"), SPAN("x")) == 1);
    HOLDS(store_group_create(tx, SPAN("alice@example.test"), SPAN("x")) == 1);
    HOLDS(store_group_create(tx, SPAN("crew@example.test"), SPAN("")) == 0);
    HOLDS(store_group_add_member(tx, SPAN("staff@lists.test"), SPAN("Crew@example.test")) == 0);
    HOLDS(store_group_add_member(tx, SPAN("staff@lists.test"), SPAN("BOB@example.test")) == 0);
    HOLDS(store_group_add_member(tx, SPAN("staff@lists.test"), SPAN("bob@example.test")) == 1);
    HOLDS(store_group_add_member(tx, SPAN("staff@lists.test"), SPAN("Eve@Elsewhere.test")) == 0);
    return 0;
}

static bool is_entry(const struct store_listing *entry, enum store_entry_kind kind, const char *address, const char *name)
{
    return entry->kind == kind && span_is(entry->address, address) && span_is(entry->name, name);
}

static int check_groups(struct store_tx *tx, void *arg)
{
    struct grouping *all = arg;
    struct store_group group;
    bool local = false;
    HOLDS(store_group_members(tx, all->arena, SPAN("STAFF@lists.test"), &all->entries, &all->n) == 0);
    HOLDS(all->n == 3);
    HOLDS(is_entry(&all->entries[0], STORE_ENTRY_MAILBOX, "Bob@Example.test", "Bob"));
    HOLDS(is_entry(&all->entries[1], STORE_ENTRY_GROUP, "crew@example.test", "crew"));
    HOLDS(is_entry(&all->entries[2], STORE_ENTRY_OTHER, "Eve@Elsewhere.test", ""));
    HOLDS(store_group_get(tx, all->arena, SPAN("staff@LISTS.test"), &group) == 0);
    HOLDS(span_is(group.address, "Staff@Lists.test") && span_is(group.name, "All Staff") && group.members == 3);
    HOLDS(store_group_get(tx, all->arena, SPAN("bob@example.test"), &group) == 1);
    HOLDS(store_group_by_name(tx, all->arena, SPAN("all staff"), &group) == 0);
    HOLDS(store_group_by_name(tx, all->arena, SPAN("STAFF"), &group) == 0);
    HOLDS(store_group_by_name(tx, all->arena, SPAN("all"), &group) == 1);
    HOLDS(store_domain_is_local(tx, SPAN("lists.test"), &local) == 0);
    HOLDS(local);
    return 0;
}

static int check_finding(struct store_tx *tx, void *arg)
{
    static const struct {
        const char *text;
        size_t n;
    } cases[] = { { "st", 1 }, { "STAFF", 1 }, { "staff@lists.test", 1 }, { "al", 2 }, { "c", 1 }, { "%", 0 }, { "_", 0 }, { "!", 0 },
                  { "taff", 0 }, { "alice@example.test", 1 }, { "eve", 0 } };
    struct grouping *all = arg;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        HOLDS(store_entry_find(tx, all->arena, span_of(cases[i].text), 10, &all->entries, &all->n) == 0);
        HOLDS(all->n == cases[i].n);
    }
    HOLDS(store_entry_find(tx, all->arena, SPAN("al"), 1, &all->entries, &all->n) == 0);
    HOLDS(all->n == 1);
    return 0;
}

static int take_members_away(struct store_tx *tx, void *arg)
{
    struct grouping *all = arg;
    struct store_mailbox bob;
    int r = store_mailbox_by_address(tx, all->arena, SPAN("bob@example.test"), &bob);
    if (r == 0)
        r = store_mailbox_remove(tx, bob.mailbox_id, true);
    if (r == 0)
        r = store_group_remove(tx, SPAN("CREW@example.test"));
    HOLDS(store_group_remove(tx, SPAN("crew@example.test")) == 1);
    HOLDS(store_group_remove_member(tx, SPAN("staff@lists.test"), SPAN("nobody@example.test")) == 1);
    return r;
}

static int check_rest(struct store_tx *tx, void *arg)
{
    struct grouping *all = arg;
    HOLDS(store_group_members(tx, all->arena, SPAN("staff@lists.test"), &all->entries, &all->n) == 0);
    HOLDS(all->n == 1);
    HOLDS(is_entry(&all->entries[0], STORE_ENTRY_OTHER, "Eve@Elsewhere.test", ""));
    return store_group_create(tx, SPAN("crew@example.test"), SPAN(""));
}

static void groups_are_found(void **state)
{
    struct world *world = *state;
    struct grouping all = { 0 };
    make_people(world);
    assert_int_equal(arena_new(1u << 20, &all.arena), 0);
    store_job *const jobs[] = { make_groups, check_groups, check_finding, take_members_away, check_rest };
    for (size_t i = 0; i < ARRAY_LEN(jobs); i++)
        assert_int_equal(store_write(world->store, jobs[i], &all), 0);
    arena_free(all.arena);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        WORLD_CASE(lists_are_whole),
        WORLD_CASE(addresses_are_removed),
        WORLD_CASE(groups_are_found),
        WORLD_CASE(the_queue_is_listed_in_pages),
        WORLD_CASE(entries_are_held_and_hurried),
        WORLD_CASE(traces_are_kept_by_the_day),
        WORLD_CASE(queued_mail_holds_a_mailbox),
        WORLD_CASE(a_removed_mailbox_is_gone_at_once),
        WORLD_CASE(numbers_are_not_given_again),
        WORLD_CASE(removals_queue_up),
        WORLD_CASE(removal_is_swept_in_steps),
        WORLD_CASE(uploads_end_with_their_mailbox),
        WORLD_CASE(modes_are_kept),
        WORLD_CASE(a_folder_that_is_no_store_stays_so),
        WORLD_CASE(every_version_is_upgraded),
    };
    return world_run(cases, ARRAY_LEN(cases));
}
