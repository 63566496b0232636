/*
 * A SOAP request of alice's, without HTTP: parsed, validated, dispatched.
 */
#ifndef EWSD_TESTS_CONTRACT_ASK_H
#define EWSD_TESTS_CONTRACT_ASK_H

#include "ops/op.h"
#include "world.h"

#define ASK_BEGIN                                                                               \
    "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" "                        \
    "xmlns:m=\"http://schemas.microsoft.com/exchange/services/2006/messages\" "                 \
    "xmlns:t=\"http://schemas.microsoft.com/exchange/services/2006/types\"><s:Body>"
#define ASK_END "</s:Body></s:Envelope>"

/* key: the Idempotency-Key, or NULL. The answer stands in body. */
struct op_reply ask(struct world *world, const struct conf *conf, const struct buf *text, const char *key, struct buf *body);

#endif
