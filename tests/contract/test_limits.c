/*
 * Limits of a mailbox that the store keeps: its size is at every instant the
 * sum of its items', whatever is done to them and whatever is undone; nothing
 * makes it larger than the quota; the pace of sending counts what stands.
 */
#include "model/code.h"
#include "store/store_content.h"
#include "store/store_core.h"
#include "store/store_mail.h"
#include "store/store_outbox.h"

#include <errno.h>
#include <stdlib.h>

#include "world.h"

#define STEPS 2000
#define ITEMS 24

enum { MINUTE = 60000000 };

static uint64_t size_of(struct world *world, int64_t mailbox_id)
{
    struct store_tx *tx = reader(world);
    uint64_t size = 0;
    assert_int_equal(store_mailbox_size(tx, mailbox_id, &size), 0);
    store_read_end(tx);
    return size;
}

static uint64_t sum_of(struct world *world, int64_t mailbox_id)
{
    struct store_tx *tx = reader(world);
    struct store_usage *folders;
    uint64_t sum = 0;
    size_t n;
    assert_int_equal(store_mailbox_usage(tx, world->arena, mailbox_id, &folders, &n), 0);
    store_read_end(tx);
    for (size_t i = 0; i < n; i++)
        sum += folders[i].size;
    return sum;
}

static void use_quota(struct world *world, uint64_t quota)
{
    world->options.quota = quota;
    reopen(world);
}

/* ---- one step ---- */

enum verb { INSERT, UPDATE, REPLACE, REWRITE, ATTACH, DETACH, MOVE, COPY, DELETE, SEND, SEND_COPY, VERBS };

struct step {
    enum verb verb;
    struct item item;
    size_t n;     /* of bytes */
    bool undone;  /* the job fails afterwards */
};

static char letters[4096];

static int send(struct store_tx *tx, struct item *draft, uint64_t folder_no)
{
    struct store_outbox_rcpt rcpt = { .address = SPAN("x@example.org"), .kind = STORE_RCPT_REMOTE };
    struct store_outbox entry = { .mailbox_id = draft->mailbox_id, .envelope_sender = SPAN("alice@example.test"),
                                  .message_id = SPAN("<1@example.test>"), .rcpts = &rcpt, .rcpts_n = 1 };
    struct item item = *draft;
    item.folder_no = folder_no;
    return store_outbox_submit(tx, &item, draft, &entry);
}

static int attach(struct store_tx *tx, struct item *item, size_t n)
{
    struct attachment attachment = { .name = SPAN("a"), .data = { letters, n }, .size = n };
    return store_attachment_add(tx, item, &attachment);
}

static int detach(struct store_tx *tx, struct item *item)
{
    int r = store_attachment_delete(tx, item, &(struct attachment_path){ (const uint32_t[]){ 1 }, 1 });
    return r == 1 ? 0 : r;
}

static int run_verb(struct store_tx *tx, struct step *step)
{
    struct item *item = &step->item;
    switch (step->verb) {
    case INSERT:
        return store_item_insert(tx, item);
    case UPDATE:
        item->size = step->n;
        return store_item_update(tx, item, true);
    case REPLACE:
        item->body = (struct span){ letters, step->n };
        return store_item_replace(tx, item, true);
    case REWRITE:
        item->body = (struct span){ letters, step->n };
        item->size = step->n;
        return store_item_rewrite(tx, item, STORE_BODY, true);
    case ATTACH:
        return attach(tx, item, step->n);
    case DETACH:
        return detach(tx, item);
    case MOVE:
        return store_item_move(tx, item, FOLDER_ROLE_inbox, true);
    case COPY:
        return store_item_copy(tx, item, FOLDER_ROLE_drafts);
    case DELETE:
        return store_item_delete(tx, item->mailbox_id, item->item_no);
    case SEND:
        return send(tx, item, 0);
    case SEND_COPY:
        return send(tx, item, FOLDER_ROLE_sentitems);
    case VERBS:
        break;
    }
    return -EINVAL;
}

static int run_step(struct store_tx *tx, struct world *world, void *data)
{
    struct step step = *(struct step *)data;
    (void)world;
    int r = run_verb(tx, &step);
    return r == 0 && step.undone ? 1 : r;
}

static struct item new_item(struct world *world, size_t n)
{
    struct item item;
    item_init(&item);
    item.mailbox_id = world->alice;
    item.folder_no = FOLDER_ROLE_drafts;
    item.body = (struct span){ letters, n };
    return item;
}

