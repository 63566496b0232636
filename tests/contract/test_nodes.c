/*
 * Nodes that share a store: each entry is leased by one of them, whoever falls
 * silent is taken over from, and what it does too late changes nothing. Two
 * outboxes in one program stand for two nodes; a dead one is what it left in the
 * store.
 */
#include "base/when.h"
#include "outbox/filing.h"
#include "outbox/runner.h"
#include "store/store_capture.h"
#include "store/store_core.h"
#include "store/store_mail.h"
#include "store/store_node.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "world.h"

#define PATIENCE_MS 60000
#define BEAT_MS 20
#define LEASE_MS 1800000
#define SENDERS 24

static _Atomic int64_t clock_at;

static int64_t stopped_clock(void)
{
    return clock_at;
}

static int set_up(void **state)
{
    int r = world_set_up(state);
    struct world *world = *state;
    world->options.shared = true;
    reopen(world);
    clock_at = when_monotonic();
    return r;
}

static int tear_down(void **state)
{
    when_set_monotonic(NULL);
    return world_tear_down(state);
}

#define NODE_CASE(fn) { #fn, fn, set_up, tear_down, NULL }

/* Until the condition holds. */
#define AWAIT(condition)                                                 \
    for (unsigned waited = 0; !(condition); waited++, usleep(2000))      \
    assert_true(waited < PATIENCE_MS / 2)

static struct outbox *start(struct world *world, const struct conf *conf, bool capture)
{
    struct outbox *outbox = NULL;
    const struct outbox_options options = { .store = world->store, .conf = conf, .capture = capture, .beat_ms = BEAT_MS };
    assert_int_equal(outbox_start(&options, &outbox), 0);
    return outbox;
}

/* ---- entries ---- */

struct entry {
    int64_t mailbox_id;
    struct store_outbox_rcpt rcpt;
    struct store_outbox_key key; /* set */
};

static int put_entry(struct store_tx *tx, struct world *world, void *data)
{
    struct entry *put = data;
    struct item item;
    int64_t now = when_now();
    (void)world;
    item_init(&item);
    item.mailbox_id = put->mailbox_id;
    item.subject = SPAN("Once");
    item.body = SPAN("A body");
    struct store_outbox entry = { .mailbox_id = put->mailbox_id, .envelope_sender = SPAN("alice@example.test"), .message_id = SPAN("<a@b>"),
                                  .date = now, .created = now, .expires = now + 86400000, .rcpts = &put->rcpt, .rcpts_n = 1 };
    int r = store_outbox_insert(tx, &item, &entry);
    put->key = (struct store_outbox_key){ put->mailbox_id, entry.outbox_no };
    return r;
}

static struct store_outbox_key put(struct world *world, int64_t mailbox_id, enum store_rcpt_kind kind, const char *address)
{
    struct entry entry = { .mailbox_id = mailbox_id, .rcpt = { .address = span_of(address), .name = SPAN("3"), .kind = kind } };
    assert_int_equal(do_write(world, put_entry, &entry), 0);
    return entry.key;
}

static uint64_t queued(struct world *world)
{
    uint64_t n = 0;
    struct store_tx *tx = reader(world);
    assert_int_equal(store_outbox_count(tx, 0, &n), 0);
    store_read_end(tx);
    return n;
}

static uint64_t items_in(struct world *world, int64_t mailbox_id, enum folder_role role)
{
    struct folder folder;
    struct store_tx *tx = reader(world);
    assert_int_equal(store_folder_by_role(tx, world->arena, mailbox_id, role, &folder), 0);
    store_read_end(tx);
    return folder.total;
}

static size_t nodes(struct world *world, int64_t *ret_first)
{
    struct store_node *rows;
    size_t n = 0;
    struct store_tx *tx = reader(world);
    assert_int_equal(store_node_list(tx, world->arena, &rows, &n), 0);
    store_read_end(tx);
    if (n && ret_first)
        *ret_first = rows[0].node_id;
    return n;
}

