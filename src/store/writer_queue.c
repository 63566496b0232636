/*
 * Each of the store's writers has a connection, a queue and a thread; an engine
 * that lets only one write has one of them. One writes with a connection at a
 * time: the caller itself when nobody else does, so that a lone job needs no
 * other thread, or else the writer's own thread. That takes what is queued,
 * without any timer where it is the only node (else see writer_await.c), into one
 * transaction (writer.c), and only when that is committed tells the callers; who was
 * put off meanwhile, since another node has his mailbox, is the next one's. Jobs of one
 * mailbox meet in one queue, and those of mailboxes whose rows lie together, so that
 * writers seldom wait for one another and a transaction touches few tables.
 */
#include "store/writer.h"

#include "base/metrics.h"
#include "base/when.h"

#include <sched.h>

enum { GROUP_CAP = 1024 };

/* Under the lock. Jobs come in bursts: who has one under way gets to queue it. */
static void rest(struct store_writer *writer)
{
    pthread_mutex_unlock(&writer->lock);
    while (sem_wait(&writer->filled) != 0)
        continue; /* a signal */
    sched_yield();
    pthread_mutex_lock(&writer->lock);
}

/* Waits for jobs and for the right to write. 0: none left and the store is closing. */
static size_t take_group(struct store_writer *writer, struct store_pending **group)
{
    size_t n = 0;

    pthread_mutex_lock(&writer->lock);
    while (writer->writing || (!writer->first && !writer->stopping))
        rest(writer);
    while (writer->first && n < writer->store->group_max && n < GROUP_CAP) {
        group[n++] = writer->first;
        writer->first = writer->first->next;
    }
    writer->queued -= n;
    if (!writer->first)
        writer->last = &writer->first;
    writer->writing = n > 0;
    pthread_mutex_unlock(&writer->lock);
    return n;
}

/* Under the lock. Before all others, in their order. */
static void put_back(struct store_writer *writer, struct store_pending **group, size_t n)
{
    writer->queued += n;
    while (n-- > 0) {
        group[n]->next = writer->first;
        if (!writer->first)
            writer->last = &group[n]->next;
        writer->first = group[n];
    }
}

/* Writes the group, as the one who took the right to, and gives that back. How many are
 * through; may_put_off: the others, at the end, come with the next group. */
static size_t write_group(struct store_writer *writer, struct store_pending **group, size_t n, bool may_put_off)
{
    size_t through = writer_serve(writer, group, n, may_put_off);

    metric_observe(METRIC_store_commit_jobs, 0, through);
    writer->store->commits++;
    writer->store->jobs += through;
    pthread_mutex_lock(&writer->lock);
    put_back(writer, group + through, n - through);
    writer->writing = false;
    bool more = writer->first || writer->stopping;
    pthread_mutex_unlock(&writer->lock);
    if (more)
        sem_post(&writer->filled);
    return through;
}

/* More of such jobs together cost less for each: but not if they are of one mailbox,
 * where an engine with several writers keeps, until the transaction ends, each state of
 * the rows that all of them write. */
static bool is_better_larger(const struct store_writer *writer, struct store_pending *const *group, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (group[i]->mailbox_id != group[0]->mailbox_id)
            return true;
    return writer->store->driver->one_writer;
}

static void *write_loop(void *arg)
{
    struct store_writer *writer = arg;
    struct store_pending *group[GROUP_CAP];

    for (size_t n = take_group(writer, group); n > 0; n = take_group(writer, group)) {
        bool larger = is_better_larger(writer, group, n);
        int64_t begun = when_monotonic_us();
        size_t through = write_group(writer, group, n, true);
        for (size_t i = 0; i < through; i++)
            group[i]->done(group[i]);
        if (larger) {
            writer_await(writer, through, when_monotonic_us() - begun);
            sched_yield(); /* who is about to queue a job, does */
        }
    }
    return NULL;
}

int store_start_writers(struct store *store)
{
    for (unsigned i = 0; i < store->writers_max; i++) {
        int r = -pthread_create(&store->writers[i].thread, NULL, write_loop, &store->writers[i]);
        if (r != 0) {
            store_stop_writers(store);
            return r;
        }
        store->writers_n++;
    }
    return 0;
}

void store_stop_writers(struct store *store)
{
    for (unsigned i = 0; i < store->writers_n; i++) {
        struct store_writer *writer = &store->writers[i];
        pthread_mutex_lock(&writer->lock);
        writer->stopping = true;
        sem_post(&writer->filled);
        pthread_mutex_unlock(&writer->lock);
        pthread_join(writer->thread, NULL);
    }
    store->writers_n = 0;
}

/* ---- handing in ---- */

enum { AT_ONCE = 64 };

void store_share_writers(struct store *store, unsigned nodes)
{
    atomic_store_explicit(&store->nodes, nodes, memory_order_relaxed);
}

