/*
 * Who gets in: the login forms, wrong and unknown ones, and the memory of
 * verified credentials.
 */
#include "auth/auth.h"

#include "base/metrics.h"
#include "base/when.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

struct world {
    char path[64];
    struct conf conf;
    struct store *store;
    struct auth *auth;
    struct arena *arena;
    char hash[AUTH_HASH_SIZE];
};

static int make_people(struct store_tx *tx, void *arg)
{
    struct world *world = arg;
    struct span hash = span_of(world->hash);
    int64_t id;
    int r = store_mailbox_create(tx, SPAN("alice@example.test"), SPAN("Alice"), hash, &id);
    if (r == 0)
        r = store_mailbox_create(tx, SPAN("twin@example.test"), SPAN(""), hash, &id);
    return r ? r : store_mailbox_create(tx, SPAN("twin@other.test"), SPAN(""), hash, &id);
}

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    assert_non_null(world);
    strcpy(world->path, "/tmp/ewsd-auth.XXXXXX");
    assert_non_null(mkdtemp(world->path));
    conf_init(&world->conf);
    world->conf.auth_hash_cost = 1;
    assert_int_equal(auth_hash(SPAN("se:cret"), 1, world->hash), 0);
    const struct store_options options = { .path = world->path };
    assert_int_equal(store_open(&options, &world->store), 0);
    assert_int_equal(store_write(world->store, make_people, world), 0);
    assert_int_equal(auth_new(world->store, &world->conf, &world->auth), 0);
    assert_int_equal(arena_new((size_t)1 << 20, &world->arena), 0);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    char command[128];
    auth_free(world->auth);
    store_close(world->store);
    arena_free(world->arena);
    snprintf(command, sizeof(command), "rm -rf '%s'", world->path);
    assert_int_equal(system(command), 0);
    free(world);
    return 0;
}

static struct span header_of(struct world *world, const char *pair)
{
    struct buf text = BUF_INIT(4096);
    struct span header;
    buf_add_str(&text, "Basic ");
    base64_encode(&text, pair, strlen(pair));
    assert_int_equal(buf_error(&text), 0);
    assert_int_equal(arena_copy(world->arena, buf_span(&text), &header), 0);
    buf_done(&text);
    return header;
}

static int verify(struct world *world, const char *pair, struct store_mailbox *ret_mailbox)
{
    struct span user;
    return auth_verify(world->auth, world->arena, header_of(world, pair), ret_mailbox, &user);
}

static void test_login_forms(void **state)
{
    static const char *const forms[] = { "alice@example.test:se:cret", "ALICE@Example.TEST:se:cret", "example.test\\alice:se:cret",
                                         "EXAMPLE\\alice:se:cret", "alice:se:cret", "other\\twin:se:cret" };
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        struct store_mailbox mailbox;
        assert_int_equal(verify(*state, forms[i], &mailbox), AUTH_OK);
        assert_true(span_is(mailbox.address, i < 5 ? "alice@example.test" : "twin@other.test"));
    }
}

static void test_refused(void **state)
{
    static const char *const forms[] = { "alice@example.test:wrong", "alice@example.test:se",  "alice@example.test:",
                                         "nobody@example.test:se:cret", "twin:se:cret",        "elsewhere\\alice:se:cret",
                                         ":se:cret",                  "alice@example.test",    "" };
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        struct store_mailbox mailbox;
        int r = verify(*state, forms[i], &mailbox);
        assert_true(r == AUTH_UNKNOWN || r == AUTH_MISSING);
        assert_int_not_equal(auth_lookup(((struct world *)*state)->auth, ((struct world *)*state)->arena,
                                         header_of(*state, forms[i]), &mailbox),
                             AUTH_OK);
    }
}

