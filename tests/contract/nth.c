/*
 * See nth.h.
 */
#include "nth.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

static struct {
    atomic_uint left; /* until one fails; 0: none will */
    atomic_uint failed;
    atomic_bool lasting, on;
} nth;

static struct {
    pthread_mutex_t lock;
    pthread_cond_t happened;
    unsigned events, seen;
} news = { .lock = PTHREAD_MUTEX_INITIALIZER, .happened = PTHREAD_COND_INITIALIZER };

void nth_arm(unsigned n, bool lasting)
{
    atomic_store(&nth.failed, 0);
    atomic_store(&nth.left, n);
    atomic_store(&nth.lasting, lasting);
    atomic_store(&nth.on, true);
}

unsigned nth_clear(void)
{
    atomic_store(&nth.on, false);
    return atomic_load(&nth.failed);
}

unsigned nth_failed(void)
{
    return atomic_load(&nth.failed);
}

bool nth_fails(void)
{
    if (!atomic_load(&nth.on))
        return false;
    unsigned left = atomic_load(&nth.left);
    while (left > 0 && !atomic_compare_exchange_weak(&nth.left, &left, left - 1))
        continue;
    if (left != 1 && !(left == 0 && atomic_load(&nth.lasting)))
        return false;
    atomic_fetch_add(&nth.failed, 1);
    nth_event(NULL);
    return true;
}

void nth_event(void *arg ATTR_UNUSED)
{
    pthread_mutex_lock(&news.lock);
    news.events++;
    pthread_cond_broadcast(&news.happened);
    pthread_mutex_unlock(&news.lock);
}

bool nth_wait(unsigned ms)
{
    struct timespec end;
    int timed_out = 0;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_nsec += (long)ms * 1000000;
    end.tv_sec += end.tv_nsec / 1000000000;
    end.tv_nsec %= 1000000000;
    pthread_mutex_lock(&news.lock);
    while (news.events == news.seen && !timed_out)
        timed_out = pthread_cond_timedwait(&news.happened, &news.lock, &end);
    news.seen = news.events;
    pthread_mutex_unlock(&news.lock);
    return timed_out != 0;
}
