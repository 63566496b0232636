/*
 * A list of those who wait, and a thread that wakes those whose time is up.
 * Whoever changes something takes the whole list. That nobody is forgotten
 * between the count and the list: who waits is counted before the number is
 * looked at again, and the number is raised before the count is looked at.
 */
#include "http/feed.h"

#include "base/when.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct feed {
    _Atomic uint64_t now;
    _Atomic unsigned waiting;
    pthread_mutex_t lock; /* over the rest */
    pthread_cond_t news;  /* for the thread: due is sooner, or closed */
    struct feed_waiter *first;
    int64_t due; /* the least `until`; INT64_MAX: none */
    bool closed;
    pthread_t thread;
};

/* A waiter is no longer looked at once it is woken. */
static void wake_all(struct feed_waiter *first)
{
    for (struct feed_waiter *waiter = first, *next; waiter; waiter = next) {
        next = waiter->next;
        waiter->woken(waiter->arg);
    }
}

/* Under the lock: takes those out whose time is up, or all. */
static struct feed_waiter *take(struct feed *feed, int64_t now, bool all)
{
    struct feed_waiter *taken = NULL, **at = &feed->first;
    feed->due = INT64_MAX;
    while (*at) {
        struct feed_waiter *waiter = *at;
        if (!all && waiter->until > now) {
            feed->due = waiter->until < feed->due ? waiter->until : feed->due;
            at = &waiter->next;
            continue;
        }
        *at = waiter->next;
        waiter->next = taken;
        taken = waiter;
        atomic_fetch_sub(&feed->waiting, 1);
    }
    return taken;
}

/* Under the lock; it may return early. */
static void sleep_until(struct feed *feed, int64_t due)
{
    if (due == INT64_MAX) {
        pthread_cond_wait(&feed->news, &feed->lock);
        return;
    }
    int64_t wait = due - when_monotonic();
    struct timespec at = when_in(wait > 0 ? wait : 0);
    pthread_cond_timedwait(&feed->news, &feed->lock, &at);
}

static void *run(void *arg)
{
    struct feed *feed = arg;
    pthread_mutex_lock(&feed->lock);
    while (!feed->closed) {
        struct feed_waiter *late = take(feed, when_monotonic(), false);
        if (!late) {
            sleep_until(feed, feed->due);
            continue;
        }
        pthread_mutex_unlock(&feed->lock);
        wake_all(late);
        pthread_mutex_lock(&feed->lock);
    }
    pthread_mutex_unlock(&feed->lock);
    return NULL;
}

int feed_new(struct feed **ret_feed)
{
    struct feed *feed = calloc(1, sizeof(*feed));
    if (!feed)
        return -ENOMEM;
    feed->due = INT64_MAX;
    feed->now = (uint64_t)when_now(); /* so that who asked the server before this one is answered */
    pthread_mutex_init(&feed->lock, NULL);
    when_cond_init(&feed->news);
    int r = -pthread_create(&feed->thread, NULL, run, feed);
    if (r) {
        free(feed);
        return r;
    }
    *ret_feed = feed;
    return 0;
}

void feed_close(struct feed *feed)
{
    if (!feed)
        return;
    pthread_mutex_lock(&feed->lock);
    bool closed = feed->closed;
    feed->closed = true;
    struct feed_waiter *all = take(feed, 0, true);
    pthread_cond_signal(&feed->news);
    pthread_mutex_unlock(&feed->lock);
    wake_all(all);
    if (!closed)
        pthread_join(feed->thread, NULL);
}

void feed_free(struct feed *feed)
{
    if (!feed)
        return;
    feed_close(feed);
    pthread_cond_destroy(&feed->news);
    pthread_mutex_destroy(&feed->lock);
    free(feed);
}

bool feed_is_closed(struct feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    bool closed = feed->closed;
    pthread_mutex_unlock(&feed->lock);
    return closed;
}

uint64_t feed_now(struct feed *feed)
{
    return feed->now;
}

void feed_changed(struct feed *feed)
{
    if (!feed)
        return;
    atomic_fetch_add(&feed->now, 1);
    if (atomic_load(&feed->waiting) == 0)
        return;
    pthread_mutex_lock(&feed->lock);
    struct feed_waiter *all = take(feed, 0, true);
    pthread_mutex_unlock(&feed->lock);
    wake_all(all);
}

int feed_wait(struct feed *feed, struct feed_waiter *waiter, uint64_t seen)
{
    pthread_mutex_lock(&feed->lock);
    if (feed->waiting >= FEED_WAITERS_MAX) {
        pthread_mutex_unlock(&feed->lock);
        return FEED_FULL;
    }
    atomic_fetch_add(&feed->waiting, 1);
    bool late = feed->closed || atomic_load(&feed->now) != seen;
    if (late) {
        atomic_fetch_sub(&feed->waiting, 1);
    } else {
        waiter->next = feed->first;
        feed->first = waiter;
        if (waiter->until < feed->due)
            pthread_cond_signal(&feed->news);
    }
    pthread_mutex_unlock(&feed->lock);
    if (late)
        waiter->woken(waiter->arg);
    return 0;
}
