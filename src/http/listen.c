/*
 * Binding the listening sockets, or judging those that were given.
 */
#include "http/listen.h"

#include "base/err.h"
#include "http/guard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LISTEN_BACKLOG 1024
#define SOCKET_FLAGS (SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK)
#define OTHERS_MASK 0117 /* a new socket has mode 0660 */

/* host: as it was asked for. */
static void describe(struct span host, const struct sockaddr_storage *address, char ret_text[LISTEN_TEXT_SIZE])
{
    unsigned port = ntohs(address->ss_family == AF_INET ? ((const struct sockaddr_in *)address)->sin_port
                                                        : ((const struct sockaddr_in6 *)address)->sin6_port);
    snprintf(ret_text, LISTEN_TEXT_SIZE, "%.*s:%u", host.len < 64 ? (int)host.len : 64, host.ptr, port);
}

static int bind_socket(const char *listen_on, struct listener *listener)
{
    struct sockaddr_storage address;
    socklen_t len;
    if (!guard_parse_listen(listen_on, &address, &len))
        return -EINVAL;
    listener->fd = socket(address.ss_family, SOCKET_FLAGS, 0);
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

/* ---- unix sockets ---- */

/* What a server left behind is removed; what is no socket, or has a server, stays. */
static int remove_stale(const struct sockaddr_un *address)
{
    struct stat info;
    if (lstat(address->sun_path, &info))
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(info.st_mode))
        return -EEXIST;
    int fd = socket(AF_UNIX, SOCKET_FLAGS, 0);
    if (fd < 0)
        return -errno;
    bool dead = connect(fd, (const struct sockaddr *)address, sizeof(*address)) && errno == ECONNREFUSED;
    close(fd);
    if (!dead)
        return -EADDRINUSE;
    return unlink(address->sun_path) ? -errno : 0;
}

static int bind_unix(const char *path, uid_t owner, gid_t group, struct listener *listener)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    memcpy(address.sun_path, path, strlen(path) + 1);
    int r = remove_stale(&address);
    if (r)
        return r;
    listener->fd = socket(AF_UNIX, SOCKET_FLAGS, 0);
    if (listener->fd < 0)
        return -errno;
    mode_t mask = umask(OTHERS_MASK);
    r = bind(listener->fd, (const struct sockaddr *)&address, sizeof(address)) ? -errno : 0;
    umask(mask);
    if (r == 0 && owner != (uid_t)-1 && lchown(path, owner, group)) /* asked for only where it changes something: units forbid it */
        r = -errno;
    if (r == 0 && listen(listener->fd, LISTEN_BACKLOG))
        r = -errno;
    snprintf(listener->address, LISTEN_TEXT_SIZE, "unix:%s", path);
    return r;
}

/* ---- sockets of a service manager ---- */

static bool listens(int fd)
{
    int listening = 0, type = 0;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &(socklen_t){ sizeof(listening) }) == 0 && listening &&
           getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &(socklen_t){ sizeof(type) }) == 0 && type == SOCK_STREAM;
}

/* Its address, as a setting would give it. -EINVAL: there is none such. */
static int take_socket(int given, struct listener *listener)
{
    struct sockaddr_storage address = { 0 };
    socklen_t len = sizeof(address) - 1; /* and a NUL */
    char host[INET6_ADDRSTRLEN], text[INET6_ADDRSTRLEN + 2];
    listener->fd = given;
    if (!listens(given) || getsockname(given, (struct sockaddr *)&address, &len))
        return -EINVAL;
    if (address.ss_family == AF_UNIX) {
        snprintf(listener->address, LISTEN_TEXT_SIZE, "unix:%.108s", ((const struct sockaddr_un *)&address)->sun_path);
    } else if ((address.ss_family == AF_INET || address.ss_family == AF_INET6) &&
               getnameinfo((struct sockaddr *)&address, len, host, sizeof(host), NULL, 0, NI_NUMERICHOST) == 0) {
        snprintf(text, sizeof(text), address.ss_family == AF_INET ? "%s" : "[%s]", host);
        describe(span_of(text), &address, listener->address);
    } else {
        return -EINVAL;
    }
    int flags = fcntl(given, F_GETFL);
    return flags < 0 || fcntl(given, F_SETFL, flags | O_NONBLOCK) ? -errno : 0;
}

/* Judged as http.listen is. */
static int take_for_clients(const struct conf *conf, int given, struct listener *listener, char *ret_error)
{
    int r = take_socket(given, listener);
    if (r == -EINVAL || (r == 0 && guard_unix_path(listener->address))) {
        snprintf(ret_error, LISTEN_ERROR_SIZE, "the socket of the service manager must be one of TCP that listens");
        return -EINVAL;
    }
    if (r || guard_listens_on_loopback(listener->address) || listener->tls.certificate || conf->http_insecure_basic)
        return r;
    snprintf(ret_error, LISTEN_ERROR_SIZE, "the socket of the service manager, %s, is not loopback, so passwords would cross the "
             "network in clear: give http.certificate and http.key, or allow it by http.insecure_basic = yes", listener->address);
    return -EINVAL;
}

static int take_for_admin(int given, struct listener *listener, char *ret_error)
{
    int r = take_socket(given, listener);
    const char *wrong = r ? "must be one that listens" : guard_admin_wrong(listener->address);
    if (r == 0 && !wrong)
        return 0;
    snprintf(ret_error, LISTEN_ERROR_SIZE, "the socket of the service manager that is called admin %s: %.200s", wrong, listener->address);
    return r ? r : -EINVAL;
}

/* ---- open and close ---- */

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
    int r = given < 0 ? bind_socket(conf->http_listen, ret_listener) : take_for_clients(conf, given, ret_listener, ret_error);
    if (r == 0)
        return 0;
    if (r == -EINVAL && !*ret_error)
        snprintf(ret_error, LISTEN_ERROR_SIZE, "http.listen is ADDRESS:PORT, not %.400s", conf->http_listen);
    else if (!*ret_error)
        snprintf(ret_error, LISTEN_ERROR_SIZE, "%.400s: %s", conf->http_listen, err_text(r));
    listener_close(ret_listener);
    return r;
}

int listener_open_admin(const struct conf *conf, int given, uid_t owner, gid_t group, struct listener *ret_listener,
                        char ret_error[LISTEN_ERROR_SIZE])
{
    const char *where = conf->admin_listen, *path = guard_unix_path(where), *wrong = guard_admin_wrong(where);
    *ret_listener = (struct listener){ .fd = -1 };
    if (given >= 0) {
        int taken = take_for_admin(given, ret_listener, ret_error);
        if (taken)
            listener_close(ret_listener);
        return taken;
    }
    if (wrong) {
        snprintf(ret_error, LISTEN_ERROR_SIZE, "admin.listen %s: %.400s", wrong, where);
        return -EINVAL;
    }
    int r = path ? bind_unix(path, owner, group, ret_listener) : bind_socket(where, ret_listener);
    if (r == 0)
        return 0;
    snprintf(ret_error, LISTEN_ERROR_SIZE, "admin.listen: %.400s: %s", where, err_text(r));
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
