/*
 * One attempt on one entry, by a dispatcher or a lane: its recipients in parts
 * that go one way each, what became of them, and the settling of it all in the
 * store, with the report to the sender when something failed for good.
 */
#ifndef EWSD_OUTBOX_ATTEMPT_H
#define EWSD_OUTBOX_ATTEMPT_H

#include "outbox/transport.h"

#define ATTEMPT_PARTS (CONF_RELAYS_MAX + 3) /* local, a copy, and captured or kept from some relay */

/* Recipients that go one way. */
struct attempt_part {
    const struct transport *transport;
    struct transport_job job;
    struct transport_result *results; /* for each of job.rcpts */
    bool added;      /* the message has more recipients than before, which are due */
    int64_t put_off; /* no attempt was made: again at that time; else 0 */
};

struct attempt {
    struct store *store;
    const struct conf *conf;
    struct arena *arena; /* the caller's, which outlives the attempt; or own */
    struct arena *own;   /* where several jobs may run at the same time: each attempt is in one at most */
    uint64_t owner;      /* of the lease */
    struct store_outbox entry;
    struct item item;
    struct buf raw; /* our Received field, then the message */
    size_t traced;  /* length of that field */
    int unwritten;  /* why there is no raw, or 0 */
    bool over;      /* settled, or another's by now */
    bool handed;    /* a lane has some of its recipients */
    bool frozen;    /* item and the entry's own columns were read */
    bool loaded;    /* and the content, so raw was written */
    struct attempt_part parts[ATTEMPT_PARTS];
    size_t parts_n;
    struct store_settle *settles; /* filled by settling, part by part */
    int64_t next; /* set by settling: earliest next attempt, or WHEN_NONE */
};

/* Reads the recipients that owner holds. */
int attempt_init(struct attempt *attempt, struct store_tx *tx, struct store *store, const struct conf *conf, struct arena *arena,
                 struct store_outbox_key key, uint64_t owner);
void attempt_done(struct attempt *attempt);
/* Reads what was frozen, with or without the content. 1: the entry is gone; or
 * aside_wanted. */
int attempt_read(struct attempt *attempt, struct store_tx *tx, bool content);
/* Makes raw of it; what that can't be made of is told to every recipient. */
void attempt_write(struct attempt *attempt);

/* The message that was written, without our Received field; or empty. */
struct span attempt_message(const struct attempt *attempt);

/* A new, empty part with room for all recipients. */
int attempt_add_part(struct attempt *attempt, const struct transport *transport, struct attempt_part **ret_part);
void attempt_add_rcpt(struct attempt_part *part, const struct store_outbox_rcpt *rcpt);
/* The same result for all of a part. */
void attempt_all(struct attempt_part *part, enum transport_outcome outcome, struct span status);
/* That of a transport or of mime_write that gave up with r: a message that can't
 * be written now will not be the next time, unless memory was short. */
void attempt_failed(struct attempt_part *part, int r);

/* Makes the deliveries that stay in this store, settles each attempt in a job of
 * its own and logs each recipient. Attempts whose lease was lost are left
 * alone. -errno: one at least was not settled. */
int attempt_settle(struct attempt *const *attempts, size_t n);
/* Says what the transports and outcomes are called that it counts by. */
void attempt_name_counts(void);
/* The same, tried again with pauses while the store refuses it: what was done
 * and is not settled would be done again. As long as the disk is full, or the
 * store is away, it goes on until *stop: nobody can lease anything meanwhile. */
int attempt_settle_surely(struct attempt *const *attempts, size_t n, const atomic_bool *stop, unsigned pause_ms);
/* What owner holds of an entry, it holds until `until`. 1: it was lost. */
int attempt_renew(struct store *store, struct store_outbox_key key, uint64_t owner, int64_t until);
/* For an entry that could not be read, nor handed to anybody: what owner holds of
 * it is free again in a little while, and not only when its lease would end.
 * Gives that time; -errno: it could not be written down. */
int attempt_let_go(struct store *store, struct store_outbox_key key, uint64_t owner, int64_t *ret_again);
/* The last step of that for one attempt, inside a job. 1: the lease was lost. */
int attempt_settle_in(struct store_tx *tx, struct attempt *attempt);

#endif
