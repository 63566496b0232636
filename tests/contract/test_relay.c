/*
 * The SMTP transport against a relay that takes, refuses and defers: each
 * recipient has the outcome that its own reply calls for, and the bytes arrive
 * unchanged. argv[1] is relay.py, run by Debian's Python (for aiosmtpd).
 */
#include "outbox/transport.h"

#include "base/when.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct host {
    pid_t pid;
    int hold; /* the relay ends when this is closed */
    char taken[64];
    struct conf conf;
    struct relays *relays;
    struct smtp_link *link;
    atomic_bool stop;
    const struct lease *lease;
};

static const char *relay_script;

static void become_relay(int in, int out, const char *taken)
{
    dup2(in, 0);
    dup2(out, 1);
    execl("/usr/bin/python3", "python3", relay_script, taken, (char *)NULL);
    _exit(127);
}

static void fail_sentence(void *arg, const char *text)
{
    (void)arg;
    fail_msg("%s", text);
}

static int set_up(void **state)
{
    struct host *host = calloc(1, sizeof(*host));
    int in[2], out[2], port = 0;
    assert_non_null(host);
    strcpy(host->taken, "/tmp/ewsd-relay.XXXXXX");
    int fd = mkstemp(host->taken);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(pipe(in), 0);
    assert_int_equal(pipe(out), 0);
    host->pid = fork();
    if (host->pid == 0) {
        close(in[1]);
        become_relay(in[0], out[1], host->taken);
    }
    close(in[0]);
    close(out[1]);
    host->hold = in[1];
    FILE *said = fdopen(out[0], "r");
    assert_non_null(said);
    assert_int_equal(fscanf(said, "%d", &port), 1);
    fclose(said);
    conf_init(&host->conf);
    snprintf(host->conf.relays[0].url, sizeof(host->conf.relays[0].url), "smtp://127.0.0.1:%d", port);
    host->conf.relays[0].timeout = 30;
    assert_int_equal(relays_load(&host->conf, &host->relays, &(struct conf_report){ .tell = fail_sentence }), 0);
    *state = host;
    return 0;
}

static int tear_down(void **state)
{
    struct host *host = *state;
    if (host->hold >= 0)
        close(host->hold);
    waitpid(host->pid, NULL, 0);
    unlink(host->taken);
    smtp_link_free(host->link);
    relays_free(host->relays);
    free(host);
    return 0;
}

struct parcel {
    struct arena *arena;
    struct transport_result results[2];
    int answer; /* of deliver */
};

/* One message to two recipients, of whom the second may be NULL. */
static void carry(struct host *host, const char *sender, const char *first, const char *second, const char *raw,
                  struct parcel *ret_parcel)
{
    struct store_outbox_rcpt rcpts[] = { { .no = 1, .address = span_of(first) }, { .no = 2, .address = span_of(second) } };
    const struct store_outbox_rcpt *pointers[] = { &rcpts[0], &rcpts[1] };
    const struct store_outbox entry = { .envelope_sender = span_of(sender), .rcpts = rcpts, .rcpts_n = second ? 2 : 1 };
    assert_int_equal(arena_new(1u << 20, &ret_parcel->arena), 0);
    const struct transport_job job = {
        .conf = &host->conf, .arena = ret_parcel->arena, .entry = &entry, .traced = span_of(raw), .rcpts = pointers, .n = entry.rcpts_n, .stop = &host->stop,
        .relay = host->relays->fallback, .link = &host->link, .lease = host->lease
    };
    ret_parcel->answer = transport_smtp.deliver(&job, ret_parcel->results);
}

