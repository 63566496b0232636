/*
 * See deeds.h.
 */
#include "deeds.h"

#include "base/metrics.h"
#include "nth.h"
#include "store/store_capture.h"
#include "store/store_content.h"
#include "store/store_sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "world.h"

#define PATIENCE_MS 60000
#define STALL_MS 20 /* without a commit: what is queued was put off */
#define LOOK_MS 5
#define TRIES 3

static int64_t clock_ahead; /* of the time of day */

static int64_t later(void)
{
    return when_monotonic() + 1800000000000 + __atomic_load_n(&clock_ahead, __ATOMIC_RELAXED);
}

void deeds_make_folder(char path[64])
{
    snprintf(path, 64, "%s/ewsd-faults.XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(path));
}

void deeds_remove_folder(const char *path)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", path);
    assert_int_equal(system(command), 0);
}

static struct store_tx *snapshot(struct deeds *deeds)
{
    struct store_tx *tx = NULL;
    assert_int_equal(store_read_begin(deeds->store, &tx), 0);
    return tx;
}

static int make_people(struct store_tx *tx, void *arg)
{
    int64_t id;
    (void)arg;
    int r = store_mailbox_create(tx, SPAN("alice@example.test"), SPAN("Alice"), SPAN("$y$hash"), &id);
    return r ? r : store_mailbox_create(tx, SPAN("bob@example.test"), SPAN("Bob"), SPAN("$y$hash"), &id);
}

static int insert_job(struct store_tx *tx, void *arg)
{
    struct item item = *(const struct item *)arg; /* it may run again */
    struct attachment attachment = item.attachments.v[0];
    item.attachments.v = &attachment;
    return store_item_insert(tx, &item);
}

static int create(struct deeds *deeds, const char *subject, size_t size)
{
    struct rcpt to[] = { { .address = SPAN("bob@example.test"), .type = RCPT_TO },
                         { .address = SPAN("carol@elsewhere.test"), .type = RCPT_TO } };
    struct attachment attachment = { .name = SPAN("a.bin"), .data = { deeds->bytes, size } };
    struct item item;
    item_init(&item);
    item.mailbox_id = deeds->alice.mailbox_id;
    item.folder_no = FOLDER_ROLE_drafts;
    item.kind = ITEM_KIND_MESSAGE;
    item.item_class = SPAN("IPM.Note");
    item.flags = ITEM_DRAFT | ITEM_READ;
    item.subject = span_of(subject);
    item.body = SPAN("A body");
    item.created = item.modified = item.received = when_now();
    item.to = (struct rcpt_list){ to, 2 };
    item.attachments = (struct attachment_list){ &attachment, 1 };
    int r = store_stage_item(deeds->store, &item);
    return r ? r : store_write(deeds->store, insert_job, &item);
}

int deeds_create(struct deeds *deeds)
{
    return create(deeds, "short", DEEDS_SHORT);
}

int deeds_create_long(struct deeds *deeds)
{
    return create(deeds, "long", DEEDS_LONG);
}

/* ---- the draft ---- */

static int find_draft(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, struct item *ret_draft)
{
    struct item *items;
    size_t n;
    uint64_t total;
    const struct store_find find = { .mailbox_id = mailbox_id, .folder_no = FOLDER_ROLE_drafts, .limit = 100, .depth = STORE_HOT };
    int r = store_item_find(tx, arena, &find, &items, &n, &total);
    for (size_t i = 0; r == 0 && i < n; i++)
        if (span_is(items[i].subject, "draft")) {
            *ret_draft = items[i];
            return 0;
        }
    return r ? r : CODE_ErrorItemNotFound;
}

static int update_job(struct store_tx *tx, void *arg)
{
    struct item item = ((const struct deeds *)arg)->draft;
    item.body = SPAN("Another body");
    return store_item_rewrite(tx, &item, STORE_BODY, true);
}

static int submit_job(struct store_tx *tx, void *arg)
{
    const struct deeds *deeds = arg;
    const struct store_mailbox *alice = &deeds->alice;
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    struct outbox_sent sent;
    int r = arena_new(16u << 20, &arena);
    if (r)
        return r;
    const struct outbox_submit submit = { .conf = &deeds->conf, .arena = arena, .caller = alice, .sender = alice,
                                          .mailbox = alice, .save_mailbox = alice, .id_text = SPAN("draft"),
                                          .folder_no = FOLDER_ROLE_drafts, .item_no = deeds->draft.item_no,
                                          .key_no = deeds->draft.key_no, .save_folder = FOLDER_ROLE_sentitems };
    return outbox_submit(tx, &submit, &sent);
}

