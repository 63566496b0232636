/*
 * A group waits a little for those whom the last one has answered: most of them have
 * their next job ready soon, and of a larger group each costs less. Only where other
 * nodes give the database something to do meanwhile, and where all who were answered
 * come back to the same writer: else what is won by it is lost by waiting.
 */
#include "store/writer.h"

#include "base/when.h"

#include <errno.h>

enum {
    ENOUGH = 32,           /* jobs: a group of so many is large as it is */
    BACK_PERCENT = 50,     /* of those who were answered */
    PAUSE_PERCENT = 25,    /* of what the last group took, at most... */
    PAUSE_MAX_US = 10000,  /* ...and so much */
};

size_t writer_awaits(const struct store *store, size_t answered, size_t queued)
{
    bool others = atomic_load_explicit(&store->nodes, memory_order_relaxed) > 1 && !store->driver->one_writer;
    size_t awaits = queued + (answered * BACK_PERCENT + 99) / 100;

    if (!others || writers_used(store) > 1 || answered < 2 || queued >= ENOUGH)
        return 0;
    return awaits < ENOUGH ? awaits : ENOUGH;
}

void writer_await(struct store_writer *writer, size_t answered, int64_t took_us)
{
    if (writer_awaits(writer->store, answered, 0) == 0)
        return; /* whatever is queued */
    int64_t pause_us = took_us * PAUSE_PERCENT / 100;
    const struct timespec until = when_in_us(pause_us < PAUSE_MAX_US ? pause_us : PAUSE_MAX_US);
    bool over = false;

    pthread_mutex_lock(&writer->lock);
    writer->awaited = writer_awaits(writer->store, answered, writer->queued);
    while (writer->queued < writer->awaited && !writer->stopping && !over) {
        pthread_mutex_unlock(&writer->lock);
        over = sem_clockwait(&writer->filled, CLOCK_MONOTONIC, &until) != 0 && errno == ETIMEDOUT;
        pthread_mutex_lock(&writer->lock);
    }
    writer->awaited = 0;
    pthread_mutex_unlock(&writer->lock);
}
