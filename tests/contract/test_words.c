/*
 * Searching for words with and without the full-text index: the answers are the
 * same at any time, whatever happens between two steps of the index.
 */
#include "world.h"

#include "model/query.h"
#include "store/store_search.h"
#include "store/store_words.h"

#include <stdio.h>

enum { MANY = 150, BODY_MAX = 1 << 20 };

static int put(struct store_tx *tx, struct world *world, const char *subject, const char *body, struct item *ret_item)
{
    struct item item;
    item_init(&item);
    item.mailbox_id = world->alice;
    item.folder_no = FOLDER_ROLE_inbox;
    item.item_class = SPAN("IPM.Note");
    item.subject = span_of(subject);
    item.body = span_of(body);
    item.received = when_now();
    int r = store_item_insert(tx, &item);
    if (r == 0 && ret_item)
        *ret_item = item;
    return r;
}

static int fill(struct store_tx *tx, struct world *world, void *data)
{
    (void)data;
    int r = 0;
    for (unsigned i = 0; r == 0 && i < MANY; i++) {
        char subject[64];
        snprintf(subject, sizeof(subject), "number%u of %s", i, i % 2 ? "odd" : "even");
        r = put(tx, world, subject, i % 10 ? "hay" : "hay with a needle", NULL);
    }
    return r;
}

static int step(struct store_tx *tx, struct world *world, void *data)
{
    return store_words_step(tx, world->alice, BODY_MAX, data);
}

/* Steps until there are no more; how many. */
static unsigned index_all(struct world *world)
{
    bool more = true;
    unsigned n = 0;
    for (; more; n++) {
        assert_int_equal(do_write(world, step, &more), 0);
        assert_true(n < 100);
    }
    return n;
}

static struct store_found find(struct world *world, struct store_tx *tx, const char *query, uint64_t folder_no)
{
    const struct query_limits limits = { .length = 1000, .nodes = 100, .depth = 10 };
    struct store_search search = { .mailbox_id = world->alice, .folder_no = folder_no, .max = 1000, .body_max = BODY_MAX };
    struct store_found found;
    struct filter *filter = NULL;
    assert_int_equal(query_read(world->arena, span_of(query), when_now(), &limits, &filter), 0);
    search.filter = filter;
    assert_int_equal(store_search(tx, world->arena, &search, &found), 0);
    return found;
}

static void expect(struct world *world, const char *query, uint64_t n)
{
    struct store_tx *tx = reader(world);
    struct store_found found = find(world, tx, query, FOLDER_ROLE_inbox);
    if (found.total != n)
        fail_msg("%s: %llu found, not %llu", query, (unsigned long long)found.total, (unsigned long long)n);
    store_read_end(tx);
}

static void expect_all(struct world *world, uint64_t needles)
{
    expect(world, "needle", needles);
    expect(world, "hay", MANY);
    expect(world, "ha* odd", MANY / 2);
    expect(world, "NOT odd", MANY / 2);
    expect(world, "subject:odd OR needle", MANY / 2 + needles);
    expect(world, "\"a needle\"", needles);
    expect(world, "\"needle a\"", 0);
    expect(world, "body:odd", 0);
    expect(world, "\"number77\"", 1);
    expect(world, "number7", 11); /* 7 and 70 to 79 */
}

static uint64_t unindexed(struct world *world)
{
    struct store_tx *tx = reader(world);
    struct store_found found = find(world, tx, "needle", FOLDER_ROLE_inbox);
    store_read_end(tx);
    return found.unindexed;
}

static void same_with_and_without(void **state)
{
    struct world *world = *state;
    bool more = false;
    assert_int_equal(do_write(world, fill, NULL), 0);
    expect_all(world, MANY / 10);
    assert_int_equal(unindexed(world), MANY);
    assert_int_equal(do_write(world, step, &more), 0);
    assert_true(more);
    expect_all(world, MANY / 10);
    assert_true(index_all(world) >= MANY / 32);
    assert_int_equal(unindexed(world), 0);
    expect_all(world, MANY / 10);
    reopen(world);
    expect_all(world, MANY / 10);
}

/* ---- what happens to an item that is in the index ---- */

struct change {
    const char *query;
    uint64_t folder_no;
};

static int first_found(struct store_tx *tx, struct world *world, const struct change *change, struct item *ret_item)
{
    struct store_found found = find(world, tx, change->query, FOLDER_ROLE_inbox);
    assert_true(found.total > 0);
    return store_item_get(tx, world->arena, world->alice, found.numbers[0], STORE_ALL, ret_item);
}

