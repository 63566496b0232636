/*
 * Folders of the store: names without case, counts through moves and deletes,
 * steps that are bounded, and the tree as it was at an earlier change, until that
 * is forgotten.
 */
#include "base/when.h"
#include "model/code.h"
#include "store/store_folder.h"

#include <stdio.h>

#include "world.h"

enum { ITEMS = 25, STEP = 10, DAY_MS = 86400000 };

static int64_t now = INT64_C(1800000000000);

static int64_t read_clock(void)
{
    return now;
}

struct made {
    uint64_t parent_no;
    const char *name;
    struct folder folder;
};

static int make(struct store_tx *tx, struct world *world, void *data)
{
    struct made *made = data;
    made->folder = (struct folder){ .mailbox_id = world->alice, .parent_no = made->parent_no, .name = span_of(made->name),
                                    .class = SPAN("IPF.Note") };
    return store_folder_insert(tx, &made->folder);
}

static uint64_t made_in(struct world *world, uint64_t parent_no, const char *name)
{
    struct made made = { parent_no, name, { 0 } };
    assert_int_equal(do_write(world, make, &made), 0);
    return made.folder.folder_no;
}

static struct folder get(struct world *world, uint64_t folder_no)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = reader(world);
    struct folder folder = { 0 };
    assert_int_equal(store_folder_get(tx, world->arena, world->alice, folder_no, &folder), 0);
    return folder;
}

struct moving {
    uint64_t folder_no, parent_no;
};

static int move(struct store_tx *tx, struct world *world, void *data)
{
    const struct moving *moving = data;
    struct folder folder;
    int r = store_folder_get(tx, world->arena, world->alice, moving->folder_no, &folder);
    return r ? r : store_folder_move(tx, &folder, moving->parent_no, 0);
}

static int delete(struct store_tx *tx, struct world *world, void *data)
{
    struct folder folder;
    int r = store_folder_get(tx, world->arena, world->alice, *(uint64_t *)data, &folder);
    return r ? r : store_folder_delete(tx, &folder);
}

static void names_have_no_case(void **state)
{
    struct world *world = *state;
    struct made twice = { FOLDER_ROLE_inbox, "\xc3\x84RGER", { 0 } };
    made_in(world, FOLDER_ROLE_inbox, "\xc3\xa4rger");
    assert_int_equal(do_write(world, make, &twice), CODE_ErrorFolderExists);
    twice.parent_no = 999;
    assert_int_equal(do_write(world, make, &twice), CODE_ErrorFolderNotFound);
    assert_int_equal(get(world, FOLDER_ROLE_inbox).children, 1);
}

/* ---- steps ---- */

static int fill(struct store_tx *tx, struct world *world, void *data)
{
    int r = 0;
    for (int i = 0; r == 0 && i < ITEMS; i++) {
        struct item item;
        item_init(&item);
        item.mailbox_id = world->alice;
        item.folder_no = *(uint64_t *)data;
        item.item_class = SPAN("IPM.Note");
        item.body = SPAN("body");
        item.flags |= i % 5 == 0 ? ITEM_ASSOCIATED : 0;
        r = store_item_insert(tx, &item);
    }
    return r;
}

struct step {
    uint64_t from, to;
    bool hidden;
    struct store_copying copying;
    unsigned n;
};

static int copy_step(struct store_tx *tx, struct world *world, void *data)
{
    struct step *step = data;
    return store_folder_copy_items(tx, world->alice, step->from, step->to, 0, STEP, &step->copying, &step->n);
}

static int move_step(struct store_tx *tx, struct world *world, void *data)
{
    struct step *step = data;
    return store_folder_move_items(tx, world->alice, step->from, step->to, step->hidden, STEP, &step->n);
}

static int delete_step(struct store_tx *tx, struct world *world, void *data)
{
    struct step *step = data;
    return store_folder_delete_items(tx, world->alice, step->from, step->hidden, STEP, &step->n);
}

static unsigned run_steps(struct world *world, int (*run)(struct store_tx *, struct world *, void *), struct step step)
{
    unsigned all = 0;
    do {
        assert_int_equal(do_write(world, run, &step), 0);
        assert_true(step.n <= STEP);
        all += step.n;
    } while (step.n == STEP);
    return all;
}

