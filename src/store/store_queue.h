/*
 * The outbox as its administrator sees it: entries are held and released, made
 * due, found by their Message-ID; and the traces, which say for some days what
 * became of each recipient. A trace is written by whoever settles.
 */
#ifndef EWSD_STORE_STORE_QUEUE_H
#define EWSD_STORE_STORE_QUEUE_H

#include "store/store_outbox.h"

/* A held entry is not due; an attempt that is under way goes on. 1: it is so
 * already, or there is no such entry. */
int store_outbox_set_held(struct store_tx *tx, struct store_outbox_key key, bool held);
/* Holds an entry that cannot be sent as it is, whoever has it leased: status says
 * why, to whoever waits in it. 1: it is held already, or there is none. */
int store_outbox_set_aside(struct store_tx *tx, struct store_outbox_key key, struct span status);
/* Makes the queued recipients due that wait for a later attempt and had `tried`
 * attempts at least. 1: there is none. */
int store_outbox_hurry(struct store_tx *tx, struct store_outbox_key key, int64_t now, uint32_t tried);
/* It is late, and that was told to the sender. */
int store_outbox_warned(struct store_tx *tx, struct store_outbox_key key);
/* The entries with that Message-ID, in arena memory. Reads the whole outbox. */
int store_outbox_by_message_id(struct store_tx *tx, struct arena *arena, struct span message_id, struct store_outbox_key **ret_keys,
                               size_t *ret_n);

/* How entries stand. SENDING: somebody has a lease of one of their recipients. */
enum store_queue_state { STORE_QUEUE_DUE, STORE_QUEUE_WAITING, STORE_QUEUE_SENDING, STORE_QUEUE_HELD, STORE_QUEUE_STATES };
struct store_queue {
    struct {
        uint64_t entries;
        int64_t oldest; /* when it was submitted; 0: there is none */
    } states[STORE_QUEUE_STATES];
};
/* Reads the whole outbox. */
int store_queue_count(struct store_tx *tx, int64_t now, struct store_queue *ret_queue);

/* What became of one recipient. */
struct store_trace {
    struct store_outbox_key key; /* the entry, which may be gone */
    uint32_t no;
    struct span address;
    enum store_rcpt_state state; /* not QUEUED */
    int64_t at;
    struct span relay, status;
};
/* A second trace of the same recipient on the same day is none. */
int store_trace_put(struct store_tx *tx, struct span message_id, const struct store_trace *trace);
/* Those of a message from `since` until `until`, whole days, by time of day; in
 * arena memory. */
int store_trace_find(struct store_tx *tx, struct arena *arena, struct span message_id, int64_t since, int64_t until,
                     struct store_trace **ret_traces, size_t *ret_n);
/* Forgets those of the days before `since`, at most limit. */
int store_trace_expire(struct store_tx *tx, int64_t since, uint64_t limit, uint64_t *ret_n);

#endif
