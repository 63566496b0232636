/*
 * Binding the listening socket, or judging one that was given.
 */
#include "http/listen.h"

#include "base/err.h"
#include "http/guard.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <unistd.h>

#define LISTEN_BACKLOG 1024

/* host: as it was asked for. */
static void describe(struct span host, const struct sockaddr_storage *address, char ret_text[80])
{
    unsigned port = ntohs(address->ss_family == AF_INET ? ((const struct sockaddr_in *)address)->sin_port
                                                        : ((const struct sockaddr_in6 *)address)->sin6_port);
    snprintf(ret_text, 80, "%.*s:%u", host.len < 64 ? (int)host.len : 64, host.ptr, port);
}

static int bind_socket(const char *listen_on, struct listener *listener)
{
    struct sockaddr_storage address;
    socklen_t len;
    if (!guard_parse_listen(listen_on, &address, &len))
        return -EINVAL;
    listener->fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener->fd < 0)
        return -errno;
    int on = 1;
    setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(listener->fd, (struct sockaddr *)&address, len) || listen(listener->fd, LISTEN_BACKLOG) ||
        getsockname(listener->fd, (struct sockaddr *)&address, &len))
        return -errno;
    describe((struct span){ listen_on, (size_t)(strrchr(listen_on, ':') - listen_on) }, &address, listener->address);
    return 0;
}

/* What the service manager has bound is judged as http.listen is. */
static int take_socket(const struct conf *conf, int given, struct listener *listener, char *ret_error)
{
    struct sockaddr_storage address = { 0 };
    socklen_t len = sizeof(address);
    char host[INET6_ADDRSTRLEN], text[INET6_ADDRSTRLEN + 2];
    int listens = 0, type = 0;
    listener->fd = given;
    bool ok = getsockname(given, (struct sockaddr *)&address, &len) == 0 &&
              getsockopt(given, SOL_SOCKET, SO_ACCEPTCONN, &listens, &(socklen_t){ sizeof(listens) }) == 0 && listens &&
              getsockopt(given, SOL_SOCKET, SO_TYPE, &type, &(socklen_t){ sizeof(type) }) == 0 && type == SOCK_STREAM;
    if (!ok || getnameinfo((struct sockaddr *)&address, len, host, sizeof(host), NULL, 0, NI_NUMERICHOST) ||
        (address.ss_family != AF_INET && address.ss_family != AF_INET6)) {
        snprintf(ret_error, LISTEN_ERROR_SIZE, "the socket of the service manager must be one of TCP that listens");
        return -EINVAL;
    }
    snprintf(text, sizeof(text), address.ss_family == AF_INET ? "%s" : "[%s]", host);
    describe(span_of(text), &address, listener->address);
    if (!guard_listens_on_loopback(listener->address) && !listener->tls.certificate && !conf->http_insecure_basic) {
        snprintf(ret_error, LISTEN_ERROR_SIZE, "the socket of the service manager, %s, is not loopback, so passwords would cross the "
                 "network in clear: give http.certificate and http.key, or allow it by http.insecure_basic = yes", listener->address);
        return -EINVAL;
    }
    int flags = fcntl(given, F_GETFL);
    return flags < 0 || fcntl(given, F_SETFL, flags | O_NONBLOCK) ? -errno : 0;
}

int listener_open(const struct conf *conf, int given, struct listener *ret_listener, char ret_error[LISTEN_ERROR_SIZE])
{
    char wrong[TLS_ERROR_SIZE];
    const char *setting;
    *ret_listener = (struct listener){ .fd = -1 };
    if (tls_load(conf, &ret_listener->tls, &setting, wrong)) {
        snprintf(ret_error, LISTEN_ERROR_SIZE, "%s: %s", setting, wrong);
        return -EINVAL;
    }
    ret_error[0] = 0;
    int r = given < 0 ? bind_socket(conf->http_listen, ret_listener) : take_socket(conf, given, ret_listener, ret_error);
    if (r == 0)
        return 0;
    if (r == -EINVAL && !*ret_error)
        snprintf(ret_error, LISTEN_ERROR_SIZE, "http.listen is ADDRESS:PORT, not %.400s", conf->http_listen);
    else if (!*ret_error)
        snprintf(ret_error, LISTEN_ERROR_SIZE, "%.400s: %s", conf->http_listen, err_text(r));
    listener_close(ret_listener);
    return r;
}

void listener_close(struct listener *listener)
{
    if (listener->fd >= 0)
        close(listener->fd);
    listener->fd = -1;
    tls_done(&listener->tls);
}
