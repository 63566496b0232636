/*
 * The listener: reads whole requests within limits, knows who is calling
 * before a body is read, and hands each request to a worker thread. Routes
 * (routes.def) see plain values; <microhttpd.h> is for http.c, http_loop.c and
 * http_calls.c alone, by http_mhd.h.
 */
#ifndef EWSD_HTTP_HTTP_H
#define EWSD_HTTP_HTTP_H

#include "auth/auth.h"
#include "base/conf_live.h"
#include "http/listen.h"
#include "http/pace.h"
#include "ops/op.h"

#include <netinet/in.h>
#include <sys/socket.h>

struct faults;
struct feed;
struct http;
struct sessions;
struct reqlog;
struct soap;
struct watch;

/* Where a route exists. */
#define HTTP_ON_EWS 1u   /* the listener of `ewsd serve`, for everybody's clients */
#define HTTP_ON_DEV 2u   /* the one of `ewsd dev` */
#define HTTP_ON_ADMIN 4u /* the one of admin.listen, for who runs the server */
#define HTTP_ON_CLIENTS (HTTP_ON_EWS | HTTP_ON_DEV)
#define HTTP_ON_ALL (HTTP_ON_CLIENTS | HTTP_ON_ADMIN)

/* Whom a client can log in as, for who looks at the page of `ewsd dev`; empty:
 * the page doesn't say. */
struct http_example {
    struct span user, password;
};

struct http_options {
    const struct conf *conf; /* what holds for a request; for http_start, at the start */
    struct conf_live *live;  /* where requests hold it; NULL: it never changes */
    struct auth *auth;
    const struct op_env *ops;
    struct soap *soap;
    struct watch *watch;
    unsigned on;              /* the one that this is */
    const char *listen;       /* where, as it was set */
    unsigned workers;         /* requests worked on at the same time */
    unsigned connections;     /* open ones at most */
    const char *const *hosts; /* further names that Host may have (dev) */
    size_t hosts_n;
    struct feed *feed;        /* for who waits for a change; NULL: nobody can */
    struct sessions *sessions; /* then routes of REST need one of them; NULL: they don't */
    struct http_example example;
    int (*populate)(struct store *store, void *arg); /* makes what there is at the start, in an empty store (dev); not 0: failed */
    void *populate_arg;
    struct reqlog *log;       /* of requests to routes that are logged; NULL: none (dev) */
    struct faults *faults;    /* that requests are to meet (dev); or NULL */
};

/* Starts the threads on an open listener, of which it takes the socket;
 * options are copied, what they point at outlives the server. */
int http_start(const struct http_options *options, struct listener *listener, struct http **ret_http);
/* Requests from now on go by what live has now, and connections by this
 * certificate, which has to be there if it was at the start; NULL: by the one
 * before. Returns when it is so. -errno: it is not. */
int http_reload(struct http *http, const struct tls *tls);
/* No new requests; those under way are answered until this monotonic time; joins
 * the threads. Returns how many were left without an answer. */
unsigned http_stop(struct http *http, int64_t until);
/* When the listener's loop last went round; monotonic ms. From any thread. */
int64_t http_beat(const struct http *http);

/* ---- what a route sees ---- */

#define HTTP_HEADERS_MAX 8
#define HTTP_PARTS_MAX 3

struct http_response;
struct http_request {
    const struct http_options *server;
    struct arena *arena;
    const char *method;
    struct span path;
    struct span parts[HTTP_PARTS_MAX]; /* what stands for each * of the route's path */
    struct buf *body; /* the route may change it */
    struct store_mailbox caller; /* on routes that need one */
    struct span request_id;      /* a GUID */
    void *connection;            /* for http_query and http_header */
    /* A route that may wait returns HTTP_LATER instead of blocking its thread,
     * has set go_on by then, and calls http_go_on once: go_on then fills the
     * response, on any thread. */
    bool may_wait;
    bool can_wait; /* the same for what may take seconds: no thread should be spent on it */
    int (*go_on)(struct http_request *request, struct http_response *response);
    void *state; /* the route's own */
};

enum { HTTP_LATER = 1 };
void http_go_on(struct http_request *request);

/* Value of ?name=, percent-decoded; false when it is not there. */
bool http_query(const struct http_request *request, const char *name, struct span *ret_value);
/* Value of a header, its name in any case; false when it is not there. */
bool http_header(const struct http_request *request, const char *name, struct span *ret_value);

struct http_response {
    int status;
    const char *content_type;
    struct buf body;
    const char *detail; /* for the log line: the operation, say; static text */
    unsigned items;     /* likewise: how many were answered */
    struct span codes;  /* likewise: "NoError:3"; static, or in the request's arena, as */
    struct span acting; /* who is impersonated */
    struct {
        const char *name;
        struct span value; /* both NUL-terminated, in the request's arena or static */
    } headers[HTTP_HEADERS_MAX];
    struct http_pace pace; /* all zero: at once */
};
/* One more header, when there is room. */
void http_response_add(struct http_response *response, const char *name, struct span value);

#define HTTP_GET 1u
#define HTTP_POST 2u
#define HTTP_PUT 4u
#define HTTP_DELETE 8u

struct http_route {
    const char *path;     /* lower case; "/dev/messages/" with prefix set takes what follows; * is any text up to a slash */
    bool prefix;
    unsigned methods;
    bool caller;          /* needs credentials */
    unsigned open;        /* methods that need none all the same */
    bool small;           /* a body is a question of some lines, whoever sends it */
    bool xml;             /* a POST needs text/xml, else 415 */
    bool rest;            /* errors are JSON, and what changes something is no foreign page's: guard.h */
    bool free;            /* of REST, and needs no session */
    bool logged;          /* goes into the request log of dev */
    bool large;           /* a body may be as large as one of a known caller */
    unsigned on;          /* where it exists: HTTP_ON_... */
    /* Fills response; negative becomes a plain 500. HTTP_LATER: see above. */
    int (*handle)(struct http_request *request, struct http_response *response);
    /* Fills response for a user over http.user_requests; NULL: a plain 503. */
    int (*busy)(const struct http_options *server, struct http_response *response);
};

#define ROUTE(name, file) extern const struct http_route http_route_##name;
#include "http/routes.def"
#undef ROUTE

#endif
