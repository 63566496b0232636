/*
 * Forgetting what is kept for a time: the answers for repeated requests, also
 * those over the bound (send.replay_max), traces of messages, what was deleted
 * and could be recovered, and what became of the items of folders.
 */
#ifndef EWSD_OUTBOX_FORGET_H
#define EWSD_OUTBOX_FORGET_H

#include "base/conf.h"
#include "store/store.h"

#include <stdatomic.h>

/* Goes through all answers, so not to be called often; forget_has_many: that there are
 * as many as may be (then requests with new keys may be refused), as far as is known
 * without. Works in many small jobs, until stop. */
int forget_answers(struct store *store, const struct conf *conf, const atomic_bool *stop);
bool forget_has_many(const struct store *store, const struct conf *conf);
/* The marks of deliveries that are over. */
int forget_marks(struct store *store, const atomic_bool *stop);
/* The traces of messages, older than outbox.trace_days; likewise. */
int forget_traces(struct store *store, const struct conf *conf, const atomic_bool *stop);
/* What was deleted longer ago than store.recoverable_days. */
int forget_deleted(struct store *store, const struct conf *conf, const atomic_bool *stop);
/* The changes older than store.change_days of the next mailboxes behind *after,
 * which moves on; 0: those were the last. */
int forget_changes(struct store *store, const struct conf *conf, const atomic_bool *stop, int64_t *after);

#endif
