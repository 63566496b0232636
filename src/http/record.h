/*
 * Calls into the request log (reqlog.h), where there is one.
 */
#ifndef EWSD_HTTP_RECORD_H
#define EWSD_HTTP_RECORD_H

#include "http/call.h"

/* Before its route may change the body: keeps a copy. */
void record_begin(struct call *call);
/* When its answer is there, or it was refused. */
void record_end(struct call *call);

#endif
