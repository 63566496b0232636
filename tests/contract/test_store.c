/*
 * The contract of the store, run over every row of drivers.def: what the verbs
 * promise, persistence, the lock, groups and many writers at once. It looks
 * inside (store_core.h) only to break transactions on purpose.
 */
#include "model/code.h"
#include "store/store_capture.h"
#include "store/store_core.h"
#include "store/store_content.h"
#include "store/store_mail.h"
#include "store/store_mailbox.h"
#include "store/store_outbox.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "world.h"

static void fill_draft(struct world *world, struct item *item, struct attachment *attachment, struct rcpt rcpts[3])
{
    item_init(item);
    item->mailbox_id = world->alice;
    item->folder_no = FOLDER_ROLE_drafts;
    item->item_class = SPAN("IPM.Note");
    item->flags = ITEM_DRAFT | ITEM_READ;
    item->subject = SPAN("Hello");
    item->body = SPAN("A body");
    item->created = item->modified = item->received = 1000;
    item->from = (struct rcpt){ .name = SPAN("Alice"), .address = SPAN("alice@example.test") };
    rcpts[0] = (struct rcpt){ .address = SPAN("bob@example.test"), .name = SPAN("Bob"), .type = RCPT_TO };
    rcpts[1] = (struct rcpt){ .address = SPAN("carol@example.org"), .type = RCPT_CC };
    rcpts[2] = (struct rcpt){ .address = SPAN("dave@example.org"), .type = RCPT_BCC };
    item->to = (struct rcpt_list){ &rcpts[0], 1 };
    item->cc = (struct rcpt_list){ &rcpts[1], 1 };
    item->bcc = (struct rcpt_list){ &rcpts[2], 1 };
    *attachment = (struct attachment){ .name = SPAN("a.txt"), .content_type = SPAN("text/plain"), .data = SPAN("file bytes") };
    item->attachments = (struct attachment_list){ attachment, 1 };
    item->flags |= ITEM_HAS_ATTACHMENTS;
    item->boundary_seed = UINT64_MAX - 5;
}

static int insert_item(struct store_tx *tx, struct world *world, void *data)
{
    (void)world;
    return store_item_insert(tx, data);
}

static struct item make_draft(struct world *world)
{
    static struct attachment attachment;
    static struct rcpt rcpts[3];
    struct item item;
    fill_draft(world, &item, &attachment, rcpts);
    assert_int_equal(do_write(world, insert_item, &item), 0);
    return item;
}

static struct folder folder_now(struct world *world, enum folder_role role)
{
    struct folder folder;
    struct store_tx *tx = reader(world);
    assert_int_equal(store_folder_by_role(tx, world->arena, world->alice, role, &folder), 0);
    store_read_end(tx);
    return folder;
}

static int get_item(struct world *world, uint64_t no, struct item *ret_item)
{
    struct store_tx *tx = reader(world);
    int r = store_item_get(tx, world->arena, world->alice, no, STORE_ALL, ret_item);
    store_read_end(tx);
    return r;
}

/* ---- the directory ---- */

static int make_alice_again(struct store_tx *tx, struct world *world, void *data)
{
    (void)world;
    return store_mailbox_create(tx, SPAN("ALICE@example.test"), SPAN(""), SPAN(""), data);
}

static void test_mailboxes(void **state)
{
    struct world *world = *state;
    struct store_mailbox found, same;
    int64_t none = 0;
    bool local = false;
    assert_int_equal(do_write(world, make_alice_again, &none), 1);
    struct store_tx *tx = reader(world);
    assert_int_equal(store_mailbox_by_address(tx, world->arena, SPAN("POST@example.TEST"), &found), 0);
    assert_int_equal(found.mailbox_id, world->alice);
    assert_int_equal(store_mailbox_by_guid(tx, world->arena, found.guid, &same), 0);
    assert_true(span_is(same.display_name, "Alice"));
    assert_int_equal(store_mailbox_by_login(tx, world->arena, SPAN("EXAMPLE"), SPAN("bob"), &same), 0);
    assert_int_equal(same.mailbox_id, world->bob);
    assert_int_equal(store_mailbox_by_login(tx, world->arena, SPAN("exam"), SPAN("bob"), &same), CODE_ErrorNonExistentMailbox);
    assert_int_equal(store_mailbox_by_address(tx, world->arena, SPAN("x@y"), &same), CODE_ErrorNonExistentMailbox);
    assert_int_equal(store_domain_is_local(tx, SPAN("EXAMPLE.test"), &local), 0);
    assert_true(local);
    assert_int_equal(store_domain_is_local(tx, SPAN("ample.test"), &local), 0);
    assert_false(local);
    store_read_end(tx);
}

static void test_folders(void **state)
{
    struct world *world = *state;
    struct store_tx *tx = reader(world);
    struct folder *list = NULL;
    size_t n = 0;
    for (int i = 1; i < FOLDER_ROLE_COUNT; i++) {
        const struct folder_role_info *info = folder_role_info((enum folder_role)i);
        struct folder folder;
        if (!info)
            continue;
        assert_int_equal(store_folder_by_role(tx, world->arena, world->bob, (enum folder_role)i, &folder), 0);
        assert_true(span_is(folder.class, info->class));
        assert_true(span_is(folder.name, info->name));
    }
    assert_int_equal(store_folder_list(tx, world->arena, world->bob, FOLDER_ROLE_root, true, &list, &n), 0);
    assert_int_equal(n, FOLDER_ROLE_COUNT - 2);
    assert_int_equal(store_folder_list(tx, world->arena, world->bob, FOLDER_ROLE_recoverableitemsroot, false, &list, &n), 0);
    assert_int_equal(n, 3);
    store_read_end(tx);
    assert_int_equal(folder_now(world, FOLDER_ROLE_recoverableitemsroot).children, 3);
}

/* ---- items ---- */

static void test_item_round_trip(void **state)
{
    struct world *world = *state;
    struct item draft = make_draft(world), got;
    reopen(world);
    assert_int_equal(get_item(world, draft.item_no, &got), 0);
    assert_true(span_is(got.subject, "Hello"));
    assert_true(span_is(got.body, "A body"));
    assert_true(span_is(got.from.address, "alice@example.test"));
    assert_int_equal(got.to.n, 1);
    assert_int_equal(got.cc.n, 1);
    assert_int_equal(got.bcc.n, 1);
    assert_true(span_is(got.bcc.v[0].address, "dave@example.org"));
    assert_int_equal(got.attachments.n, 1);
    assert_true(span_is(got.attachments.v[0].data, "file bytes"));
    assert_int_equal(got.key_no, draft.key_no);
    assert_true(got.boundary_seed == UINT64_MAX - 5);
    assert_int_equal(folder_now(world, FOLDER_ROLE_drafts).total, 1);
    assert_int_equal(folder_now(world, FOLDER_ROLE_drafts).unread, 0);
}