static int64_t lease_of(struct world *world, struct store_outbox_key key)
{
    struct store_outbox entry;
    struct store_tx *tx = reader(world);
    assert_int_equal(store_outbox_rcpts(tx, world->arena, key, 0, &entry), 0);
    store_read_end(tx);
    return entry.rcpts_n ? entry.rcpts[0].lease_until : -1;
}

/* ---- who is there ---- */

static void hear(void *arg, unsigned news)
{
    if (news & STORE_NEWS_NODES)
        outbox_look_around(arg);
}

/* Not only with the next beat. */
static void who_comes_and_goes_is_noticed(void **state)
{
    struct world *world = *state, other = *world;
    struct conf conf;
    struct outbox *outboxes[2] = { NULL };
    struct outbox_options options = { .store = world->store, .conf = &conf, .capture = true, .beat_ms = 3600000 };

    if (is_sqlite(world))
        return; /* has one node */
    conf_init(&conf);
    assert_int_equal(outbox_start(&options, &outboxes[0]), 0);
    assert_int_equal(store_watch_others(world->store, hear, outboxes[0]), 0);
    AWAIT(world->store->nodes == 1);
    assert_int_equal(store_open(&other.options, &other.store), 0);
    options.store = other.store;
    assert_int_equal(outbox_start(&options, &outboxes[1]), 0);
    AWAIT(world->store->nodes == 2);
    outbox_stop(outboxes[1]);
    store_close(other.store);
    AWAIT(world->store->nodes == 1);
    store_unwatch_others(world->store);
    outbox_stop(outboxes[0]);
}

/* ---- both work ---- */

static int make_sender(struct store_tx *tx, struct world *world, void *data)
{
    char address[64];
    int64_t *ids = data;
    int r = 0;
    (void)world;
    for (size_t i = 0; r == 0 && i < SENDERS; i++) {
        snprintf(address, sizeof(address), "sender%zu@example.test", i);
        r = store_mailbox_create(tx, span_of(address), SPAN(""), SPAN(""), &ids[i]);
    }
    return r;
}

static void entries_of_many_mailboxes_are_shared(void **state)
{
    struct world *world = *state;
    int64_t ids[SENDERS];
    struct conf conf;
    uint64_t sent = 0;
    conf_init(&conf);
    assert_int_equal(do_write(world, make_sender, ids), 0);
    struct outbox *one = start(world, &conf, true), *other = start(world, &conf, true);
    for (unsigned round = 0; one->taken == 0 || other->taken == 0 || round < 2; round++) {
        assert_true(round < 1000);
        for (size_t i = 0; i < SENDERS * 4; i++, sent++)
            put(world, ids[i % SENDERS], STORE_RCPT_LOCAL, i % 3 ? "bob@example.test" : "alice@example.test");
        outbox_wake(one);
        outbox_wake(other);
        AWAIT(queued(world) == 0);
    }
    assert_true(one->taken + other->taken >= sent); /* more: a node that got no time was taken for dead */
    assert_int_equal(nodes(world, NULL), 2);
    outbox_stop(one);
    outbox_stop(other);
    assert_int_equal(nodes(world, NULL), 0);
    assert_int_equal(items_in(world, world->alice, FOLDER_ROLE_inbox) + items_in(world, world->bob, FOLDER_ROLE_inbox), sent);
}

/* ---- one dies ---- */

struct dead {
    struct store_node row;
    struct store_outbox_key local, relayed;
};

static int join(struct store_tx *tx, struct world *world, void *data)
{
    (void)world;
    return store_node_join(tx, data);
}

static int lease_as(struct store_tx *tx, struct world *world, void *data)
{
    const struct dead *dead = data;
    struct store_outbox_key keys[4];
    size_t n = 0;
    int r = store_outbox_take_of(tx, world->alice, (uint64_t)dead->row.node_id + 7, when_now(), when_now() + LEASE_MS, 4, keys, &n);
    return r ? r : n == 2 ? 0 : -EINVAL;
}