static void items_go_in_steps(void **state)
{
    struct world *world = *state;
    uint64_t one = made_in(world, FOLDER_ROLE_inbox, "one"), two = made_in(world, FOLDER_ROLE_inbox, "two");
    assert_int_equal(do_write(world, fill, &one), 0);
    assert_int_equal(run_steps(world, copy_step, (struct step){ .from = one, .to = two }), ITEMS);
    assert_int_equal(get(world, two).total, ITEMS - ITEMS / 5);
    assert_int_equal(run_steps(world, delete_step, (struct step){ .from = two }), ITEMS - ITEMS / 5);
    assert_int_equal(get(world, two).total, 0);
    assert_int_equal(run_steps(world, delete_step, (struct step){ .from = two, .hidden = true }), ITEMS / 5);
    assert_int_equal(run_steps(world, move_step, (struct step){ .from = one, .to = two, .hidden = true }), ITEMS);
    assert_int_equal(get(world, one).total, 0);
    assert_int_equal(get(world, two).unread, ITEMS - ITEMS / 5);
}

/* ---- following ---- */

/* "+1 ~2 -3": what is told about folders since a change, by their numbers. */
static void told(struct world *world, uint64_t top, uint64_t since, const char *wanted)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = reader(world);
    struct store_followed *changes = NULL;
    uint64_t until = 0;
    size_t n = 0;
    char text[256] = "";
    assert_int_equal(store_hierarchy_now(tx, world->alice, &until), 0);
    assert_int_equal(store_hierarchy_changes(tx, world->arena, world->alice, top, since, until, &changes, &n), 0);
    for (size_t i = 0; i < n; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%c%llu ", !changes[i].folder ? '-' : changes[i].was ? '~' : '+',
                 (unsigned long long)changes[i].folder_no);
    assert_string_equal(text, wanted);
}

static uint64_t seen(struct world *world)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = reader(world);
    uint64_t change = 0;
    assert_int_equal(store_hierarchy_now(tx, world->alice, &change), 0);
    return change;
}

static void the_tree_is_followed(void **state)
{
    struct world *world = *state;
    const uint64_t top = FOLDER_ROLE_inbox;
    char wanted[256];
    uint64_t a = made_in(world, top, "a"), b = made_in(world, a, "b"), c = made_in(world, FOLDER_ROLE_drafts, "c");
    const uint64_t first = seen(world);
    snprintf(wanted, sizeof(wanted), "+%llu +%llu ", (unsigned long long)a, (unsigned long long)b);
    told(world, top, 0, wanted);
    told(world, top, first, "");
    /* away and back, something new in between, and that deleted again */
    assert_int_equal(do_write(world, move, &(struct moving){ a, c }), 0);
    snprintf(wanted, sizeof(wanted), "-%llu -%llu ", (unsigned long long)a, (unsigned long long)b);
    told(world, top, first, wanted);
    uint64_t d = made_in(world, top, "d");
    assert_int_equal(do_write(world, delete, &d), 0);
    assert_int_equal(do_write(world, move, &(struct moving){ a, top }), 0);
    snprintf(wanted, sizeof(wanted), "~%llu ", (unsigned long long)a);
    told(world, top, first, wanted);
    told(world, c, first, "");
    /* one of the two goes, the other comes out of it first */
    assert_int_equal(do_write(world, move, &(struct moving){ b, top }), 0);
    assert_int_equal(do_write(world, delete, &a), 0);
    snprintf(wanted, sizeof(wanted), "~%llu -%llu ", (unsigned long long)b, (unsigned long long)a);
    told(world, top, first, wanted);
}

static void what_is_old_is_forgotten(void **state)
{
    struct world *world = *state;
    struct store_followed *changes = NULL;
    size_t n = 0;
    when_set_clock(read_clock);
    made_in(world, FOLDER_ROLE_inbox, "a");
    const uint64_t first = seen(world);
    made_in(world, FOLDER_ROLE_inbox, "b");
    now += INT64_C(91) * DAY_MS;
    const uint64_t second = seen(world);
    made_in(world, FOLDER_ROLE_inbox, "c");
    when_set_clock(NULL);
    CLEANUP(free_ptr_store_read) struct store_tx *tx = reader(world);
    assert_int_equal(store_hierarchy_changes(tx, world->arena, world->alice, FOLDER_ROLE_inbox, first, second + 1, &changes, &n), 1);
    assert_int_equal(store_hierarchy_changes(tx, world->arena, world->alice, FOLDER_ROLE_inbox, second, second + 1, &changes, &n), 0);
    assert_int_equal(n, 1);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        WORLD_CASE(names_have_no_case),
        WORLD_CASE(items_go_in_steps),
        WORLD_CASE(the_tree_is_followed),
        WORLD_CASE(what_is_old_is_forgotten),
    };
    return world_run(cases, ARRAY_LEN(cases));
}
