/*
 * Log-ins to the page: who has one, what ends it, and that a full table costs only
 * the one that was idle longest. The clock stands until a test moves it.
 */
#include "http/session.h"

#include "base/when.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define TABLE 64 /* SESSIONS_MAX */
#define IDLE_S 100
#define MAX_S 250
#define ALICE "alice@example.test"

struct world {
    char path[64];
    struct conf conf;
    struct store *store;
    struct auth *auth;
    struct sessions *sessions;
};

/* What a browser keeps of a log-in. */
struct login {
    char header[128]; /* Cookie */
    char token[SESSION_TEXT_SIZE];
};

static int64_t now;

static int64_t stopped_clock(void)
{
    return now;
}

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    assert_non_null(world);
    conf_init(&world->conf);
    strcpy(world->conf.admin_users, "boss@example.test, " ALICE);
    world->conf.admin_session_idle = IDLE_S; /* admin.session_idle */
    world->conf.admin_session_max = MAX_S;   /* admin.session_max */
    strcpy(world->path, "/tmp/ewsd-session.XXXXXX");
    assert_non_null(mkdtemp(world->path));
    const struct store_options options = { .path = world->path };
    assert_int_equal(store_open(&options, &world->store), 0);
    assert_int_equal(auth_new(world->store, &world->conf, &world->auth), 0);
    assert_int_equal(sessions_new(world->auth, &world->conf, &world->sessions), 0);
    now = 1000000;
    when_set_monotonic(stopped_clock);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    char command[128];
    when_set_monotonic(NULL);
    sessions_free(world->sessions);
    auth_free(world->auth);
    store_close(world->store);
    snprintf(command, sizeof(command), "rm -rf '%s'", world->path);
    assert_int_equal(system(command), 0);
    free(world);
    return 0;
}

static struct login log_in_at(struct world *world, uint64_t generation)
{
    struct login login;
    char cookie[SESSION_TEXT_SIZE];
    assert_int_equal(sessions_open(world->sessions, SPAN(ALICE), generation, cookie, login.token), 0);
    assert_int_equal(strlen(cookie), SESSION_TEXT_SIZE - 1);
    assert_int_equal(strlen(login.token), SESSION_TEXT_SIZE - 1);
    assert_string_not_equal(cookie, login.token);
    snprintf(login.header, sizeof(login.header), SESSION_COOKIE "=%s", cookie);
    return login;
}

static struct login log_in(struct world *world)
{
    return log_in_at(world, auth_generation(world->auth));
}

static int reads(struct world *world, const struct login *login)
{
    return sessions_judge(world->sessions, &(struct session_proof){ .cookie = login->header }, false);
}

static int changes(struct world *world, const struct login *login, const char *token)
{
    return sessions_judge(world->sessions, &(struct session_proof){ .cookie = login->header, .token = token }, true);
}

static void is_known_by_its_cookie(void **state)
{
    struct world *world = *state;
    struct login login = log_in(world), other = log_in(world);
    char user[SESSION_USER_SIZE] = "?", header[256];
    assert_string_not_equal(login.header, other.header);
    assert_true(sessions_user(world->sessions, &(struct session_proof){ .cookie = login.header }, user));
    assert_string_equal(user, ALICE);
    static const char *const good[] = { "a=b; %s", "%s; a=b", "a=b;%s;c", ";; %s" };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        const char *gap = strstr(good[i], "%s");
        snprintf(header, sizeof(header), "%.*s%s%s", (int)(gap - good[i]), good[i], login.header, gap + 2);
        assert_int_equal(sessions_judge(world->sessions, &(struct session_proof){ .cookie = header }, false), 0);
    }
    static const char *const bad[] = { "", ";", SESSION_COOKIE, SESSION_COOKIE "=", "=;" SESSION_COOKIE "=; " };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(sessions_judge(world->sessions, &(struct session_proof){ .cookie = bad[i] }, false), 401);
    assert_int_equal(sessions_judge(world->sessions, &(struct session_proof){ 0 }, false), 401);
    snprintf(header, sizeof(header), "x%s", login.header);
    assert_int_equal(sessions_judge(world->sessions, &(struct session_proof){ .cookie = header }, false), 401);
    snprintf(header, sizeof(header), "%s0", login.header);
    assert_int_equal(sessions_judge(world->sessions, &(struct session_proof){ .cookie = header }, false), 401);
    login.header[strlen(login.header) - 1] ^= 1;
    assert_int_equal(reads(world, &login), 401);
    assert_false(sessions_user(world->sessions, &(struct session_proof){ .cookie = login.header }, user));
}

