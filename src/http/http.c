/*
 * libmicrohttpd, driven by an epoll loop of our own: its internal epoll thread
 * stalls when exactly 128 events are ready. One thread runs MHD and nothing
 * else touches it; workers hand finished calls back over a list and an
 * eventfd. Each tick ends connections that are over their deadline or too slow,
 * since MHD's own time-out counts idle time only. What becomes of a request is
 * in http_calls.c.
 */
#include "http/http_mhd.h"

#include "base/metrics.h"
#include "base/when.h"
#include "http/count.h"
#include "http/gate.h"

#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define TICK_MS 250
#define SWEEP_MS 10000
#define RATE_GRACE_MS 10000
#define CONNECTION_MEMORY 32768 /* headers and pieces of bodies; MHD clears it for each request */
#define HEAVY_NICENESS 10
#define STOP_BODY_MS 2000      /* for bodies under way */

/* What the loop takes over, and then says so. */
struct news {
    const struct conf *conf; /* held */
    struct tls_keys *keys;   /* NULL: as before */
    int result;
    sem_t taken;
};

/* ---- from other threads ---- */

static void wake_loop(struct http *http)
{
    uint64_t one = 1;
    if (write(http->event_fd, &one, sizeof(one)) < 0)
        return; /* the counter is full: the loop is awake anyway */
}

void call_done(struct call *call)
{
    struct http *http = call->http;
    pthread_mutex_lock(&http->lock);
    bool first = !http->done; /* else the loop knows */
    call->next = http->done;
    http->done = call;
    pthread_mutex_unlock(&http->lock);
    if (first)
        wake_loop(http);
}

void call_again(struct call *call)
{
    pool_push_again(call->pool, &call->job);
}

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

static bool is_late(const struct http *http, const struct conn *conn, int64_t now)
{
    const struct call *call = conn->call;
    const struct conf *conf = call ? call->options.conf : http->options.conf;
    if (call && call->stage != STAGE_BODY && call->stage != STAGE_ANSWER)
        return false;
    int64_t age = now - conn->since;
    if (age > conf->http_request_deadline * 1000)
        return true;
    if (!call || call->stage != STAGE_BODY)
        return false;
    if (http->stop_since && now - http->stop_since > STOP_BODY_MS)
        return true;
    return age > RATE_GRACE_MS && (int64_t)call->body.len * 1000 < conf->http_min_rate * age;
}

/* MHD then reads an end of file, or with TLS a connection cut short, and
 * closes by itself. */
static void watch(struct http *http, int64_t now)
{
    for (struct conn *conn = http->conns; conn; conn = conn->next)
        if (is_late(http, conn, now))
            shutdown(conn->fd, SHUT_RDWR);
}

/* ---- the loop ---- */

static void take_done(struct http *http, int64_t now)
{
    pthread_mutex_lock(&http->lock);
    struct call *done = http->done;
    http->done = NULL;
    pthread_mutex_unlock(&http->lock);
    for (struct call *call = done, *next; call; call = next) {
        next = call->next;
        if (call->stage == STAGE_VERIFY)
            gate_verified(http->gate, call, now);
        else if (call->response.pace.hold_ms > 0)
            gate_hold(http->gate, call, now + call->response.pace.hold_ms);
        else
            call_resume(call);
    }
}

/* Requests that came keep what they have. */
static int take_over(struct http *http, struct news *news)
{
    const struct conf *before = http->options.conf;
    http->options.conf = news->conf;
    int r = gate_reload(http->gate);
    if (r) {
        http->options.conf = before;
        return r;
    }
    news->conf = before;
    if (news->keys) {
        tls_keys_release(http->keys);
        http->keys = tls_keys_hold(news->keys);
    }
    return 0;
}

static void take_news(struct http *http)
{
    pthread_mutex_lock(&http->lock);
    struct news *news = http->news;
    http->news = NULL;
    pthread_mutex_unlock(&http->lock);
    if (!news)
        return;
    news->result = take_over(http, news);
    tls_keys_release(news->keys);
    sem_post(&news->taken);
}

