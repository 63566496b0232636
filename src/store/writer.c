/*
 * One writes at a time: the caller itself when nobody else does, so that a
 * lone job needs no other thread, or else the store's own thread. That takes
 * what is queued, without any timer, into one transaction, commits, and only
 * then tells the callers. Jobs run without savepoints, which cost a copy of each
 * page, since few fail after they wrote: when one does, the group is undone and
 * runs once more with a savepoint for each job. When a job's error ended the whole transaction, the
 * members run once more, each in a transaction of its own. When a COMMIT
 * fails nobody is told success: the connection is thrown away and a new one
 * recovers from the log before anything else is served.
 */
#include "store/store_core.h"

#include <errno.h>
#include <sched.h>
#include <semaphore.h>

enum { GROUP_CAP = 1024 };

enum outcome {
    OUTCOME_KEPT,
    OUTCOME_SPOILT, /* a job failed behind its first write, with no savepoint to go back to */
    OUTCOME_LOST,   /* the engine has given up the transaction */
};

static enum outcome run_job(struct store *store, struct store_pending *waiter)
{
    struct store_tx *tx = &store->writer;

    tx->dirty = false;
    arena_reset(tx->scratch);
    waiter->result = waiter->job(tx, waiter->arg);
    if (!tx->driver->in_transaction(tx->conn))
        return OUTCOME_LOST;
    return waiter->result != 0 && tx->dirty ? OUTCOME_SPOILT : OUTCOME_KEPT;
}

static enum outcome run_guarded(struct store *store, struct store_pending *waiter)
{
    struct store_tx *tx = &store->writer;

    if (tx->driver->control(tx->conn, STORE_JOB_BEGIN) != 0)
        return OUTCOME_LOST;
    enum outcome outcome = run_job(store, waiter);
    if (outcome == OUTCOME_LOST)
        return outcome;
    if (outcome == OUTCOME_SPOILT && tx->driver->control(tx->conn, STORE_JOB_ROLLBACK) != 0)
        return OUTCOME_LOST;
    if (outcome == OUTCOME_SPOILT)
        store_forget_kept(tx);
    return tx->driver->control(tx->conn, STORE_JOB_RELEASE) == 0 ? OUTCOME_KEPT : OUTCOME_LOST;
}

static void let_go(struct store_tx *tx)
{
    if (tx->conn)
        tx->driver->disconnect(tx->conn);
    tx->conn = NULL;
}

/* A connection that can't even go back is of no more use. */
static void undo(struct store_tx *tx)
{
    if (tx->driver->in_transaction(tx->conn) && tx->driver->control(tx->conn, STORE_ROLLBACK) != 0)
        let_go(tx);
    store_forget_kept(tx);
}

/* error: why. Only that the disk is full is told as it is, since nothing is in
 * doubt then and the caller can know what to wait for. */
static void give_up(struct store *store, struct store_pending *const *group, size_t n, int error)
{
    struct store_tx *tx = &store->writer;

    let_go(tx);
    store_forget_kept(tx);
    (void)store_connect_writer(store, false); /* tried again by the next group */
    for (size_t i = 0; i < n; i++)
        group[i]->result = error == -ENOSPC ? error : -EIO;
}

static int commit(struct store *store)
{
    struct store_tx *tx = &store->writer;

    if (store->options.before_commit)
        store->options.before_commit(store->options.hook_arg);
    int r = tx->driver->control(tx->conn, STORE_COMMIT);
    if (r == 0 && store->options.after_commit)
        store->options.after_commit(store->options.hook_arg);
    return r;
}

/* One transaction. Not kept: nothing of it stands. */
static enum outcome run_group(struct store *store, struct store_pending *const *group, size_t n,
                              enum outcome (*run)(struct store *, struct store_pending *))
{
    struct store_tx *tx = &store->writer;

    int r = tx->conn ? 0 : store_connect_writer(store, false);
    if (r == 0)
        r = tx->driver->control(tx->conn, STORE_BEGIN_WRITE);
    if (r != 0) {
        give_up(store, group, n, r);
        return OUTCOME_KEPT;
    }
    for (size_t i = 0; i < n; i++) {
        enum outcome outcome = run(store, group[i]);
        if (outcome == OUTCOME_KEPT)
            continue;
        undo(tx);
        return outcome;
    }
    r = commit(store);
    if (r != 0)
        give_up(store, group, n, r);
    return OUTCOME_KEPT;
}

static void serve_group(struct store *store, struct store_pending *const *group, size_t n)
{
    enum outcome outcome = run_group(store, group, n, run_job);

    if (outcome == OUTCOME_SPOILT && n > 1)
        outcome = run_group(store, group, n, run_guarded);
    if (outcome != OUTCOME_LOST)
        return;
    for (size_t i = 0; i < n; i++)
        if (run_group(store, &group[i], 1, run_job) == OUTCOME_LOST && group[i]->result >= 0)
            group[i]->result = -EIO;
}