static void nothing_changes_without_its_token(void **state)
{
    struct world *world = *state;
    struct login login = log_in(world), other = log_in(world);
    char wrong[SESSION_TEXT_SIZE + 1];
    assert_int_equal(changes(world, &login, login.token), 0);
    assert_int_equal(changes(world, &login, NULL), 403);
    assert_int_equal(changes(world, &login, ""), 403);
    assert_int_equal(changes(world, &login, other.token), 403);
    assert_int_equal(changes(world, &login, login.header + strlen(SESSION_COOKIE "=")), 403);
    snprintf(wrong, sizeof(wrong), "%s0", login.token);
    assert_int_equal(changes(world, &login, wrong), 403);
    snprintf(wrong, sizeof(wrong), "%.*s", SESSION_TEXT_SIZE - 2, login.token);
    assert_int_equal(changes(world, &login, wrong), 403);
    assert_int_equal(reads(world, &login), 0); /* to read takes none */
    assert_int_equal(sessions_judge(world->sessions, &(struct session_proof){ .token = login.token }, true), 401);
}

static void ends_when_idle(void **state)
{
    struct world *world = *state;
    struct login login = log_in(world), polled = log_in(world);
    const struct session_proof poll = { .cookie = polled.header, .idle = "1" };
    now += IDLE_S * 1000;
    assert_int_equal(sessions_judge(world->sessions, &poll, false), 0);
    assert_int_equal(reads(world, &login), 0); /* and counts anew from here */
    now += 1;
    assert_int_equal(sessions_judge(world->sessions, &poll, false), 401); /* nobody used that one */
    now += IDLE_S * 1000 - 1;
    assert_int_equal(changes(world, &login, NULL), 403); /* refused: that is no use, either */
    now += 1;
    assert_int_equal(reads(world, &login), 401);
    now -= 1;
    assert_int_equal(reads(world, &login), 401); /* gone for good */
}

static void ends_by_age(void **state)
{
    struct world *world = *state;
    struct login login = log_in(world);
    for (int at = IDLE_S; at < MAX_S; at += IDLE_S) {
        now += IDLE_S * 1000;
        assert_int_equal(reads(world, &login), 0);
    }
    now += MAX_S % IDLE_S * 1000;
    assert_int_equal(reads(world, &login), 0);
    now += 1;
    assert_int_equal(reads(world, &login), 401);
}

static void a_full_table_forgets_the_idlest(void **state)
{
    struct world *world = *state;
    struct login logins[TABLE];
    for (size_t i = 0; i < TABLE; i++, now++)
        logins[i] = log_in(world);
    assert_int_equal(reads(world, &logins[0]), 0); /* now 1 is the idlest */
    now++;
    struct login one_more = log_in(world);
    assert_int_equal(reads(world, &logins[1]), 401);
    assert_int_equal(reads(world, &one_more), 0);
    for (size_t i = 0; i < TABLE; i++)
        if (i != 1)
            assert_int_equal(reads(world, &logins[i]), 0);
    sessions_close(world->sessions, &(struct session_proof){ .cookie = logins[40].header });
    one_more = log_in(world); /* finds the free place */
    for (size_t i = 0; i < TABLE; i++)
        assert_int_equal(reads(world, &logins[i]), i == 1 || i == 40 ? 401 : 0);
}

static void ends_with_what_it_was_given_for(void **state)
{
    struct world *world = *state;
    uint64_t before = auth_generation(world->auth);
    struct login login = log_in(world), other = log_in(world);
    sessions_close(world->sessions, &(struct session_proof){ .cookie = login.header });
    assert_int_equal(reads(world, &login), 401);
    assert_int_equal(reads(world, &other), 0);
    auth_forget_all(world->auth); /* a password changed */
    assert_int_equal(reads(world, &other), 401);
    login = log_in_at(world, before); /* it changed while this one was verified */
    assert_int_equal(reads(world, &login), 401);
    login = log_in(world);
    assert_int_equal(reads(world, &login), 0);
    strcpy(world->conf.admin_users, "boss@example.test");
    assert_int_equal(changes(world, &login, login.token), 401);
}

static void is_for_those_who_may(void **state)
{
    struct world *world = *state;
    char long_address[SESSION_USER_SIZE + 1], cookie[SESSION_TEXT_SIZE] = "?", token[SESSION_TEXT_SIZE] = "?";
    assert_true(sessions_may(&world->conf, SPAN("Alice@Example.TEST")));
    assert_false(sessions_may(&world->conf, SPAN("alice@example.tes")));
    assert_false(sessions_may(&world->conf, SPAN("")));
    world->conf.admin_users[0] = 0;
    assert_false(sessions_may(&world->conf, SPAN(ALICE)));
    assert_false(sessions_may(&world->conf, SPAN("")));
    memset(long_address, 'a', sizeof(long_address));
    assert_int_equal(sessions_open(world->sessions, SPAN(""), 0, cookie, token), -EINVAL);
    assert_int_equal(sessions_open(world->sessions, (struct span){ long_address, SESSION_USER_SIZE }, 0, cookie, token), -EINVAL);
    assert_string_equal(cookie, "?");
    assert_string_equal(token, "?");
    sessions_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(is_known_by_its_cookie, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_changes_without_its_token, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ends_when_idle, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ends_by_age, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_table_forgets_the_idlest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ends_with_what_it_was_given_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(is_for_those_who_may, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
