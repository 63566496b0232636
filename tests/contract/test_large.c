/*
 * Large bytes (decisions 18): staged ahead in pieces, referred to by the job
 * that stores, shared by copies, swept when nothing refers to them, also after
 * the program ended in between.
 */
#include "model/code.h"
#include "store/store_content.h"
#include "store/store_item.h"
#include "store/store_mail.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "world.h"

#define LARGE (5 * 1048576 + 321)

/* Bytes that differ from piece to piece. */
static struct span letters(struct world *world, unsigned seed)
{
    char *bytes = arena_alloc(world->arena, LARGE);
    assert_non_null(bytes);
    for (size_t i = 0; i < LARGE; i++)
        bytes[i] = (char)('a' + (i / 7919 + seed) % 26);
    return (struct span){ bytes, LARGE };
}

static void fill(struct world *world, struct item *item, struct attachment *attachment)
{
    item_init(item);
    item->mailbox_id = world->alice;
    item->folder_no = FOLDER_ROLE_drafts;
    item->subject = SPAN("large");
    item->body = letters(world, 1);
    item->mime = letters(world, 2);
    *attachment = (struct attachment){ .name = SPAN("a.bin"), .data = letters(world, 3) };
    item->attachments = (struct attachment_list){ attachment, 1 };
}

static int insert(struct store_tx *tx, struct world *world, void *data)
{
    (void)world;
    return store_item_insert(tx, data);
}

static int delete(struct store_tx *tx, struct world *world, void *data)
{
    const struct item *item = data;
    return store_item_delete(tx, world->alice, item->item_no);
}

static int sweep_once(struct store_tx *tx, struct world *world, void *data)
{
    (void)world;
    return store_sweep(tx, when_now(), data);
}

static unsigned sweep(struct world *world)
{
    unsigned steps = 0;
    bool more = true;
    for (; more; steps += more)
        assert_int_equal(do_write(world, sweep_once, &more), 0);
    return steps;
}

static int count_chunks(struct store_tx *tx, struct world *world, void *data)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    (void)world;
    int r = sql_open_text(tx, "SELECT COUNT(*) FROM chunk", NULL, 0, &sql);
    if (r == 0 && (r = sql_next(&sql)) == 1)
        *(int64_t *)data = sql_int(&sql, 0);
    return r < 0 ? r : 0;
}

static int64_t chunks(struct world *world)
{
    int64_t n = -1;
    assert_int_equal(do_write(world, count_chunks, &n), 0);
    return n;
}

static void expect_whole(struct world *world, const struct item *wanted, uint64_t item_no)
{
    struct item item;
    struct store_tx *tx = reader(world);
    assert_int_equal(store_item_get(tx, world->arena, world->alice, item_no, STORE_ALL, &item), 0);
    store_read_end(tx);
    assert_true(span_eq(item.body, wanted->body));
    assert_true(span_eq(item.mime, wanted->mime));
    assert_int_equal(item.attachments.n, 1);
    assert_true(span_eq(item.attachments.v[0].data, wanted->attachments.v[0].data));
}

static void test_staged_and_stored(void **state)
{
    struct world *world = *state;
    struct item item;
    struct attachment attachment;
    fill(world, &item, &attachment);
    uint64_t commits = 0, jobs = 0, before = 0;
    store_stats(world->store, &commits, &before);
    assert_int_equal(store_stage_item(world->store, &item), 0);
    store_stats(world->store, &commits, &jobs);
    assert_true(jobs - before > 3 * LARGE / CHUNK_SIZE); /* a transaction for each piece */
    int64_t staged = chunks(world);
    assert_int_equal(do_write(world, insert, &item), 0);
    assert_int_equal(chunks(world), staged);
    assert_int_equal(sweep(world), 0);
    expect_whole(world, &item, item.item_no);
    reopen(world);
    assert_int_equal(sweep(world), 0);
    expect_whole(world, &item, item.item_no);
    assert_int_equal(do_write(world, delete, &item), 0);
    assert_int_equal(chunks(world), staged);
    assert_true(sweep(world) >= 3 * LARGE / CHUNK_SIZE / 4);
    assert_int_equal(chunks(world), 0);
}

