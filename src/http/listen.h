/*
 * What a listener takes from the system before the program gives up its
 * rights: the listening socket (ports below 1024 are root's, as the folder of a
 * unix socket may be) and the certificate with its key.
 */
#ifndef EWSD_HTTP_LISTEN_H
#define EWSD_HTTP_LISTEN_H

#include "http/tls.h"

#include <sys/types.h>

#define LISTEN_ERROR_SIZE 640
#define LISTEN_TEXT_SIZE 128

struct listener {
    int fd;           /* -1: none, or given away */
    char address[LISTEN_TEXT_SIZE]; /* "127.0.0.1:8080", the real port when 0 was asked for; "unix:/path" */
    struct tls tls;
};

/* Binds http.listen and loads http.certificate. -EINVAL: ret_error says which
 * setting is wrong; -EADDRINUSE and such: it says where. */
int listener_open(const struct conf *conf, struct listener *ret_listener, char ret_error[LISTEN_ERROR_SIZE]);
/* Binds admin.listen, which must be given and is served without TLS. A unix socket is
 * for owner and group (-1: those of the process) alone; one that nobody listens on any more is
 * replaced. Errors as above. */
int listener_open_admin(const struct conf *conf, uid_t owner, gid_t group, struct listener *ret_listener,
                        char ret_error[LISTEN_ERROR_SIZE]);
/* Closes what was not given away. */
void listener_close(struct listener *listener);

#endif
