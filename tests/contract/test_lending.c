/*
 * A message that was sent and its outbox entry hold their content together,
 * counted once: whatever becomes of the copy, the entry keeps what was sent,
 * the copy keeps its own, and content that nobody holds is gone.
 */
#include "store/store_content.h"
#include "store/store_mail.h"
#include "store/store_outbox.h"
#include "store/store_sql.h"
#include "world.h"

#include <string.h>

struct sent {
    struct item copy;
    struct store_outbox_key key;
    struct store_outbox_rcpt rcpt;
};

static int submit(struct store_tx *tx, struct world *world, void *data)
{
    struct sent *sent = data;
    struct rcpt to = { .address = SPAN("carol@elsewhere.test"), .type = RCPT_TO };
    struct item draft, item;
    item_init(&draft);
    draft.mailbox_id = world->alice;
    draft.folder_no = FOLDER_ROLE_drafts;
    draft.flags = ITEM_DRAFT | ITEM_READ;
    draft.subject = SPAN("Lent");
    draft.body = SPAN("As it was sent");
    draft.to = (struct rcpt_list){ &to, 1 };
    int r = store_item_insert(tx, &draft);
    if (r)
        return r;
    item = draft;
    item.folder_no = FOLDER_ROLE_sentitems;
    item.flags = ITEM_READ;
    sent->rcpt = (struct store_outbox_rcpt){ .address = to.address };
    struct store_outbox entry = { .mailbox_id = world->alice, .rcpts = &sent->rcpt, .rcpts_n = 1 };
    r = store_outbox_submit(tx, &item, &draft, &entry);
    sent->copy = item;
    sent->key = (struct store_outbox_key){ entry.mailbox_id, entry.outbox_no };
    return r;
}

static int read_copy(struct store_tx *tx, struct world *world, struct sent *sent)
{
    return store_item_get(tx, world->arena, world->alice, sent->copy.item_no, STORE_BODY | STORE_RECIPIENTS, &sent->copy);
}

/* ---- what becomes of the copy ---- */

static int stay(struct store_tx *tx, struct world *world, void *data)
{
    return read_copy(tx, world, data);
}

static int update(struct store_tx *tx, struct world *world, void *data)
{
    struct sent *sent = data;
    int r = read_copy(tx, world, sent);
    sent->copy.importance = 2;
    return r ? r : store_item_update(tx, &sent->copy, true);
}

static int move(struct store_tx *tx, struct world *world, void *data)
{
    struct sent *sent = data;
    int r = read_copy(tx, world, sent);
    return r ? r : store_item_move(tx, &sent->copy, FOLDER_ROLE_inbox, true);
}

static int move_twice(struct store_tx *tx, struct world *world, void *data)
{
    int r = move(tx, world, data);
    return r ? r : move(tx, world, data);
}

static int replace(struct store_tx *tx, struct world *world, void *data)
{
    struct sent *sent = data;
    int r = read_copy(tx, world, sent);
    sent->copy.body = SPAN("Edited");
    return r ? r : store_item_replace(tx, &sent->copy, true);
}

static int rewrite(struct store_tx *tx, struct world *world, void *data)
{
    struct sent *sent = data;
    int r = read_copy(tx, world, sent);
    sent->copy.body = SPAN("Edited");
    return r ? r : store_item_rewrite(tx, &sent->copy, STORE_BODY, true);
}

static int attach(struct store_tx *tx, struct world *world, void *data)
{
    struct sent *sent = data;
    struct attachment attachment = { .name = SPAN("a.txt"), .data = SPAN("12"), .size = 2 };
    int r = read_copy(tx, world, sent);
    return r ? r : store_attachment_add(tx, &sent->copy, &attachment);
}

static int send_again(struct store_tx *tx, struct world *world, void *data)
{
    struct sent *sent = data;
    int r = read_copy(tx, world, sent);
    if (r)
        return r;
    struct item draft = sent->copy;
    struct store_outbox entry = { .mailbox_id = world->alice, .rcpts = &sent->rcpt, .rcpts_n = 1 };
    r = store_outbox_submit(tx, &sent->copy, &draft, &entry);
    return r ? r : store_outbox_delete(tx, (struct store_outbox_key){ entry.mailbox_id, entry.outbox_no });
}

