/*
 * What a dispatcher takes at once: entries that are due, leased together.
 */
#ifndef EWSD_OUTBOX_TAKING_H
#define EWSD_OUTBOX_TAKING_H

#include "outbox/node.h"
#include "outbox/runner.h"

#define TAKING_MAX 64

struct taking {
    struct fleet *fleet; /* that its recipients go with */
    struct lease lease;
    struct store_outbox_key keys[TAKING_MAX];
    size_t n;
    size_t unread; /* the first ones of keys, again: what could not be read */
    int error;     /* of leasing: some of keys may not be leased, which shows when they are read */
};

/* 1: nothing is due before ret_next. */
int taking_begin(struct outbox *outbox, struct arena *arena, struct fleet *fleet, struct taking *ret_taking, int64_t *ret_next);

#endif
