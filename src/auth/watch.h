/*
 * Other nodes change passwords, too. Where a store is shared a thread looks, each
 * second, whether credentials changed; what was remembered before is of no use
 * then. Who cannot look must not trust its memory for long.
 */
#ifndef EWSD_AUTH_WATCH_H
#define EWSD_AUTH_WATCH_H

#include "store/store.h"

struct auth_watch;

/* changed is called by the thread. ret_watch is NULL where nobody else writes. */
int auth_watch_start(struct store *store, void (*changed)(void *arg), void *arg, struct auth_watch **ret_watch);
/* NULL is fine. */
void auth_watch_stop(struct auth_watch *watch);
/* Whether it was looked within some seconds; always true of NULL. */
bool auth_watch_is_fresh(struct auth_watch *watch);

#endif