unsigned writers_used(const struct store *store)
{
    unsigned nodes = atomic_load_explicit(&store->nodes, memory_order_relaxed), n = store->writers_n;

    n = nodes > 1 ? n / nodes : n;
    return n ? n : 1;
}

/* Each has parts of the store to itself, if there are enough. */
static struct store_writer *writer_for(struct store *store, int64_t mailbox_id)
{
    unsigned n = writers_used(store);

    if (n == 1)
        return store->writers;
    if (mailbox_id <= 0)
        return &store->writers[atomic_fetch_add(&store->writer_next, 1) % n];
    return &store->writers[store->parts >= n ? store->driver->part(mailbox_id, store->parts) % n : (uint64_t)mailbox_id % n];
}

/* Under the lock. True: the writer's thread is to be woken; who writes looks
 * at the queue afterwards. */
static bool append(struct store_writer *writer, struct store_pending **group, size_t n)
{
    bool signal = !writer->writing && !writer->first;

    writer->queued += n;
    if (writer->awaited > 0)
        signal = writer->queued >= writer->awaited;
    for (size_t i = 0; i < n; i++) {
        group[i]->next = NULL;
        group[i]->times_put_off = 0;
        *writer->last = group[i];
        writer->last = &group[i]->next;
    }
    return signal;
}

/* True: nobody writes, and the caller may, at once. */
static bool enter(struct store_writer *writer, struct store_pending **group, size_t n)
{
    pthread_mutex_lock(&writer->lock);
    bool alone = !writer->writing && !writer->first && n <= writer->store->group_max;
    bool signal = !alone && append(writer, group, n);
    writer->writing = writer->writing || alone;
    pthread_mutex_unlock(&writer->lock);
    if (signal)
        sem_post(&writer->filled);
    return alone;
}

/* Who waits has a semaphore of his own, so that a group that wakes does not
 * meet at a lock. */
struct waiter {
    struct store_pending pending; /* first: a pending job is its waiter */
    sem_t *done;
};

static void wake(struct store_pending *pending)
{
    sem_post(((struct waiter *)pending)->done);
}

/* The jobs that go to the same writer as the first, to the front. */
static size_t gather(struct store *store, struct store_pending **group, size_t n, struct store_writer **ret_writer)
{
    struct store_writer *writer = writer_for(store, group[0]->mailbox_id);
    size_t same = 0;

    for (size_t i = 0; i < n; i++) {
        struct store_pending *pending = group[i];
        if (pending->mailbox_id > 0 && writer_for(store, pending->mailbox_id) != writer)
            continue;
        group[i] = group[same];
        group[same++] = pending;
    }
    *ret_writer = writer;
    return same;
}

static void put(struct store_writer *writer, struct store_pending **group, size_t n)
{
    pthread_mutex_lock(&writer->lock);
    bool signal = append(writer, group, n);
    pthread_mutex_unlock(&writer->lock);
    if (signal)
        sem_post(&writer->filled);
}

/* All of them to their writers; the last of these is the caller itself, if it
 * may. How many somebody else writes. */
static size_t hand_in(struct store *store, struct store_pending **group, size_t n)
{
    struct store_writer *writer;

    for (size_t at = 0, some; at < n; at += some) {
        some = gather(store, group + at, n - at, &writer);
        if (at + some < n)
            put(writer, group + at, some);
        else if (enter(writer, group + at, some)) {
            (void)write_group(writer, group + at, some, false);
            return at;
        }
    }
    return n;
}

/* At most AT_ONCE. */
static void write_some(struct store *store, struct store_work *work, size_t n)
{
    struct waiter waiters[AT_ONCE];
    struct store_pending *group[AT_ONCE];
    sem_t done;

    sem_init(&done, 0, 0);
    for (size_t i = 0; i < n; i++) {
        struct store_pending pending = { .job = work[i].job, .arg = work[i].arg, .mailbox_id = work[i].mailbox_id, .done = wake };
        waiters[i] = (struct waiter){ pending, &done };
        group[i] = &waiters[i].pending;
    }
    for (size_t waited = hand_in(store, group, n); waited > 0; waited--)
        while (sem_wait(&done) != 0)
            continue; /* a signal */
    sem_destroy(&done);
    for (size_t i = 0; i < n; i++)
        work[i].result = waiters[i].pending.result;
}

void store_write_later(struct store *store, struct store_pending *pending)
{
    put(writer_for(store, pending->mailbox_id), &pending, 1);
}

void store_write_all(struct store *store, struct store_work *work, size_t n)
{
    for (size_t at = 0; at < n; at += AT_ONCE)
        write_some(store, work + at, n - at < AT_ONCE ? n - at : AT_ONCE);
}

int store_write(struct store *store, store_job *job, void *arg)
{
    struct store_work work = { .job = job, .arg = arg };

    write_some(store, &work, 1);
    return work.result;
}

void store_stats(const struct store *store, uint64_t *ret_commits, uint64_t *ret_jobs)
{
    *ret_commits = store->commits;
    *ret_jobs = store->jobs;
}
