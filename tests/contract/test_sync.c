/*
 * What those who follow a folder are told: nothing is lost between pages nor
 * told twice, what came and went is left out, the log is cut by whole days and
 * says how far; and what was deleted is purged when its time is over.
 */
#include "world.h"

#include "model/code.h"
#include "model/folder.h"
#include "outbox/forget.h"
#include "store/store_mail.h"
#include "store/store_sync.h"

#define DAY_MS 86400000
#define INBOX FOLDER_ROLE_inbox
#define DELETIONS FOLDER_ROLE_recoverableitemsdeletions

static int64_t shift;

static int64_t shifted(void)
{
    return 1800000000000 + shift;
}

/* ---- steps ---- */

struct step {
    uint64_t item_no; /* of the item, as it is and becomes */
    uint64_t folder_no;
    uint32_t flags;
    size_t n; /* as many more */
};

static int put(struct store_tx *tx, struct world *world, void *data)
{
    struct step *step = data;
    int r = 0;
    for (size_t i = 0; r == 0 && i <= step->n; i++) {
        struct item item;
        item_init(&item);
        item.mailbox_id = world->alice;
        item.folder_no = step->folder_no;
        item.flags = step->flags;
        item.subject = SPAN("of a folder that is followed");
        item.received = item.created = item.modified = when_now() - (int64_t)(i / 3); /* some at the same time */
        r = store_item_insert(tx, &item);
        step->item_no = item.item_no;
    }
    return r;
}

static int move(struct store_tx *tx, struct world *world, void *data)
{
    struct step *step = data;
    struct item item;
    int r = store_item_get(tx, world->arena, world->alice, step->item_no, STORE_HOT, &item);
    if (r == 0)
        r = store_item_move(tx, &item, step->folder_no, true);
    step->item_no = item.item_no;
    return r;
}

static int delete(struct store_tx *tx, struct world *world, void *data)
{
    const struct step *step = data;
    return store_item_delete(tx, world->alice, step->item_no);
}

static int update(struct store_tx *tx, struct world *world, void *data)
{
    const struct step *step = data;
    struct item item;
    int r = store_item_get(tx, world->arena, world->alice, step->item_no, STORE_HOT, &item);
    return r ? r : store_item_update(tx, &item, true);
}

static int mark(struct store_tx *tx, struct world *world, void *data)
{
    const struct step *step = data;
    struct item item;
    int r = store_item_get(tx, world->arena, world->alice, step->item_no, STORE_HOT, &item);
    item.flags ^= ITEM_READ;
    return r ? r : store_item_update_read(tx, &item);
}

static int mark_seven(struct store_tx *tx, struct world *world, void *data)
{
    return store_items_mark_read(tx, world->alice, INBOX, data, 7, true);
}

static uint64_t put_one(struct world *world)
{
    struct step step = { .folder_no = INBOX };
    assert_int_equal(do_write(world, put, &step), 0);
    return step.item_no;
}

static void run(struct world *world, int (*what)(struct store_tx *, struct world *, void *), uint64_t item_no)
{
    assert_int_equal(do_write(world, what, &(struct step){ .item_no = item_no }), 0);
}

static struct store_sync_now now_of(struct world *world)
{
    struct store_sync_now now;
    struct store_tx *tx = reader(world);
    assert_int_equal(store_sync_now(tx, world->alice, &now), 0);
    store_read_end(tx);
    return now;
}

struct told {
    struct store_sync_change *v;
    size_t n;
    bool more;
};

static struct told changes(struct world *world, struct store_sync_place *place, size_t limit)
{
    struct told told;
    struct store_tx *tx = reader(world);
    assert_int_equal(store_sync_changes(tx, world->arena, world->alice, INBOX, limit, place, &told.v, &told.n, &told.more), 0);
    store_read_end(tx);
    return told;
}

static void assert_told(const struct told *told, size_t at, uint64_t item_no, enum store_sync_kind kind)
{
    assert_true(at < told->n);
    assert_int_equal(told->v[at].item_no, item_no);
    assert_int_equal(told->v[at].kind, kind);
}

/* ---- cases ---- */

static void each_item_has_one_change(void **state)
{
    struct world *world = *state;
    uint64_t updated = put_one(world), read = put_one(world), gone = put_one(world);
    struct store_sync_place place = { .change = now_of(world).change };
    uint64_t made = put_one(world), came_and_went = put_one(world);
    run(world, mark, read);
    run(world, mark, read);
    run(world, update, updated);
    run(world, mark, updated);
    run(world, update, made);
    run(world, update, gone);
    run(world, delete, came_and_went);
    run(world, delete, gone);
    struct told told = changes(world, &place, 10);
    assert_int_equal(told.n, 4);
    assert_told(&told, 0, updated, STORE_SYNC_UPDATE);
    assert_told(&told, 1, read, STORE_SYNC_READ);
    assert_told(&told, 2, gone, STORE_SYNC_DELETE);
    assert_told(&told, 3, made, STORE_SYNC_CREATE);
    assert_false(told.more);
    assert_int_equal(changes(world, &place, 10).n, 0);
}

