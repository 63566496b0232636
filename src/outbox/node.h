/*
 * This program as one of the nodes that deliver from one store. In a store that
 * no others write to it is only a number for leases. Else it has a row, in which
 * it counts its beats, and looks at the beats of the others: the leases of one
 * that fell silent are freed. First those for mailboxes of the store, where a
 * second delivery does no harm; those for relays only after the silent node's
 * patience, which is longer than an attempt of its may take: until then its
 * message may be under way. The node itself keeps to that: without a beat that
 * succeeded it gives no last byte away (decisions 15). Silence is measured by
 * the clock of the one who listens, so clocks need not agree.
 */
#ifndef EWSD_OUTBOX_NODE_H
#define EWSD_OUTBOX_NODE_H

#include "outbox/outbox.h"

struct node;
struct relays;

/* Recipients that were leased together. */
struct lease {
    uint64_t owner;
    int64_t until; /* wall clock, ms: as the store has it */
    int64_t end;   /* the same by the monotonic clock */
    struct node *node; /* NULL: of nobody who could be taken for dead */
};

/* Joins. relays (NULL: none) say how long an attempt may take. beat_ms 0 is five
 * seconds. `woken` is called after each look at the others. */
int node_start(const struct outbox_options *options, const struct relays *relays, void (*woken)(struct outbox *outbox),
               struct outbox *outbox, struct node **ret_node);
/* The last that an outbox does: frees what the node still has leased, and
 * leaves. NULL is fine. */
void node_stop(struct node *node);

/* Somebody has come or gone: looks at the others now, not only with the next beat. */
void node_look(struct node *node);

/* Whether attempts at these relays end within the time that the others were told
 * when this node joined them. */
bool node_bears(const struct node *node, const struct relays *relays);

/* A lease for ms, with an owner of its own. */
struct lease node_lease(struct node *node, int64_t ms);
/* Until when it is certain that nobody else may have it; monotonic. */
int64_t node_lease_end(const struct lease *lease);

/* How often it has looked at the others; for tests. */
uint64_t node_looks(struct node *node);

#endif
