/*
 * Nodes: the programs that have one store open at the same time, on an engine
 * that lets several. Each has a row, in which it counts its beats; who stops
 * counting is taken for dead by the others, who free its leases. Judging, and
 * how long to wait, is the caller's.
 */
#ifndef EWSD_STORE_STORE_NODE_H
#define EWSD_STORE_STORE_NODE_H

#include "store/store_outbox.h"

/* Owners of leases are numbers of a node: its id and up to NODE_OWNERS more. */
#define NODE_OWNERS 0xffffffffu

struct store_node {
    int64_t node_id; /* a multiple of NODE_OWNERS + 1; not 0 */
    struct span name;
    int64_t started;  /* ms */
    int64_t beats;
    int64_t patience; /* ms of silence after which its leases for relays may be taken over, too */
};

/* A number at random, which no other node has had but by the rarest chance. */
int store_node_number(int64_t *ret_node_id);
/* 1: the number is another's. */
int store_node_join(struct store_tx *tx, const struct store_node *node);
/* 1: it is gone: others took it for dead. */
int store_node_beat(struct store_tx *tx, int64_t node_id);
int store_node_leave(struct store_tx *tx, int64_t node_id);
int store_node_list(struct store_tx *tx, struct arena *arena, struct store_node **ret_nodes, size_t *ret_n);

/* Entries with recipients that a node has leased, by mailbox and number, behind
 * `after`, which starts as zeros. relayed: also those for relays. */
int store_node_leases(struct store_tx *tx, struct arena *arena, int64_t node_id, bool relayed, struct store_outbox_key after,
                      size_t limit, struct store_outbox_key **ret_keys, size_t *ret_n);
/* Ends the leases that a node has in an entry. */
int store_node_free(struct store_tx *tx, int64_t node_id, bool relayed, struct store_outbox_key key);

/* Changes whenever something that was verified before may be wrong now: a
 * password, a mailbox, a name to log in with. Zeros: it never did. */
#define STORE_CREDENTIALS_SIZE 16
int store_credentials(struct store_tx *tx, uint8_t ret_state[STORE_CREDENTIALS_SIZE]);
int store_credentials_changed(struct store_tx *tx);

#endif
