/*
 * Jobs of one transaction that run by turns, so that one way to the engine and
 * back answers what all of them have asked. Each job has a fiber; where it needs
 * an answer the next one runs, until all wait. Then what they asked is sent and
 * answered together (driver->share, driver->collect).
 * Jobs of one mailbox run one after another, in their order, in one lane: what a
 * job reads of its mailbox stays true while others run. A job that needs more
 * than that, since it sets a savepoint or touches what is not of its mailbox,
 * waits until no other is under way but those that wait for the same. Jobs that
 * name no mailbox run when all lanes are through. Lanes whose rows lie in one part of
 * the store follow one another: the engine has at hand what the last one needed.
 * A fiber lives no longer than its group, and all of them run on the thread that
 * has the connection. Nothing is held across a question but the job's own.
 */
#include "store/writer.h"

#include "base/fiber.h"

#include <errno.h>
#include <stdlib.h>

enum { LANES_MAX = 64, LANE_STACK = 512 * 1024 }; /* of which little is ever touched */

struct store_lane {
    struct store_lanes *lanes;
    struct fiber *fiber;
    struct store_tx tx; /* the writer's, with memory of its own */
    int64_t mailbox_id;
    unsigned part; /* of the store */
    struct store_pending *first, **last;
    bool waits; /* its fiber is to be resumed */
    bool wants_alone;
};

struct store_lanes {
    struct store_writer *writer;
    struct store_lane lane[LANES_MAX];
    size_t made, used;
    struct store_lane *order[LANES_MAX]; /* those that are used, as they run */
    struct store_pending *rest, **last; /* jobs without a lane */
    struct store_lane *turn;  /* whose fiber runs */
    struct store_lane *alone; /* until its job is done; NULL: nobody */
    enum outcome outcome;
};

/* ---- lanes ---- */

void lanes_free(struct store_lanes *lanes)
{
    if (!lanes)
        return;
    for (size_t i = 0; i < lanes->made; i++) {
        fiber_free(lanes->lane[i].fiber);
        store_tx_close(&lanes->lane[i].tx);
    }
    free(lanes);
}

static int make_lane(struct store_lanes *lanes)
{
    struct store_lane *lane = &lanes->lane[lanes->made];
    int r = fiber_new(LANE_STACK, &lane->fiber);

    if (r != 0)
        return r;
    r = store_tx_open(&lane->tx);
    if (r != 0) {
        fiber_free(lane->fiber);
        return r;
    }
    lane->lanes = lanes;
    lanes->made++;
    return 0;
}

/* As the writer is now; what was read before belongs to the lane. */
static void clear_lane(struct store_lane *lane, int64_t mailbox_id)
{
    const struct store_tx *from = &lane->lanes->writer->tx;

    lane->tx.store = from->store;
    lane->tx.driver = from->driver;
    lane->tx.conn = from->conn;
    lane->tx.kept = from->kept;
    lane->tx.holds = from->holds;
    lane->tx.lane = lane;
    lane->mailbox_id = mailbox_id;
    lane->part = from->store->parts ? from->driver->part(mailbox_id, from->store->parts) : 0;
    lane->first = NULL;
    lane->last = &lane->first;
    lane->waits = lane->wants_alone = false;
}

static struct store_lane *take_place(struct store_lanes *lanes, struct store_lane *lane)
{
    size_t at = lanes->used++;

    for (; at > 0 && lanes->order[at - 1]->part > lane->part; at--)
        lanes->order[at] = lanes->order[at - 1];
    lanes->order[at] = lane;
    return lane;
}

/* The lane of a mailbox. NULL: lanes or memory are out. */
static struct store_lane *lane_of(struct store_lanes *lanes, int64_t mailbox_id)
{
    for (size_t i = 0; i < lanes->used; i++)
        if (lanes->lane[i].mailbox_id == mailbox_id)
            return &lanes->lane[i];
    if (lanes->used == LANES_MAX || (lanes->used == lanes->made && make_lane(lanes) != 0))
        return NULL;
    clear_lane(&lanes->lane[lanes->used], mailbox_id);
    return take_place(lanes, &lanes->lane[lanes->used]);
}

static void line_up(struct store_lanes *lanes, struct store_pending *const *group, size_t n)
{
    lanes->used = 0;
    lanes->rest = NULL;
    lanes->last = &lanes->rest;
    for (size_t i = 0; i < n; i++) {
        if (group[i]->put_off)
            continue;
        struct store_lane *lane = group[i]->mailbox_id > 0 ? lane_of(lanes, group[i]->mailbox_id) : NULL;
        struct store_pending ***last = lane ? &lane->last : &lanes->last;
        group[i]->next = NULL;
        **last = group[i];
        *last = &group[i]->next;
    }
}

/* ---- by turns ---- */

