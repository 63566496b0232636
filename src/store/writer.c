/*
 * A group of jobs in one transaction. Jobs run without savepoints, which cost a copy of each page,
 * since few fail after they wrote: when one does, the group is undone and runs
 * once more with a savepoint for each job. Where the engine is far away they run by
 * turns at first (writer_lanes.c). When a job's error ended the whole
 * transaction, the members run once more, each in a transaction of its own.
 * When a COMMIT fails nobody is told success: the connection is thrown away and
 * a new one recovers before anything else is served; a COMMIT that may stand or
 * not is asked for there (writer_doubt.c).
 */
#include "store/writer.h"

#include "base/metrics.h"
#include "base/when.h"

#include <errno.h>

enum { TRIES_MAX = 20, PUT_OFF_MAX = 2 };

/* Runs the jobs of a group, in a transaction that has begun. */
typedef enum outcome run_all(struct store_writer *writer, struct store_pending *const *group, size_t n);

enum outcome writer_run_job(struct store_tx *tx, struct store_pending *waiter)
{
    tx->dirty = false;
    tx->there.mailbox_id = 0;
    arena_reset(tx->scratch);
    waiter->result = waiter->job(tx, waiter->arg);
    if (tx->holds && tx->holds->refused)
        return OUTCOME_AGAIN;
    return waiter->result != 0 && tx->dirty ? OUTCOME_SPOILT : OUTCOME_KEPT;
}

static enum outcome run_job(struct store_writer *writer, struct store_pending *waiter)
{
    struct store_tx *tx = &writer->tx;
    enum outcome outcome = writer_run_job(tx, waiter);

    return outcome == OUTCOME_AGAIN || tx->driver->in_transaction(tx->conn) ? outcome : OUTCOME_LOST;
}

static enum outcome run_guarded(struct store_writer *writer, struct store_pending *waiter)
{
    struct store_tx *tx = &writer->tx;

    if (tx->driver->control(tx->conn, STORE_JOB_BEGIN) != 0)
        return OUTCOME_LOST;
    enum outcome outcome = run_job(writer, waiter);
    if (outcome == OUTCOME_LOST || outcome == OUTCOME_AGAIN)
        return outcome;
    if (outcome == OUTCOME_SPOILT && tx->driver->control(tx->conn, STORE_JOB_ROLLBACK) != 0)
        return OUTCOME_LOST;
    if (outcome == OUTCOME_SPOILT) {
        store_forget_kept(tx);
        mark_again(tx);
    }
    return tx->driver->control(tx->conn, STORE_JOB_RELEASE) == 0 ? OUTCOME_KEPT : OUTCOME_LOST;
}

static enum outcome run_plain(struct store_writer *writer, struct store_pending *const *group, size_t n)
{
    enum outcome outcome = OUTCOME_KEPT;

    for (size_t i = 0; i < n && outcome == OUTCOME_KEPT; i++)
        outcome = run_job(writer, group[i]);
    return outcome;
}

static enum outcome run_all_guarded(struct store_writer *writer, struct store_pending *const *group, size_t n)
{
    enum outcome outcome = OUTCOME_KEPT;

    for (size_t i = 0; i < n && outcome == OUTCOME_KEPT; i++)
        outcome = run_guarded(writer, group[i]);
    return outcome;
}

void writer_let_go(struct store_writer *writer)
{
    struct store_tx *tx = &writer->tx;

    if (tx->conn)
        tx->driver->disconnect(tx->conn);
    tx->conn = NULL;
    store_forget_kept(tx);
}

static bool is_broken(const struct store_tx *tx)
{
    return tx->driver->is_broken && tx->driver->is_broken(tx->conn);
}

/* A connection that can't even go back is of no more use. */
static void undo(struct store_writer *writer)
{
    struct store_tx *tx = &writer->tx;

    if (is_broken(tx) || (tx->driver->in_transaction(tx->conn) && tx->driver->control(tx->conn, STORE_ROLLBACK) != 0))
        writer_let_go(writer);
    store_forget_kept(tx);
}

/* error: why. Only that the disk is full is told as it is, since nothing is in
 * doubt then and the caller can know what to wait for. */