static int rename_one(struct store_tx *tx, struct world *world, void *data)
{
    struct item item;
    int r = first_found(tx, world, data, &item);
    item.subject = SPAN("renamed");
    return r ? r : store_item_update(tx, &item, true);
}

static int rewrite_one(struct store_tx *tx, struct world *world, void *data)
{
    struct item item;
    int r = first_found(tx, world, data, &item);
    item.body = SPAN("thread");
    return r ? r : store_item_rewrite(tx, &item, STORE_BODY, true);
}

static int move_one(struct store_tx *tx, struct world *world, void *data)
{
    const struct change *change = data;
    struct item item;
    int r = first_found(tx, world, data, &item);
    return r ? r : store_item_move(tx, &item, change->folder_no, true);
}

static int copy_one(struct store_tx *tx, struct world *world, void *data)
{
    const struct change *change = data;
    struct item item;
    int r = first_found(tx, world, data, &item);
    return r ? r : store_item_copy(tx, &item, change->folder_no);
}

static int delete_one(struct store_tx *tx, struct world *world, void *data)
{
    struct item item;
    int r = first_found(tx, world, data, &item);
    return r ? r : store_item_delete(tx, world->alice, item.item_no);
}

static void expect_changed(struct world *world)
{
    struct store_tx *tx = reader(world);
    expect(world, "number77", 0);
    expect(world, "renamed", 1);
    expect(world, "number60 needle", 0);
    expect(world, "thread", 1);
    expect(world, "number61", 0);
    assert_int_equal(find(world, tx, "number61", FOLDER_ROLE_drafts).total, 1);
    expect(world, "number62", 2);
    expect(world, "number63", 0);
    expect(world, "needle", MANY / 10 - 1);
    store_read_end(tx);
}

static void changes_are_followed(void **state)
{
    struct world *world = *state;
    assert_int_equal(do_write(world, fill, NULL), 0);
    index_all(world);
    assert_int_equal(do_write(world, rename_one, &(struct change){ "number77", 0 }), 0);
    assert_int_equal(do_write(world, rewrite_one, &(struct change){ "number60", 0 }), 0);
    assert_int_equal(do_write(world, move_one, &(struct change){ "number61", FOLDER_ROLE_drafts }), 0);
    assert_int_equal(do_write(world, copy_one, &(struct change){ "number62", FOLDER_ROLE_inbox }), 0);
    assert_int_equal(do_write(world, delete_one, &(struct change){ "number63", 0 }), 0);
    assert_true(unindexed(world) >= 5);
    expect_changed(world);
    index_all(world);
    assert_int_equal(unindexed(world), 0);
    expect_changed(world);
}

/* ---- an item of more words than the index takes ---- */

static int put_large(struct store_tx *tx, struct world *world, void *data)
{
    struct buf body = BUF_INIT(BODY_MAX);
    (void)data;
    for (unsigned i = 0; i < 2 * STORE_WORDS_ITEM; i++)
        buf_printf(&body, "w%u ", i);
    buf_add_str(&body, "lastword");
    buf_add(&body, "", 1);
    int r = put(tx, world, "large", body.ptr, NULL);
    buf_done(&body);
    return r;
}

static void many_words_are_read(void **state)
{
    struct world *world = *state;
    assert_int_equal(do_write(world, fill, NULL), 0);
    assert_int_equal(do_write(world, put_large, NULL), 0);
    index_all(world);
    assert_int_equal(unindexed(world), 0);
    expect(world, "lastword", 1);
    expect(world, "w1 w8000", 1);
    expect(world, "nowhere", 0);
}

/* Another mailbox' words are never met. */
static int put_bobs(struct store_tx *tx, struct world *world, void *data)
{
    struct world bobs = *world;
    bobs.alice = world->bob;
    return fill(tx, &bobs, data);
}

static int step_bobs(struct store_tx *tx, struct world *world, void *data)
{
    return store_words_step(tx, world->bob, BODY_MAX, data);
}

static void mailboxes_are_apart(void **state)
{
    struct world *world = *state;
    bool more = true;
    assert_int_equal(do_write(world, fill, NULL), 0);
    assert_int_equal(do_write(world, put_bobs, NULL), 0);
    index_all(world);
    while (more)
        assert_int_equal(do_write(world, step_bobs, &more), 0);
    expect_all(world, MANY / 10);
}

int main(void)
{
    const struct CMUnitTest cases[] = { WORLD_CASE(same_with_and_without), WORLD_CASE(changes_are_followed),
                                        WORLD_CASE(many_words_are_read), WORLD_CASE(mailboxes_are_apart) };
    return world_run(cases, ARRAY_LEN(cases));
}
