/*
 * The promise of a submission over a real store and a real runner: one draft
 * is sent once however often and by however many it is asked for, local
 * recipients get it without Bcc, the others' share is captured, and an unknown
 * local address comes back as a report.
 */
#include "base/when.h"
#include "mime/mime.h"
#include "model/rights.h"
#include "outbox/outbox.h"
#include "store/store_capture.h"
#include "store/store_content.h"
#include "store/store_mail.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define THREADS 32
#define PATIENCE_MS 60000

struct world {
    char path[64];
    struct conf conf;
    struct store *store;
    struct outbox *outbox;
    struct arena *arena;
    struct store_mailbox alice;
    struct store_mailbox bob;
};

static int make_people(struct store_tx *tx, void *arg)
{
    int64_t id;
    (void)arg;
    int r = store_mailbox_create(tx, SPAN("alice@example.test"), SPAN("Alice"), SPAN("$y$hash"), &id);
    return r ? r : store_mailbox_create(tx, SPAN("bob@example.test"), SPAN("Bob"), SPAN("$y$hash"), &id);
}

static struct store_tx *reader(struct world *world)
{
    struct store_tx *tx = NULL;
    assert_int_equal(store_read_begin(world->store, &tx), 0);
    return tx;
}

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    assert_non_null(world);
    conf_init(&world->conf);
    strcpy(world->path, "/tmp/ewsd-submit.XXXXXX");
    assert_non_null(mkdtemp(world->path));
    const struct store_options options = { .path = world->path };
    assert_int_equal(store_open(&options, &world->store), 0);
    assert_int_equal(arena_new(256u << 20, &world->arena), 0);
    assert_int_equal(store_write(world->store, make_people, NULL), 0);
    struct store_tx *tx = reader(world);
    assert_int_equal(store_mailbox_by_address(tx, world->arena, SPAN("alice@example.test"), &world->alice), 0);
    assert_int_equal(store_mailbox_by_address(tx, world->arena, SPAN("bob@example.test"), &world->bob), 0);
    store_read_end(tx);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    char command[128];
    if (world->outbox)
        outbox_stop(world->outbox);
    store_close(world->store);
    arena_free(world->arena);
    snprintf(command, sizeof(command), "rm -rf '%s'", world->path);
    assert_int_equal(system(command), 0);
    free(world);
    return 0;
}

static void start_runner(struct world *world)
{
    const struct outbox_options options = { .store = world->store, .conf = &world->conf, .capture = true };
    assert_int_equal(outbox_start(&options, &world->outbox), 0);
}

/* ---- drafts and what is sent of them ---- */

static int insert_item(struct store_tx *tx, void *arg)
{
    return store_item_insert(tx, arg);
}

static int replace_item(struct store_tx *tx, void *arg)
{
    return store_item_replace(tx, arg, true);
}

/* to is one address; the hidden recipient is always hidden@elsewhere.test. */
static struct item make_draft(struct world *world, const char *to)
{
    struct rcpt rcpts[] = { { .address = span_of(to), .type = RCPT_TO },
                            { .address = SPAN("hidden@elsewhere.test"), .type = RCPT_BCC } };
    struct item item;
    item_init(&item);
    item.mailbox_id = world->alice.mailbox_id;
    item.folder_no = FOLDER_ROLE_drafts;
    item.flags = ITEM_DRAFT | ITEM_READ;
    item.subject = SPAN("Once");
    item.body = SPAN("A body");
    item.created = item.modified = item.received = when_now();
    item.to = (struct rcpt_list){ &rcpts[0], 1 };
    item.bcc = (struct rcpt_list){ &rcpts[1], 1 };
    assert_int_equal(store_write(world->store, insert_item, &item), 0);
    item.to = item.bcc = (struct rcpt_list){ 0 };
    return item;
}

struct sending {
    struct world *world;
    struct item draft;
    const struct store_mailbox *by; /* NULL: alice; else who keeps the copy, too */
    struct outbox_sent sent;
    int result;
};

