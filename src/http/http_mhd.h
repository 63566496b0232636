/*
 * libmicrohttpd, for http.c, which starts and stops it, http_loop.c, which drives it,
 * and http_calls.c, which is what becomes of a request; <microhttpd.h> is included
 * only here. All of this belongs to who turns the loop, but for what struct http says.
 */
#ifndef EWSD_HTTP_HTTP_MHD_H
#define EWSD_HTTP_HTTP_MHD_H

#include "base/log.h"
#include "http/call.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

struct gate;
struct news;

struct conn {
    int fd;
    struct peer peer;
    bool counted;          /* as one of its address */
    struct tls_keys *keys; /* held; NULL: no TLS */
    int64_t since; /* of the request, of its answer, or of being idle; monotonic ms */
    struct call *call;
    struct conn *next, **prev;
};

struct http {
    struct http_options options; /* conf is the loop's, held where it can be */
    int epoll_fd, event_fd; /* what the loop waits for, and what wakes it */
    int standby_fd;         /* epoll_fd, while the loop's thread is away */
    struct MHD_Daemon *daemon;
    struct pool *workers;
    struct pool *heavy; /* for requests with a large body: few at a time, behind all others; NULL: they are as others */
    pthread_t thread;
    atomic_bool stopping;
    atomic_int_fast64_t beat;
    bool has_standby;        /* the loop's thread's, which sets it first of all */
    pthread_mutex_t turning; /* held by who turns the loop */
    pthread_mutex_t lock;
    struct call *done; /* under lock: from workers */
    struct news *news; /* under lock: from http_reload */
    int64_t stop_until; /* set before stopping */
    /* Under turning: */
    struct tls_keys *keys; /* of new connections; NULL: no TLS */
    struct gate *gate;
    struct conn *conns;
    unsigned calls;
    unsigned alone;    /* how many in a row were the only one when they began */
    struct call *begun, **last_begun; /* by this turn: to be worked on */
    struct log_lines lines; /* of this turn */
    bool is_away;      /* the loop's thread works on a call */
    bool over;
    int64_t next_tick, next_sweep;
    int64_t stop_since; /* 0: not stopping */
};

/* What MHD calls: with each piece of a request, from its headers on, and once it is over. */
enum MHD_Result http_on_request(void *arg, struct MHD_Connection *mhd, const char *url, const char *method, const char *version,
                                const char *bytes, size_t *len, void **context);
void http_on_completed(void *arg, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode why);

/* The loop's thread, of a struct http; it ends as http_stop says. */
void *http_loop(void *arg);
/* From any thread. */
void http_wake(struct http *http);
/* Resumes what is suspended; once the loop has ended, or never began. */
void http_turn_last(struct http *http);

#endif
