/*
 * One request between its headers and its answer, and what worker threads do
 * with it. A call belongs to the loop (http_loop.c), but to a worker from
 * pool_push until call_done. HEADERS, [VERIFY], BODY, WORK, ANSWER.
 */
#ifndef EWSD_HTTP_CALL_H
#define EWSD_HTTP_CALL_H

#include "http/http.h"
#include "http/peer.h"
#include "http/pool.h"
#include "http/session.h"
#include "model/id.h"

struct MHD_Connection;
struct conn;

enum stage { STAGE_VERIFY, STAGE_VERIFIED, STAGE_BODY, STAGE_WORK, STAGE_ANSWER };

struct call {
    struct pool_job job; /* first: a job is its call */
    struct http *http;
    struct pool *pool; /* that works on it */
    bool is_here;      /* the loop's thread does, and looks for finished calls after it */
    struct http_options options; /* with the settings as they were when it came */
    struct op_env ops;           /* likewise */
    struct conn *conn;
    struct MHD_Connection *mhd;
    const struct http_route *route;
    enum stage stage;
    const char *method, *path, *authorization;
    const char *host, *origin, *content_type; /* or NULL */
    struct session_proof proof;
    struct peer client; /* the peer, or whom trusted proxies name */
    uint64_t length;    /* Content-Length; UINT64_MAX when chunked */
    struct buf body;
    size_t body_max;
    uint64_t budgeted;
    size_t received;    /* bytes of the body, as it came */
    int64_t started_us, resume_at;
    char request_id[GUID_TEXT_SIZE];
    struct store_mailbox caller; /* once known; its texts are the call's own */
    struct buf recorded;         /* the begin of the body, for the request log */
    uint64_t recorded_size;      /* all of it */
    bool counted;                /* as a request of the caller in execution */
    struct http_request request; /* what its route sees */
    struct http_response response;
    char *headers; /* names and values of the response's, once its route is done with it */
    struct buf line; /* of the log, which the loop writes before the answer */
    struct call *next;      /* in one list: begun, done, delayed, or behind the same password */
    struct call *followers; /* while verifying: those that bring the very same password */
    struct call *next_verifying;
};

/* A plain text answer. */
void call_refuse(struct call *call, int status);
/* Copies the texts. -ENOMEM. */
int call_set_caller(struct call *call, const struct store_mailbox *mailbox);
/* Of the response and the caller; not the call itself. */
void call_free_parts(struct call *call);
/* What became of it, in call->line. */
void call_describe(struct call *call);
/* One failed log-in, for who watches the log. */
void call_log_failure(const struct call *call);

/* Jobs of the pools. Both end with call_done, unless call_work goes on later. */
bool call_verify(struct pool_job *job, struct arena *arena);
bool call_work(struct pool_job *job, struct arena *arena);

/* Each header of the request. */
void call_each_header(struct call *call, void (*each)(void *arg, const char *name, const char *value), void *arg);

/* http_loop.c's: call_done gives a call back to the loop, from any thread. The last two,
 * http_calls.c's, are for the loop alone. */
void call_done(struct call *call);
/* A call that waited goes on: its job is pushed again. From any thread. */
void call_again(struct call *call);
void call_suspend(struct call *call, enum stage stage);
void call_resume(struct call *call);

#endif