static int submit_job(struct store_tx *tx, void *arg)
{
    struct sending *sending = arg;
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    int r = arena_new(16u << 20, &arena);
    if (r)
        return r;
    const struct store_mailbox *by = sending->by ? sending->by : &sending->world->alice;
    const struct outbox_submit submit = { .conf = &sending->world->conf,
                                          .arena = arena,
                                          .caller = by,
                                          .sender = by,
                                          .mailbox = &sending->world->alice,
                                          .save_mailbox = by,
                                          .id_text = SPAN("the id"),
                                          .folder_no = sending->draft.folder_no,
                                          .item_no = sending->draft.item_no,
                                          .key_no = sending->draft.key_no,
                                          .save_folder = FOLDER_ROLE_sentitems };
    r = outbox_submit(tx, &submit, &sending->sent);
    sending->sent.culprit = SPAN(""); /* lies in the arena */
    return r;
}

static void *send_it(void *arg)
{
    struct sending *sending = arg;
    sending->result = store_write(sending->world->store, submit_job, sending);
    return NULL;
}

static struct sending send_draft(struct world *world, struct item draft)
{
    struct sending sending = { .world = world, .draft = draft };
    send_it(&sending);
    return sending;
}

/* ---- what stands where ---- */

static size_t items_in(struct world *world, const struct store_mailbox *mailbox, enum folder_role role, struct item **ret_items)
{
    size_t n;
    uint64_t total;
    struct store_tx *tx = reader(world);
    const struct store_find find = { .mailbox_id = mailbox->mailbox_id, .folder_no = role, .limit = 100, .depth = STORE_ALL & ~(unsigned)STORE_DATA };
    assert_int_equal(store_item_find(tx, world->arena, &find, ret_items, &n, &total), 0);
    store_read_end(tx);
    return n;
}

static uint64_t queued(struct world *world)
{
    uint64_t n;
    struct store_tx *tx = reader(world);
    assert_int_equal(store_outbox_count(tx, 0, &n), 0);
    store_read_end(tx);
    return n;
}

static void await_delivery(struct world *world)
{
    int64_t end = when_monotonic() + PATIENCE_MS;
    outbox_wake(world->outbox);
    while (queued(world) > 0) {
        assert_true(when_monotonic() < end);
        usleep(5000);
    }
}

static bool contains(struct span text, const char *needle)
{
    return memmem(text.ptr, text.len, needle, strlen(needle)) != NULL;
}

/* ---- cases ---- */

