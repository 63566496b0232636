/*
 * The way to one relay: a bounded queue of entries and the threads that carry
 * them, each over a connection of its own. However a relay behaves, nobody
 * else waits for it: a lane that is full, or whose relay does not answer,
 * says so at once, and the recipients are put off without an attempt.
 */
#ifndef EWSD_OUTBOX_LANE_H
#define EWSD_OUTBOX_LANE_H

#include "outbox/node.h"
#include "outbox/relay.h"
#include "outbox/transport.h"

struct fleet;
struct lane;

/* An entry whose recipients for the relay home are leased. In the lane
 * of another relay it was handed over. */
struct lane_ticket {
    struct store_outbox_key key;
    struct lease lease;
    const struct relay *home;
    bool probe;    /* set by the lane: tries a relay that seems dead */
};

enum lane_answer {
    LANE_TAKEN,
    LANE_FULL, /* ret_again: when there should be room */
    LANE_DEAD, /* ret_reason: what the last attempts died of, in the arena */
};

/* Starts the threads (the relay's connections). */
int lane_start(struct fleet *fleet, const struct relay *relay, struct lane **ret_lane);
/* A lane of a retired fleet is full. */
enum lane_answer lane_push(struct lane *lane, const struct lane_ticket *ticket, struct arena *arena, int64_t *ret_again,
                           struct span *ret_reason);
/* A relay that seemed dead is tried again by the next message. */
void lane_forgive(struct lane *lane);
/* Wakes the threads. They end when the outbox is closing, after the message that
 * they carry; and when the fleet is retired, having given back what waits, too. */
void lane_wake(struct lane *lane);
/* Of a retired fleet: whether something waits; and giving that back. */
bool lane_is_laden(struct lane *lane);
void lane_give_back(struct lane *lane, struct arena *arena);
/* Whether all threads have ended. */
bool lane_is_over(const struct lane *lane);
/* Joins them. What waits stays queued in the store. NULL is fine. */
void lane_free(struct lane *lane);

#endif