/* Some item of a folder, as it is stored. */
static bool pick(struct world *world, enum folder_role folder, struct item *ret_item)
{
    const struct store_find find = { .mailbox_id = world->alice, .folder_no = (uint64_t)folder, .limit = ITEMS };
    struct store_tx *tx = reader(world);
    struct item *items;
    size_t n;
    uint64_t total;
    assert_int_equal(store_item_find(tx, world->arena, &find, &items, &n, &total), 0);
    store_read_end(tx);
    if (n > 0)
        *ret_item = items[(size_t)rand() % n];
    return n > 0;
}

static void the_size_is_the_sum(void **state)
{
    struct world *world = *state;
    unsigned done[VERBS] = { 0 }, full = 0;
    srand(20261125);
    use_quota(world, 40000);
    for (unsigned i = 0; i < STEPS; i++) {
        struct step step = { .verb = (enum verb)(rand() % VERBS), .n = 1 + (size_t)rand() % sizeof(letters), .undone = rand() % 8 == 0 };
        step.item = new_item(world, step.n);
        if (step.verb != INSERT && !pick(world, rand() % 2 ? FOLDER_ROLE_drafts : FOLDER_ROLE_inbox, &step.item))
            continue;
        const uint64_t before = size_of(world, world->alice);
        int r = do_write(world, run_step, &step);
        const uint64_t after = size_of(world, world->alice);
        assert_int_equal(after, sum_of(world, world->alice));
        assert_true(after <= 40000);
        assert_true(r == 0 || r == CODE_ErrorQuotaExceeded || (r == 1 && step.undone));
        assert_true(r == 0 || after == before);
        assert_false(r == CODE_ErrorQuotaExceeded && (step.verb == DELETE || step.verb == SEND || step.verb == MOVE || step.verb == DETACH));
        done[step.verb] += r == 0;
        full += r == CODE_ErrorQuotaExceeded;
        arena_reset(world->arena);
    }
    for (size_t i = 0; i < VERBS; i++)
        assert_true(done[i] > 5);
    assert_true(full > 20);
}

/* To the byte; and a mailbox that is over a quota set lower since can be
 * emptied and sent from, but keeps no copy. */
static void the_quota_is_exact(void **state)
{
    struct world *world = *state;
    struct step step = { .verb = INSERT, .item = new_item(world, 600) };
    use_quota(world, 1000);
    assert_int_equal(do_write(world, run_step, &step), 0);
    step.item = new_item(world, 401);
    assert_int_equal(do_write(world, run_step, &step), CODE_ErrorQuotaExceeded);
    step.item = new_item(world, 400);
    assert_int_equal(do_write(world, run_step, &step), 0);
    assert_int_equal(size_of(world, world->alice), 1000);
    assert_true(pick(world, FOLDER_ROLE_drafts, &step.item));
    step.verb = SEND_COPY;
    assert_int_equal(do_write(world, run_step, &step), 0);

    use_quota(world, 999);
    assert_true(pick(world, FOLDER_ROLE_drafts, &step.item));
    assert_int_equal(do_write(world, run_step, &step), CODE_ErrorQuotaExceeded);
    step.verb = MOVE;
    assert_int_equal(do_write(world, run_step, &step), 0);
    assert_true(pick(world, FOLDER_ROLE_inbox, &step.item));
    step.verb = SEND;
    assert_int_equal(do_write(world, run_step, &step), 0);
    assert_true(size_of(world, world->alice) < 999);
}

static int set_quota(struct store_tx *tx, struct world *world, void *data)
{
    return store_mailbox_set_quota(tx, world->alice, *(const int64_t *)data);
}

static int insert_one(struct world *world, size_t size)
{
    struct step step = { .verb = INSERT, .item = new_item(world, size) };
    return do_write(world, run_step, &step);
}

static struct store_quota quota_of(struct world *world, int64_t mailbox_id)
{
    struct store_tx *tx = reader(world);
    struct store_quota quota;
    assert_int_equal(store_mailbox_quota(tx, mailbox_id, &quota), 0);
    store_read_end(tx);
    return quota;
}

