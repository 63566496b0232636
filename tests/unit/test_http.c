/*
 * The listener over real sockets: keep-alive, chunked bodies, numbers of
 * connections around the 128 at which libmicrohttpd's own loop stalls, what is
 * refused at the headers, the watchdog, and a call that is alone.
 */
#include "http/guard.h"
#include "http/http.h"
#include "http/watch.h"
#include "soap/envelope.h"

#include <dirent.h>
#include <ftw.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define LOGIN "Authorization: Basic YWxpY2VAZXhhbXBsZS50ZXN0OnNlY3JldA==\r\n"
#define WRONG "Authorization: Basic YWxpY2VAZXhhbXBsZS50ZXN0Ondyb25n\r\n"
#define POST "POST /EWS/Exchange.asmx HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n"
#define GET "GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"

static struct server {
    char folder[64];
    struct conf conf;
    struct store *store;
    struct auth *auth;
    struct soap *soap;
    struct op_env ops;
    struct http *http;
    struct watch *watch;
    int port;
} server;

/* A commit that stops before it is made. */
static struct {
    atomic_bool armed; /* for one */
    sem_t held, over;
} hold;

static void hold_commit(void *arg ATTR_UNUSED)
{
    if (!atomic_exchange(&hold.armed, false))
        return;
    sem_post(&hold.held);
    sem_wait(&hold.over);
}

static int remove_one(const char *path, const struct stat *info ATTR_UNUSED, int kind ATTR_UNUSED, struct FTW *at ATTR_UNUSED)
{
    return remove(path);
}

static int make_alice(struct store_tx *tx, void *arg)
{
    int64_t mailbox_id;
    return store_mailbox_create(tx, SPAN("alice@example.test"), SPAN(""), span_of(arg), &mailbox_id);
}

