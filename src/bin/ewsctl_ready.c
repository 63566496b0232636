/*
 * ewsctl ready: asks the server that has the store, by its control socket, or
 * where the store is a database by GET /readyz at admin.listen. Nobody tells when
 * a server begins to listen, so that is looked for again and again.
 */
#include "bin/ewsctl.h"

#include "base/err.h"
#include "base/when.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define WAIT_SECONDS 60
#define WAIT_MAX 86400
#define LOOK_AGAIN_MS 20
#define ANSWER_SECONDS 30
#define ANSWER_SIZE 4096

/* ---- over HTTP ---- */

/* admin.listen, which conf was not checked for: -EINVAL when it is nothing to connect to. */
static int admin_address(const char *listen, struct sockaddr_storage *ret_address, socklen_t *ret_len)
{
    struct sockaddr_storage address = { 0 };
    struct sockaddr_un *local = (struct sockaddr_un *)&address;
    struct sockaddr_in *v4 = (struct sockaddr_in *)&address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address;
    char host[64];
    const char *colon = strrchr(listen, ':');
    int64_t port;
    if (strncmp(listen, "unix:", 5) == 0 && strlen(listen + 5) < sizeof(local->sun_path)) {
        local->sun_family = AF_UNIX;
        memcpy(local->sun_path, listen + 5, strlen(listen + 5));
        *ret_len = sizeof(*local);
    } else if (!colon || (size_t)(colon - listen) >= sizeof(host) || !span_int(span_of(colon + 1), false, 1, 65535, &port)) {
        return -EINVAL;
    } else {
        bool brackets = *listen == '[' && colon[-1] == ']';
        snprintf(host, sizeof(host), "%.*s", (int)(colon - listen) - 2 * brackets, listen + brackets);
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)port);
        *ret_len = sizeof(*v4);
        if (inet_pton(AF_INET, strcmp(host, "localhost") ? host : "127.0.0.1", &v4->sin_addr) != 1) {
            address = (struct sockaddr_storage){ 0 };
            v6->sin6_family = AF_INET6;
            v6->sin6_port = htons((uint16_t)port);
            *ret_len = sizeof(*v6);
            if (inet_pton(AF_INET6, host, &v6->sin6_addr) != 1)
                return -EINVAL;
        }
    }
    *ret_address = address;
    return 0;
}

static int exchange(int fd, const struct sockaddr_storage *address, socklen_t len, char ret_answer[ANSWER_SIZE])
{
    static const char request[] = "GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n";
    struct timeval patience = { .tv_sec = ANSWER_SECONDS };
    size_t have = 0;
    ssize_t n = 1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (connect(fd, (const struct sockaddr *)address, len) ||
        send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) != (ssize_t)sizeof(request) - 1)
        return -errno;
    while (n > 0 && have < ANSWER_SIZE - 1) {
        n = recv(fd, ret_answer + have, ANSWER_SIZE - 1 - have, 0);
        have += n > 0 ? (size_t)n : 0;
    }
    ret_answer[have] = 0;
    return n < 0 ? -errno : 0;
}

/* The status line, and the first line of the body. */
static int judge(struct ctl_call *call, const char *answer)
{
    const char *body = strstr(answer, "\r\n\r\n");
    if (!body || strncmp(answer, "HTTP/1.", 7) != 0)
        return ctl_fail(call, EX_TEMPFAIL, "not ready: what answers at admin.listen is no ewsd");
    if (strncmp(answer + 8, " 200 ", 5) != 0)
        return ctl_fail(call, EX_TEMPFAIL, "not ready: %.*s", (int)strcspn(body + 4, "\r\n"), body + 4);
    return EX_OK;
}

static int ask_http(struct ctl_call *call)
{
    const char *listen = call->conf->admin_listen;
    struct sockaddr_storage address;
    char answer[ANSWER_SIZE];
    socklen_t len;
    if (!*listen)
        return ctl_fail(call, EX_CONFIG, "a server with its store in a database is asked at admin.listen, which is not set");
    if (admin_address(listen, &address, &len))
        return ctl_fail(call, EX_CONFIG, "admin.listen is nothing to connect to: %s", listen);
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int r = fd < 0 ? -errno : exchange(fd, &address, len, answer);
    if (fd >= 0)
        close(fd);
    return r ? ctl_fail(call, EX_TEMPFAIL, "not ready: %s: %s", listen, err_text(r)) : judge(call, answer);
}

/* ---- and waiting ---- */

static int ask(struct ctl_call *call, ewsctl_ask *ask_server, const char *const *words, size_t n)
{
    if (!store_is_shared(call->path))
        return ask_server(call, words, n);
    int status = ask_http(call);
    if (status == EX_OK)
        ctl_put_ready(call);
    return status;
}

int ewsctl_ready(struct ctl_call *call, ewsctl_ask *ask_server, const char *const *words, size_t n)
{
    const char *timeout = ctl_option(call, "timeout");
    int64_t seconds = ctl_option(call, "wait") ? WAIT_SECONDS : 0;
    if (timeout && (!span_int(span_of(timeout), false, 0, WAIT_MAX, &seconds) || !ctl_option(call, "wait")))
        return ctl_fail(call, EX_USAGE, "--timeout is a number of seconds, up to %d, and goes with --wait", WAIT_MAX);
    int64_t until = when_monotonic() + seconds * 1000;
    for (;;) {
        int status = ask(call, ask_server, words, n);
        if (status != EX_TEMPFAIL || when_monotonic() >= until)
            return status;
        buf_clear(&call->error);
        when_sleep(LOOK_AGAIN_MS);
    }
}