static void test_large_bodies(void **state)
{
    struct world *world = *state;
    struct item item, got;
    size_t sizes[] = { 0, 1, 65536, 65537, 262144, 262145, 1000000 };
    char *bytes = arena_alloc(world->arena, 1000000);
    for (size_t i = 0; i < 1000000; i++)
        bytes[i] = (char)('a' + i % 23);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        item_init(&item);
        item.mailbox_id = world->alice;
        item.folder_no = FOLDER_ROLE_inbox;
        item.body = (struct span){ bytes, sizes[i] };
        item.mime = (struct span){ bytes + 1, sizes[i] / 2 };
        assert_int_equal(do_write(world, insert_item, &item), 0);
        assert_int_equal(get_item(world, item.item_no, &got), 0);
        assert_non_null(got.body.ptr);
        assert_true(span_eq(got.body, item.body));
        assert_true(span_eq(got.mime, item.mime));
    }
    assert_int_equal(folder_now(world, FOLDER_ROLE_inbox).unread, ARRAY_LEN(sizes));
}

static int move_to_sent(struct store_tx *tx, struct world *world, void *data)
{
    struct item *item = data;
    (void)world;
    item->flags &= ~ITEM_DRAFT;
    return store_item_move(tx, item, FOLDER_ROLE_sentitems, true);
}

static int delete_item(struct store_tx *tx, struct world *world, void *data)
{
    return store_item_delete(tx, world->alice, *(uint64_t *)data);
}

static void test_move_and_delete(void **state)
{
    struct world *world = *state;
    struct item draft = make_draft(world), sent = draft, got;
    assert_int_equal(do_write(world, move_to_sent, &sent), 0);
    assert_int_not_equal(sent.item_no, draft.item_no);
    assert_true(sent.key_no > draft.key_no);
    assert_int_equal(get_item(world, draft.item_no, &got), CODE_ErrorItemNotFound);
    assert_int_equal(get_item(world, sent.item_no, &got), 0);
    assert_false(got.flags & ITEM_DRAFT);
    assert_int_equal(got.attachments.n, 1);
    assert_int_equal(folder_now(world, FOLDER_ROLE_drafts).total, 0);
    assert_int_equal(folder_now(world, FOLDER_ROLE_sentitems).total, 1);
    struct item again = draft;
    assert_int_equal(do_write(world, move_to_sent, &again), CODE_ErrorItemNotFound);
    assert_int_equal(do_write(world, delete_item, &sent.item_no), 0);
    assert_int_equal(do_write(world, delete_item, &sent.item_no), CODE_ErrorItemNotFound);
    assert_int_equal(folder_now(world, FOLDER_ROLE_sentitems).total, 0);
}

static int move_nowhere(struct store_tx *tx, struct world *world, void *data)
{
    struct item item = *(struct item *)data;
    (void)world;
    return store_item_move(tx, &item, 999999, true);
}

static int update_read(struct store_tx *tx, struct world *world, void *data)
{
    struct item *item = data;
    (void)world;
    item->flags &= ~ITEM_READ;
    return store_item_update(tx, item, false);
}

static void test_counts_and_keys(void **state)
{
    struct world *world = *state;
    struct item draft = make_draft(world), got;
    uint64_t key = draft.key_no;
    assert_int_equal(do_write(world, move_nowhere, &draft), CODE_ErrorFolderNotFound);
    assert_int_equal(get_item(world, draft.item_no, &got), 0);
    assert_int_equal(do_write(world, update_read, &draft), 0);
    assert_int_equal(draft.key_no, key);
    assert_int_equal(folder_now(world, FOLDER_ROLE_drafts).unread, 1);
    assert_int_equal(folder_now(world, FOLDER_ROLE_drafts).total, 1);
}

static int fill_inbox(struct store_tx *tx, struct world *world, void *data)
{
    static const char *const subjects[] = { "beta", "Alpha", "gamma", "delta", "alpha" };
    (void)data;
    for (size_t i = 0; i < ARRAY_LEN(subjects); i++) {
        struct item item;
        item_init(&item);
        item.mailbox_id = world->alice;
        item.folder_no = FOLDER_ROLE_inbox;
        item.subject = span_of(subjects[i]);
        item.received = (int64_t)(100 * (i + 1));
        int r = store_item_insert(tx, &item);
        if (r != 0)
            return r;
    }
    return 0;
}

static void test_find(void **state)
{
    struct world *world = *state;
    struct store_sort by_subject[] = { { "subject_key", false }, { "received", true } };
    struct store_sort by_nonsense = { "subject; DROP TABLE item", false };
    struct store_find find = { .mailbox_id = world->alice, .folder_no = FOLDER_ROLE_inbox, .offset = 1, .limit = 2 };
    struct item *items = NULL;
    size_t n = 0;
    uint64_t total = 0;
    assert_int_equal(do_write(world, fill_inbox, NULL), 0);
    struct store_tx *tx = reader(world);
    assert_int_equal(store_item_find(tx, world->arena, &find, &items, &n, &total), 0);
    assert_int_equal(n, 2);
    assert_int_equal(total, 5);
    assert_true(span_is(items[0].subject, "delta"));
    assert_true(span_is(items[1].subject, "gamma"));
    find.sort = by_subject;
    find.sorts = 2;
    find.offset = 0;
    find.limit = 10;
    assert_int_equal(store_item_find(tx, world->arena, &find, &items, &n, &total), 0);
    assert_int_equal(n, 5);
    assert_true(span_is(items[0].subject, "alpha"));
    assert_true(span_is(items[1].subject, "Alpha"));
    assert_true(span_is(items[4].subject, "gamma"));
    find.sort = &by_nonsense;
    find.sorts = 1;
    assert_int_equal(store_item_find(tx, world->arena, &find, &items, &n, &total), -EINVAL);
    store_read_end(tx);
}

/* ---- attachments and shared content ---- */

struct add {
    struct item *item;
    struct attachment attachment;
};

static int add_attachment(struct store_tx *tx, struct world *world, void *data)
{
    struct add *add = data;
    (void)world;
    return store_attachment_add(tx, add->item, &add->attachment);
}

