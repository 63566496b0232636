/*
 * A listener: libmicrohttpd, its connections, and what starts and stops with it. The
 * loop that drives it is in http_loop.c, what becomes of a request in http_calls.c.
 */
#include "http/http_mhd.h"

#include "base/metrics.h"
#include "base/when.h"
#include "http/count.h"
#include "http/gate.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define CONNECTION_MEMORY 32768 /* headers and pieces of bodies; MHD clears it for each request */
#define HEAVY_NICENESS 10

/* ---- connections ---- */

static enum MHD_Result on_accept(void *arg, const struct sockaddr *address, socklen_t len ATTR_UNUSED)
{
    struct http *http = arg;
    struct peer peer;
    peer_of_sockaddr(address, &peer);
    if (limits_may_connect(gate_limits(http->gate), &peer))
        return MHD_YES;
    metric_add(METRIC_http_connections_refused, 1);
    return MHD_NO;
}

/* Without memory for it the connection stays without a context, and its first
 * request ends it. */
static struct conn *conn_new(struct http *http, struct MHD_Connection *mhd)
{
    struct conn *conn = calloc(1, sizeof(*conn));
    if (!conn)
        return NULL;
    conn->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    peer_of_sockaddr(MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr, &conn->peer);
    conn->since = when_monotonic();
    conn->next = http->conns;
    conn->prev = &http->conns;
    if (conn->next)
        conn->next->prev = &conn->next;
    http->conns = conn;
    conn->counted = limits_connected(gate_limits(http->gate), &conn->peer);
    count_connection(&http->options, 1);
    conn->keys = tls_keys_hold(http->keys);
    if (conn->keys)
        tls_keys_use(conn->keys, MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION)->tls_session);
    return conn;
}

static void conn_free(struct http *http, struct conn *conn)
{
    if (conn->counted)
        limits_disconnected(gate_limits(http->gate), &conn->peer, when_monotonic());
    tls_keys_release(conn->keys);
    count_connection(&http->options, -1);
    *conn->prev = conn->next;
    if (conn->next)
        conn->next->prev = conn->prev;
    free(conn);
}

static void on_connection(void *arg, struct MHD_Connection *mhd, void **context, enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        *context = conn_new(arg, mhd);
    } else if (*context) {
        conn_free(arg, *context);
        *context = NULL;
    }
}

/* ---- start and stop ---- */

static int start_daemon(struct http *http, struct listener *listener)
{
    const struct conf *conf = http->options.conf;
    struct MHD_OptionItem tls[] = { { MHD_OPTION_HTTPS_MEM_CERT, 0, listener->tls.certificate },
                                    { MHD_OPTION_HTTPS_MEM_KEY, 0, listener->tls.key },
                                    { MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)conf->http_tls_priority },
                                    { MHD_OPTION_END, 0, NULL } };
    bool secure = listener->tls.certificate != NULL;
    http->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (secure ? MHD_USE_TLS : 0u), 0, on_accept, http, http_on_request, http,
        MHD_OPTION_LISTEN_SOCKET, listener->fd, MHD_OPTION_NOTIFY_COMPLETED, http_on_completed, http, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, http, MHD_OPTION_CONNECTION_LIMIT, http->options.connections, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)conf->http_idle_timeout, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_ARRAY,
        secure ? tls : &tls[ARRAY_LEN(tls) - 1], MHD_OPTION_END);
    if (!http->daemon)
        return -EIO;
    listener->fd = -1; /* MHD's now */
    http->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    http->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    http->standby_fd = epoll_create1(EPOLL_CLOEXEC);
    if (http->epoll_fd < 0 || http->event_fd < 0 || http->standby_fd < 0)
        return -errno;
    const struct { int in, fd; uint32_t events; } waits[] = {
        { http->epoll_fd, MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd, EPOLLIN },
        { http->epoll_fd, http->event_fd, EPOLLIN },
        { http->standby_fd, http->epoll_fd, 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(waits); i++)
        if (epoll_ctl(waits[i].in, EPOLL_CTL_ADD, waits[i].fd, &(struct epoll_event){ .events = waits[i].events, .data.fd = waits[i].fd }))
            return -errno;
    return 0;
}

/* The loop has ended, or never began. */
static void http_free(struct http *http)
{
    pool_free(http->workers);
    pool_free(http->heavy);
    if (http->gate)
        gate_stop(http->gate);
    if (http->daemon) {
        http_turn_last(http); /* nothing may be suspended when MHD stops */
        MHD_stop_daemon(http->daemon);
    }
    const int fds[] = { http->epoll_fd, http->event_fd, http->standby_fd };
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        if (fds[i] >= 0)
            close(fds[i]);
    gate_free(http->gate);
    tls_keys_release(http->keys);
    if (http->options.live)
        conf_release(http->options.live, http->options.conf);
    pthread_mutex_destroy(&http->turning);
    pthread_mutex_destroy(&http->lock);
    free(http);
}

/* Reading a message of 36 MB takes a second of a processor, and memory. */
static int start_workers(struct http *http)
{
    const struct conf *conf = http->options.conf;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    int r = pool_new(http->options.workers, 0, (size_t)conf->soap_max_memory, &http->workers);
    if (r || http->options.on == HTTP_ON_ADMIN)
        return r;
    return pool_new(processors > 3 ? (unsigned)processors / 2 : 1, HEAVY_NICENESS, (size_t)conf->soap_max_memory, &http->heavy);
}

int http_start(const struct http_options *options, struct listener *listener, struct http **ret_http)
{
    struct http *http = calloc(1, sizeof(*http));
    if (!http)
        return -ENOMEM;
    http->options = *options;
    http->epoll_fd = http->event_fd = http->standby_fd = -1;
    http->last_begun = &http->begun;
    pthread_mutex_init(&http->lock, NULL);
    pthread_mutex_init(&http->turning, NULL);
    count_names();
    if (options->live)
        conf_hold_same(options->live, options->conf);
    http->beat = when_monotonic();
    int r = listener->tls.certificate ? tls_keys_new(&listener->tls, &http->keys) : 0;
    if (r == 0)
        r = gate_new(&http->options, &http->gate);
    if (r == 0)
        r = start_workers(http);
    if (r == 0)
        r = start_daemon(http, listener);
    if (r == 0)
        r = -pthread_create(&http->thread, NULL, http_loop, http);
    if (r) {
        http_free(http);
        return r;
    }
    *ret_http = http;
    return 0;
}

unsigned http_stop(struct http *http, int64_t until)
{
    if (!http)
        return 0;
    http->stop_until = until;
    http->stopping = true;
    http_wake(http);
    pthread_join(http->thread, NULL);
    unsigned left = http->calls;
    http_free(http);
    return left;
}