/* Under the lock. Jobs come in bursts: who has one under way gets to queue it. */
static void rest(struct store *store)
{
    pthread_mutex_unlock(&store->queue_lock);
    while (sem_wait(&store->queue_filled) != 0)
        continue; /* a signal */
    sched_yield();
    pthread_mutex_lock(&store->queue_lock);
}

/* Waits for jobs and for the right to write. 0: none left and the store is closing. */
static size_t take_group(struct store *store, struct store_pending **group)
{
    size_t n = 0;

    pthread_mutex_lock(&store->queue_lock);
    while (store->writing || (!store->first && !store->stopping))
        rest(store);
    while (store->first && n < store->group_max && n < GROUP_CAP) {
        group[n++] = store->first;
        store->first = store->first->next;
    }
    if (!store->first)
        store->last = &store->first;
    store->writing = n > 0;
    pthread_mutex_unlock(&store->queue_lock);
    return n;
}

/* Writes the group, as the one who took the right to, and gives that back. */
static void write_group(struct store *store, struct store_pending *const *group, size_t n)
{
    serve_group(store, group, n);
    store->commits++;
    store->jobs += n;
    pthread_mutex_lock(&store->queue_lock);
    store->writing = false;
    bool more = store->first || store->stopping;
    pthread_mutex_unlock(&store->queue_lock);
    if (more)
        sem_post(&store->queue_filled);
}

static void *write_loop(void *arg)
{
    struct store *store = arg;
    struct store_pending *group[GROUP_CAP];

    for (size_t n = take_group(store, group); n > 0; n = take_group(store, group)) {
        write_group(store, group, n);
        for (size_t i = 0; i < n; i++)
            group[i]->done(group[i]);
    }
    return NULL;
}

int store_start_writer(struct store *store)
{
    store->last = &store->first;
    return -pthread_create(&store->thread, NULL, write_loop, store);
}

void store_stop_writer(struct store *store)
{
    pthread_mutex_lock(&store->queue_lock);
    store->stopping = true;
    sem_post(&store->queue_filled);
    pthread_mutex_unlock(&store->queue_lock);
    pthread_join(store->thread, NULL);
}

enum { AT_ONCE = 64 };

/* Under the lock. True: the store's thread is to be woken; who writes looks
 * at the queue afterwards. */
static bool append(struct store *store, struct store_pending **group, size_t n)
{
    bool signal = !store->writing && !store->first;

    for (size_t i = 0; i < n; i++) {
        group[i]->next = NULL;
        *store->last = group[i];
        store->last = &group[i]->next;
    }
    return signal;
}

/* True: nobody writes, and the caller may, at once. */
static bool enter(struct store *store, struct store_pending **group, size_t n)
{
    pthread_mutex_lock(&store->queue_lock);
    bool alone = !store->writing && !store->first && n <= store->group_max;
    bool signal = !alone && append(store, group, n);
    store->writing = store->writing || alone;
    pthread_mutex_unlock(&store->queue_lock);
    if (signal)
        sem_post(&store->queue_filled);
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

/* At most AT_ONCE. */
static void write_some(struct store *store, struct store_work *work, size_t n)
{
    struct waiter waiters[AT_ONCE];
    struct store_pending *group[AT_ONCE];
    sem_t done;

    sem_init(&done, 0, 0);
    for (size_t i = 0; i < n; i++) {
        waiters[i] = (struct waiter){ { .job = work[i].job, .arg = work[i].arg, .done = wake }, &done };
        group[i] = &waiters[i].pending;
    }
    bool alone = enter(store, group, n);
    if (alone)
        write_group(store, group, n);
    for (size_t i = 0; i < n && !alone; i++)
        while (sem_wait(&done) != 0)
            continue; /* a signal */
    sem_destroy(&done);
    for (size_t i = 0; i < n; i++)
        work[i].result = waiters[i].pending.result;
}

void store_write_later(struct store *store, struct store_pending *pending)
{
    pthread_mutex_lock(&store->queue_lock);
    bool signal = append(store, &pending, 1);
    pthread_mutex_unlock(&store->queue_lock);
    if (signal)
        sem_post(&store->queue_filled);
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

int store_savepoint(struct store_tx *tx)
{
    return tx->driver->control(tx->conn, STORE_ITEM_BEGIN);
}

int store_savepoint_release(struct store_tx *tx)
{
    return tx->driver->control(tx->conn, STORE_ITEM_RELEASE);
}

int store_savepoint_rollback(struct store_tx *tx)
{
    int r = tx->driver->control(tx->conn, STORE_ITEM_ROLLBACK);

    store_forget_kept(tx);
    return r != 0 ? r : tx->driver->control(tx->conn, STORE_ITEM_RELEASE);
}

void store_stats(const struct store *store, uint64_t *ret_commits, uint64_t *ret_jobs)
{
    *ret_commits = store->commits;
    *ret_jobs = store->jobs;
}