static struct store_outbox entry_of(struct world *world, struct store_outbox_rcpt *rcpts, size_t n)
{
    return (struct store_outbox){ .mailbox_id = world->alice, .envelope_sender = SPAN("alice@example.test"),
                                  .message_id = SPAN("<1@example.test>"), .date = 5000, .boundary_seed = 42, .created = 5000,
                                  .expires = 900000, .rcpts = rcpts, .rcpts_n = n };
}

struct send {
    struct item item;
    struct store_outbox entry;
};

static int submit(struct store_tx *tx, struct world *world, void *data)
{
    struct send *send = data;
    (void)world;
    return store_outbox_insert(tx, &send->item, &send->entry);
}

static int replace_all(struct store_tx *tx, struct world *world, void *data)
{
    (void)world;
    return store_item_replace(tx, data, true);
}

static void test_copy_on_write(void **state)
{
    struct world *world = *state;
    struct store_outbox_rcpt rcpts[] = { { .address = SPAN("x@example.org"), .kind = STORE_RCPT_REMOTE } };
    struct send send = { .item = make_draft(world), .entry = entry_of(world, rcpts, 1) };
    assert_int_equal(do_write(world, submit, &send), 0);

    struct add add = { &send.item, { .name = SPAN("b"), .data = SPAN("second") } };
    uint64_t frozen = send.item.content_no;
    assert_int_equal(do_write(world, add_attachment, &add), 0);
    assert_int_equal(add.attachment.no, 2);
    assert_int_not_equal(send.item.content_no, frozen);
    send.item.subject = SPAN("Edited");
    send.item.body = SPAN("Edited body");
    assert_int_equal(do_write(world, replace_all, &send.item), 0);
    assert_int_equal(do_write(world, delete_item, &send.item.item_no), 0);

    struct store_outbox entry;
    struct item sent;
    struct store_tx *tx = reader(world);
    struct store_outbox_key key = { world->alice, send.entry.outbox_no };
    assert_int_equal(store_outbox_load(tx, world->arena, key, 0, STORE_ALL, &entry, &sent), 0);
    assert_true(span_is(sent.subject, "Hello"));
    assert_true(span_is(sent.body, "A body"));
    assert_true(span_is(sent.message_id, "<1@example.test>"));
    assert_int_equal(sent.sent, 5000);
    assert_int_equal(sent.boundary_seed, 42);
    assert_int_equal(sent.attachments.n, 1);
    assert_int_equal(entry.rcpts_n, 1);
    store_read_end(tx);
}

struct rewrite {
    struct item *item;
    unsigned parts;
};

static int rewrite_item(struct store_tx *tx, struct world *world, void *data)
{
    struct rewrite *rewrite = data;
    (void)world;
    return store_item_rewrite(tx, rewrite->item, rewrite->parts, true);
}

static struct item get_whole(struct world *world, uint64_t item_no)
{
    struct item item;
    struct store_tx *tx = reader(world);
    assert_int_equal(store_item_get(tx, world->arena, world->alice, item_no, STORE_ALL, &item), 0);
    store_read_end(tx);
    return item;
}

/* Each part alone, of content that the outbox shares and of the item's own. */
static void test_rewrite(void **state)
{
    struct world *world = *state;
    struct store_outbox_rcpt rcpts[] = { { .address = SPAN("x@example.org"), .kind = STORE_RCPT_REMOTE } };
    struct attachment attachment;
    struct rcpt people[3], others[] = { { .address = SPAN("erin@example.org"), .type = RCPT_TO },
                                        { .address = SPAN("frank@example.org"), .type = RCPT_TO } };
    struct send send = { .entry = entry_of(world, rcpts, 1) };
    struct rewrite rewrite = { &send.item, STORE_RECIPIENTS };
    fill_draft(world, &send.item, &attachment, people);
    send.item.mime = SPAN("Subject: Hello\r\n\r\nA body");
    assert_int_equal(do_write(world, insert_item, &send.item), 0);
    assert_int_equal(do_write(world, submit, &send), 0);
    uint64_t frozen = send.item.content_no, key = send.item.key_no;

    send.item.to = (struct rcpt_list){ others, 2 };
    assert_int_equal(do_write(world, rewrite_item, &rewrite), 0);
    assert_true(send.item.key_no > key);
    assert_int_not_equal(send.item.content_no, frozen);
    struct item got = get_whole(world, send.item.item_no);
    assert_int_equal(got.to.n, 2);
    assert_int_equal(got.cc.n, 1);
    assert_true(span_is(got.body, "A body"));
    assert_true(span_is(got.mime, "Subject: Hello\r\n\r\nA body"));
    assert_true(span_is(got.attachments.v[0].data, "file bytes"));

    uint64_t own = send.item.content_no;
    char *large = arena_alloc(world->arena, 300000);
    assert_non_null(large);
    memset(large, 'x', 300000);
    const struct span bodies[] = { { large, 300000 }, { large, 70000 }, SPAN("short"), { NULL, 0 }, SPAN("") };
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        rewrite.parts = STORE_BODY | STORE_MIME;
        send.item.body = bodies[i];
        assert_int_equal(do_write(world, rewrite_item, &rewrite), 0);
        assert_int_equal(send.item.content_no, own);
        got = get_whole(world, send.item.item_no);
        assert_true(span_eq(got.body, bodies[i]));
        assert_int_equal(got.body.ptr == NULL, bodies[i].ptr == NULL);
        assert_int_equal(got.mime.len, 0);
        assert_false(got.flags & ITEM_HAS_MIME);
        assert_int_equal(got.to.n, 2);
        assert_true(span_is(got.attachments.v[0].data, "file bytes"));
    }

    struct store_outbox entry;
    struct item sent;
    struct store_tx *tx = reader(world);
    const struct store_outbox_key outbox_key = { world->alice, send.entry.outbox_no };
    assert_int_equal(store_outbox_load(tx, world->arena, outbox_key, 0, STORE_ALL, &entry, &sent), 0);
    assert_int_equal(sent.to.n, 1);
    assert_true(span_is(sent.body, "A body"));
    assert_true(span_is(sent.mime, "Subject: Hello\r\n\r\nA body"));
    store_read_end(tx);
    send.item.item_no = 7;
    assert_int_equal(do_write(world, rewrite_item, &rewrite), CODE_ErrorItemNotFound);
}

