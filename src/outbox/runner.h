/*
 * Inside the outbox only: the runner as its dispatchers (runner.c, dispatch.c)
 * and lanes (lane.c) share it.
 */
#ifndef EWSD_OUTBOX_RUNNER_H
#define EWSD_OUTBOX_RUNNER_H

#include "outbox/attempt.h"
#include "outbox/fleet.h"
#include "outbox/node.h"

#include <pthread.h>

#define OUTBOX_THREADS_MAX 64
#define OUTBOX_LARGE 4194304 /* bytes of a message from which on few are held at the same time */

struct outbox {
    struct outbox_options options;
    struct node *node;
    _Atomic uint64_t taken; /* entries leased, from a store that nodes share */
    atomic_bool closing;  /* nothing more is begun */
    atomic_bool stop;     /* and what is under way is given up */
    atomic_bool trouble;  /* the last round of a dispatcher failed */
    pthread_mutex_t lock; /* guards what follows */
    struct fleet *fleet;  /* the current one */
    struct fleet *retired; /* those that are not through yet */
    pthread_cond_t wake;
    uint64_t wakes;       /* counts news, so that none is missed */
    unsigned busy;        /* dispatchers at work: one that is will look again */
    int64_t next_due;     /* when sleeping dispatchers look again; WHEN_NONE: not before news */
    int64_t next_expire;  /* monotonic; when old answers are next forgotten */
    int64_t next_answers; /* monotonic; when all answers are next gone through */
    int64_t next_cut;     /* monotonic; when the logs of changes are next gone through */
    int64_t cut_after;    /* behind this mailbox */
    pthread_mutex_t large; /* held while a dispatcher has a large message in memory */
    unsigned pause_ms;    /* after the store refused work */
    pthread_t threads[OUTBOX_THREADS_MAX];
    unsigned threads_n;
};

/* One round of a dispatcher: leases what is due, delivers what stays here,
 * hands the rest to the lanes. 1: nothing is due before ret_next. */
int outbox_dispatch(struct outbox *outbox, struct arena *arena, int64_t *ret_next);
/* There is work for one more dispatcher than is at it. */
void outbox_call_help(struct outbox *outbox);
/* Something of the outbox is due at that time (WHEN_NONE: nothing is). */
void outbox_due_at(struct outbox *outbox, int64_t at);

#endif
