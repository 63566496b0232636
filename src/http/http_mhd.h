/*
 * libmicrohttpd, for http.c, which is the loop, and http_calls.c, which is what
 * becomes of a request in it; <microhttpd.h> is included only here. All of this
 * belongs to the loop's thread, but for what struct http says.
 */
#ifndef EWSD_HTTP_HTTP_MHD_H
#define EWSD_HTTP_HTTP_MHD_H

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
    int epoll_fd, event_fd;
    struct MHD_Daemon *daemon;
    struct pool *workers;
    struct pool *heavy; /* for requests with a large body: few at a time, behind all others; NULL: they are as others */
    pthread_t thread;
    atomic_bool stopping;
    atomic_int_fast64_t beat;
    pthread_mutex_t lock;
    struct call *done; /* under lock: from workers */
    struct news *news; /* under lock: from http_reload */
    int64_t stop_until; /* set before stopping */
    /* The loop's: */
    struct tls_keys *keys; /* of new connections; NULL: no TLS */
    struct gate *gate;
    struct conn *conns;
    unsigned calls;
    int64_t stop_since; /* 0: not stopping */
};

/* What MHD calls: with each piece of a request, from its headers on, and once it is over. */
enum MHD_Result http_on_request(void *arg, struct MHD_Connection *mhd, const char *url, const char *method, const char *version,
                                const char *bytes, size_t *len, void **context);
void http_on_completed(void *arg, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode why);

#endif
