/*
 * What is asked ahead: it saves ways there and back, and changes nothing else. Each
 * case holds on every engine; only one that is far away is asked less often.
 */
#include "world.h"

#include "model/code.h"
#include "store/store_core.h"
#include "store/store_folder.h"
#include "store/store_mail.h"

#include <stdio.h>

enum { MANY = 300 };

static struct rcpt anna = { .name = { "Anna", 4 }, .address = { "anna@example.org", 16 }, .routing = { "SMTP", 4 } };

struct deed {
    struct world *world;
    int64_t mailbox_id;
    uint64_t item_no, first, second;
    struct item item;
    bool expects;
    int code;
};

static int draft(struct store_tx *tx, struct world *world ATTR_UNUSED, void *data)
{
    struct deed *deed = data;
    struct item item;

    item_init(&item);
    item.mailbox_id = deed->mailbox_id;
    item.folder_no = FOLDER_ROLE_drafts;
    item.subject = SPAN("as it was");
    item.to = (struct rcpt_list){ .v = &anna, .n = 1 };
    int r = store_item_insert(tx, &item);
    deed->item_no = item.item_no;
    return r;
}

static struct deed draft_of(struct world *world, int64_t mailbox_id)
{
    struct deed deed = { .world = world, .mailbox_id = mailbox_id };

    assert_int_equal(do_write(world, draft, &deed), 0);
    return deed;
}

typedef int deed_step(struct store_tx *tx, struct world *world, void *data);

/* In alice's mailbox, in one job. */
static struct deed on_a_draft(struct world *world, deed_step *step)
{
    struct deed deed = draft_of(world, world->alice);

    assert_int_equal(do_write(world, step, &deed), 0);
    return deed;
}

static int get(struct store_tx *tx, struct deed *deed)
{
    return store_item_get(tx, deed->world->arena, deed->mailbox_id, deed->item_no, STORE_RECIPIENTS, &deed->item);
}

static int take(struct store_tx *tx, struct deed *deed, uint64_t *ret_no)
{
    uint64_t change = 0;

    return store_take_numbers(tx, deed->mailbox_id, 2, STORE_NO_GROWTH, ret_no, &change);
}

/* ---- ways ---- */

/* As a SendItem does: the first question takes the rest along. */
static int read_and_take(struct store_tx *tx, void *arg)
{
    struct deed *deed = arg;
    struct folder folder;
    int r = deed->expects ? store_item_expect(tx, deed->mailbox_id, deed->item_no) : 0;

    if (r == 0)
        r = store_folder_by_role(tx, tx->scratch, deed->mailbox_id, FOLDER_ROLE_sentitems, &folder);
    if (r == 0)
        r = get(tx, deed);
    return r == 0 ? take(tx, deed, &deed->first) : r;
}

static uint64_t ways_of(struct world *world, bool expects)
{
    struct deed deeds[] = { draft_of(world, world->alice), draft_of(world, world->bob) };
    struct store_work work[ARRAY_LEN(deeds)];
    uint64_t before = world->store->shared_rounds;

    for (size_t i = 0; i < ARRAY_LEN(deeds); i++) {
        deeds[i].expects = expects;
        work[i] = (struct store_work){ .job = read_and_take, .arg = &deeds[i], .mailbox_id = deeds[i].mailbox_id };
    }
    store_write_all(world->store, work, ARRAY_LEN(deeds));
    for (size_t i = 0; i < ARRAY_LEN(deeds); i++) {
        assert_int_equal(work[i].result, 0);
        assert_true(span_is(deeds[i].item.subject, "as it was"));
        assert_int_equal(deeds[i].item.to.n, 1);
        assert_true(span_is(deeds[i].item.to.v[0].address, "anna@example.org"));
        assert_int_equal(deeds[i].first, deeds[i].item_no + 2);
    }
    return world->store->shared_rounds - before;
}

static void test_one_way_for_all(void **state)
{
    struct world *world = *state;

    world->options.writers = 1;
    reopen(world);
    assert_int_equal(ways_of(world, false), is_sqlite(world) ? 0 : 4);
    assert_int_equal(ways_of(world, true), is_sqlite(world) ? 0 : 1);
}

/* What one transaction wanted to know of domains, the next one asks ahead. */
static int ask_domain_and_folder(struct store_tx *tx, void *arg)
{
    struct deed *deed = arg;
    struct folder folder;
    bool local = false;
    int r = store_folder_by_role(tx, tx->scratch, deed->mailbox_id, FOLDER_ROLE_sentitems, &folder);

    if (r == 0)
        r = store_domain_is_local(tx, SPAN("example.test"), &local);
    deed->code = local;
    return r;
}