static int send_lost_job(struct store_tx *tx, void *arg)
{
    const struct deeds *deeds = arg;
    const struct store_mailbox *alice = &deeds->alice;
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    struct rcpt to = { .address = SPAN("nobody@example.test"), .type = RCPT_TO };
    struct outbox_sent sent;
    struct item item;
    int r = arena_new(16u << 20, &arena);
    if (r)
        return r;
    item_init(&item);
    item.kind = ITEM_KIND_MESSAGE;
    item.item_class = SPAN("IPM.Note");
    item.subject = SPAN("lost");
    item.to = (struct rcpt_list){ &to, 1 };
    item.from = item.sender = (struct rcpt){ .address = alice->address };
    const struct outbox_submit submit = { .conf = &deeds->conf, .arena = arena, .caller = alice, .sender = alice,
                                          .mailbox = alice, .save_mailbox = alice };
    return outbox_submit_new(tx, &submit, &item, &sent);
}

int deeds_update(struct deeds *deeds)
{
    return store_write(deeds->store, update_job, deeds);
}

int deeds_send(struct deeds *deeds)
{
    return store_write(deeds->store, submit_job, deeds);
}

int deeds_send_lost(struct deeds *deeds)
{
    return store_write(deeds->store, send_lost_job, deeds);
}

/* ---- delivery ---- */

struct outbox *deeds_start(struct deeds *deeds)
{
    struct outbox *outbox;
    const struct outbox_options options = { .store = deeds->store, .conf = &deeds->conf, .capture = true, .pause_ms = 1 };
    assert_int_equal(outbox_start(&options, &outbox), 0);
    return outbox;
}

static uint64_t queued(struct deeds *deeds)
{
    uint64_t n;
    struct store_tx *tx = snapshot(deeds);
    assert_int_equal(store_outbox_count(tx, 0, &n), 0);
    store_read_end(tx);
    return n;
}

/* What was put off for some minutes is due at once: the clock is put forward.
 * Not by so much that a lease ends: what has one that nobody holds any more is
 * waited for in vain. */
void deeds_wait(struct deeds *deeds, struct outbox *outbox)
{
    int64_t end = when_monotonic() + PATIENCE_MS;
    unsigned stalls = 0;
    while (queued(deeds) > 0) {
        assert_true(when_monotonic() < end);
        if (!nth_wait(STALL_MS))
            continue;
        if (stalls++ < 5)
            __atomic_add_fetch(&clock_ahead, 301000, __ATOMIC_RELAXED);
        outbox_wake(outbox);
    }
}

uint64_t deeds_outcomes(void)
{
    return metric_get(METRIC_deliveries);
}

/* A metric is no event, but comes just behind one. */
void deeds_wait_for_fault(uint64_t until, bool lasting)
{
    while (nth_failed() == 0 && deeds_outcomes() < until)
        (void)nth_wait(LOOK_MS);
    for (bool still = false; lasting && !still && nth_failed() > 0 && nth_failed() < TRIES;)
        still = nth_wait(STALL_MS);
}

/* ---- what is there ---- */

static bool whole(const struct deeds *deeds, const struct item *item, size_t size)
{
    return item->attachments.n == 1 &&
           span_eq(item->attachments.v[0].data, (struct span){ deeds->bytes, size });
}

static size_t list(struct deeds *deeds, struct store_tx *tx, int64_t mailbox_id, enum folder_role role, struct item **ret_items)
{
    struct folder folder;
    size_t n;
    uint64_t total;
    const struct store_find find = { .mailbox_id = mailbox_id, .folder_no = role, .limit = 1000, .depth = STORE_ALL };
    assert_int_equal(store_item_find(tx, deeds->arena, &find, ret_items, &n, &total), 0);
    assert_int_equal(store_folder_by_role(tx, deeds->arena, mailbox_id, role, &folder), 0);
    assert_int_equal(folder.total, n);
    return n;
}

static void count_drafts(struct deeds *deeds, struct store_tx *tx, struct ledger *ledger)
{
    struct item *items;
    size_t n = list(deeds, tx, deeds->alice.mailbox_id, FOLDER_ROLE_drafts, &items);
    for (size_t i = 0; i < n; i++) {
        bool is_long = span_is(items[i].subject, "long"), is_short = span_is(items[i].subject, "short");
        bool is_edited = span_is(items[i].body, "Another body");
        assert_true(whole(deeds, &items[i], is_long ? DEEDS_LONG : DEEDS_SHORT));
        assert_true(is_edited || span_is(items[i].body, "A body"));
        ledger->longs += is_long;
        ledger->created += is_short;
        ledger->edited += is_edited;
        ledger->drafts += !is_long && !is_short && !is_edited;
    }
}