/* Larger or smaller than that of the store, or none; it outlives the program. */
static void a_mailbox_has_a_quota_of_its_own(void **state)
{
    struct world *world = *state;
    use_quota(world, 200);
    assert_int_equal(insert_one(world, 201), CODE_ErrorQuotaExceeded);
    assert_int_equal(do_write(world, set_quota, &(int64_t){ 400 }), 0);
    use_quota(world, 200);
    assert_int_equal(insert_one(world, 300), 0);
    assert_int_equal(insert_one(world, 101), CODE_ErrorQuotaExceeded);
    assert_int_equal(quota_of(world, world->alice).bytes, 400);
    assert_int_equal(quota_of(world, world->alice).size, 300);
    assert_int_equal(quota_of(world, world->bob).bytes, 200);
    assert_int_equal(quota_of(world, world->bob).own, STORE_QUOTA_DEFAULT);
    assert_int_equal(do_write(world, set_quota, &(int64_t){ 0 }), 0);
    assert_int_equal(insert_one(world, 500), 0);
    assert_int_equal(do_write(world, set_quota, &(int64_t){ STORE_QUOTA_DEFAULT }), 0);
    assert_int_equal(insert_one(world, 1), CODE_ErrorQuotaExceeded);
    use_quota(world, 0);
    assert_int_equal(insert_one(world, 500), 0);
}

/* ---- the pace ---- */

struct pace {
    int64_t now, wait;
    bool undone;
};

static int take_leave(struct store_tx *tx, struct world *world, void *data)
{
    struct pace *pace = data;
    int r = store_mailbox_pace(tx, world->alice, pace->now, MINUTE / 6, MINUTE, &pace->wait);
    return r == 0 && pace->undone ? 1 : r;
}

static void the_pace_counts_what_stands(void **state)
{
    struct world *world = *state;
    struct pace pace = { .now = 1000LL * MINUTE, .undone = true };
    assert_int_equal(do_write(world, take_leave, &pace), 1);
    pace.undone = false;
    for (int i = 0; i < 6; i++)
        assert_int_equal(do_write(world, take_leave, &pace), 0);
    assert_int_equal(do_write(world, take_leave, &pace), 1);
    assert_int_equal(pace.wait, MINUTE / 6);
    reopen(world);
    pace.now += MINUTE / 6 - 1;
    assert_int_equal(do_write(world, take_leave, &pace), 1);
    assert_int_equal(pace.wait, 1);
    pace.now++;
    assert_int_equal(do_write(world, take_leave, &pace), 0);
    assert_int_equal(do_write(world, take_leave, &pace), 1);
}

/* ---- stores of before ---- */

static int forget_size(struct store_tx *tx, struct world *world, void *data)
{
    (void)world;
    (void)data;
    int r = tx->driver->define(tx->conn, "ALTER TABLE mailbox ADD COLUMN size BIGINT NOT NULL DEFAULT 0", 0);
    return r == 0 ? tx->driver->define(tx->conn, "UPDATE counter SET size = 0", 0) : r;
}

/* The step of the migration that fills the column, on a store with items. */
static int count_again(struct store_tx *tx, struct world *world, void *data)
{
    (void)world;
    (void)data;
    for (unsigned i = 0; i < migrations_n; i++)
        if (migrations[i].version == 5 && strncmp(migrations[i].text, "UPDATE mailbox SET size", 23) == 0 &&
            tx->driver->define(tx->conn, migrations[i].text, 0) == 0)
            return tx->driver->define(tx->conn,
                                      "UPDATE counter SET size = (SELECT m.size FROM mailbox m WHERE m.mailbox_id = counter.mailbox_id)", 0);
    return -ENOENT;
}

static void older_stores_are_counted(void **state)
{
    struct world *world = *state;
    struct step step = { .verb = INSERT, .item = new_item(world, 600) };
    assert_int_equal(do_write(world, run_step, &step), 0);
    assert_int_equal(do_write(world, forget_size, NULL), 0);
    assert_int_equal(size_of(world, world->alice), 0);
    assert_int_equal(do_write(world, count_again, NULL), 0);
    assert_int_equal(size_of(world, world->alice), 600);
    assert_int_equal(size_of(world, world->bob), 0);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        WORLD_CASE(the_size_is_the_sum),
        WORLD_CASE(the_quota_is_exact),
        WORLD_CASE(a_mailbox_has_a_quota_of_its_own),
        WORLD_CASE(the_pace_counts_what_stands),
        WORLD_CASE(older_stores_are_counted),
    };
    memset(letters, 'x', sizeof(letters));
    return world_run(cases, ARRAY_LEN(cases));
}
