/*
 * A transport carries one frozen message to some recipients and reports each
 * one's outcome. It decides nothing: retries and bounces are the outbox's.
 */
#ifndef EWSD_OUTBOX_TRANSPORT_H
#define EWSD_OUTBOX_TRANSPORT_H

#include "outbox/outbox.h"

#include <stdatomic.h>

enum transport_outcome { TRANSPORT_SENT, TRANSPORT_DEFERRED, TRANSPORT_FAILED };

struct transport_result {
    enum transport_outcome outcome;
    struct span status; /* "5.1.1 no such mailbox": enhanced status and text, in the job's arena */
};

struct transport_job {
    struct store *store;
    const struct conf *conf;
    struct arena *arena;
    const struct store_outbox *entry;
    const struct item *item; /* with everything loaded */
    struct span raw;         /* the message as it is transmitted */
    const struct store_outbox_rcpt **rcpts; /* those of this transport */
    size_t n;
    const atomic_bool *stop; /* true: the program ends, so give up what can be given up */
};

struct transport {
    const char *name;
    /* Fills results[0..n). Negative: treated as deferred for all. */
    int (*deliver)(const struct transport_job *job, struct transport_result *results);
    /* NULL, or called in the job that settles the recipients. */
    int (*settle)(struct store_tx *tx, const struct transport_job *job);
};

#define TRANSPORT(name) extern const struct transport transport_##name;
#include "outbox/transports.def"
#undef TRANSPORT

#endif
