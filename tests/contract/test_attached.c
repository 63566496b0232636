/*
 * Items that are attached to items: stored and read to any depth, shared by
 * copies, changed in one alone, long bytes staged; and when the last that
 * refers to them is gone, nothing is left.
 */
#include "model/code.h"
#include "store/store_content.h"
#include "store/store_item.h"
#include "store/store_keep.h"
#include "store/store_mail.h"

#include "world.h"

#define LARGE (3 * 1048576 + 5)
#define PATH(...) (&(struct attachment_path){ (const uint32_t[]){ __VA_ARGS__ }, sizeof((uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t) })

/* A draft with a file, and an item with a small file, a large one and an item. */
struct tree {
    struct item item, middle, inner;
    struct attachment top[2], within[3], deepest[1];
};

static void plant(struct world *world, struct tree *tree)
{
    struct rcpt *to = arena_alloc(world->arena, sizeof(*to));
    char *bytes = arena_alloc(world->arena, LARGE);
    assert_true(to && bytes);
    memset(bytes, 'x', LARGE);
    *to = (struct rcpt){ .name = SPAN("Dave"), .address = SPAN("dave@elsewhere.test"), .type = RCPT_TO };
    *tree = (struct tree){ 0 };
    item_init(&tree->item);
    item_init(&tree->middle);
    item_init(&tree->inner);
    tree->inner.subject = SPAN("inner");
    tree->inner.body = SPAN("innermost text");
    tree->inner.item_class = SPAN("IPM.Contact");
    tree->deepest[0] = (struct attachment){ .name = SPAN("deep"), .data = SPAN("deep bytes") };
    tree->inner.attachments = (struct attachment_list){ tree->deepest, 1 };
    tree->middle.subject = SPAN("middle");
    tree->middle.to = (struct rcpt_list){ to, 1 };
    tree->middle.flags |= ITEM_HAS_ATTACHMENTS;
    tree->within[0] = (struct attachment){ .name = SPAN("small"), .data = SPAN("few") };
    tree->within[1] = (struct attachment){ .name = SPAN("large"), .data = { bytes, LARGE } };
    tree->within[2] = (struct attachment){ .name = SPAN("inner"), .kind = ATTACHMENT_ITEM, .item = &tree->inner };
    tree->middle.attachments = (struct attachment_list){ tree->within, 3 };
    tree->top[0] = (struct attachment){ .name = SPAN("file"), .kind = ATTACHMENT_PHOTO, .data = SPAN("top") };
    tree->top[1] = (struct attachment){ .name = SPAN("middle"), .kind = ATTACHMENT_ITEM, .item = &tree->middle };
    tree->item.attachments = (struct attachment_list){ tree->top, 2 };
    tree->item.mailbox_id = world->alice;
    tree->item.folder_no = FOLDER_ROLE_drafts;
}

static int insert(struct store_tx *tx, struct world *world, void *data)
{
    (void)world;
    return store_item_insert(tx, data);
}

static int copy(struct store_tx *tx, struct world *world, void *data)
{
    (void)world;
    return store_item_copy(tx, data, FOLDER_ROLE_inbox);
}

static int delete(struct store_tx *tx, struct world *world, void *data)
{
    const struct item *item = data;
    return store_item_delete(tx, world->alice, item->item_no);
}

struct detach {
    struct item item;
    const struct attachment_path *path;
};

static int detach(struct store_tx *tx, struct world *world, void *data)
{
    struct detach *one = data;
    (void)world;
    return store_attachment_delete(tx, &one->item, one->path);
}

static int sweep_once(struct store_tx *tx, struct world *world, void *data)
{
    (void)world;
    return store_sweep(tx, when_now(), data);
}

static int count(struct store_tx *tx, struct world *world, void *data)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    (void)world;
    int r = sql_open_text(tx, "SELECT (SELECT COUNT(*) FROM chunk) + (SELECT COUNT(*) FROM content) + (SELECT COUNT(*) FROM attached) + "
                              "(SELECT COUNT(*) FROM attachment) + (SELECT COUNT(*) FROM recipient)", NULL, 0, &sql);
    if (r == 0 && (r = sql_next(&sql)) == 1)
        *(int64_t *)data = sql_int(&sql, 0);
    return r < 0 ? r : 0;
}

static int64_t rows(struct world *world)
{
    int64_t n = -1;
    for (bool more = true; more;)
        assert_int_equal(do_write(world, sweep_once, &more), 0);
    assert_int_equal(do_write(world, count, &n), 0);
    return n;
}

static int no_problem(void *arg, const struct store_problem *problem)
{
    (void)arg;
    fail_msg("%s %llu: %.*s", problem->table, (unsigned long long)problem->number, (int)problem->what.len, problem->what.ptr);
    return 0;
}

static void whole(struct world *world)
{
    const struct store_check check = { .found = no_problem };
    assert_int_equal(store_check(world->store, &check), 0);
}