static void a_place_lies_within_a_change(void **state)
{
    struct world *world = *state;
    struct store_unlike *unread = NULL;
    size_t n = 0, seen = 0;
    assert_int_equal(do_write(world, put, &(struct step){ .folder_no = INBOX, .n = 6 }), 0);
    struct store_tx *tx = reader(world);
    assert_int_equal(store_sync_unlike(tx, world->arena, world->alice, INBOX, true, STORE_SYNC_FIRST, STORE_SYNC_FIRST, 100, &unread, &n), 0);
    store_read_end(tx);
    assert_int_equal(n, 7);
    struct store_sync_place place = { .change = now_of(world).change };
    assert_int_equal(do_write(world, mark_seven, unread), 0);
    for (bool more = true; more; seen++) {
        struct told told = changes(world, &place, 1);
        more = told.more;
        assert_int_equal(told.n, 1);
        assert_int_equal(told.v[0].kind, STORE_SYNC_READ);
    }
    assert_int_equal(seen, 7);
}

static size_t walk(struct world *world, bool associated, uint64_t bound, uint64_t limit)
{
    struct store_sync_page page = { .mailbox_id = world->alice, .folder_no = INBOX, .associated = associated, .received = STORE_SYNC_FIRST,
                                    .item_no = STORE_SYNC_FIRST, .bound = bound, .limit = limit };
    struct item *items = NULL;
    size_t n = limit, all = 0;
    while (n == limit) {
        struct store_tx *tx = reader(world);
        assert_int_equal(store_sync_items(tx, world->arena, &page, &items, &n), 0);
        store_read_end(tx);
        for (size_t i = 0; i < n; i++) {
            assert_true(items[i].received < page.received || items[i].item_no < page.item_no);
            page.received = items[i].received;
            page.item_no = items[i].item_no;
        }
        all += n;
    }
    return all;
}

static void pages_have_everything_once(void **state)
{
    struct world *world = *state;
    assert_int_equal(do_write(world, put, &(struct step){ .folder_no = INBOX, .n = 99 }), 0);
    assert_int_equal(do_write(world, put, &(struct step){ .folder_no = INBOX, .flags = ITEM_ASSOCIATED, .n = 4 }), 0);
    const struct store_sync_now now = now_of(world);
    assert_int_equal(do_write(world, put, &(struct step){ .folder_no = INBOX, .n = 9 }), 0);
    for (uint64_t limit = 1; limit < 120; limit += 7) {
        assert_int_equal(walk(world, false, now.bound, limit), 100);
        assert_int_equal(walk(world, true, now.bound, limit), 5);
    }
}

static void forget(struct world *world)
{
    struct conf conf;
    atomic_bool stop = false;
    int64_t after = 0;
    conf_init(&conf);
    do
        assert_int_equal(forget_changes(world->store, &conf, &stop, &after), 0);
    while (after);
    assert_int_equal(forget_deleted(world->store, &conf, &stop), 0);
}

static void old_changes_are_forgotten(void **state)
{
    struct world *world = *state;
    when_set_clock(shifted);
    shift = 0;
    assert_int_equal(do_write(world, put, &(struct step){ .folder_no = INBOX, .n = 4999 }), 0);
    const uint64_t old = now_of(world).change;
    shift = 60 * (int64_t)DAY_MS;
    uint64_t kept = put_one(world);
    forget(world);
    assert_int_equal(now_of(world).forgotten, 0);
    shift = 91 * (int64_t)DAY_MS;
    forget(world);
    assert_int_equal(now_of(world).forgotten, old);
    struct store_sync_place place = { .change = old };
    struct told told = changes(world, &place, 10);
    assert_int_equal(told.n, 1);
    assert_told(&told, 0, kept, STORE_SYNC_CREATE);
    when_set_clock(NULL);
}

static int count_of(struct world *world, uint64_t folder_no)
{
    struct folder folder;
    struct store_tx *tx = reader(world);
    assert_int_equal(store_folder_get(tx, world->arena, world->alice, folder_no, &folder), 0);
    store_read_end(tx);
    return (int)folder.total;
}

static void what_was_deleted_is_purged(void **state)
{
    struct world *world = *state;
    when_set_clock(shifted);
    shift = 0;
    struct step old = { .item_no = put_one(world), .folder_no = DELETIONS }, restored = { .item_no = put_one(world), .folder_no = DELETIONS };
    assert_int_equal(do_write(world, move, &old), 0);
    assert_int_equal(do_write(world, move, &restored), 0);
    shift = 10 * (int64_t)DAY_MS;
    struct step young = { .item_no = put_one(world), .folder_no = DELETIONS };
    assert_int_equal(do_write(world, move, &young), 0);
    restored.folder_no = INBOX;
    assert_int_equal(do_write(world, move, &restored), 0);
    forget(world);
    assert_int_equal(count_of(world, DELETIONS), 2);
    shift = 15 * (int64_t)DAY_MS;
    forget(world);
    assert_int_equal(count_of(world, DELETIONS), 1);
    assert_int_equal(count_of(world, INBOX), 1);
    shift = 30 * (int64_t)DAY_MS;
    forget(world);
    assert_int_equal(count_of(world, DELETIONS), 0);
    assert_int_equal(count_of(world, INBOX), 1);
    when_set_clock(NULL);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        WORLD_CASE(each_item_has_one_change), WORLD_CASE(a_place_lies_within_a_change), WORLD_CASE(pages_have_everything_once),
        WORLD_CASE(old_changes_are_forgotten), WORLD_CASE(what_was_deleted_is_purged),
    };
    return world_run(cases, ARRAY_LEN(cases));
}
