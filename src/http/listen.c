/*
 * Binding the listening socket.
 */
#include "http/listen.h"

#include "base/err.h"
#include "http/guard.h"

#include <stdio.h>
#include <unistd.h>

#define LISTEN_BACKLOG 1024

static void describe(const char *listen, const struct sockaddr_storage *address, char ret_text[80])
{
    unsigned port = ntohs(address->ss_family == AF_INET ? ((const struct sockaddr_in *)address)->sin_port
                                                        : ((const struct sockaddr_in6 *)address)->sin6_port);
    int host = (int)(strrchr(listen, ':') - listen);
    snprintf(ret_text, 80, "%.*s:%u", host < 64 ? host : 64, listen, port);
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
    describe(listen_on, &address, listener->address);
    return 0;
}

int listener_open(const struct conf *conf, struct listener *ret_listener, char ret_error[LISTEN_ERROR_SIZE])
{
    char wrong[TLS_ERROR_SIZE];
    const char *setting;
    *ret_listener = (struct listener){ .fd = -1 };
    if (tls_load(conf, &ret_listener->tls, &setting, wrong)) {
        snprintf(ret_error, LISTEN_ERROR_SIZE, "%s: %s", setting, wrong);
        return -EINVAL;
    }
    int r = bind_socket(conf->http_listen, ret_listener);
    if (r == 0)
        return 0;
    if (r == -EINVAL)
        snprintf(ret_error, LISTEN_ERROR_SIZE, "http.listen is ADDRESS:PORT, not %.400s", conf->http_listen);
    else
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