static void test_memory(void **state)
{
    struct world *world = *state;
    struct store_mailbox mailbox;
    struct span header = header_of(world, "alice:se:cret");
    assert_int_equal(auth_lookup(world->auth, world->arena, header, &mailbox), AUTH_UNKNOWN);
    assert_int_equal(verify(world, "alice:se:cret", &mailbox), AUTH_OK);
    mailbox = (struct store_mailbox){ 0 };
    assert_int_equal(auth_lookup(world->auth, world->arena, header, &mailbox), AUTH_OK);
    assert_true(span_is(mailbox.address, "alice@example.test"));
    assert_true(span_is(mailbox.display_name, "Alice"));
    assert_int_equal(auth_lookup(world->auth, world->arena, header_of(world, "alice:se:cret "), &mailbox), AUTH_UNKNOWN);
}

/* Many who call at the same time don't drive each other out: headers that
 * differ in their spaces are as many as users. */
static void test_memory_of_many(void **state)
{
    enum { MANY = 150 };
    struct world *world = *state;
    struct span plain = header_of(world, "alice:se:cret"), headers[MANY], user;
    struct store_mailbox mailbox;
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(arena_printf(world->arena, &headers[i], "Basic %*s%s", (int)i, "", plain.ptr + 6), 0);
        assert_int_equal(auth_verify(world->auth, world->arena, headers[i], &mailbox, &user), AUTH_OK);
    }
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(auth_lookup(world->auth, world->arena, headers[i], &mailbox), AUTH_OK);
}

static int disable_alice(struct store_tx *tx, void *arg)
{
    struct world *world = arg;
    struct store_mailbox mailbox;
    char hash[AUTH_HASH_SIZE + 1] = AUTH_DISABLED;
    int r = store_mailbox_by_address(tx, world->arena, SPAN("alice@example.test"), &mailbox);
    return r ? r : store_mailbox_set_password(tx, mailbox.mailbox_id, span_of(strcat(hash, world->hash)));
}

static void test_forgetting(void **state)
{
    struct world *world = *state;
    struct store_mailbox mailbox;
    assert_int_equal(verify(world, "alice:se:cret", &mailbox), AUTH_OK);
    auth_forget_all(world->auth);
    assert_int_equal(auth_lookup(world->auth, world->arena, header_of(world, "alice:se:cret"), &mailbox), AUTH_UNKNOWN);
    assert_int_equal(verify(world, "alice:se:cret", &mailbox), AUTH_OK);
    assert_int_equal(auth_lookup(world->auth, world->arena, header_of(world, "alice:se:cret"), &mailbox), AUTH_OK);
}

static void test_disabled(void **state)
{
    struct world *world = *state;
    struct store_mailbox mailbox;
    assert_int_equal(store_write(world->store, disable_alice, world), 0);
    assert_int_equal(verify(world, "alice:se:cret", &mailbox), AUTH_UNKNOWN);
}

/* ---- other nodes ---- */

static int set_up_shared(void **state)
{
    int r = set_up(state);
    struct world *world = *state;
    auth_free(world->auth);
    store_close(world->store);
    const struct store_options options = { .path = world->path, .shared = true };
    assert_int_equal(store_open(&options, &world->store), 0);
    assert_int_equal(auth_new(world->store, &world->conf, &world->auth), 0);
    return r;
}

static int lookup(struct world *world, const char *pair)
{
    struct store_mailbox mailbox;
    return auth_lookup(world->auth, world->arena, header_of(world, pair), &mailbox);
}

/* Nobody tells us: it stands in the store. */
static void test_changed_elsewhere(void **state)
{
    struct world *world = *state;
    struct store_mailbox mailbox;
    assert_int_equal(verify(world, "alice:se:cret", &mailbox), AUTH_OK);
    assert_int_equal(lookup(world, "alice:se:cret"), AUTH_OK);
    assert_int_equal(store_write(world->store, disable_alice, world), 0);
    for (unsigned i = 0; lookup(world, "alice:se:cret") == AUTH_OK; i++) {
        assert_true(i < 10000);
        when_sleep(5);
    }
    assert_int_equal(verify(world, "alice:se:cret", &mailbox), AUTH_UNKNOWN);
}

static _Atomic int64_t ahead;

static int64_t clock_ahead(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000 + ahead;
}