static int copy_it(struct store_tx *tx, struct world *world, void *data)
{
    struct sent *sent = data;
    int r = read_copy(tx, world, sent);
    if (r)
        return r;
    struct item copy = sent->copy;
    if ((r = store_item_copy(tx, &copy, FOLDER_ROLE_inbox)) || (r = store_item_delete(tx, world->alice, sent->copy.item_no)))
        return r;
    sent->copy = copy;
    return 0;
}

static int delete_copy(struct store_tx *tx, struct world *world, void *data)
{
    const struct sent *sent = data;
    return store_item_delete(tx, world->alice, sent->copy.item_no);
}

static int settle(struct store_tx *tx, struct world *world, void *data)
{
    const struct sent *sent = data;
    (void)world;
    return store_outbox_delete(tx, sent->key);
}

/* ---- what is to be true ---- */

static int64_t contents(struct world *world)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = reader(world);
    CLEANUP(sql_close) struct sql sql = { 0 };
    assert_int_equal(sql_open_text(tx, "SELECT COUNT(*) FROM content", NULL, 0, &sql), 0);
    assert_int_equal(sql_next(&sql), 1);
    return sql_int(&sql, 0);
}

static void check_entry(struct world *world, const struct sent *sent)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = reader(world);
    struct store_outbox entry;
    struct item item;
    assert_int_equal(store_outbox_load(tx, world->arena, sent->key, 0, STORE_BODY | STORE_RECIPIENTS, &entry, &item), 0);
    assert_true(span_is(item.body, "As it was sent"));
    assert_int_equal(item.to.n, 1);
}

static void check_copy(struct world *world, struct sent *sent, const char *body)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = reader(world);
    assert_int_equal(read_copy(tx, world, sent), 0);
    assert_true(span_is(sent->copy.body, body));
    assert_int_equal(sent->copy.to.n, 1);
}

static const struct becoming {
    int (*run)(struct store_tx *tx, struct world *world, void *data);
    const char *body; /* of the copy afterwards */
} becomings[] = {
    { stay, "As it was sent" }, { update, "As it was sent" }, { move, "As it was sent" },    { move_twice, "As it was sent" },
    { replace, "Edited" },      { rewrite, "Edited" },        { attach, "As it was sent" },  { send_again, "As it was sent" },
    { copy_it, "As it was sent" },
};

/* The entry is settled, then the copy deleted. */
static void test_entry_ends_first(void **state)
{
    struct world *world = *state;
    for (size_t i = 0; i < ARRAY_LEN(becomings); i++) {
        struct sent sent = { 0 };
        assert_int_equal(do_write(world, submit, &sent), 0);
        assert_int_equal(contents(world), 1);
        assert_int_equal(do_write(world, becomings[i].run, &sent), 0);
        check_entry(world, &sent);
        check_copy(world, &sent, becomings[i].body);
        assert_int_equal(do_write(world, settle, &sent), 0);
        check_copy(world, &sent, becomings[i].body);
        assert_int_equal(contents(world), 1);
        assert_int_equal(do_write(world, delete_copy, &sent), 0);
        assert_int_equal(contents(world), 0);
    }
}

/* The copy is deleted while the entry is queued. */
static void test_copy_ends_first(void **state)
{
    struct world *world = *state;
    for (size_t i = 0; i < ARRAY_LEN(becomings); i++) {
        struct sent sent = { 0 };
        assert_int_equal(do_write(world, submit, &sent), 0);
        assert_int_equal(do_write(world, becomings[i].run, &sent), 0);
        assert_int_equal(do_write(world, delete_copy, &sent), 0);
        check_entry(world, &sent);
        assert_int_equal(contents(world), 1);
        assert_int_equal(do_write(world, settle, &sent), 0);
        assert_int_equal(contents(world), 0);
    }
}

/* The copy is changed when the entry is over already. */
static void test_change_after_the_end(void **state)
{
    struct world *world = *state;
    for (size_t i = 0; i < ARRAY_LEN(becomings); i++) {
        struct sent sent = { 0 };
        assert_int_equal(do_write(world, submit, &sent), 0);
        assert_int_equal(do_write(world, settle, &sent), 0);
        assert_int_equal(do_write(world, becomings[i].run, &sent), 0);
        check_copy(world, &sent, becomings[i].body);
        assert_int_equal(contents(world), 1);
        assert_int_equal(do_write(world, delete_copy, &sent), 0);
        assert_int_equal(contents(world), 0);
    }
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        WORLD_CASE(test_entry_ends_first),
        WORLD_CASE(test_copy_ends_first),
        WORLD_CASE(test_change_after_the_end),
    };
    return world_run(cases, ARRAY_LEN(cases));
}
