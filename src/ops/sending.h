/*
 * What SendItem and CreateItem share after the outbox took or refused a
 * message: texts of refusals, the header with the ids of sent copies
 * (decisions 10), and waking the outbox.
 */
#ifndef EWSD_OPS_SENDING_H
#define EWSD_OPS_SENDING_H

#include "ops/call.h"
#include "outbox/outbox.h"

struct sent_ids {
    struct outbox_sent *v; /* one per item of the request */
    size_t n;
};

/* Puts code and text into ret_result; names the recipient that was refused. */
int sending_refused(struct op_call *call, int code, const struct outbox_sent *sent, struct op_result *ret_result);
/* Once, after the commit. */
void sending_done(struct op_call *call, const struct sent_ids *sent, const struct op_result *results);

#endif