/* However long the log may become, so that the writer has no more to bring there. */
static void test_pieces_come_to_their_place(void **state)
{
    struct world *world = *state;
    struct item item;
    struct attachment attachment;
    struct stat file;
    char path[WORLD_PATH_SIZE + 16];

    if (!is_sqlite(world))
        return; /* has no log of its own */
    world->options.checkpoint_pages = 1000000;
    reopen(world);
    fill(world, &item, &attachment);
    assert_int_equal(store_stage_item(world->store, &item), 0);
    snprintf(path, sizeof(path), "%s/ewsd.db", world->path);
    assert_int_equal(stat(path, &file), 0);
    assert_true(file.st_size > 3 * LARGE - 3 * 1048576);
    assert_int_equal(do_write(world, insert, &item), 0);
    expect_whole(world, &item, item.item_no);
}

static void test_small_is_not_staged(void **state)
{
    struct world *world = *state;
    struct item item;
    struct attachment attachment;
    fill(world, &item, &attachment);
    item.body.len = item.mime.len = attachment.data.len = 1000;
    assert_int_equal(store_stage_item(world->store, &item), 0);
    assert_int_equal(item.staged_no, 0);
    assert_int_equal(attachment.staged_no, 0);
    assert_int_equal(chunks(world), 0);
}

static void test_discarded(void **state)
{
    struct world *world = *state;
    struct item item;
    struct attachment attachment;
    fill(world, &item, &attachment);
    assert_int_equal(store_stage_item(world->store, &item), 0);
    assert_int_equal(sweep(world), 0); /* a request may still be under way */
    assert_int_equal(store_stage_discard(world->store, &item), 0);
    assert_true(sweep(world) > 0);
    assert_int_equal(chunks(world), 0);
    assert_int_equal(do_write(world, insert, &item), CODE_ErrorInternalServerTransientError);
}

static void test_forgotten_at_the_next_start(void **state)
{
    struct world *world = *state;
    struct item item;
    struct attachment attachment;
    fill(world, &item, &attachment);
    assert_int_equal(store_stage_item(world->store, &item), 0);
    reopen(world);
    if (!is_sqlite(world)) { /* another server's request may still be under way */
        assert_int_equal(sweep(world), 0);
        return;
    }
    assert_true(sweep(world) > 0);
    assert_int_equal(chunks(world), 0);
}

static int attach(struct store_tx *tx, struct world *world, void *data)
{
    struct attachment attachment = *(struct attachment *)data;
    struct item item;
    int r = store_item_get(tx, world->arena, world->alice, attachment.no, STORE_HOT, &item);
    return r == 0 ? store_attachment_add(tx, &item, &attachment) : r;
}

static int copy(struct store_tx *tx, struct world *world, void *data)
{
    struct item *item = data;
    int r = store_item_get(tx, world->arena, world->alice, item->item_no, STORE_ALL, item);
    return r == 0 ? store_item_copy(tx, item, FOLDER_ROLE_sentitems) : r;
}

/* A copy whose attachments change shares the data that did not. */
static void test_data_is_shared(void **state)
{
    struct world *world = *state;
    struct item item, second;
    struct attachment attachment, more = { .name = SPAN("b.bin"), .data = SPAN("small") };
    fill(world, &item, &attachment);
    item.body = item.mime = SPAN("short");
    assert_int_equal(store_stage_item(world->store, &item), 0);
    assert_int_equal(do_write(world, insert, &item), 0);
    second = item;
    assert_int_equal(do_write(world, copy, &second), 0);
    int64_t before = chunks(world);
    more.no = (uint32_t)second.item_no;
    assert_int_equal(do_write(world, attach, &more), 0);
    assert_int_equal(chunks(world), before + 1);
    assert_int_equal(do_write(world, delete, &item), 0);
    assert_int_equal(sweep(world), 0);
    struct attachment found;
    struct store_tx *tx = reader(world);
    assert_int_equal(store_attachment_get(tx, world->arena, world->alice, second.item_no, &(struct attachment_path){ (const uint32_t[]){ 1 }, 1 }, STORE_DATA, &found), 0);
    store_read_end(tx);
    assert_true(span_eq(found.data, attachment.data));
    assert_int_equal(do_write(world, delete, &second), 0);
    sweep(world);
    assert_int_equal(chunks(world), 0);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        WORLD_CASE(test_staged_and_stored),
        WORLD_CASE(test_pieces_come_to_their_place),
        WORLD_CASE(test_small_is_not_staged),
        WORLD_CASE(test_discarded),
        WORLD_CASE(test_forgotten_at_the_next_start),
        WORLD_CASE(test_data_is_shared),
    };
    return world_run(cases, ARRAY_LEN(cases));
}