static void give_up(struct store_writer *writer, struct store_pending *const *group, size_t n, int error)
{
    writer_let_go(writer);
    (void)store_connect_writer(writer, false); /* tried again by the next group */
    for (size_t i = 0; i < n; i++)
        group[i]->result = error == -ENOSPC ? error : -EIO;
}

static void mark_put_off(const struct store_writer *writer, struct store_pending *const *group, size_t n)
{
    for (size_t i = 0; i < n; i++)
        group[i]->put_off = writer->only_free && group[i]->mailbox_id > 0 && !holds_have(&writer->holds, group[i]->mailbox_id);
}

static int begin(struct store_writer *writer, struct store_pending *const *group, size_t n)
{
    struct store_tx *tx = &writer->tx;

    if (tx->conn && is_broken(tx))
        writer_let_go(writer);
    int r = tx->conn ? 0 : store_connect_writer(writer, false);
    if (r == 0)
        r = tx->driver->control(tx->conn, STORE_BEGIN_WRITE);
    for (size_t i = 0; r == 0 && tx->holds && i < n; i++)
        if (group[i]->mailbox_id > 0)
            holds_want(tx->holds, group[i]->mailbox_id);
    if (!tx->driver->one_writer)
        store_forget_kept(tx);
    if (r == 0)
        r = holds_begin(tx, writer->only_free);
    mark_put_off(writer, group, n);
    if (r == 0)
        r = store_domains_expect(tx);
    return r == 0 ? writer_begin_step(writer, n) : r;
}

/* OUTCOME_LOST: nothing stands, and the connection is as good as before. */
static enum outcome commit(struct store_writer *writer, struct store_pending *const *group, size_t n)
{
    struct store *store = writer->store;
    struct store_tx *tx = &writer->tx;

    if (store->options.before_commit)
        store->options.before_commit(store->options.hook_arg);
    int64_t begun = when_monotonic_us();
    int r = tx->driver->control(tx->conn, STORE_COMMIT);
    bool doubt = r == -EINPROGRESS;
    if (doubt)
        r = writer_settle_doubt(writer);
    metric_observe(METRIC_store_commit_duration_seconds, 0, (uint64_t)(when_monotonic_us() - begun));
    if (r)
        metric_add(METRIC_store_failures, 1);
    if (r > 0 || (r < 0 && !doubt && writer->id != 0 && !is_broken(tx))) {
        writer->error = r > 0 ? -EIO : r;
        return OUTCOME_LOST;
    }
    if (r == 0 && store->options.after_commit)
        store->options.after_commit(store->options.hook_arg);
    if (r != 0)
        give_up(writer, group, n, r);
    return OUTCOME_KEPT;
}

/* One transaction. Not kept: nothing of it stands. */
static enum outcome try_group(struct store_writer *writer, struct store_pending *const *group, size_t n, run_all *run)
{
    writer->error = 0;
    int r = begin(writer, group, n);
    bool asked = writer->only_free && writer->tx.conn; /* and what was sent before may have failed, as in a job */
    writer->only_free = false;
    if (r != 0)
        mark_put_off(writer, group, n);
    if (r != 0 && asked) {
        undo(writer);
        return OUTCOME_LOST;
    }
    if (r != 0) {
        give_up(writer, group, n, r);
        return OUTCOME_KEPT;
    }
    enum outcome outcome = run(writer, group, n);
    if (outcome == OUTCOME_KEPT)
        return commit(writer, group, n);
    undo(writer);
    return outcome;
}

/* Each time it begins with more of what it needs. */
static enum outcome run_group(struct store_writer *writer, struct store_pending *const *group, size_t n, run_all *run)
{
    enum outcome outcome;
    unsigned tries = 0;

    writer->holds.wanted_n = 0;
    writer->holds.mark.directory = writer->holds.mark.apart = false;
    do
        outcome = try_group(writer, group, n, run);
    while (outcome == OUTCOME_AGAIN && !writer->holds.mark.apart && ++tries < TRIES_MAX);
    return outcome;
}

