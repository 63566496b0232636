/*
 * When to try again and when to give up: the only place that knows (design:
 * transports report, the outbox decides).
 */
#ifndef EWSD_OUTBOX_POLICY_H
#define EWSD_OUTBOX_POLICY_H

#include "base/conf.h"
#include "outbox/transport.h"

struct policy_verdict {
    enum store_rcpt_state state; /* QUEUED: try again at next_attempt */
    int64_t next_attempt;
};

/* attempts: tries before this one. The wait doubles from outbox.retry_min to
 * outbox.retry_max; a try that would come after expires is none. */
struct policy_verdict policy_decide(const struct conf *conf, enum transport_outcome outcome, uint32_t attempts, int64_t now,
                                    int64_t expires);

#endif
