/*
 * What is said of a message that is too large or has too many parts: the
 * code's own text, then the number and the limit (doc/LIMITS.md). And whether
 * there is room for more at all.
 */
#ifndef EWSD_OPS_LIMITS_H
#define EWSD_OPS_LIMITS_H

#include "ops/call.h"

/* 0, or CODE_ErrorMessageSizeExceeded with its text when size is over
 * send.max_size. */
int limits_size(struct op_call *call, uint64_t size, struct op_result *ret_result);
/* Likewise for a message with n attachments and send.max_attachments. */
int limits_attachments(struct op_call *call, uint64_t n, struct op_result *ret_result);
/* The code, with its text, for a message with that many recipients:
 * CODE_ErrorExceededMaxRecipientLimit for requests of a version whose schema
 * has it (V2016_...), else CODE_ErrorInvalidRecipients, since clients refuse
 * whole answers for a code that they don't know. */
int limits_recipients(struct op_call *call, uint64_t n, struct op_result *ret_result);
/* 0, or CODE_ErrorInsufficientResources while the disk is short of room
 * (store.min_free): for requests that only add to what is stored. */
int limits_room(const struct op_call *call);

#endif
