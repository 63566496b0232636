/*
 * What `ewsd dev` would have sent elsewhere: one entry per submission with all
 * of its non-local recipients, and the raw message. Numbers rise over the
 * whole store.
 */
#ifndef EWSD_STORE_STORE_CAPTURE_H
#define EWSD_STORE_STORE_CAPTURE_H

#include "store/store.h"

struct store_capture {
    uint64_t capture_no; /* set by put */
    int64_t mailbox_id; /* the sender's */
    uint64_t outbox_no;  /* of the submission: one entry for each */
    int64_t at;
    struct span sender;
    const struct span *rcpts;
    size_t rcpts_n;
    struct span subject;
    uint64_t size; /* of the raw message */
};

/* Within the job that settles the recipients. A second put for the same
 * (mailbox_id, outbox_no) adds its recipients to the entry. */
int store_capture_put(struct store_tx *tx, struct store_capture *capture, struct span raw);
/* Entries with numbers above after, rising; limit 0: all. In arena memory. */
int store_capture_list(struct store_tx *tx, struct arena *arena, uint64_t after, uint64_t limit, struct store_capture **ret_entries,
                       size_t *ret_n);
/* The same, falling, with numbers below before (0: from the last one on). */
int store_capture_list_down(struct store_tx *tx, struct arena *arena, uint64_t before, uint64_t limit,
                            struct store_capture **ret_entries, size_t *ret_n);
/* One of them. 1: no such entry. */
int store_capture_get(struct store_tx *tx, struct arena *arena, uint64_t capture_no, struct store_capture *ret_entry);
/* Takes an entry away; its number is not given again. 1: no such entry. */
int store_capture_delete(struct store_tx *tx, uint64_t capture_no);
/* The raw message. 1: no such entry. */
int store_capture_raw(struct store_tx *tx, struct arena *arena, uint64_t capture_no, struct span *ret_raw);

#endif