static void test_attachments(void **state)
{
    struct world *world = *state;
    struct item draft = make_draft(world), got;
    struct attachment attachment;
    struct add add = { &draft, { .name = SPAN("b"), .data = SPAN("second") } };
    uint64_t key = draft.key_no;
    assert_int_equal(do_write(world, add_attachment, &add), 0);
    assert_true(draft.key_no > key);
    struct store_tx *tx = reader(world);
    assert_int_equal(store_attachment_get(tx, world->arena, world->alice, draft.item_no, &(struct attachment_path){ (const uint32_t[]){ 2 }, 1 }, STORE_DATA, &attachment), 0);
    assert_true(span_is(attachment.data, "second"));
    assert_int_equal(store_attachment_get(tx, world->arena, world->alice, draft.item_no, &(struct attachment_path){ (const uint32_t[]){ 3 }, 1 }, STORE_DATA, &attachment), 1);
    assert_int_equal(store_attachment_get(tx, world->arena, world->alice, 7, &(struct attachment_path){ (const uint32_t[]){ 1 }, 1 }, STORE_DATA, &attachment), CODE_ErrorItemNotFound);
    store_read_end(tx);
    assert_int_equal(get_item(world, draft.item_no, &got), 0);
    assert_int_equal(got.attachments.n, 2);
    assert_int_equal(got.to.n, 1);
}

/* ---- outbox ---- */

struct turn {
    struct store_outbox_key key;
    uint64_t owner;
    int64_t now;
    int64_t until;
    struct store_settle settles[2];
    size_t n;
    uint32_t left;
};

/* 1: nothing was to be had. */
static int lease(struct store_tx *tx, struct world *world, void *data)
{
    struct turn *turn = data;
    struct store_outbox_key *keys;
    size_t n;
    int r = store_outbox_take(tx, world->arena, turn->owner, turn->now, turn->until, 10, &keys, &n);
    if (r == 0 && n == 1 && (keys[0].mailbox_id != turn->key.mailbox_id || keys[0].outbox_no != turn->key.outbox_no))
        r = -EINVAL;
    return r == 0 && n == 0 ? 1 : r;
}

static int renew(struct store_tx *tx, struct world *world, void *data)
{
    struct turn *turn = data;
    (void)world;
    return store_outbox_renew(tx, turn->key, turn->owner, turn->until);
}

static int settle(struct store_tx *tx, struct world *world, void *data)
{
    struct turn *turn = data;
    const struct store_outbox entry = { .mailbox_id = turn->key.mailbox_id, .outbox_no = turn->key.outbox_no };
    (void)world;
    return store_outbox_settle(tx, &entry, turn->owner, turn->settles, turn->n, &turn->left);
}

static int drop_entry(struct store_tx *tx, struct world *world, void *data)
{
    struct turn *turn = data;
    (void)world;
    return store_outbox_delete(tx, turn->key);
}

static size_t due_now(struct world *world, int64_t now, int64_t *ret_next)
{
    struct store_outbox_key *keys = NULL;
    size_t n = 0;
    struct store_tx *tx = reader(world);
    assert_int_equal(store_outbox_due(tx, world->arena, now, 10, &keys, &n, ret_next), 0);
    store_read_end(tx);
    return n;
}

static void test_outbox(void **state)
{
    struct world *world = *state;
    struct store_outbox_rcpt rcpts[] = { { .address = SPAN("x@a"), .next_attempt = 10 },
                                         { .address = SPAN("y@a"), .next_attempt = 10 } };
    struct send send = { .item = make_draft(world), .entry = entry_of(world, rcpts, 2) };
    int64_t next = 0;
    assert_int_equal(do_write(world, submit, &send), 0);
    struct turn turn = { .key = { world->alice, send.entry.outbox_no }, .owner = 7, .now = 100, .until = 200 };
    struct turn other = { .key = turn.key, .owner = 8, .now = 150, .until = 900 };
    assert_int_equal(due_now(world, 5, &next), 0);
    assert_int_equal(next, 10);
    assert_int_equal(due_now(world, 100, &next), 1);
    assert_int_equal(do_write(world, lease, &turn), 0);
    assert_int_equal(do_write(world, lease, &other), 1);
    assert_int_equal(due_now(world, 150, &next), 0);
    assert_int_equal(next, 200);
    turn.settles[0] = (struct store_settle){ .no = 1, .state = STORE_RCPT_SENT };
    turn.settles[1] = (struct store_settle){ .no = 2, .state = STORE_RCPT_QUEUED, .next_attempt = 500, .status = SPAN("450 later") };
    turn.n = 2;
    assert_int_equal(do_write(world, settle, &turn), 0);
    assert_int_equal(turn.left, 1);
    assert_int_equal(do_write(world, settle, &turn), 1);
    assert_int_equal(due_now(world, 400, &next), 0);
    assert_int_equal(next, 500);
    other.now = 600;
    assert_int_equal(do_write(world, lease, &other), 0);
    reopen(world); /* leases are void afterwards, unless others may have the store open */
    assert_int_equal(due_now(world, 600, &next), world->store->driver->one_writer ? 1 : 0);
    assert_int_equal(do_write(world, drop_entry, &turn), 0);
    assert_int_equal(due_now(world, 600, &next), 0);
    assert_true(next == WHEN_NONE);
    struct item got;
    assert_int_equal(get_item(world, send.item.item_no, &got), 0);
    assert_true(span_is(got.body, "A body"));
}

static void load_rcpts(struct world *world, struct store_outbox_key key, uint64_t owner, struct store_outbox *ret_entry)
{
    struct store_tx *tx = reader(world);
    assert_int_equal(store_outbox_rcpts(tx, world->arena, key, owner, ret_entry), 0);
    store_read_end(tx);
}

/* An entry of that many recipients, at most two, leased by 7 until 200. */
static struct turn lease_new(struct world *world, size_t rcpts_n)
{
    struct store_outbox_rcpt rcpts[] = { { .address = SPAN("x@a"), .next_attempt = 10 },
                                         { .address = SPAN("y@a"), .next_attempt = 10 } };
    struct send send = { .item = make_draft(world), .entry = entry_of(world, rcpts, rcpts_n) };
    assert_int_equal(do_write(world, submit, &send), 0);
    struct turn turn = { .key = { world->alice, send.entry.outbox_no }, .owner = 7, .now = 100, .until = 200, .n = 1 };
    assert_int_equal(do_write(world, lease, &turn), 0);
    return turn;
}

/* A lease that is renewed lasts; one that ran out is somebody else's to take,
 * and then neither renews nor settles. */
