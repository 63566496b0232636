/*
 * The control socket of a running server: ewsd.sock in the folder of the store,
 * mode 0600, where ewsctl asks for its commands. One thread answers, one
 * connection after the other, to root and to the server's own account; a peer
 * that is slow or talks nonsense is cut off. When nobody asks, the same thread
 * sweeps what removed mailboxes held.
 */
#ifndef EWSD_BIN_CONTROL_H
#define EWSD_BIN_CONTROL_H

#include "auth/auth.h"
#include "http/watch.h"
#include "outbox/outbox.h"

struct control;

struct control_options {
    struct store *store;
    struct outbox *outbox;
    const struct conf *conf;
    const struct watch *watch;
    struct auth *auth;  /* forgets what it remembers when the store was changed */
    const char *folder; /* of the store; NULL: it has none, so there is no socket, and ewsctl opens the store itself */
};

/* Options are copied, what they point at outlives the control. Start it as the
 * account that the server runs as, with the store open: the socket belongs to
 * it, and a stale one is replaced. -errno. */
int control_start(const struct control_options *options, struct control **ret_control);
/* Ends what is under way and takes the socket away. NULL is fine. */
void control_stop(struct control *control);

#endif