static void test_domains_of_the_last_transaction(void **state)
{
    struct world *world = *state;
    struct deed deeds[] = { { .world = world, .mailbox_id = world->alice }, { .world = world, .mailbox_id = world->bob } };
    struct store_work work[ARRAY_LEN(deeds)];
    uint64_t ways[3];

    world->options.writers = 1;
    reopen(world);
    for (size_t round = 0; round < ARRAY_LEN(ways); round++) {
        uint64_t before = world->store->shared_rounds;
        for (size_t i = 0; i < ARRAY_LEN(deeds); i++) {
            deeds[i].code = false;
            work[i] = (struct store_work){ .job = ask_domain_and_folder, .arg = &deeds[i], .mailbox_id = deeds[i].mailbox_id };
        }
        store_write_all(world->store, work, ARRAY_LEN(deeds));
        for (size_t i = 0; i < ARRAY_LEN(deeds); i++) {
            assert_int_equal(work[i].result, 0);
            assert_true(deeds[i].code);
        }
        ways[round] = world->store->shared_rounds - before;
    }
    assert_int_equal(ways[0], is_sqlite(world) ? 0 : 2);
    assert_int_equal(ways[1], is_sqlite(world) ? 0 : 1);
    assert_int_equal(ways[2], is_sqlite(world) ? 0 : 1);
}

/* ---- nothing old is told ---- */

/* The item was read before. */
static int rename_it(struct store_tx *tx, struct deed *deed, const char *subject)
{
    struct item item = deed->item;

    item.subject = span_of(subject);
    return store_item_update(tx, &item, true);
}

static int write_between(struct store_tx *tx, struct world *world ATTR_UNUSED, void *data)
{
    struct deed *deed = data;
    int r = get(tx, deed);

    if (r == 0)
        r = store_item_expect(tx, deed->mailbox_id, deed->item_no);
    if (r == 0)
        r = rename_it(tx, deed, "written");
    return r == 0 ? get(tx, deed) : r;
}

static void test_written_between(void **state)
{
    struct deed deed = on_a_draft(*state, write_between);

    assert_true(span_is(deed.item.subject, "written"));
    assert_int_equal(deed.item.to.n, 1);
}

static int take_twice(struct store_tx *tx, struct world *world ATTR_UNUSED, void *data)
{
    struct deed *deed = data;
    int r = store_item_expect(tx, deed->mailbox_id, deed->item_no);

    if (r == 0)
        r = take(tx, deed, &deed->first);
    if (r == 0)
        r = store_item_expect(tx, deed->mailbox_id, deed->item_no);
    return r == 0 ? take(tx, deed, &deed->second) : r;
}

static void test_numbers_are_taken_once(void **state)
{
    struct deed deed = on_a_draft(*state, take_twice);

    assert_int_equal(deed.first, deed.item_no + 2);
    assert_int_equal(deed.second, deed.first + 2);
}

static int undo_between(struct store_tx *tx, struct world *world ATTR_UNUSED, void *data)
{
    struct deed *deed = data;
    int r = get(tx, deed);

    if (r == 0)
        r = store_savepoint(tx);
    if (r == 0)
        r = rename_it(tx, deed, "undone");
    if (r == 0)
        r = store_item_expect(tx, deed->mailbox_id, deed->item_no);
    if (r == 0)
        r = store_savepoint_rollback(tx);
    return r == 0 ? get(tx, deed) : r;
}

static void test_undone_between(void **state)
{
    struct deed deed = on_a_draft(*state, undo_between);

    assert_true(span_is(deed.item.subject, "as it was"));
}

static int expect_only(struct store_tx *tx, struct world *world ATTR_UNUSED, void *data)
{
    struct deed *deed = data;

    return store_item_expect(tx, deed->mailbox_id, deed->item_no);
}

static int get_only(struct store_tx *tx, struct world *world ATTR_UNUSED, void *data)
{
    return get(tx, data);
}

static int rename_only(struct store_tx *tx, struct world *world ATTR_UNUSED, void *data)
{
    return rename_it(tx, data, "since");
}

/* When another node may have written. */
static void test_not_beyond_the_transaction(void **state)
{
    struct world *world = *state, other = *world;
    struct deed deed = draft_of(world, world->alice);

    world->options.writers = 1;
    reopen(world);
    assert_int_equal(do_write(world, get_only, &deed), 0);
    assert_int_equal(do_write(world, expect_only, &deed), 0);
    if (is_sqlite(world))
        other.store = world->store; /* has one node */
    else
        assert_int_equal(store_open(&other.options, &other.store), 0);
    assert_int_equal(do_write(&other, rename_only, &deed), 0);
    if (other.store != world->store)
        store_close(other.store);
    assert_int_equal(do_write(world, get_only, &deed), 0);
    assert_true(span_is(deed.item.subject, "since"));
}

