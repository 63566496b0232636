/*
 * A transport carries one frozen message to some recipients and reports each
 * one's outcome. It decides nothing: retries and bounces are the outbox's.
 * It works in one of three places: `store` inside the job that settles its
 * recipients, so that both stand or neither; `store_one` in a job of the
 * recipient's own mailbox before that, where doing it twice must do no harm
 * (decisions 2); `deliver` outside, where it may take its time.
 */
#ifndef EWSD_OUTBOX_TRANSPORT_H
#define EWSD_OUTBOX_TRANSPORT_H

#include "outbox/node.h"
#include "outbox/outbox.h"
#include "outbox/relay.h"

#include <stdatomic.h>

enum transport_outcome { TRANSPORT_SENT, TRANSPORT_DEFERRED, TRANSPORT_FAILED };

struct transport_result {
    enum transport_outcome outcome;
    /* "550 5.1.1 text": the other side's reply, or "4.4.1 text": our own words
     * behind an enhanced status. In the job's arena. */
    struct span status;
};

struct transport_job {
    struct store *store;
    const struct conf *conf;
    struct arena *arena;
    const struct store_outbox *entry;
    const struct item *item; /* with everything loaded */
    struct span raw;         /* the message as it is transmitted */
    struct span traced;      /* the same behind our Received field: what leaves, or is delivered as MIME */
    struct span signature;   /* a field that goes before that; smtp only */
    const struct store_outbox_rcpt **rcpts; /* those of this transport */
    size_t n;
    bool *added; /* local only: set when the message has more recipients now, which are due */
    const atomic_bool *stop; /* true: the program ends, so give up what can be given up */
    const struct relay *relay; /* smtp only, as are the next three */
    const struct lease *lease; /* that it works under; NULL: nobody else could do the same */
    struct smtp_link **link;   /* what is kept between messages; starts as NULL */
};

/* Positive results of deliver. */
enum {
    TRANSPORT_UNREACHABLE = 1, /* results are filled; no message could be begun: another relay may have it */
    TRANSPORT_LOST,            /* results are filled; the line failed on the way, not the message */
    TRANSPORT_STOPPED,         /* the program ends and nothing was decided */
};

struct transport {
    const char *name;
    unsigned number; /* of its row, for what is counted */
    /* Fills results[0..n). Negative: treated as deferred for all. */
    int (*deliver)(const struct transport_job *job, struct transport_result *results);
    int (*store)(struct store_tx *tx, const struct transport_job *job, struct transport_result *results);
    /* One recipient; negative: deferred, and nothing stands; positive: nothing
     * stands but the result. ready (may be NULL), before and outside of the job:
     * what it gives is handed to store_one, 0 or -errno. */
    int (*ready)(const struct transport_job *job, size_t i, void **ret_ready);
    int (*store_one)(struct store_tx *tx, const struct transport_job *job, size_t i, const void *ready,
                     struct transport_result *ret_result);
};

enum {
#define TRANSPORT(name) TRANSPORT_NUMBER_##name,
#include "outbox/transports.def"
#undef TRANSPORT
};
#define TRANSPORT(name) extern const struct transport transport_##name;
#include "outbox/transports.def"
#undef TRANSPORT

/* Ends the connection politely, without waiting for an answer. NULL is fine. */
void smtp_link_free(struct smtp_link *link);

#endif