static int beat_as(struct store_tx *tx, struct world *world, void *data)
{
    (void)world;
    return store_node_beat(tx, ((const struct dead *)data)->row.node_id);
}

/* What it had in its hands when it fell silent. */
static void begin_as(struct world *world, const struct dead *dead, struct store_outbox_key key, const struct transport *transport,
                     const struct conf *conf, struct attempt *ret_attempt)
{
    struct attempt_part *part;
    struct store_tx *tx = reader(world);
    assert_int_equal(attempt_init(ret_attempt, tx, world->store, conf, world->arena, key, (uint64_t)dead->row.node_id + 7), 0);
    assert_int_equal(ret_attempt->entry.rcpts_n, 1);
    assert_int_equal(attempt_add_part(ret_attempt, transport, &part), 0);
    attempt_add_rcpt(part, &ret_attempt->entry.rcpts[0]);
    assert_int_equal(attempt_read(ret_attempt, tx, true), 0);
    store_read_end(tx);
    attempt_write(ret_attempt);
}

static void finish_as(struct attempt *attempt)
{
    assert_int_equal(attempt_settle(&(struct attempt *){ attempt }, 1), 0);
    assert_true(attempt->over);
    attempt_done(attempt);
}

static size_t captured(struct world *world)
{
    struct store_capture *captures;
    size_t n = 0;
    struct store_tx *tx = reader(world);
    assert_int_equal(store_capture_list(tx, world->arena, 0, 10, &captures, &n), 0);
    store_read_end(tx);
    return n;
}

static void wait_for_looks(struct outbox *outbox)
{
    uint64_t from = node_looks(outbox->node);
    AWAIT(node_looks(outbox->node) >= from + 3);
}

static void the_dead_are_taken_over(void **state)
{
    struct world *world = *state;
    struct conf conf;
    struct dead dead = { .row = { .name = SPAN("gone"), .patience = 100000 } };
    struct attempt late_local, late_relayed;
    conf_init(&conf);
    dead.local = put(world, world->alice, STORE_RCPT_LOCAL, "bob@example.test");
    dead.relayed = put(world, world->alice, STORE_RCPT_REMOTE, "carol@elsewhere.test");
    assert_int_equal(store_node_number(&dead.row.node_id), 0);
    assert_int_equal(do_write(world, join, &dead.row), 0);
    assert_int_equal(do_write(world, lease_as, &dead), 0);
    begin_as(world, &dead, dead.local, &transport_local, &conf, &late_local);
    begin_as(world, &dead, dead.relayed, &transport_capture, &conf, &late_relayed);
    when_set_monotonic(stopped_clock);
    struct outbox *outbox = start(world, &conf, true);
    wait_for_looks(outbox);
    assert_int_equal(queued(world), 2); /* it may only be slow */
    clock_at += 3 * BEAT_MS;
    AWAIT(queued(world) == 1);
    assert_int_equal(items_in(world, world->bob, FOLDER_ROLE_inbox), 1);
    finish_as(&late_local);
    assert_int_equal(items_in(world, world->bob, FOLDER_ROLE_inbox), 1);
    wait_for_looks(outbox);
    assert_true(lease_of(world, dead.relayed) > when_now()); /* its message may be on the way to a relay */
    clock_at += dead.row.patience;
    AWAIT(queued(world) == 0);
    assert_int_equal(captured(world), 1);
    finish_as(&late_relayed);
    assert_int_equal(captured(world), 1);
    AWAIT(nodes(world, NULL) == 1);
    assert_int_equal(do_write(world, beat_as, &dead), 1);
    outbox_stop(outbox);
}

static int free_as(struct store_tx *tx, struct world *world, void *data)
{
    const struct dead *dead = data;
    (void)world;
    int r = store_node_free(tx, dead->row.node_id, true, dead->local);
    return r ? r : store_node_free(tx, dead->row.node_id, true, dead->relayed);
}