static void test_lease_lost(void **state)
{
    struct world *world = *state;
    struct turn turn = lease_new(world, 1);
    struct store_outbox entry;
    struct turn other = { .key = turn.key, .owner = 8, .now = 250, .until = 900, .n = 1 };
    turn.until = 300;
    assert_int_equal(do_write(world, renew, &turn), 0);
    assert_int_equal(do_write(world, lease, &other), 1);
    other.now = 301;
    assert_int_equal(do_write(world, lease, &other), 0);
    assert_int_equal(do_write(world, renew, &turn), 1);
    turn.settles[0] = (struct store_settle){ .no = 1, .state = STORE_RCPT_SENT };
    assert_int_equal(do_write(world, settle, &turn), 1);
    turn.settles[0].state = STORE_RCPT_QUEUED;
    assert_int_equal(do_write(world, settle, &turn), 1);
    load_rcpts(world, turn.key, 7, &entry);
    assert_int_equal(entry.rcpts_n, 0);
    load_rcpts(world, turn.key, 8, &entry);
    assert_int_equal(entry.rcpts_n, 1);
}

/* Told once more, since its answer was lost: it settles nothing else that its owner
 * holds, as the recipient of the same entry who is handed over meanwhile. */
static void test_settle_again(void **state)
{
    struct world *world = *state;
    struct turn turn = lease_new(world, 2);
    struct store_outbox entry;
    turn.settles[0] = (struct store_settle){ .no = 2, .state = STORE_RCPT_SENT };
    assert_int_equal(do_write(world, settle, &turn), 0);
    assert_int_equal(do_write(world, settle, &turn), 1);
    load_rcpts(world, turn.key, 7, &entry);
    assert_int_equal(entry.rcpts_n, 1);
    assert_int_equal(entry.rcpts[0].no, 1);
    turn.settles[0].no = 1;
    assert_int_equal(do_write(world, settle, &turn), 0);
    assert_int_equal(turn.left, 0);
    load_rcpts(world, turn.key, 0, &entry);
    assert_int_equal(entry.rcpts_n, 0);
}

/* Those who are settled are told in any order. */
static void test_settle_all(void **state)
{
    struct world *world = *state;
    struct turn turn = lease_new(world, 2);
    struct store_outbox entry;
    turn.n = 2;
    turn.settles[0] = (struct store_settle){ .no = 2, .state = STORE_RCPT_SENT };
    turn.settles[1] = (struct store_settle){ .no = 1, .state = STORE_RCPT_FAILED };
    assert_int_equal(do_write(world, settle, &turn), 0);
    assert_int_equal(turn.left, 0);
    load_rcpts(world, turn.key, 0, &entry);
    assert_int_equal(entry.rcpts_n, 0);
    assert_int_equal(do_write(world, settle, &turn), 1);
}

/* Putting off counts no attempt, and an entry without queued recipients is over. */
static void test_put_off(void **state)
{
    struct world *world = *state;
    struct turn turn = lease_new(world, 1);
    struct store_outbox entry;
    int64_t next;
    turn.settles[0] = (struct store_settle){ .no = 1, .state = STORE_RCPT_QUEUED, .next_attempt = 150, .untried = true };
    assert_int_equal(do_write(world, settle, &turn), 0);
    load_rcpts(world, turn.key, 0, &entry);
    assert_int_equal(entry.rcpts[0].attempts, 0);
    turn.now = 150;
    assert_int_equal(do_write(world, lease, &turn), 0);
    turn.settles[0] = (struct store_settle){ .no = 1, .state = STORE_RCPT_QUEUED, .next_attempt = 160 };
    assert_int_equal(do_write(world, settle, &turn), 0);
    load_rcpts(world, turn.key, 0, &entry);
    assert_int_equal(entry.rcpts[0].attempts, 1);
    turn.now = 160;
    assert_int_equal(do_write(world, lease, &turn), 0);
    turn.settles[0] = (struct store_settle){ .no = 1, .state = STORE_RCPT_FAILED };
    assert_int_equal(do_write(world, settle, &turn), 0);
    assert_int_equal(turn.left, 0);
    load_rcpts(world, turn.key, 0, &entry);
    assert_int_equal(entry.rcpts_n, 0);
    assert_int_equal(due_now(world, 1000, &next), 0);
}

static int put_marks(struct store_tx *tx, struct world *world, void *data)
{
    static const uint8_t key[SHA256_SIZE] = { 1, 2, 3 };
    (void)data;
    int r = store_replay_put(tx, world->alice, 7, key, SPAN("answer"), 1000);
    if (r == 0)
        r = store_delivery_mark(tx, world->bob, key, 1000);
    if (r == 0 && store_delivery_mark(tx, world->bob, key, 1000) != 1)
        r = -EINVAL;
    return r;
}

static int expire(struct store_tx *tx, struct world *world, void *data)
{
    (void)world;
    uint64_t n;
    return store_deliveries_expire(tx, *(int64_t *)data, 100, &n);
}

static void test_replay_and_marks(void **state)
{
    struct world *world = *state;
    static const uint8_t key[SHA256_SIZE] = { 1, 2, 3 };
    struct span answer = { 0 };
    int64_t late = 2000;
    assert_int_equal(do_write(world, put_marks, NULL), 0);
    reopen(world);
    struct store_tx *tx = reader(world);
    assert_int_equal(store_replay_find(tx, world->arena, world->alice, 7, key, 999, &answer), 0);
    assert_true(span_is(answer, "answer"));
    assert_int_equal(store_replay_find(tx, world->arena, world->bob, 7, key, 999, &answer), 1);
    assert_int_equal(store_replay_find(tx, world->arena, world->alice, 7, key, 1000, &answer), 1);
    store_read_end(tx);
    assert_int_equal(do_write(world, expire, &late), 0);
    assert_int_equal(do_write(world, put_marks, NULL), 0);
}

static int capture_two(struct store_tx *tx, struct world *world, void *data)
{
    const struct span first = SPAN("x@a"), second = SPAN("y@b");
    (void)data;
    struct store_capture one = { .mailbox_id = world->alice, .outbox_no = 5, .at = 1, .sender = SPAN("alice@example.test"),
                                 .rcpts = &first, .rcpts_n = 1, .subject = SPAN("S") };
    struct store_capture more = one;
    more.rcpts = &second;
    int r = store_capture_put(tx, &one, SPAN("raw"));
    if (r == 0)
        r = store_capture_put(tx, &more, SPAN("raw"));
    more.outbox_no = 6;
    return r == 0 ? store_capture_put(tx, &more, SPAN("other")) : r;
}