static void test_many_send_one(void **state)
{
    struct world *world = *state;
    struct item draft = make_draft(world, "bob@example.test");
    struct sending sendings[THREADS];
    pthread_t threads[THREADS];
    struct item *items;
    size_t first = 0;
    for (int i = 0; i < THREADS; i++) {
        sendings[i] = (struct sending){ .world = world, .draft = draft };
        assert_int_equal(pthread_create(&threads[i], NULL, send_it, &sendings[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(sendings[i].result, 0);
        assert_int_equal(sendings[i].sent.item_no, sendings[0].sent.item_no);
        first += !sendings[i].sent.replayed;
    }
    assert_int_equal(first, 1);
    assert_int_equal(queued(world), 1);
    assert_int_equal(items_in(world, &world->alice, FOLDER_ROLE_sentitems, &items), 1);
    assert_false(items[0].flags & ITEM_DRAFT);
    assert_int_equal(items[0].bcc.n, 1);
    assert_int_equal(items_in(world, &world->alice, FOLDER_ROLE_drafts, &items), 0);
}

static void test_replay_after_delivery(void **state)
{
    struct world *world = *state;
    struct item draft = make_draft(world, "bob@example.test");
    struct item *items;
    start_runner(world);
    assert_int_equal(send_draft(world, draft).result, 0);
    await_delivery(world);
    struct sending again = send_draft(world, draft);
    assert_int_equal(again.result, 0);
    assert_true(again.sent.replayed);
    assert_int_equal(queued(world), 0);
    assert_int_equal(items_in(world, &world->bob, FOLDER_ROLE_inbox, &items), 1);
    draft.key_no++; /* another ChangeKey is another request */
    assert_int_equal(send_draft(world, draft).result, CODE_ErrorItemNotFound);
}

static int64_t now;

static int64_t clock_of_test(void)
{
    return now;
}

/* send.replay_hours, to the millisecond; nothing is sent again afterwards. */
static void test_replay_expires(void **state)
{
    struct world *world = *state;
    struct item draft = make_draft(world, "bob@example.test");
    world->conf.send_replay_hours = 2;
    now = when_now();
    when_set_clock(clock_of_test);
    int first = send_draft(world, draft).result;
    now += 2 * 3600000 - 1;
    struct sending again = send_draft(world, draft);
    now++;
    int late = send_draft(world, draft).result;
    when_set_clock(NULL);
    assert_int_equal(first, 0);
    assert_true(again.result == 0 && again.sent.replayed);
    assert_int_equal(late, CODE_ErrorItemNotFound);
    assert_int_equal(queued(world), 1);
}

static void test_refused(void **state)
{
    struct world *world = *state;
    struct item draft = make_draft(world, "bob@example.test"), *items;
    struct item stale = draft, elsewhere = draft;
    stale.key_no++;
    elsewhere.folder_no = FOLDER_ROLE_inbox;
    assert_int_equal(send_draft(world, stale).result, CODE_ErrorIrresolvableConflict);
    assert_int_equal(send_draft(world, elsewhere).result, CODE_ErrorItemNotFound);
    assert_int_equal(send_draft(world, make_draft(world, "no address")).result, CODE_ErrorInvalidRecipients);
    assert_int_equal(queued(world), 0);
    assert_int_equal(items_in(world, &world->alice, FOLDER_ROLE_drafts, &items), 2);
}

static void test_delivery(void **state)
{
    struct world *world = *state;
    struct item *items;
    struct store_capture *captured;
    struct span raw;
    size_t n;
    start_runner(world);
    assert_int_equal(send_draft(world, make_draft(world, "Bob+lists@EXAMPLE.test")).result, 0);
    await_delivery(world);
    assert_int_equal(items_in(world, &world->bob, FOLDER_ROLE_inbox, &items), 1);
    assert_true(span_is(items[0].subject, "Once"));
    assert_true(span_is(items[0].from.address, "alice@example.test"));
    assert_int_equal(items[0].bcc.n, 0);
    assert_false(items[0].flags & (ITEM_DRAFT | ITEM_READ));
    struct store_tx *tx = reader(world);
    assert_int_equal(store_capture_list(tx, world->arena, 0, 0, &captured, &n), 0);
    assert_int_equal(n, 1);
    assert_int_equal(captured[0].rcpts_n, 1);
    assert_true(span_is(captured[0].rcpts[0], "hidden@elsewhere.test"));
    assert_int_equal(store_capture_raw(tx, world->arena, captured[0].capture_no, &raw), 0);
    store_read_end(tx);
    assert_false(contains(raw, "hidden@elsewhere.test"));
    assert_true(contains(raw, "Subject: Once\r\n"));
    struct buf received = BUF_INIT(1u << 20); /* byte for byte what was transmitted */
    assert_int_equal(mime_write(&items[0], &(struct mime_options){ .keep_bcc = true }, &received), 0);
    assert_true(span_eq(buf_span(&received), raw));
    buf_done(&received);
}

/* What is long goes ahead of the job that delivers, and arrives whole. */
static void test_large_delivery(void **state)
{
    struct world *world = *state;
    struct attachment attachment = { .name = SPAN("large.bin"), .data = { malloc(3 * STORE_STAGE_MIN), 3 * STORE_STAGE_MIN } }, found;
    struct item item = make_draft(world, "bob@example.test"), *items;
    assert_non_null(attachment.data.ptr);
    memset((char *)(uintptr_t)attachment.data.ptr, 'L', attachment.data.len);
    struct store_tx *tx = reader(world);
    assert_int_equal(store_item_get(tx, world->arena, world->alice.mailbox_id, item.item_no, STORE_ALL, &item), 0);
    store_read_end(tx);
    item.attachments = (struct attachment_list){ &attachment, 1 };
    assert_int_equal(store_write(world->store, replace_item, &item), 0);
    start_runner(world);
    assert_int_equal(send_draft(world, item).result, 0);
    await_delivery(world);
    assert_int_equal(items_in(world, &world->bob, FOLDER_ROLE_inbox, &items), 1);
    tx = reader(world);
    assert_int_equal(store_attachment_get(tx, world->arena, world->bob.mailbox_id, items[0].item_no, &(struct attachment_path){ (const uint32_t[]){ 1 }, 1 }, STORE_DATA, &found), 0);
    store_read_end(tx);
    assert_int_not_equal(found.data_no, 0); /* it was written ahead */
    assert_true(span_eq(found.data, attachment.data));
    free((char *)(uintptr_t)attachment.data.ptr);
}

/* What was committed before the program ended leaves after its next start. */
static void test_restart(void **state)
{
    struct world *world = *state;
    struct item *items;
    const struct store_options options = { .path = world->path };
    assert_int_equal(send_draft(world, make_draft(world, "bob@example.test")).result, 0);
    store_close(world->store);
    assert_int_equal(store_open(&options, &world->store), 0);
    assert_int_equal(queued(world), 1);
    start_runner(world);
    await_delivery(world);
    outbox_stop(world->outbox);
    start_runner(world);
    assert_int_equal(items_in(world, &world->bob, FOLDER_ROLE_inbox, &items), 1);
}

/* A server without delivery threads leaves the queue to one that has some. */
static void test_no_workers(void **state)
{
    struct world *world = *state;
    struct outbox *idle;
    struct item *items;
    world->conf.outbox_workers = 0;
    const struct outbox_options options = { .store = world->store, .conf = &world->conf, .capture = true };
    assert_int_equal(outbox_start(&options, &idle), 0);
    assert_int_equal(send_draft(world, make_draft(world, "bob@example.test")).result, 0);
    outbox_wake(idle);
    outbox_stop(idle); /* which joins whoever would deliver */
    assert_int_equal(queued(world), 1);
    world->conf.outbox_workers = 1;
    start_runner(world);
    await_delivery(world);
    assert_int_equal(items_in(world, &world->bob, FOLDER_ROLE_inbox, &items), 1);
}

/* A message for two addresses of one mailbox arrives there once. */
static void test_two_addresses_one_mailbox(void **state)
{
    struct world *world = *state;
    struct item *items;
    struct item draft = make_draft(world, "bob@example.test");
    struct rcpt to[] = { { .address = SPAN("bob@example.test"), .type = RCPT_TO },
                         { .address = SPAN("BOB@example.test"), .type = RCPT_TO },
                         { .address = SPAN("bob+x@example.test"), .type = RCPT_TO } };
    draft.to = (struct rcpt_list){ to, ARRAY_LEN(to) };
    assert_int_equal(store_write(world->store, replace_item, &draft), 0);
    assert_int_equal(send_draft(world, draft).result, 0);
    start_runner(world);
    await_delivery(world);
    assert_int_equal(items_in(world, &world->bob, FOLDER_ROLE_inbox, &items), 1);
}

static void test_unknown_address_bounces(void **state)
{
    struct world *world = *state;
    struct item *items;
    start_runner(world);
    assert_int_equal(send_draft(world, make_draft(world, "nobody@example.test")).result, 0);
    await_delivery(world);
    assert_int_equal(items_in(world, &world->alice, FOLDER_ROLE_inbox, &items), 1);
    assert_int_equal(items[0].kind, ITEM_KIND_REPORT);
    assert_true(contains(items[0].mime.len ? items[0].mime : items[0].body, "nobody@example.test"));
    assert_int_equal(items_in(world, &world->alice, FOLDER_ROLE_sentitems, &items), 1);
}

/* ---- a copy into another mailbox ---- */

#define AHEAD_MS 20000 /* beyond the time that the runner leaves to outbox_file */

static int64_t ahead(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + AHEAD_MS;
}

static int grant_send_as(struct store_tx *tx, void *arg)
{
    const struct world *world = arg;
    return store_grant_set(tx, world->alice.mailbox_id, world->bob.mailbox_id, RIGHT_send_as);
}

/* bob sends alice's draft and wants the copy himself. */
static struct sending send_for_alice(struct world *world, const char *mode)
{
    char error[CONF_ERROR_SIZE];
    struct sending sending = { .world = world, .draft = make_draft(world, "carol@elsewhere.test"), .by = &world->bob };
    assert_int_equal(conf_set(&world->conf, SPAN("senditem.delegate_copy"), span_of(mode), error), 0);
    assert_int_equal(store_write(world->store, grant_send_as, world), 0);
    send_it(&sending);
    assert_int_equal(sending.result, 0);
    return sending;
}

static void file_now(struct world *world, struct sending *sending)
{
    struct outbox_sent *sents[] = { &sending->sent };
    assert_int_equal(outbox_file(world->store, &world->conf, sents, 1), 0);
}

/* The program ended between the commit and outbox_file. */
static void test_copy_by_the_runner(void **state)
{
    struct world *world = *state;
    struct item *items;
    struct sending sending = send_for_alice(world, "requested");
    assert_int_equal(items_in(world, &world->alice, FOLDER_ROLE_drafts, &items), 0);
    assert_int_equal(items_in(world, &world->bob, FOLDER_ROLE_sentitems, &items), 0);
    when_set_clock(ahead);
    start_runner(world);
    await_delivery(world);
    when_set_clock(NULL);
    assert_int_equal(items_in(world, &world->bob, FOLDER_ROLE_sentitems, &items), 1);
    assert_int_equal(items[0].bcc.n, 1);
    file_now(world, &sending); /* too late: it is there */
    assert_int_equal(items_in(world, &world->bob, FOLDER_ROLE_sentitems, &items), 1);
}

static void test_copy_at_once(void **state)
{
    struct world *world = *state;
    struct item *items;
    struct sending sending = send_for_alice(world, "requested");
    file_now(world, &sending);
    assert_int_equal(items_in(world, &world->bob, FOLDER_ROLE_sentitems, &items), 1);
    assert_int_equal(items[0].item_no, sending.sent.item_no);
    assert_int_equal(queued(world), 1); /* the message itself */
    file_now(world, &sending);
    when_set_clock(ahead);
    start_runner(world);
    await_delivery(world);
    when_set_clock(NULL);
    assert_int_equal(items_in(world, &world->bob, FOLDER_ROLE_sentitems, &items), 1);
    struct sending again = sending;
    send_it(&again);
    assert_int_equal(again.result, 0);
    assert_true(again.sent.replayed && again.sent.item_no == items[0].item_no && !again.sent.uncopied);
}

/* 32 threads ask for it at once: one entry, and the draft stays. */
static void test_many_send_one_that_stays(void **state)
{
    struct world *world = *state;
    struct item *items;
    struct sending first = send_for_alice(world, "documented"), sendings[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        sendings[i] = first;
        assert_int_equal(pthread_create(&threads[i], NULL, send_it, &sendings[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++)
        assert_true(sendings[i].result == 0 && sendings[i].sent.replayed && sendings[i].sent.uncopied);
    assert_int_equal(queued(world), 1);
    assert_int_equal(items_in(world, &world->alice, FOLDER_ROLE_drafts, &items), 1);
    assert_true(items[0].flags & ITEM_DRAFT);
    assert_int_not_equal(items[0].key_no, first.draft.key_no);
    assert_int_equal(items_in(world, &world->bob, FOLDER_ROLE_sentitems, &items), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_many_send_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_replay_after_delivery, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_replay_expires, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_delivery, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_large_delivery, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_restart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_workers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_two_addresses_one_mailbox, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unknown_address_bounces, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_copy_by_the_runner, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_copy_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_send_one_that_stays, set_up, tear_down),
    };
    mime_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