struct ledger deeds_count(struct deeds *deeds)
{
    struct ledger ledger = { 0 };
    struct store_capture *captured;
    struct item *items;
    struct span raw;
    struct store_tx *tx = snapshot(deeds);
    count_drafts(deeds, tx, &ledger);
    ledger.sent = list(deeds, tx, deeds->alice.mailbox_id, FOLDER_ROLE_sentitems, &items);
    for (size_t i = 0; i < ledger.sent; i++)
        assert_true(whole(deeds, &items[i], DEEDS_SHORT));
    ledger.reports = list(deeds, tx, deeds->alice.mailbox_id, FOLDER_ROLE_inbox, &items);
    for (size_t i = 0; i < ledger.reports; i++)
        assert_int_equal(items[i].kind, ITEM_KIND_REPORT);
    ledger.inbox = list(deeds, tx, deeds->bob.mailbox_id, FOLDER_ROLE_inbox, &items);
    for (size_t i = 0; i < ledger.inbox; i++)
        assert_true(whole(deeds, &items[i], DEEDS_SHORT));
    assert_int_equal(store_capture_list(tx, deeds->arena, 0, 0, &captured, &ledger.captured), 0);
    for (size_t i = 0; i < ledger.captured; i++) {
        assert_int_equal(store_capture_raw(tx, deeds->arena, captured[i].capture_no, &raw), 0);
        assert_int_equal(raw.len, captured[i].size);
    }
    assert_int_equal(store_outbox_count(tx, 0, &(uint64_t){ 0 }), 0);
    store_read_end(tx);
    ledger.queued = (size_t)queued(deeds);
    return ledger;
}

static int sweep_job(struct store_tx *tx, void *arg)
{
    return store_sweep(tx, when_now() + 7200000, arg);
}

static int count_orphans(struct store_tx *tx, void *arg)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    int r = sql_open_text(tx, "SELECT COUNT(*) FROM chunk WHERE NOT EXISTS (SELECT 1 FROM content c WHERE c.mailbox_id = "
                              "chunk.mailbox_id AND c.content_no = chunk.content_no) AND NOT EXISTS (SELECT 1 FROM capture p "
                              "WHERE p.mailbox_id = chunk.mailbox_id AND p.content_no = chunk.content_no)", NULL, 0, &sql);
    if (r == 0 && (r = sql_next(&sql)) == 1)
        *(int64_t *)arg = sql_int(&sql, 0);
    return r < 0 ? r : 0;
}

void deeds_check_chunks(struct deeds *deeds)
{
    bool more = true;
    int64_t orphans = -1;
    while (more)
        assert_int_equal(store_write(deeds->store, sweep_job, &more), 0);
    assert_int_equal(store_write(deeds->store, count_orphans, &orphans), 0);
    assert_int_equal(orphans, 0);
}

/* ---- the store ---- */

int deeds_open(struct deeds *deeds)
{
    /* a checkpoint every few transactions */
    return store_open(&(struct store_options){ .path = deeds->path, .checkpoint_pages = 40, .in_place = true,
                                             .after_commit = nth_event }, &deeds->store);
}

void deeds_close(struct deeds *deeds)
{
    store_close(deeds->store);
    deeds->store = NULL;
    arena_reset(deeds->arena);
}

void deeds_prepare(struct deeds *deeds)
{
    *deeds = (struct deeds){ .bytes = malloc(DEEDS_LONG) };
    assert_non_null(deeds->bytes);
    for (size_t i = 0; i < DEEDS_LONG; i++)
        deeds->bytes[i] = (char)(' ' + i / 611 % 90);
    when_set_clock(later);
    conf_init(&deeds->conf);
    deeds_make_folder(deeds->path);
    assert_int_equal(arena_new(256u << 20, &deeds->arena), 0);
    assert_int_equal(arena_new(1u << 20, &deeds->kept), 0);
    assert_int_equal(deeds_open(deeds), 0);
    assert_int_equal(store_write(deeds->store, make_people, NULL), 0);
    struct store_tx *tx = snapshot(deeds);
    struct arena *kept = deeds->kept;
    assert_int_equal(store_mailbox_by_address(tx, kept, SPAN("alice@example.test"), &deeds->alice), 0);
    assert_int_equal(store_mailbox_by_address(tx, kept, SPAN("bob@example.test"), &deeds->bob), 0);
    store_read_end(tx);
    assert_int_equal(create(deeds, "draft", DEEDS_SHORT), 0);
    tx = snapshot(deeds);
    assert_int_equal(find_draft(tx, kept, deeds->alice.mailbox_id, &deeds->draft), 0);
    store_read_end(tx);
    deeds_close(deeds);
}

void deeds_done(struct deeds *deeds)
{
    deeds_remove_folder(deeds->path);
    arena_free(deeds->arena);
    arena_free(deeds->kept);
    free(deeds->bytes);
}