static void assert_taken(const struct host *host, const char *expected)
{
    char text[4096];
    FILE *file = fopen(host->taken, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(text, expected);
}

static void test_taken_and_refused(void **state)
{
    struct parcel parcel;
    carry(*state, "alice@a.test", "refused@b.test", "bob@b.test", "Subject: x\r\n\r\n.dot\r\n..\r\n.\r\nend\r\n", &parcel);
    assert_int_equal(parcel.results[0].outcome, TRANSPORT_FAILED);
    assert_true(span_is(parcel.results[0].status, "550 5.1.1 no such person"));
    assert_int_equal(parcel.results[1].outcome, TRANSPORT_SENT);
    assert_taken(*state, "alice@a.test\nbob@b.test\nSubject: x\r\n\r\n.dot\r\n..\r\n.\r\nend\r\n");
    arena_free(parcel.arena);
}

static void test_later(void **state)
{
    struct parcel parcel;
    carry(*state, "alice@a.test", "bob@b.test", "later@b.test", "Subject: x\r\n\r\n", &parcel);
    assert_int_equal(parcel.results[0].outcome, TRANSPORT_SENT);
    assert_int_equal(parcel.results[1].outcome, TRANSPORT_DEFERRED);
    arena_free(parcel.arena);
}

static void test_nobody_taken(void **state)
{
    struct parcel parcel;
    carry(*state, "alice@a.test", "refused@b.test", "later@b.test", "Subject: x\r\n\r\n", &parcel);
    assert_int_equal(parcel.results[0].outcome, TRANSPORT_FAILED);
    assert_int_equal(parcel.results[1].outcome, TRANSPORT_DEFERRED);
    assert_taken(*state, "");
    arena_free(parcel.arena);
}

static void test_sender_refused(void **state)
{
    struct parcel parcel;
    carry(*state, "banned@a.test", "bob@b.test", NULL, "Subject: x\r\n\r\n", &parcel);
    assert_int_equal(parcel.results[0].outcome, TRANSPORT_FAILED);
    arena_free(parcel.arena);
}

static void test_null_sender(void **state)
{
    struct parcel parcel;
    carry(*state, "", "bob@b.test", NULL, "Subject: x\r\n\r\n", &parcel);
    assert_int_equal(parcel.results[0].outcome, TRANSPORT_SENT);
    assert_taken(*state, "<>\nbob@b.test\nSubject: x\r\n\r\n");
    arena_free(parcel.arena);
}

static void test_message_deferred(void **state)
{
    struct parcel parcel;
    carry(*state, "alice@a.test", "bob@b.test", "refused@b.test", "Subject: busy\r\n\r\n", &parcel);
    assert_int_equal(parcel.results[0].outcome, TRANSPORT_DEFERRED);
    assert_int_equal(parcel.results[1].outcome, TRANSPORT_FAILED);
    arena_free(parcel.arena);
}

static void *stop_soon(void *arg)
{
    struct host *host = arg;
    usleep(300000);
    atomic_store(&host->stop, true);
    return NULL;
}

/* What somebody else may have before the reply could come is not sent. */
static void test_lease_ends(void **state)
{
    struct host *host = *state;
    struct parcel parcel;
    struct lease lease = { .owner = 1, .end = when_monotonic() + host->conf.relays[0].final_timeout * 1000 - 1 };
    host->lease = &lease;
    carry(host, "alice@a.test", "bob@b.test", NULL, "Subject: x\r\n\r\n", &parcel);
    assert_int_equal(parcel.results[0].outcome, TRANSPORT_DEFERRED);
    assert_taken(host, "");
    arena_free(parcel.arena);
    lease.end += 60000;
    carry(host, "alice@a.test", "bob@b.test", NULL, "Subject: x\r\n\r\n", &parcel);
    assert_int_equal(parcel.results[0].outcome, TRANSPORT_SENT);
    arena_free(parcel.arena);
}

/* A relay that takes its time doesn't hold up the end of the program. */
static void test_stopped(void **state)
{
    struct parcel parcel;
    pthread_t thread;
    int64_t begin = when_monotonic();
    assert_int_equal(pthread_create(&thread, NULL, stop_soon, *state), 0);
    carry(*state, "alice@a.test", "slow@b.test", NULL, "Subject: x\r\n\r\n", &parcel);
    pthread_join(thread, NULL);
    assert_int_equal(parcel.answer, TRANSPORT_STOPPED);
    assert_true(when_monotonic() - begin < 10000);
    arena_free(parcel.arena);
}

static void test_no_relay(void **state)
{
    struct host *host = *state;
    struct parcel parcel;
    close(host->hold);
    host->hold = -1;
    waitpid(host->pid, NULL, 0);
    carry(host, "alice@a.test", "bob@b.test", NULL, "Subject: x\r\n\r\n", &parcel);
    assert_int_equal(parcel.answer, TRANSPORT_UNREACHABLE);
    assert_int_equal(parcel.results[0].outcome, TRANSPORT_DEFERRED);
    assert_true(span_starts(parcel.results[0].status, SPAN("4.4.1 relay 127.0.0.1:")));
    arena_free(parcel.arena);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_taken_and_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_later, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nobody_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sender_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_null_sender, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_message_deferred, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lease_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stopped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_relay, set_up, tear_down),
    };
    if (argc < 2)
        return 2;
    relay_script = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