/* A store that cannot be looked at may have changed. */
static void test_not_looked(void **state)
{
    struct world *world = *state;
    struct store_mailbox mailbox;
    assert_int_equal(verify(world, "alice:se:cret", &mailbox), AUTH_OK);
    ahead = 6000;
    when_set_monotonic(clock_ahead);
    assert_int_equal(lookup(world, "alice:se:cret"), AUTH_UNKNOWN);
    for (unsigned i = 0; lookup(world, "alice:se:cret") != AUTH_OK; i++) {
        assert_true(i < 10000);
        when_sleep(5);
    }
    when_set_monotonic(NULL);
}

/* Whoever asks, and for whom: one hash, so that its time tells nothing. Where
 * none is computed, none is for those who exist either. */
static void test_equal_work(void **state)
{
    static const struct {
        const char *pair;
        unsigned hashes;
    } tries[] = {
        { "alice@example.test:wrong", 1 },  { "alice:wrong", 1 },      { "example.test\\alice:wrong", 1 },
        { "nobody@example.test:wrong", 1 }, { "nobody:wrong", 1 },     { "elsewhere\\alice:wrong", 1 },
        { "nobody@elsewhere.test:wrong", 1 }, { "twin:wrong", 1 },     { "twin@other.test:wrong", 1 },
        { "\\:wrong", 1 },                  { "@:wrong", 1 },          { "alice@example.test:se:cret", 1 },
        { "alice@example.test:", 0 },       { "nobody@example.test:", 0 },
    };
    struct world *world = *state;
    struct store_mailbox mailbox;
    for (unsigned disabled = 0; disabled < 2; disabled++) {
        for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
            uint64_t before = metric_get(METRIC_auth_hashes);
            (void)verify(world, tries[i].pair, &mailbox);
            assert_int_equal(metric_get(METRIC_auth_hashes) - before, tries[i].hashes);
        }
        assert_int_equal(store_write(world->store, disable_alice, world), 0);
    }
}

static void test_no_memory(void **state)
{
    struct world *world = *state;
    struct store_mailbox mailbox;
    world->conf.auth_cache_ttl = 0;
    auth_reload(world->auth, &world->conf);
    assert_int_equal(verify(world, "alice:se:cret", &mailbox), AUTH_OK);
    assert_int_equal(auth_lookup(world->auth, world->arena, header_of(world, "alice:se:cret"), &mailbox), AUTH_UNKNOWN);
}

static void test_other_headers(void **state)
{
    static const char *const headers[] = { "", "Basic", "Basic ", "Bearer abc", "Basic !!!!", "Basic\tYTpi" };
    struct world *world = *state;
    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        struct store_mailbox mailbox;
        struct span user;
        assert_int_not_equal(auth_lookup(world->auth, world->arena, span_of(headers[i]), &mailbox), AUTH_OK);
        int r = auth_verify(world->auth, world->arena, span_of(headers[i]), &mailbox, &user);
        assert_true(r == AUTH_UNKNOWN || r == AUTH_MISSING);
    }
}

static void test_hash(void **state)
{
    char hash[AUTH_HASH_SIZE];
    (void)state;
    assert_true(auth_hash(SPAN(""), 1, hash) < 0);
    assert_true(auth_hash(SPAN("a\0b"), 1, hash) < 0);
    char longest[AUTH_PASSWORD_MAX + 1];
    memset(longest, 'x', sizeof(longest));
    assert_int_equal(auth_hash((struct span){ longest, AUTH_PASSWORD_MAX }, 1, hash), 0);
    assert_int_equal(auth_hash((struct span){ longest, AUTH_PASSWORD_MAX + 1 }, 1, hash), -EINVAL);
    assert_int_equal(auth_hash(SPAN("a"), 1, hash), 0);
    assert_memory_equal(hash, "$y$", 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_login_forms, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_memory_of_many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_forgetting, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_disabled, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_changed_elsewhere, set_up_shared, tear_down),
        cmocka_unit_test_setup_teardown(test_not_looked, set_up_shared, tear_down),
        cmocka_unit_test_setup_teardown(test_equal_work, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other_headers, set_up, tear_down),
        cmocka_unit_test(test_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