static int expect_too_much(struct store_tx *tx, struct world *world, void *data)
{
    struct deed *deed = data;
    char name[80];
    bool local = true;
    int r = 0;

    for (unsigned i = 0; r == 0 && i < MANY; i++) {
        int n = snprintf(name, sizeof(name), "%070u.test", i); /* longer than is kept */
        r = sql_expect(tx, SQL_address_domain, ARGS(V_TEXT(((struct span){ name, (size_t)n }))));
        if (r == 0)
            r = store_item_expect(tx, world->bob, 100000 + i);
    }
    if (r == 0)
        r = store_item_expect(tx, deed->mailbox_id, deed->item_no);
    if (r == 0)
        r = store_domain_is_local(tx, SPAN("elsewhere.test"), &local);
    return r == 0 && !local ? get(tx, deed) : r;
}

static void test_more_than_is_kept(void **state)
{
    struct deed deed = on_a_draft(*state, expect_too_much);

    assert_true(span_is(deed.item.subject, "as it was"));
    assert_int_equal(deed.item.to.n, 1);
}

/* ---- what is not there ---- */

static int get_nothing(struct store_tx *tx, struct world *world ATTR_UNUSED, void *data)
{
    struct deed *deed = data;
    int r = store_item_expect(tx, deed->mailbox_id, deed->item_no + 1000);

    deed->item_no += 1000;
    if (r == 0)
        deed->code = get(tx, deed);
    return r;
}

static void test_nothing_there(void **state)
{
    struct deed deed = on_a_draft(*state, get_nothing);

    assert_int_equal(deed.code, CODE_ErrorItemNotFound);
}

/* A folder that the job has seen needs no second look, unless it went since. */
static int move_into_gone(struct store_tx *tx, struct world *world ATTR_UNUSED, void *data)
{
    struct deed *deed = data;
    struct folder folder = { .mailbox_id = deed->mailbox_id, .parent_no = FOLDER_ROLE_msgfolderroot, .name = SPAN("short-lived"),
                             .class = SPAN("IPF.Note") };
    int r = store_folder_insert(tx, &folder);

    if (r == 0)
        r = store_folder_get(tx, tx->scratch, deed->mailbox_id, folder.folder_no, &folder);
    if (r == 0)
        r = get(tx, deed);
    if (r == 0 && deed->second)
        r = store_folder_delete(tx, &folder);
    return r == 0 ? store_item_move(tx, &deed->item, folder.folder_no, true) : r;
}

static void test_a_folder_that_went(void **state)
{
    struct deed deed = draft_of(*state, ((struct world *)*state)->alice);

    deed.second = true;
    assert_int_equal(do_write(*state, move_into_gone, &deed), CODE_ErrorFolderNotFound);
    deed.second = false;
    assert_int_equal(do_write(*state, move_into_gone, &deed), 0);
}

/* To the byte, as without: what the mailbox has, and one byte more. */
static int grow_by(struct store_tx *tx, struct world *world ATTR_UNUSED, void *data)
{
    struct deed *deed = data;
    struct store_growth growth = { .bytes = (int64_t)deed->second, .limited = true };
    uint64_t no, change;
    int r = store_item_expect(tx, deed->mailbox_id, deed->item_no);

    if (r == 0)
        deed->code = store_take_numbers(tx, deed->mailbox_id, 1, growth, &no, &change);
    return r;
}

static void test_the_quota_is_exact(void **state)
{
    struct world *world = *state;
    struct deed deed = draft_of(world, world->alice);
    uint64_t size = strlen("as it was") + anna.name.len + anna.address.len;

    world->options.quota = size + 10;
    reopen(world);
    deed.second = 11;
    assert_int_equal(do_write(world, grow_by, &deed), 0);
    assert_int_equal(deed.code, CODE_ErrorQuotaExceeded);
    deed.second = 10;
    assert_int_equal(do_write(world, grow_by, &deed), 0);
    assert_int_equal(deed.code, 0);
    deed.second = 1;
    assert_int_equal(do_write(world, grow_by, &deed), 0);
    assert_int_equal(deed.code, CODE_ErrorQuotaExceeded);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        WORLD_CASE(test_one_way_for_all),
        WORLD_CASE(test_domains_of_the_last_transaction),
        WORLD_CASE(test_written_between),
        WORLD_CASE(test_numbers_are_taken_once),
        WORLD_CASE(test_undone_between),
        WORLD_CASE(test_not_beyond_the_transaction),
        WORLD_CASE(test_more_than_is_kept),
        WORLD_CASE(test_nothing_there),
        WORLD_CASE(test_a_folder_that_went),
        WORLD_CASE(test_the_quota_is_exact),
    };

    return world_run(cases, ARRAY_LEN(cases));
}
