/*
 * What writing a calendar item asks of the request: how attendees are told
 * (protocol.md 3.1, 3.2, 3.4). This server keeps meetings but does not send
 * invitations, so it refuses what would leave attendees unaware.
 */
#ifndef EWSD_OPS_CALENDAR_H
#define EWSD_OPS_CALENDAR_H

#include "ops/call.h"

/* 0 for other kinds of items. missing: the code when the attribute is absent.
 * CODE_ErrorInvalidOperation: attendees, and not SendToNone. */
int calendar_check(const struct op_call *call, const struct item *item, const char *attribute, int missing,
                   struct op_result *ret_result);

#endif
