/*
 * Which answers are forgotten: those that expired, and over the bound the
 * oldest of those kept for drafts; never one that an Idempotency-Key needs, or
 * that was renewed since it was looked at.
 */
#include "base/when.h"
#include "outbox/forget.h"
#include "store/store_outbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "world.h"

#define DAY_MS 86400000

struct put {
    uint64_t item_no; /* 0: of an Idempotency-Key */
    unsigned first, n;
    int64_t expires; /* of the first; each later one a ms later */
    bool bob;        /* of Bob, not of Alice */
};

static void key_of(unsigned i, uint8_t ret_key[SHA256_SIZE])
{
    const struct span number = { (const char *)&i, sizeof(i) };
    sha256_parts(&number, 1, ret_key);
}

static int put_many(struct store_tx *tx, struct world *world, void *data)
{
    const struct put *put = data;
    uint8_t key[SHA256_SIZE];
    int r = 0;
    for (unsigned i = 0; r == 0 && i < put->n; i++) {
        key_of(put->first + i, key);
        r = store_replay_put(tx, put->bob ? world->bob : world->alice, put->item_no, key, SPAN("answer"), put->expires + i);
    }
    return r;
}

static bool is_kept(struct world *world, uint64_t item_no, unsigned i)
{
    struct span answer;
    uint8_t key[SHA256_SIZE];
    struct store_tx *tx = reader(world);
    key_of(i, key);
    int r = store_replay_find(tx, world->arena, world->alice, item_no, key, when_now(), &answer);
    store_read_end(tx);
    return r == 0;
}

static void forget(struct world *world, int64_t max)
{
    static const atomic_bool stop;
    struct conf conf;
    conf_init(&conf);
    conf.send_replay_max = max;
    assert_int_equal(forget_answers(world->store, &conf, &stop), 0);
}

static struct store_replays seen(struct world *world)
{
    struct store_replays kept;
    store_replays_seen(world->store, &kept);
    return kept;
}

static void the_oldest_give_way(void **state)
{
    struct world *world = *state;
    int64_t later = when_now() + DAY_MS;
    assert_int_equal(do_write(world, put_many, &(struct put){ 0, 0, 50, later }), 0); /* they expire first */
    assert_int_equal(do_write(world, put_many, &(struct put){ 7, 100, 5000, later + 1000 }), 0);
    reopen(world);
    assert_true(seen(world).drafts > 5000); /* not counted yet */
    forget(world, 6000);
    assert_int_equal(seen(world).drafts, 5000);
    assert_int_equal(seen(world).others, 50);
    forget(world, 1600); /* to fifteen sixteenths of it */
    assert_int_equal(seen(world).drafts, 1450);
    assert_int_equal(seen(world).others, 50);
    assert_false(is_kept(world, 7, 100));
    assert_false(is_kept(world, 7, 100 + 3549));
    assert_true(is_kept(world, 7, 100 + 3550));
    assert_true(is_kept(world, 7, 5099));
    for (unsigned i = 0; i < 50; i++)
        assert_true(is_kept(world, 0, i));
}

static void keys_never_do(void **state)
{
    struct world *world = *state;
    int64_t later = when_now() + DAY_MS;
    assert_int_equal(do_write(world, put_many, &(struct put){ 0, 0, 50, later }), 0);
    assert_int_equal(do_write(world, put_many, &(struct put){ 7, 100, 10, later }), 0);
    forget(world, 20);
    assert_int_equal(seen(world).drafts, 0);
    assert_int_equal(seen(world).others, 50);
}

/* So that room is found soon, and not only beyond what makes requests be refused. */
static void as_many_as_may_be(void **state)
{
    struct world *world = *state;
    struct conf conf;
    conf_init(&conf);
    assert_int_equal(do_write(world, put_many, &(struct put){ 0, 0, 50, when_now() + DAY_MS }), 0);
    forget(world, 100);
    conf.send_replay_max = 51;
    assert_false(forget_has_many(world->store, &conf));
    conf.send_replay_max = 50;
    assert_true(forget_has_many(world->store, &conf));
    forget(world, 20); /* they stay */
    assert_int_equal(seen(world).others, 50);
}

static void the_expired_go(void **state)
{
    struct world *world = *state;
    int64_t now = when_now();
    assert_int_equal(do_write(world, put_many, &(struct put){ 0, 0, 10, now - DAY_MS }), 0);
    assert_int_equal(do_write(world, put_many, &(struct put){ 7, 100, 5000, now - DAY_MS }), 0);
    assert_int_equal(do_write(world, put_many, &(struct put){ 7, 9000, 10, now + DAY_MS }), 0);
    forget(world, 100000);
    assert_int_equal(seen(world).drafts, 10);
    assert_int_equal(seen(world).others, 0);
}

/* More of each than are looked at together. */
static void of_every_mailbox(void **state)
{
    struct world *world = *state;
    int64_t now = when_now();
    for (int bob = 0; bob < 2; bob++) {
        assert_int_equal(do_write(world, put_many, &(struct put){ 7, 0, 3000, now - DAY_MS, bob }), 0);
        assert_int_equal(do_write(world, put_many, &(struct put){ 8, 0, 5, now + DAY_MS, bob }), 0);
    }
    forget(world, 100000);
    assert_int_equal(seen(world).drafts, 10);
    assert_true(is_kept(world, 8, 0) && is_kept(world, 8, 4));
}

static int forget_what_was_renewed(struct store_tx *tx, struct world *world, void *data)
{
    int64_t expires = *(int64_t *)data;
    struct store_replay *replays = NULL;
    size_t n = 0;
    int r = store_replays_list(tx, world->arena, &(struct store_replay){ 0 }, 10, &replays, &n);
    if (r != 0 || n != 2)
        return r != 0 ? r : -EINVAL;
    r = store_replay_change(tx, world->alice, 7, replays[0].key, SPAN("another"), expires + DAY_MS);
    return r == 0 ? store_replays_forget(tx, replays, n) : r;
}

static void renewed_ones_stay(void **state)
{
    struct world *world = *state;
    int64_t now = when_now();
    assert_int_equal(do_write(world, put_many, &(struct put){ 7, 0, 2, now + DAY_MS }), 0);
    assert_int_equal(do_write(world, forget_what_was_renewed, &now), 0);
    assert_int_equal(is_kept(world, 7, 0) + is_kept(world, 7, 1), 1);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        WORLD_CASE(the_oldest_give_way),
        WORLD_CASE(keys_never_do),
        WORLD_CASE(as_many_as_may_be),
        WORLD_CASE(the_expired_go),
        WORLD_CASE(of_every_mailbox),
        WORLD_CASE(renewed_ones_stay),
    };
    return world_run(cases, ARRAY_LEN(cases));
}
