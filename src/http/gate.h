/*
 * Who comes in, and how far (decisions 19 and 20): requests are judged by
 * their headers, passwords checked by one thread with a short queue, wrong
 * ones answered late, bodies and requests in execution counted. Belongs to the
 * listener's loop; it knows calls, not libmicrohttpd.
 */
#ifndef EWSD_HTTP_GATE_H
#define EWSD_HTTP_GATE_H

#include "http/call.h"
#include "http/limits.h"

struct gate;

/* options outlive the gate. Starts the verifying thread. */
int gate_new(const struct http_options *options, struct gate **ret_gate);
/* Ends the verifying thread; what it still did comes by call_done. */
void gate_stop(struct gate *gate);
void gate_free(struct gate *gate);
struct limits *gate_limits(struct gate *gate);

/* At the headers. 0: the body may come, or the call is suspended in VERIFY;
 * else the status that refuses it. */
int gate_enter(struct gate *gate, struct call *call);
/* A call that was suspended in VERIFY goes on: 0 or a status, as above. */
int gate_enter_verified(struct gate *gate, struct call *call);
/* Bytes of a body came; 0, or the status that refuses them. */
int gate_take_body(struct gate *gate, struct call *call, const char *bytes, size_t len);
/* false: the caller has http.user_requests in execution. */
bool gate_begin_work(struct gate *gate, struct call *call);
/* The call is over: gives back what it was counted with. */
void gate_leave(struct gate *gate, struct call *call);

/* The verifier is done with the call: it, and those that brought the same
 * password, are resumed, or delayed. */
void gate_verified(struct gate *gate, struct call *call, int64_t now);
/* A suspended call is resumed at that time (monotonic ms). */
void gate_hold(struct gate *gate, struct call *call, int64_t at);
/* Resumes the delayed whose time has come. */
void gate_resume_delayed(struct gate *gate, int64_t now);
/* Monotonic ms of the next of these; INT64_MAX: none. */
int64_t gate_due(const struct gate *gate);
/* From now on requests are refused, and nobody is delayed. */
void gate_close(struct gate *gate);

#endif