static int start(void **state ATTR_UNUSED)
{
    static const char *const settings[] = { "http.listen=127.0.0.1:0", "http.max_body=65536", "http.request_deadline=1",
                                            "auth.hash_cost=1", "auth.failure_delay=200" };
    char error[CONF_ERROR_SIZE], hash[AUTH_HASH_SIZE];
    struct server *s = &server;
    strcpy(s->folder, "/tmp/ewsd-test-http-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    sem_init(&hold.held, 0, 0);
    sem_init(&hold.over, 0, 0);
    conf_init(&s->conf);
    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        assert_int_equal(conf_assign(&s->conf, settings[i], error), 0);
    assert_int_equal(store_open(&(struct store_options){ .path = s->folder, .before_commit = hold_commit }, &s->store), 0);
    assert_int_equal(auth_hash(SPAN("secret"), 1, hash), 0);
    assert_int_equal(store_write(s->store, make_alice, hash), 0);
    assert_int_equal(auth_new(s->store, &s->conf, &s->auth), 0);
    assert_int_equal(soap_new(&(struct soap_rules){ .served = op_is_served, .limits = XML_LIMITS_USUAL }, &s->soap), 0);
    op_env_init(&s->ops, s->store, &s->conf, NULL);
    assert_int_equal(watch_new(&s->ops, &s->watch), 0);
    watch_start(s->watch);
    struct http_options options = { .conf = &s->conf, .auth = s->auth, .ops = &s->ops, .soap = s->soap, .watch = s->watch, .on = HTTP_ON_DEV,
                                    .listen = s->conf.http_listen, .workers = 4, .connections = 8192 };
    struct listener listener;
    char wrong[LISTEN_ERROR_SIZE];
    assert_int_equal(listener_open(&s->conf, -1, &listener, wrong), 0);
    assert_int_equal(sscanf(listener.address, "127.0.0.1:%d", &s->port), 1);
    assert_int_equal(http_start(&options, &listener, &s->http), 0);
    listener_close(&listener);
    assert_true(s->port > 0);
    return 0;
}

static int stop(void **state ATTR_UNUSED)
{
    assert_int_equal(http_stop(server.http, INT64_MAX), 0);
    watch_free(server.watch);
    auth_free(server.auth);
    soap_free(server.soap);
    store_close(server.store);
    sem_destroy(&hold.held);
    sem_destroy(&hold.over);
    return nftw(server.folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static int dial(void)
{
    struct sockaddr_in where = { .sin_family = AF_INET, .sin_port = htons((uint16_t)server.port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    struct timeval patience = { .tv_sec = 30 };
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    assert_int_equal(connect(fd, (struct sockaddr *)&where, sizeof(where)), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* One whole answer; its status, 0 when the server hung up. */
static int hear(int fd, char *answer, size_t size)
{
    size_t len = 0, whole = 0;
    do {
        ssize_t n = recv(fd, answer + len, size - 1 - len, 0);
        if (n <= 0)
            return 0;
        len += (size_t)n;
        answer[len] = 0;
        const char *end = strstr(answer, "\r\n\r\n"), *length = strstr(answer, "Content-Length: ");
        if (end && length && (strncmp(answer, "HTTP/1.1 100", 12) != 0))
            whole = (size_t)(end - answer) + 4 + strtoul(length + 16, NULL, 10);
    } while (!whole || len < whole);
    return atoi(answer + 9);
}

static int ask(int fd, const char *text)
{
    char answer[16384];
    say(fd, text);
    return hear(fd, answer, sizeof(answer));
}

static int ask_once(const char *text)
{
    int fd = dial();
    int status = ask(fd, text);
    close(fd);
    return status;
}

static void keeps_connections(void **state ATTR_UNUSED)
{
    int fd = dial();
    assert_int_equal(ask(fd, GET), 200);
    assert_int_equal(ask(fd, POST "Content-Length: 4\r\n\r\nabcd"), 401); /* drained */
    assert_int_equal(ask(fd, POST WRONG "Content-Length: 4\r\n\r\nabcd"), 401);
    assert_int_equal(ask(fd, POST LOGIN "Content-Length: 4\r\n\r\nabcd"), 500); /* a fault */
    assert_int_equal(ask(fd, "GET /ews/EXCHANGE.asmx HTTP/1.1\r\nHost: localhost\r\n" LOGIN "\r\n"), 200);
    assert_int_equal(ask(fd, GET), 200);
    close(fd);
}

static void takes_chunks(void **state ATTR_UNUSED)
{
    int fd = dial();
    char answer[16384];
    say(fd, POST LOGIN "Transfer-Encoding: chunked\r\n\r\n3\r\n<a>\r\n");
    say(fd, "4\r\n</a>\r\n0\r\n\r\n");
    assert_int_equal(hear(fd, answer, sizeof(answer)), 500);
    assert_non_null(strstr(answer, "text/xml; charset=utf-8"));
    assert_non_null(strstr(answer, "ErrorSchemaValidation"));
    assert_int_equal(ask(fd, GET), 200);
    close(fd);
}

static void routes_exist_in_places(void **state ATTR_UNUSED)
{
    static const struct {
        const char *path;
        unsigned on;
    } cases[] = { { "/EWS/Exchange.asmx", HTTP_ON_CLIENTS }, { "/livez", HTTP_ON_ALL }, { "/readyz", HTTP_ON_ALL },
                  { "/metrics", HTTP_ON_DEV | HTTP_ON_ADMIN }, { "/dev/messages", HTTP_ON_DEV } };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        for (unsigned on = HTTP_ON_EWS; on <= HTTP_ON_ADMIN; on <<= 1) {
            const struct http_options options = { .on = on };
            assert_true(!guard_route(&options, cases[i].path) == !(cases[i].on & on));
        }
}

static void methods_of_routes(void **state ATTR_UNUSED)
{
    const struct http_route most = { .methods = HTTP_GET | HTTP_POST | HTTP_PUT | HTTP_DELETE, .caller = true, .open = HTTP_PUT };
    const struct http_route some = { .methods = HTTP_DELETE };
    char allow[GUARD_ALLOW_SIZE];
    assert_int_equal(guard_status(&most, "PUT", NULL), 0);
    assert_int_equal(guard_status(&most, "DELETE", NULL), 0);
    assert_int_equal(guard_status(&most, "put", NULL), 405);
    assert_int_equal(guard_status(&some, "GET", NULL), 405);
    assert_true(guard_needs_caller(&most, "DELETE") && !guard_needs_caller(&most, "PUT"));
    guard_allow(&most, allow);
    assert_string_equal(allow, "GET, HEAD, POST, PUT, DELETE");
    guard_allow(&some, allow);
    assert_string_equal(allow, "DELETE");
}

static void says_whether_it_can_serve(void **state ATTR_UNUSED)
{
    char answer[4096];
    struct watch *fresh;
    int fd = dial();
    say(fd, "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_int_equal(hear(fd, answer, sizeof(answer)), 503);
    assert_non_null(strstr(answer, "\r\n\r\nthe outbox does not run\n")); /* there is none */
    close(fd);
    assert_int_equal(watch_new(&server.ops, &fresh), 0);
    assert_string_equal(watch_unready(fresh), "the server is starting");
    watch_start(fresh);
    watch_stop(fresh);
    assert_string_equal(watch_unready(fresh), "the server is stopping");
    watch_free(fresh);
}

static void refuses_at_the_headers(void **state ATTR_UNUSED)
{
    assert_int_equal(ask_once("GET /livez HTTP/1.1\r\nHost: evil.example\r\n\r\n"), 421);
    assert_int_equal(ask_once("GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n"), 404);
    assert_int_equal(ask_once("PUT /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"), 405);
    assert_int_equal(ask_once("BREW /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"), 405);
    assert_int_equal(ask_once("POST /EWS/Exchange.asmx HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n" LOGIN
                              "Content-Length: 0\r\n\r\n"),
                     415);
    assert_int_equal(ask_once(POST LOGIN "Content-Length: 2000000\r\n\r\n"), 413);
    assert_int_equal(ask_once(POST "Expect: 100-continue\r\nContent-Length: 5000\r\n\r\n"), 401);
}

static void refuses_long_chunked_bodies(void **state ATTR_UNUSED)
{
    int fd = dial();
    char answer[4096], piece[4097];
    memset(piece, 'x', 4096);
    piece[4096] = 0;
    say(fd, POST LOGIN "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 17; i++) {
        say(fd, "1000\r\n");
        say(fd, piece);
        say(fd, "\r\n");
    }
    say(fd, "0\r\n\r\n");
    assert_int_equal(hear(fd, answer, sizeof(answer)), 413);
    close(fd);
}

static void serves_any_number_at_once(void **state ATTR_UNUSED)
{
    static const size_t numbers[] = { 127, 128, 129, 256 };
    int fds[256];
    char answer[4096];
    for (size_t k = 0; k < ARRAY_LEN(numbers); k++) {
        for (size_t i = 0; i < numbers[k]; i++)
            fds[i] = dial();
        for (int round = 0; round < 3; round++) {
            for (size_t i = 0; i < numbers[k]; i++)
                say(fds[i], GET);
            for (size_t i = 0; i < numbers[k]; i++)
                assert_int_equal(hear(fds[i], answer, sizeof(answer)), 200);
        }
        for (size_t i = 0; i < numbers[k]; i++)
            close(fds[i]);
    }
}

static void ends_drips(void **state ATTR_UNUSED)
{
    int fd = dial();
    char answer[256];
    say(fd, POST LOGIN "Content-Length: 1000\r\n\r\n");
    ssize_t sent = 1;
    for (int i = 0; i < 100 && sent == 1; i++) {
        usleep(100000);
        sent = send(fd, "x", 1, MSG_NOSIGNAL);
    }
    assert_int_not_equal(sent, 1);
    assert_int_equal(hear(fd, answer, sizeof(answer)), 0);
    close(fd);
    assert_int_equal(ask_once(GET), 200);
}

/* Four workers and one for large bodies at least let others go on. */
static void threads_are_patient(void **state ATTR_UNUSED)
{
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    int patient = 0;
    for (struct dirent *task; (task = readdir(tasks));)
        patient += atoi(task->d_name) > 0 && sched_getscheduler(atoi(task->d_name)) == SCHED_BATCH;
    closedir(tasks);
    assert_in_range(patient, 5, 64);
}

/* The only call there is, which the loop's thread works on, is held up at its commit:
 * others are answered, late ones in time, and idlers are sent away. */
static void nobody_waits_for_a_call_that_is_alone(void **state ATTR_UNUSED)
{
    static const char body[] = "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Body>"
        "<CreateFolder xmlns='http://schemas.microsoft.com/exchange/services/2006/messages'"
        " xmlns:t='http://schemas.microsoft.com/exchange/services/2006/types'>"
        "<ParentFolderId><t:DistinguishedFolderId Id='inbox'/></ParentFolderId>"
        "<Folders><t:Folder><t:DisplayName>one</t:DisplayName></t:Folder></Folders></CreateFolder></s:Body></s:Envelope>";
    char request[2048], answer[4096];
    int len = snprintf(request, sizeof(request), POST LOGIN "Content-Length: %zu\r\n\r\n%s", strlen(body), body);
    assert_true(len > 0 && (size_t)len < sizeof(request));
    assert_int_equal(ask_once(POST LOGIN "Content-Length: 0\r\n\r\n"), 500); /* the password is known */
    int alone = dial(), other = dial(), idler = dial();
    assert_int_equal(ask(alone, GET), 200);
    assert_int_equal(ask(other, GET), 200);
    assert_int_equal(ask(idler, GET), 200); /* nothing is left to be done for any of them */
    for (int i = 0; i < 8; i++)
        assert_int_equal(ask(alone, GET), 200); /* and the client looks like one that is alone */

    hold.armed = true;
    say(alone, request);
    sem_wait(&hold.held); /* else another might come with it */
    assert_int_equal(ask(other, GET), 200);
    say(idler, POST LOGIN "Content-Length: 1000\r\n\r\n");
    assert_int_equal(ask(other, POST WRONG "Content-Length: 0\r\n\r\n"), 401);
    assert_int_equal(hear(idler, answer, sizeof(answer)), 0);
    assert_int_equal(ask_once(GET), 200);

    sem_post(&hold.over);
    assert_int_equal(hear(alone, answer, sizeof(answer)), 200);
    assert_non_null(strstr(answer, "NoError"));
    assert_int_equal(ask(alone, GET), 200);
    close(alone);
    close(other);
    close(idler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_connections),        cmocka_unit_test(takes_chunks),
        cmocka_unit_test(routes_exist_in_places),
        cmocka_unit_test(methods_of_routes),
        cmocka_unit_test(says_whether_it_can_serve),
        cmocka_unit_test(refuses_at_the_headers),   cmocka_unit_test(refuses_long_chunked_bodies),
        cmocka_unit_test(serves_any_number_at_once), cmocka_unit_test(ends_drips),
        cmocka_unit_test(threads_are_patient),
        cmocka_unit_test(nobody_waits_for_a_call_that_is_alone),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
