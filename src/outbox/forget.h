/*
 * Forgetting the answers kept for repeated requests: those whose time is over,
 * and what is over the bound (send.replay_max); and old traces of messages.
 */
#ifndef EWSD_OUTBOX_FORGET_H
#define EWSD_OUTBOX_FORGET_H

#include "base/conf.h"
#include "store/store.h"

#include <stdatomic.h>

/* Works in many small jobs, until stop. */
int forget_answers(struct store *store, const struct conf *conf, const atomic_bool *stop);
/* The traces of messages, older than outbox.trace_days; likewise. */
int forget_traces(struct store *store, const struct conf *conf, const atomic_bool *stop);

#endif