static int capture_delete(struct store_tx *tx, struct world *world, void *data)
{
    (void)world;
    return store_capture_delete(tx, *(const uint64_t *)data);
}

static void test_capture(void **state)
{
    struct world *world = *state;
    struct store_capture *list = NULL;
    struct span raw = { 0 };
    size_t n = 0;
    assert_int_equal(do_write(world, capture_two, NULL), 0);
    struct store_tx *tx = reader(world);
    assert_int_equal(store_capture_list(tx, world->arena, 0, 0, &list, &n), 0);
    assert_int_equal(n, 2);
    assert_int_equal(list[0].rcpts_n, 2);
    assert_true(span_is(list[0].rcpts[1], "y@b"));
    assert_int_equal(store_capture_raw(tx, world->arena, list[1].capture_no, &raw), 0);
    assert_true(span_is(raw, "other"));
    assert_int_equal(store_capture_list(tx, world->arena, list[0].capture_no, 1, &list, &n), 0);
    assert_int_equal(n, 1);
    assert_int_equal(store_capture_raw(tx, world->arena, 99, &raw), 1);
    store_read_end(tx);
    /* The last one goes; what comes next has not its number. */
    uint64_t last = list[0].capture_no, none = UINT64_MAX;
    assert_int_equal(do_write(world, capture_delete, &last), 0);
    assert_int_equal(do_write(world, capture_delete, &last), 1);
    assert_int_equal(do_write(world, capture_delete, &none), 1);
    assert_int_equal(do_write(world, capture_two, NULL), 0);
    tx = reader(world);
    assert_int_equal(store_capture_list(tx, world->arena, 0, 0, &list, &n), 0);
    assert_int_equal(n, 2);
    assert_int_equal(list[1].capture_no, last + 1);
    assert_int_equal(list[1].rcpts_n, 1);
    assert_int_equal(list[0].rcpts_n, 4); /* asked for again, they are added */
    store_read_end(tx);
}

/* ---- the store as a whole ---- */

static void test_second_open(void **state)
{
    struct world *world = *state;
    struct store *second = NULL;
    const bool shared = !world->store->driver->one_writer;
    assert_int_equal(store_open(&world->options, &second), shared ? 0 : -EBUSY);
    store_close(second);
}

static void test_secrets_persist(void **state)
{
    struct world *world = *state;
    uint8_t secret[MAC_KEY_SIZE], epoch[STORE_GUID_SIZE];
    memcpy(secret, store_id_secret(world->store), sizeof(secret));
    memcpy(epoch, store_epoch(world->store), sizeof(epoch));
    reopen(world);
    assert_memory_equal(secret, store_id_secret(world->store), sizeof(secret));
    assert_memory_equal(epoch, store_epoch(world->store), sizeof(epoch));
}

static int savepoints(struct store_tx *tx, struct world *world, void *data)
{
    struct item *items = data;
    (void)world;
    int r = store_savepoint(tx);
    if (r == 0)
        r = store_item_insert(tx, &items[0]);
    if (r == 0)
        r = store_savepoint_rollback(tx);
    if (r == 0)
        r = store_savepoint(tx);
    if (r == 0)
        r = store_item_insert(tx, &items[1]);
    return r == 0 ? store_savepoint_release(tx) : r;
}

static void test_savepoints(void **state)
{
    struct world *world = *state;
    struct item items[2];
    for (int i = 0; i < 2; i++) {
        item_init(&items[i]);
        items[i].mailbox_id = world->alice;
        items[i].folder_no = FOLDER_ROLE_inbox;
    }
    assert_int_equal(do_write(world, savepoints, items), 0);
    assert_int_equal(folder_now(world, FOLDER_ROLE_inbox).total, 1);
}

static int write_then_fail(struct store_tx *tx, struct world *world, void *data)
{
    struct item item;
    item_init(&item);
    item.mailbox_id = world->alice;
    item.folder_no = FOLDER_ROLE_inbox;
    int r = store_item_insert(tx, &item);
    return r == 0 ? *(int *)data : r;
}

static void test_failed_job_leaves_nothing(void **state)
{
    struct world *world = *state;
    int codes[] = { 17, -EPROTO };
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        assert_int_equal(do_write(world, write_then_fail, &codes[i]), codes[i]);
    assert_int_equal(folder_now(world, FOLDER_ROLE_inbox).total, 0);
}

/* A job whose error costs the engine its whole transaction, as a full disk
 * does: the others of its group must stand all the same. */
static int lose_transaction(struct store_tx *tx, struct world *world, void *data)
{
    (void)world;
    (void)data;
    (void)tx->driver->control(tx->conn, STORE_ROLLBACK);
    return -ENOSPC;
}

struct member {
    struct world *world;
    bool lose;
    int result;
};

static void *run_member(void *arg)
{
    struct member *member = arg;
    struct item item;
    item_init(&item);
    item.mailbox_id = member->world->alice;
    item.folder_no = FOLDER_ROLE_inbox;
    if (member->lose)
        member->result = do_write(member->world, lose_transaction, NULL);
    else
        member->result = do_write(member->world, insert_item, &item);
    return NULL;
}

/* The writer, held until told: `held` and `let_go` are posted, not timed. */
struct hold {
    struct world *world;
    sem_t held, let_go;
};

static int hold_writer(struct store_tx *tx, struct world *world, void *data)
{
    (void)tx;
    (void)world;
    struct hold *hold = data;
    sem_post(&hold->held);
    sem_wait(&hold->let_go);
    return 0;
}

static void *run_hold(void *arg)
{
    struct hold *hold = arg;
    assert_int_equal(do_write(hold->world, hold_writer, hold), 0);
    return NULL;
}

static struct store_pending **queue_end(struct store *store)
{
    pthread_mutex_lock(&store->writers[0].lock);
    struct store_pending **end = store->writers[0].last;
    pthread_mutex_unlock(&store->writers[0].lock);
    return end;
}

static int ask_domain(struct store_tx *tx, struct world *world, void *data)
{
    (void)world;
    return store_domain_is_local(tx, SPAN("new.test"), data);
}

static int add_in_domain(struct store_tx *tx, struct world *world, void *data)
{
    bool local = false;
    int r = store_address_add(tx, world->alice, SPAN("alice@new.test"));
    if (r == 0)
        r = ask_domain(tx, world, &local);
    return r == 0 && local && data ? CODE_ErrorItemSave : r; /* data: and thinks better of it */
}