static int wait_ms(const struct http *http, int64_t now)
{
    MHD_UNSIGNED_LONG_LONG timeout;
    int64_t wait = TICK_MS, due = gate_due(http->gate);
    if (due < now + wait)
        wait = due > now ? due - now : 0;
    if (MHD_get_timeout(http->daemon, &timeout) == MHD_YES && timeout < (MHD_UNSIGNED_LONG_LONG)wait)
        wait = (int64_t)timeout;
    return (int)wait;
}

/* Nothing new is taken; true when nothing is left to be answered. */
static bool is_over(struct http *http, int64_t now)
{
    if (!http->stopping)
        return false;
    if (http->stop_since == 0) {
        http->stop_since = now;
        gate_close(http->gate);
        int fd = MHD_quiesce_daemon(http->daemon);
        if (fd >= 0)
            close(fd);
    }
    return http->calls == 0 || now > http->stop_until;
}

static void *loop(void *arg)
{
    struct http *http = arg;
    int64_t now = when_monotonic(), next_tick = now, next_sweep = now;
    do {
        struct epoll_event events[2];
        int n = epoll_wait(http->epoll_fd, events, ARRAY_LEN(events), wait_ms(http, now));
        uint64_t count;
        for (int i = 0; i < n; i++)
            if (events[i].data.fd == http->event_fd && read(http->event_fd, &count, sizeof(count)) < 0)
                break;
        now = when_monotonic();
        atomic_store_explicit(&http->beat, now, memory_order_relaxed);
        take_news(http);
        take_done(http, now);
        gate_resume_delayed(http->gate, now);
        MHD_run(http->daemon);
        if (now >= next_tick) {
            watch(http, now);
            next_tick = now + TICK_MS;
        }
        if (now >= next_sweep) {
            limits_sweep(gate_limits(http->gate), now);
            next_sweep = now + SWEEP_MS;
        }
    } while (!is_over(http, now));
    return NULL;
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
    if (http->epoll_fd < 0 || http->event_fd < 0)
        return -errno;
    int fds[] = { MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd, http->event_fd };
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        if (epoll_ctl(http->epoll_fd, EPOLL_CTL_ADD, fds[i], &(struct epoll_event){ .events = EPOLLIN, .data.fd = fds[i] }))
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
        int64_t now = when_monotonic();
        take_done(http, now); /* nothing may be suspended when MHD stops */
        gate_close(http->gate);
        gate_resume_delayed(http->gate, now);
        MHD_run(http->daemon);
        MHD_stop_daemon(http->daemon);
    }
    const int fds[] = { http->epoll_fd, http->event_fd };
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        if (fds[i] >= 0)
            close(fds[i]);
    gate_free(http->gate);
    tls_keys_release(http->keys);
    if (http->options.live)
        conf_release(http->options.live, http->options.conf);
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
    http->epoll_fd = http->event_fd = -1;
    pthread_mutex_init(&http->lock, NULL);
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
        r = -pthread_create(&http->thread, NULL, loop, http);
    if (r) {
        http_free(http);
        return r;
    }
    *ret_http = http;
    return 0;
}

int http_reload(struct http *http, const struct tls *tls)
{
    struct news news = { .conf = conf_hold(http->options.live) };
    int r = tls ? tls_keys_new(tls, &news.keys) : 0;
    if (r == 0) {
        sem_init(&news.taken, 0, 0);
        pthread_mutex_lock(&http->lock);
        http->news = &news;
        pthread_mutex_unlock(&http->lock);
        wake_loop(http);
        while (sem_wait(&news.taken) != 0)
            continue; /* a signal */
        sem_destroy(&news.taken);
        r = news.result;
    }
    conf_release(http->options.live, news.conf);
    return r;
}

unsigned http_stop(struct http *http, int64_t until)
{
    if (!http)
        return 0;
    http->stop_until = until;
    http->stopping = true;
    wake_loop(http);
    pthread_join(http->thread, NULL);
    unsigned left = http->calls;
    http_free(http);
    return left;
}

int64_t http_beat(const struct http *http)
{
    return atomic_load_explicit(&http->beat, memory_order_relaxed);
}
