/*
 * Requests that go wrong because somebody asked for it (`ewsd dev`): answered
 * with a code of his choice, in the shape that the operation has for failures,
 * or run after somebody else's change of the same items. What goes wrong when is
 * decided by the listener; nothing here is reached without a struct op_fault.
 */
#ifndef EWSD_OPS_FAULT_H
#define EWSD_OPS_FAULT_H

#include "ops/call.h"

/* In place of call->op->run. */
int fault_run(struct op_call *call, const struct op_fault *fault);

#endif
