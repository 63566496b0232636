/*
 * The retry schedule: doubling waits between a least and a longest, until the
 * message expires.
 */
#include "outbox/policy.h"

static int64_t wait_ms(const struct conf *conf, uint32_t attempts)
{
    int64_t wait = conf->outbox_retry_min;
    for (uint32_t i = 0; i < attempts && wait < conf->outbox_retry_max; i++)
        wait *= 2;
    return (wait < conf->outbox_retry_max ? wait : conf->outbox_retry_max) * 1000;
}

struct policy_verdict policy_decide(const struct conf *conf, enum transport_outcome outcome, uint32_t attempts, int64_t now,
                                    int64_t expires)
{
    if (outcome == TRANSPORT_SENT)
        return (struct policy_verdict){ .state = STORE_RCPT_SENT };
    int64_t next = now + wait_ms(conf, attempts);
    if (outcome == TRANSPORT_FAILED || next > expires)
        return (struct policy_verdict){ .state = STORE_RCPT_FAILED };
    return (struct policy_verdict){ .state = STORE_RCPT_QUEUED, .next_attempt = next };
}