/* While somebody else is at it, too. */
static void who_comes_too_late_settles_nothing(void **state)
{
    struct world *world = *state;
    struct conf conf;
    struct store_outbox entry;
    struct attempt late;
    conf_init(&conf);
    struct dead one = { .row.node_id = 1ll << 32 }, other = { .row.node_id = 2ll << 32 };
    one.local = put(world, world->alice, STORE_RCPT_LOCAL, "bob@example.test");
    one.relayed = put(world, world->alice, STORE_RCPT_REMOTE, "carol@elsewhere.test");
    assert_int_equal(do_write(world, lease_as, &one), 0);
    begin_as(world, &one, one.relayed, &transport_capture, &conf, &late);
    assert_int_equal(do_write(world, lease_as, &other), -EINVAL);
    assert_int_equal(do_write(world, free_as, &one), 0);
    assert_int_equal(do_write(world, lease_as, &other), 0);
    finish_as(&late);
    assert_int_equal(captured(world), 0);
    assert_int_equal(queued(world), 2);
    struct store_tx *tx = reader(world);
    assert_int_equal(store_outbox_rcpts(tx, world->arena, one.relayed, (uint64_t)other.row.node_id + 7, &entry), 0);
    store_read_end(tx);
    assert_int_equal(entry.rcpts_n, 1);
}

/* As long as it beats, nothing is taken from it. */
static void the_living_keep_what_they_have(void **state)
{
    struct world *world = *state;
    struct conf conf;
    struct dead slow = { .row = { .name = SPAN("slow"), .patience = 100000 } };
    conf_init(&conf);
    slow.local = put(world, world->alice, STORE_RCPT_LOCAL, "bob@example.test");
    put(world, world->alice, STORE_RCPT_REMOTE, "carol@elsewhere.test");
    assert_int_equal(store_node_number(&slow.row.node_id), 0);
    assert_int_equal(do_write(world, join, &slow.row), 0);
    assert_int_equal(do_write(world, lease_as, &slow), 0);
    when_set_monotonic(stopped_clock);
    struct outbox *outbox = start(world, &conf, true);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(do_write(world, beat_as, &slow), 0);
        wait_for_looks(outbox);
        assert_int_equal(world->store->nodes, 2);
        clock_at += 2 * BEAT_MS;
    }
    assert_int_equal(queued(world), 2);
    assert_true(lease_of(world, slow.local) > when_now());
    outbox_stop(outbox);
    assert_int_equal(nodes(world, NULL), 1);
    assert_true(lease_of(world, slow.local) > when_now());
}

static int forget_node(struct store_tx *tx, struct world *world, void *data)
{
    (void)world;
    return store_node_leave(tx, *(const int64_t *)data);
}

/* It was paused, say: what it leased before is no longer its own. */
static void who_was_taken_for_dead_goes_on(void **state)
{
    struct world *world = *state;
    struct conf conf;
    int64_t before = 0, after = 0;
    conf_init(&conf);
    struct outbox *outbox = start(world, &conf, true);
    struct lease lease = node_lease(outbox->node, LEASE_MS);
    wait_for_looks(outbox);
    int64_t end = node_lease_end(&lease);
    assert_true(end > when_monotonic() && end < lease.end);
    assert_int_equal(nodes(world, &before), 1);
    assert_int_equal(do_write(world, forget_node, &before), 0);
    AWAIT(nodes(world, &after) == 1 && after != before);
    AWAIT(node_lease_end(&lease) == INT64_MIN);
    put(world, world->alice, STORE_RCPT_LOCAL, "bob@example.test");
    outbox_wake(outbox);
    AWAIT(queued(world) == 0);
    outbox_stop(outbox);
}

/* ---- one stops ---- */