static void assert_tree(struct world *world, const struct item *item, bool small)
{
    struct item got;
    struct attachment found;
    struct store_tx *tx = reader(world);
    assert_int_equal(store_item_get(tx, world->arena, item->mailbox_id, item->item_no, STORE_ALL, &got), 0);
    assert_int_equal(got.attachments.n, 2);
    assert_int_equal(got.attachments.v[0].kind, ATTACHMENT_PHOTO);
    const struct item *middle = got.attachments.v[1].item;
    assert_true(span_is(middle->subject, "middle") && span_is(middle->to.v[0].address, "dave@elsewhere.test"));
    assert_int_equal(middle->attachments.n, small ? 3 : 2);
    assert_int_equal(middle->attachments.v[small].data.len, LARGE);
    const struct item *inner = middle->attachments.v[1 + small].item;
    assert_int_equal(inner->kind, ITEM_KIND_CONTACT);
    assert_true(span_is(inner->body, "innermost text") && span_is(inner->attachments.v[0].data, "deep bytes"));
    assert_int_equal(got.attachments.v[1].size, middle->size);
    assert_int_equal(store_attachment_get(tx, world->arena, item->mailbox_id, item->item_no, PATH(2, 3, 1), STORE_DATA, &found), 0);
    assert_true(span_is(found.data, "deep bytes"));
    assert_int_equal(store_attachment_get(tx, world->arena, item->mailbox_id, item->item_no, PATH(2, 3), STORE_BODY | STORE_DATA, &found), 0);
    assert_true(span_is(found.item->body, "innermost text"));
    assert_int_equal(store_attachment_get(tx, world->arena, item->mailbox_id, item->item_no, PATH(1, 1), STORE_DATA, &found), 1);
    assert_int_equal(store_attachment_get(tx, world->arena, item->mailbox_id, item->item_no, PATH(2, 9), STORE_DATA, &found), 1);
    store_read_end(tx);
}

static void test_life(void **state)
{
    struct world *world = *state;
    const int64_t before = rows(world);
    struct tree tree;
    plant(world, &tree);
    assert_int_equal(store_stage_item(world->store, &tree.item), 0);
    assert_int_equal(do_write(world, insert, &tree.item), 0);
    assert_tree(world, &tree.item, true);
    struct item second = tree.item;
    assert_int_equal(do_write(world, copy, &second), 0);
    struct detach one = { tree.item, PATH(2, 1) };
    assert_int_equal(do_write(world, detach, &one), 0);
    assert_int_equal(one.item.size, tree.item.size - 3);
    assert_tree(world, &second, true);
    assert_tree(world, &one.item, false);
    assert_int_equal(do_write(world, detach, &one), 1);
    whole(world);
    assert_int_equal(do_write(world, delete, &one.item), 0);
    assert_tree(world, &second, true);
    whole(world);
    assert_int_equal(do_write(world, delete, &second), 0);
    assert_int_equal(rows(world), before);
    whole(world);
}

/* As an answer shares what is attached to its original. */
static void test_shared(void **state)
{
    struct world *world = *state;
    const int64_t before = rows(world);
    struct tree tree;
    struct item answer, got;
    struct store_tx *tx;
    plant(world, &tree);
    assert_int_equal(store_stage_item(world->store, &tree.item), 0);
    assert_int_equal(do_write(world, insert, &tree.item), 0);
    item_init(&answer);
    answer.mailbox_id = world->alice;
    answer.folder_no = FOLDER_ROLE_drafts;
    struct attachment shared = { .name = SPAN("again"), .kind = ATTACHMENT_ITEM, .shared_no = tree.top[1].data_no, .size = tree.top[1].size };
    answer.attachments = (struct attachment_list){ &shared, 1 };
    assert_int_equal(do_write(world, insert, &answer), 0);
    assert_int_equal(do_write(world, delete, &tree.item), 0);
    whole(world);
    tx = reader(world);
    assert_int_equal(store_item_get(tx, world->arena, world->alice, answer.item_no, STORE_ALL, &got), 0);
    assert_true(span_is(got.attachments.v[0].item->subject, "middle"));
    assert_int_equal(got.attachments.v[0].item->attachments.v[1].data.len, LARGE);
    store_read_end(tx);
    assert_int_equal(do_write(world, delete, &answer), 0);
    assert_int_equal(rows(world), before);
    answer.item_no = answer.content_no = 0;
    assert_int_equal(do_write(world, insert, &answer), CODE_ErrorInternalServerTransientError); /* it went meanwhile */
    assert_int_equal(rows(world), before);
}

/* What was staged for nothing goes at once. */
static void test_discarded(void **state)
{
    struct world *world = *state;
    const int64_t before = rows(world);
    struct tree tree;
    plant(world, &tree);
    assert_int_equal(store_stage_item(world->store, &tree.item), 0);
    assert_true(rows(world) > before);
    assert_int_equal(store_stage_discard(world->store, &tree.item), 0);
    assert_int_equal(rows(world), before);
}

/* Into another's mailbox, as a delivery does. */
static void test_delivered(void **state)
{
    struct world *world = *state;
    struct tree tree;
    struct item item, *mine = arena_alloc(world->arena, sizeof(*mine));
    struct store_tx *tx;
    plant(world, &tree);
    assert_int_equal(store_stage_item(world->store, &tree.item), 0);
    assert_int_equal(do_write(world, insert, &tree.item), 0);
    tx = reader(world);
    assert_int_equal(store_item_get(tx, world->arena, world->alice, tree.item.item_no, STORE_ALL | STORE_LAZY, &item), 0);
    store_item_detach(&item);
    store_read_end(tx);
    *mine = item;
    mine->mailbox_id = world->bob;
    assert_int_equal(item_own_attachments(world->arena, mine), 0);
    assert_int_equal(store_stage_item(world->store, mine), 0);
    assert_int_equal(item.attachments.v[1].item->attachments.v[1].staged_no, 0);
    assert_int_equal(do_write(world, insert, mine), 0);
    assert_int_equal(do_write(world, delete, &tree.item), 0);
    assert_tree(world, mine, true);
    whole(world);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        WORLD_CASE(test_life),
        WORLD_CASE(test_shared),
        WORLD_CASE(test_discarded),
        WORLD_CASE(test_delivered),
    };
    return world_run(cases, sizeof(cases) / sizeof(cases[0]));
}
