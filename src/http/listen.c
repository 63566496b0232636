/*
 * Binding the listening sockets.
 */
#include "http/listen.h"

#include "base/err.h"
#include "http/guard.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LISTEN_BACKLOG 1024
#define SOCKET_FLAGS (SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK)
#define OTHERS_MASK 0117 /* a new socket has mode 0660 */

static void describe(const char *listen, const struct sockaddr_storage *address, char ret_text[LISTEN_TEXT_SIZE])
{
    unsigned port = ntohs(address->ss_family == AF_INET ? ((const struct sockaddr_in *)address)->sin_port
                                                        : ((const struct sockaddr_in6 *)address)->sin6_port);
    int host = (int)(strrchr(listen, ':') - listen);
    snprintf(ret_text, LISTEN_TEXT_SIZE, "%.*s:%u", host < 64 ? host : 64, listen, port);
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
    describe(listen_on, &address, listener->address);
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

/* ---- open and close ---- */

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

int listener_open_admin(const struct conf *conf, uid_t owner, gid_t group, struct listener *ret_listener,
                        char ret_error[LISTEN_ERROR_SIZE])
{
    const char *where = conf->admin_listen, *path = guard_unix_path(where), *wrong = guard_admin_wrong(where);
    *ret_listener = (struct listener){ .fd = -1 };
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