/* A port where nobody says anything. */
static int silent_port(unsigned *ret_port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static void who_stops_frees_at_once(void **state)
{
    struct world *world = *state;
    struct conf conf;
    unsigned port;
    conf_init(&conf);
    int fd = silent_port(&port);
    snprintf(conf.relays[0].url, sizeof(conf.relays[0].url), "smtp://127.0.0.1:%u", port);
    strcpy(conf.relays[0].tls, "none");
    struct store_outbox_key key = put(world, world->alice, STORE_RCPT_REMOTE, "carol@elsewhere.test");
    struct outbox *outbox = start(world, &conf, false);
    AWAIT(outbox->taken == 1);
    assert_true(lease_of(world, key) > when_now() + LEASE_MS / 2);
    outbox_stop(outbox);
    assert_int_equal(lease_of(world, key), 0);
    assert_int_equal(nodes(world, NULL), 0);
    outbox = start(world, &conf, true);
    AWAIT(queued(world) == 0);
    assert_int_equal(captured(world), 1);
    outbox_stop(outbox);
    close(fd);
}

/* ---- copies for other mailboxes ---- */

static void copies_are_filed_once(void **state)
{
    struct world *world = *state;
    struct conf conf;
    conf_init(&conf);
    struct outbox_sent sent = { .filing = put(world, world->alice, STORE_RCPT_FILE, "bob@example.test"), .draft_no = 1 };
    struct outbox_sent *pointer = &sent;
    assert_int_equal(outbox_file(world->store, &conf, &pointer, 1), 0);
    assert_true(sent.item_no != 0);
    assert_int_equal(sent.folder_no, 3);
    assert_int_equal(queued(world), 0);
    assert_int_equal(outbox_file(world->store, &conf, &pointer, 1), 0);
    put(world, world->alice, STORE_RCPT_FILE, "bob@example.test"); /* nobody does it at once */
    struct outbox *outbox = start(world, &conf, true);
    AWAIT(queued(world) == 0);
    outbox_stop(outbox);
    struct folder folder;
    struct store_tx *tx = reader(world);
    assert_int_equal(store_folder_get(tx, world->arena, world->bob, 3, &folder), 0);
    store_read_end(tx);
    assert_int_equal(folder.total, 2);
}

/* ---- credentials ---- */

static int change_password(struct store_tx *tx, struct world *world, void *data)
{
    (void)data;
    return store_mailbox_set_password(tx, world->alice, SPAN("!$y$hash"));
}

static int remove_post(struct store_tx *tx, struct world *world, void *data)
{
    (void)world;
    (void)data;
    return store_address_remove(tx, SPAN("post@example.test"));
}

static int remove_bob(struct store_tx *tx, struct world *world, void *data)
{
    (void)data;
    return store_mailbox_remove(tx, world->bob, true);
}

static void what_changes_credentials_is_seen(void **state)
{
    static int (*const changes[])(struct store_tx *, struct world *, void *) = { change_password, remove_post, remove_bob };
    struct world *world = *state;
    uint8_t before[STORE_CREDENTIALS_SIZE], after[STORE_CREDENTIALS_SIZE];
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        struct store_tx *tx = reader(world);
        assert_int_equal(store_credentials(tx, before), 0);
        store_read_end(tx);
        assert_int_equal(do_write(world, changes[i], NULL), 0);
        tx = reader(world);
        assert_int_equal(store_credentials(tx, after), 0);
        store_read_end(tx);
        assert_memory_not_equal(before, after, sizeof(before));
    }
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        NODE_CASE(who_comes_and_goes_is_noticed),
        NODE_CASE(entries_of_many_mailboxes_are_shared),
        NODE_CASE(the_dead_are_taken_over),
        NODE_CASE(who_comes_too_late_settles_nothing),
        NODE_CASE(the_living_keep_what_they_have),
        NODE_CASE(who_was_taken_for_dead_goes_on),
        NODE_CASE(who_stops_frees_at_once),
        NODE_CASE(copies_are_filed_once),
        NODE_CASE(what_changes_credentials_is_seen),
    };
    return world_run(cases, ARRAY_LEN(cases));
}