static int drop_domain(struct store_tx *tx, struct world *world, void *data)
{
    (void)data;
    (void)world;
    return store_address_remove(tx, SPAN("alice@new.test"));
}

/* What the writer remembers of domains follows what is stored. */
static void test_domains(void **state)
{
    struct world *world = *state;
    bool local = true;
    assert_int_equal(do_write(world, ask_domain, &local), 0);
    assert_false(local);
    assert_int_equal(do_write(world, add_in_domain, &local), CODE_ErrorItemSave);
    assert_int_equal(do_write(world, ask_domain, &local), 0);
    assert_false(local);
    assert_int_equal(do_write(world, add_in_domain, NULL), 0);
    assert_int_equal(do_write(world, ask_domain, &local), 0);
    assert_true(local);
    assert_int_equal(do_write(world, drop_domain, NULL), 0);
    assert_int_equal(do_write(world, ask_domain, &local), 0);
    assert_false(local);
}

static int add_or_fail(struct store_tx *tx, void *arg)
{
    struct item *item = arg;
    int r = store_item_insert(tx, item);
    return r != 0 ? r : item->subject.len == 0 ? CODE_ErrorItemSave : 0;
}

/* Each of several jobs stands or falls alone, also those that share a commit. */
static void test_many_jobs_at_once(void **state)
{
    struct world *world = *state;
    struct item items[100];
    struct store_work work[ARRAY_LEN(items)];
    for (size_t i = 0; i < ARRAY_LEN(items); i++) {
        item_init(&items[i]);
        items[i].mailbox_id = i % 2 ? world->alice : world->bob;
        items[i].folder_no = FOLDER_ROLE_drafts;
        items[i].subject = i % 10 == 3 ? SPAN("") : SPAN("one of many");
        work[i] = (struct store_work){ .job = add_or_fail, .arg = &items[i] };
    }
    uint64_t commits = 0, jobs = 0, before = 0;
    store_stats(world->store, &before, &jobs);
    store_write_all(world->store, work, ARRAY_LEN(work));
    store_stats(world->store, &commits, &jobs);
    assert_true(commits - before < ARRAY_LEN(work) / 2);
    for (size_t i = 0; i < ARRAY_LEN(work); i++)
        assert_int_equal(work[i].result, i % 10 == 3 ? CODE_ErrorItemSave : 0);
    assert_int_equal(folder_now(world, FOLDER_ROLE_drafts).total, 40);
}

static void with_one_writer(struct world *world)
{
    world->options.writers = 1;
    reopen(world);
}

static void test_lost_group(void **state)
{
    struct world *world = *state;
    with_one_writer(world);
    enum { MEMBERS = 8 };
    struct member members[MEMBERS];
    pthread_t threads[MEMBERS], holder;
    struct hold hold = { .world = world };
    sem_init(&hold.held, 0, 0);
    sem_init(&hold.let_go, 0, 0);
    pthread_create(&holder, NULL, run_hold, &hold);
    sem_wait(&hold.held); /* what is queued from now on forms one group */
    for (int i = 0; i < MEMBERS; i++) {
        struct store_pending **end = queue_end(world->store);
        members[i] = (struct member){ .world = world, .lose = i == 3 };
        pthread_create(&threads[i], NULL, run_member, &members[i]);
        while (queue_end(world->store) == end)
            sched_yield();
    }
    sem_post(&hold.let_go);
    for (int i = 0; i < MEMBERS; i++)
        pthread_join(threads[i], NULL);
    pthread_join(holder, NULL);
    sem_destroy(&hold.held);
    sem_destroy(&hold.let_go);
    for (int i = 0; i < MEMBERS; i++)
        assert_int_equal(members[i].result, i == 3 ? -ENOSPC : 0);
    assert_int_equal(folder_now(world, FOLDER_ROLE_inbox).total, MEMBERS - 1);
}

static void break_commit(void *arg)
{
    struct world *world = arg;
    struct store_tx *tx = &world->store->writers[0].tx;
    (void)tx->driver->control(tx->conn, STORE_ROLLBACK);
}

static void test_failed_commit(void **state)
{
    struct world *world = *state;
    struct item item;
    item_init(&item);
    item.mailbox_id = world->alice;
    item.folder_no = FOLDER_ROLE_inbox;
    world->options.before_commit = break_commit;
    world->options.hook_arg = world;
    with_one_writer(world);
    assert_int_equal(do_write(world, insert_item, &item), -EIO);
    world->options.before_commit = NULL;
    reopen(world);
    assert_int_equal(folder_now(world, FOLDER_ROLE_inbox).total, 0);
    item.item_no = 0;
    item.content_no = 0;
    assert_int_equal(do_write(world, insert_item, &item), 0);
    assert_int_equal(folder_now(world, FOLDER_ROLE_inbox).total, 1);
}

static void die(void *arg)
{
    (void)arg;
    kill(getpid(), SIGKILL);
}

