/*
 * Inside the outbox only: the relays of one configuration with their lanes. When
 * another configuration comes, another fleet takes the place of this one, which
 * brings to its end what it carries, gives back what waits in it, and is gone
 * when nobody holds it any more.
 */
#ifndef EWSD_OUTBOX_FLEET_H
#define EWSD_OUTBOX_FLEET_H

#include "outbox/lane.h"
#include "outbox/signer.h"

struct fleet {
    struct outbox *outbox;
    const struct conf *conf;
    struct relays *relays; /* NULL when everything is captured */
    struct signer *signer; /* NULL: nothing is signed */
    struct lane *lanes[CONF_RELAYS_MAX]; /* one for each of relays->v */
    atomic_bool retired;   /* another has its place */
    unsigned holders;      /* under the outbox' lock: rounds of dispatchers */
    struct fleet *next;    /* under the outbox' lock: of those that are retired */
};

/* Starts the lanes. conf is held until fleet_free, where it can be. 1: refused,
 * and reported. -errno. */
int fleet_new(struct outbox *outbox, const struct conf *conf, struct conf_report *report, struct fleet **ret_fleet);
/* Joins the lanes, which must be on their way to the end. NULL is fine. */
void fleet_free(struct fleet *fleet);

/* The current one, until fleet_release. */
struct fleet *fleet_hold(struct outbox *outbox);
void fleet_release(struct fleet *fleet);
/* It becomes the current one; what the one before it has will go its ways. */
void fleet_take_over(struct fleet *fleet);
/* For a dispatcher, with memory of its own: gives back what waits in the lanes of
 * the retired, whose threads may be busy for long. */
void fleet_give_back(struct outbox *outbox, struct arena *arena);
/* Frees the retired that are through. */
void fleet_reap(struct outbox *outbox);
/* Under the outbox' lock: nobody holds it, and its lanes have ended. */
bool fleet_is_through(const struct fleet *fleet);
/* Wakes the threads of the lanes, so that they see what has changed. */
void fleet_wake(struct fleet *fleet);
void fleet_forgive(struct fleet *fleet);

/* To the lane of the relay, or while one is dead to that of its next: the answer
 * of the last that was asked. */
enum lane_answer fleet_hand_over(struct fleet *fleet, const struct relay *relay, const struct lane_ticket *ticket,
                                 struct arena *arena, int64_t *ret_again, struct span *ret_reason);

#endif