/* What two nodes did to one another is over when it is tried again. */
static void run_alone(struct store_writer *writer, struct store_pending *waiter)
{
    enum outcome outcome;
    unsigned tries = 0;

    do
        outcome = run_group(writer, &waiter, 1, run_plain);
    while (outcome != OUTCOME_KEPT && outcome != OUTCOME_SPOILT && writer->id != 0 && ++tries < TRIES_MAX &&
           (waiter->result == -EAGAIN || writer->error == -EAGAIN));
    if (outcome == OUTCOME_AGAIN || (outcome == OUTCOME_LOST && (waiter->result >= 0 || waiter->result == -EAGAIN)))
        waiter->result = writer->error && writer->error != -EAGAIN ? writer->error : -EIO;
}

/* Those that are committed together with the first, to the front: where there are
 * several sites, they write at one. */
static size_t gather(struct store_writer *writer, struct store_pending **group, size_t n)
{
    const struct store_driver *driver = writer->store->driver;
    struct store_conn *conn = writer->tx.conn;
    int64_t first = 0, site = 0;
    size_t same = 1;

    if (!driver->site || !conn || driver->site(conn, 0, &site) != 1)
        return n;
    if (group[0]->mailbox_id <= 0 || driver->site(conn, group[0]->mailbox_id, &first) != 0)
        return 1;
    for (size_t i = 1; i < n; i++) {
        struct store_pending *pending = group[i];
        if (pending->mailbox_id <= 0 || driver->site(conn, pending->mailbox_id, &site) != 0 || site != first)
            continue;
        memmove(group + same + 1, group + same, (i - same) * sizeof(*group));
        group[same++] = pending;
    }
    return same;
}

/* Where there are other nodes. Who was put off often enough is waited for, and so are all
 * with it. */
static bool can_put_off(const struct store_writer *writer, struct store_pending *const *group, size_t n)
{
    if (!writer->store->driver->hold_free || atomic_load_explicit(&writer->store->nodes, memory_order_relaxed) < 2)
        return false;
    for (size_t i = 0; i < n; i++)
        if (group[i]->times_put_off == PUT_OFF_MAX)
            return false;
    return true;
}

static void serve_some(struct store_writer *writer, struct store_pending *const *group, size_t n, bool may_put_off)
{
    bool by_turns = lanes_can(writer, group, n);

    writer->only_free = by_turns && may_put_off && can_put_off(writer, group, n); /* the first time */
    enum outcome outcome = run_group(writer, group, n, by_turns ? lanes_run : run_plain);

    if (outcome == OUTCOME_TURNS)
        outcome = run_group(writer, group, n, run_plain);
    if (outcome == OUTCOME_SPOILT && n > 1)
        outcome = run_group(writer, group, n, run_all_guarded);
    if (outcome != OUTCOME_LOST && outcome != OUTCOME_AGAIN)
        return;
    for (size_t i = 0; i < n; i++)
        run_alone(writer, group[i]);
}

/* Those that are through to the front. */
static size_t sort_out(struct store_pending **group, size_t n)
{
    size_t through = 0;

    for (size_t i = 0; i < n; i++) {
        struct store_pending *pending = group[i];
        pending->times_put_off += pending->put_off;
        if (pending->put_off)
            continue;
        memmove(group + through + 1, group + through, (i - through) * sizeof(*group));
        group[through++] = pending;
    }
    return through;
}

size_t writer_serve(struct store_writer *writer, struct store_pending **group, size_t n, bool may_put_off)
{
    for (size_t at = 0, some; at < n; at += some) {
        some = gather(writer, group + at, n - at);
        serve_some(writer, group + at, some, may_put_off);
    }
    return sort_out(group, n);
}

/* Of a mailbox that is nobody's: nothing of others moves. */
int store_savepoint(struct store_tx *tx)
{
    int r = tx->lane ? lane_be_alone(tx, 0) : 0;

    return r == 0 ? tx->driver->control(tx->conn, STORE_ITEM_BEGIN) : r;
}

int store_savepoint_release(struct store_tx *tx)
{
    return tx->driver->control(tx->conn, STORE_ITEM_RELEASE);
}

int store_savepoint_rollback(struct store_tx *tx)
{
    int r = tx->driver->control(tx->conn, STORE_ITEM_ROLLBACK);

    store_forget_kept(tx);
    tx->there.mailbox_id = 0;
    mark_again(tx);
    return r != 0 ? r : tx->driver->control(tx->conn, STORE_ITEM_RELEASE);
}