/* A child writes one item and is killed by its hook. */
static void write_and_die(struct world *world, const struct store_options *options)
{
    int status = 0;
    store_close(world->store);
    pid_t child = fork();
    if (child == 0) {
        struct item item;
        item_init(&item);
        item.mailbox_id = world->alice;
        item.folder_no = FOLDER_ROLE_inbox;
        if (store_open(options, &world->store) == 0)
            (void)do_write(world, insert_item, &item);
        _exit(1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_int_equal(store_open(&world->options, &world->store), 0);
}

static void test_killed(void **state)
{
    struct world *world = *state;
    struct store_options before = world->options, after = world->options;
    before.before_commit = die;
    after.after_commit = die;
    write_and_die(world, &before);
    assert_int_equal(folder_now(world, FOLDER_ROLE_inbox).total, 0);
    write_and_die(world, &after);
    assert_int_equal(folder_now(world, FOLDER_ROLE_inbox).total, 1);
}

/* Whatever writes holds the mailbox that it writes into, or is known to need
 * none: it bears that others write meanwhile. */
static void test_writes_hold_their_mailbox(void **state)
{
    static const enum store_statement others[] = {
        SQL_meta_put, SQL_meta_delete, SQL_numbers_skip, SQL_writer_step, SQL_writer_put, SQL_writer_touch, SQL_writer_forget,
        SQL_address_insert, SQL_address_delete, SQL_group_insert, SQL_group_delete, SQL_group_clear, SQL_group_leave,
        SQL_group_member_put, SQL_group_member_delete, SQL_recoverable_undated, SQL_remove_permissions, SQL_garbage_all_due, SQL_lease_void, SQL_due_renew,
        SQL_outbox_take, SQL_outbox_taken, SQL_trace_put, SQL_trace_expire,
        SQL_delivery_expire, SQL_capture_insert, SQL_capture_rcpt_insert, SQL_capture_rcpts_delete, SQL_node_insert, SQL_node_beat, SQL_node_delete,
    };
    (void)state;
    for (unsigned i = 0; i < STATEMENT_COUNT; i++) {
        bool known = strncmp(statement_text[i], "SELECT", 6) == 0 || statement_is_of_mailbox((enum store_statement)i);
        for (size_t k = 0; k < ARRAY_LEN(others); k++)
            known = known || others[k] == (enum store_statement)i;
        if (!known)
            fail_msg("its mailbox is not its first argument: %s", statement_text[i]);
    }
    assert_false(statement_is_of_mailbox(SQL_mailbox_by_id));
    assert_true(statement_is_of_mailbox(SQL_item_insert));
}

/* Jobs that need one another's mailboxes, in both orders, at once. */
static int insert_into_both(struct store_tx *tx, struct world *world, void *data)
{
    const bool *alice_first = data;
    for (int i = 0; i < 2; i++) {
        struct item item;
        item_init(&item);
        item.mailbox_id = (i == 0) == *alice_first ? world->alice : world->bob;
        item.folder_no = FOLDER_ROLE_inbox;
        int r = store_item_insert(tx, &item);
        if (r != 0)
            return r;
        sched_yield();
    }
    return 0;
}

enum { THREADS = 32, EACH = 20 };

static void *cross(void *arg)
{
    struct world *world = arg;
    intptr_t bad = 0;
    for (int i = 0; i < EACH; i++) {
        bool alice_first = i % 2;
        bad += do_write(world, insert_into_both, &alice_first) != 0;
    }
    return (void *)bad;
}

static void test_crossing(void **state)
{
    struct world *world = *state;
    pthread_t threads[8];
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, cross, world), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        void *bad = NULL;
        pthread_join(threads[i], &bad);
        assert_null(bad);
    }
    assert_int_equal(folder_now(world, FOLDER_ROLE_inbox).total, ARRAY_LEN(threads) * EACH);
}

static void *write_many(void *arg)
{
    struct world *world = arg;
    intptr_t bad = 0;
    for (int i = 0; i < EACH; i++) {
        struct item item;
        int fail = 9;
        item_init(&item);
        item.mailbox_id = i % 2 ? world->alice : world->bob;
        item.folder_no = FOLDER_ROLE_inbox;
        item.body = SPAN("x");
        bad += do_write(world, insert_item, &item) != 0;
        bad += do_write(world, write_then_fail, &fail) != 9;
        struct store_tx *tx = NULL;
        struct folder folder;
        struct arena *arena = NULL;
        bad += arena_new(65536, &arena) != 0 || store_read_begin(world->store, &tx) != 0;
        bad += store_folder_by_role(tx, arena, item.mailbox_id, FOLDER_ROLE_inbox, &folder) != 0 || folder.total == 0;
        store_read_end(tx);
        arena_free(arena);
    }
    return (void *)bad;
}

static void test_many_threads(void **state)
{
    struct world *world = *state;
    pthread_t threads[THREADS];
    uint64_t commits = 0, jobs = 0;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, world), 0);
    for (int i = 0; i < THREADS; i++) {
        void *bad = NULL;
        pthread_join(threads[i], &bad);
        assert_null(bad);
    }
    assert_int_equal(folder_now(world, FOLDER_ROLE_inbox).total, THREADS * EACH / 2);
    store_stats(world->store, &commits, &jobs);
    assert_int_equal(jobs, THREADS * EACH * 2 + 1);
    assert_true(commits < jobs);
}

struct counted {
    struct world *world;
    uint64_t item_no;
};

/* What was read in a job is still so when it writes. */
static int count_up(struct store_tx *tx, struct world *world, void *data)
{
    struct item item;
    int r = store_item_get(tx, tx->scratch, world->alice, *(uint64_t *)data, 0, &item);
    sched_yield();
    item.created++;
    return r == 0 ? store_item_update(tx, &item, true) : r;
}

static void *count_many(void *arg)
{
    struct counted *counted = arg;
    intptr_t bad = 0;
    for (int i = 0; i < EACH; i++)
        bad += do_write(counted->world, count_up, &counted->item_no) != 0;
    return (void *)bad;
}

static void test_nothing_comes_between(void **state)
{
    struct world *world = *state;
    struct item draft = make_draft(world), got;
    struct counted counted = { world, draft.item_no };
    pthread_t threads[8];
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_many, &counted), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        void *bad = NULL;
        pthread_join(threads[i], &bad);
        assert_null(bad);
    }
    assert_int_equal(get_item(world, draft.item_no, &got), 0);
    assert_int_equal(got.created, draft.created + (int64_t)ARRAY_LEN(threads) * EACH);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        WORLD_CASE(test_mailboxes),
        WORLD_CASE(test_folders),
        WORLD_CASE(test_item_round_trip),
        WORLD_CASE(test_large_bodies),
        WORLD_CASE(test_move_and_delete),
        WORLD_CASE(test_counts_and_keys),
        WORLD_CASE(test_find),
        WORLD_CASE(test_copy_on_write),
        WORLD_CASE(test_rewrite),
        WORLD_CASE(test_attachments),
        WORLD_CASE(test_outbox),
        WORLD_CASE(test_lease_lost),
        WORLD_CASE(test_settle_again),
        WORLD_CASE(test_settle_all),
        WORLD_CASE(test_put_off),
        WORLD_CASE(test_replay_and_marks),
        WORLD_CASE(test_capture),
        WORLD_CASE(test_second_open),
        WORLD_CASE(test_secrets_persist),
        WORLD_CASE(test_savepoints),
        WORLD_CASE(test_failed_job_leaves_nothing),
        WORLD_CASE(test_domains),
        WORLD_CASE(test_many_jobs_at_once),
        WORLD_CASE(test_lost_group),
        WORLD_CASE(test_failed_commit),
        WORLD_CASE(test_killed),
        WORLD_CASE(test_many_threads),
        WORLD_CASE(test_writes_hold_their_mailbox),
        WORLD_CASE(test_crossing),
        WORLD_CASE(test_nothing_comes_between),
    };
    return world_run(cases, ARRAY_LEN(cases));
}
