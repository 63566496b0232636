/*
 * Who waits for something to change: long polls, which hold no thread. What can
 * change counts up one number; what it was that changed, who is woken looks for.
 * Thread-safe.
 */
#ifndef EWSD_HTTP_FEED_H
#define EWSD_HTTP_FEED_H

#include "base/base.h"

#define FEED_WAITERS_MAX 1000

struct feed;

int feed_new(struct feed **ret_feed);
/* Nobody may wait any more. */
void feed_free(struct feed *feed);
/* Wakes everybody, now and from now on at once. NULL is fine. */
void feed_close(struct feed *feed);
bool feed_is_closed(struct feed *feed);

/* Something has changed. Costs next to nothing while nobody waits. NULL is fine. */
void feed_changed(struct feed *feed);
/* Rises with each change, and does not start where it did the last time. */
uint64_t feed_now(struct feed *feed);

/* The caller's, until woken is called: once, by any thread, perhaps before
 * feed_wait returns. */
struct feed_waiter {
    void (*woken)(void *arg);
    void *arg;
    int64_t until;             /* when_monotonic() */
    struct feed_waiter *next;  /* the feed's */
};
/* Until feed_now is no longer `seen`. FEED_FULL: too many wait; woken is not
 * called. */
enum { FEED_FULL = 1 };
int feed_wait(struct feed *feed, struct feed_waiter *waiter, uint64_t seen);

#endif