static void run_lane(void *arg)
{
    struct store_lane *lane = arg;
    struct store_lanes *lanes = lane->lanes;

    for (struct store_pending *waiter = lane->first; waiter && lanes->outcome == OUTCOME_KEPT; waiter = waiter->next) {
        enum outcome outcome = writer_run_job(&lane->tx, waiter);
        if (lanes->outcome == OUTCOME_KEPT)
            lanes->outcome = outcome;
        if (lanes->alone == lane)
            lanes->alone = NULL;
    }
}

static void wait_turn(void *arg)
{
    struct store_lanes *lanes = arg;

    fiber_wait(lanes->turn->fiber);
}

static void give_turn(struct store_lane *lane)
{
    lane->lanes->turn = lane;
    lane->waits = fiber_resume(lane->fiber);
}

/* Everybody whose turn it is. False: there is nobody. */
static bool pass(struct store_lanes *lanes)
{
    bool any = false;

    for (size_t i = 0; i < lanes->used; i++) {
        struct store_lane *lane = lanes->order[i];
        if (!lane->waits || lane->wants_alone || (lanes->alone && lanes->alone != lane))
            continue;
        give_turn(lane);
        any = true;
    }
    return any;
}

/* The first who wants to be alone is, until its job is done. False: nobody does. */
static bool let_one_be_alone(struct store_lanes *lanes)
{
    for (size_t i = 0; i < lanes->used; i++) {
        struct store_lane *lane = lanes->order[i];
        if (!lane->waits || !lane->wants_alone)
            continue;
        lane->wants_alone = false;
        lanes->alone = lane;
        give_turn(lane);
        return true;
    }
    return false;
}

/* What was only written is answered with COMMIT. */
static bool somebody_waits(const struct store_lanes *lanes)
{
    for (size_t i = 0; i < lanes->used; i++)
        if (lanes->lane[i].waits)
            return true;
    return false;
}

static void run_by_turns(struct store_lanes *lanes)
{
    struct store *store = lanes->writer->store;
    const struct store_driver *driver = store->driver;
    struct store_conn *conn = lanes->writer->tx.conn;

    driver->share(conn, wait_turn, lanes);
    for (size_t i = 0; i < lanes->used; i++) {
        lanes->turn = lanes->order[i];
        lanes->turn->waits = fiber_start(lanes->turn->fiber, run_lane, lanes->turn);
    }
    while (somebody_waits(lanes)) {
        store->shared_rounds += driver->collect(conn);
        if (!pass(lanes))
            (void)let_one_be_alone(lanes);
    }
    driver->share(conn, NULL, NULL);
}

/* ---- what a job asks for ---- */

/* Others wait in the middle of their jobs; their mailboxes must not move. */
static bool is_in_use(const struct store_lanes *lanes, const struct store_lane *but, int64_t mailbox_id)
{
    for (size_t i = 0; i < lanes->used; i++)
        if (&lanes->lane[i] != but && lanes->lane[i].waits && lanes->lane[i].mailbox_id == mailbox_id)
            return true;
    return false;
}

int lane_be_alone(struct store_tx *tx, int64_t other)
{
    struct store_lane *lane = tx->lane;
    struct store_lanes *lanes = lane->lanes;

    if (other == lane->mailbox_id)
        return 0;
    if (lanes->alone != lane) {
        lane->wants_alone = true;
        fiber_wait(lane->fiber);
    }
    if (lanes->outcome == OUTCOME_KEPT && is_in_use(lanes, lane, other))
        lanes->outcome = OUTCOME_TURNS;
    return lanes->outcome == OUTCOME_KEPT ? 0 : -EAGAIN;
}

void lane_let_others(struct store_tx *tx)
{
    fiber_wait(tx->lane->fiber);
}

/* ---- the group ---- */

bool lanes_can(const struct store_writer *writer, struct store_pending *const *group, size_t n)
{
    int64_t first = 0;

    if (!writer->store->driver->share || !writer->tx.holds)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (first > 0 && group[i]->mailbox_id > 0 && group[i]->mailbox_id != first)
            return true;
        first = first > 0 ? first : group[i]->mailbox_id;
    }
    return false;
}

enum outcome lanes_run(struct store_writer *writer, struct store_pending *const *group, size_t n)
{
    if (!writer->lanes)
        writer->lanes = calloc(1, sizeof(*writer->lanes));
    struct store_lanes *lanes = writer->lanes;
    if (!lanes)
        return OUTCOME_TURNS;
    lanes->writer = writer;
    lanes->outcome = OUTCOME_KEPT;
    lanes->alone = NULL;
    line_up(lanes, group, n);
    run_by_turns(lanes);
    enum outcome outcome = lanes->outcome;
    for (struct store_pending *waiter = lanes->rest; waiter && outcome == OUTCOME_KEPT; waiter = waiter->next)
        outcome = writer_run_job(&writer->tx, waiter);
    if (outcome == OUTCOME_TURNS || writer->tx.driver->in_transaction(writer->tx.conn))
        return outcome;
    return outcome == OUTCOME_AGAIN ? outcome : OUTCOME_LOST;
}
