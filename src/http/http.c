/*
 * libmicrohttpd, driven by an epoll loop of our own: its internal epoll thread
 * stalls when exactly 128 events are ready. One thread runs MHD and nothing
 * else touches it; workers hand finished calls back over a list and an
 * eventfd. In VERIFY and WORK the connection of a call is suspended. Each tick
 * ends connections that are over their deadline or too slow, since MHD's own
 * time-out counts idle time only.
 */
#include "http/count.h"
#include "http/gate.h"
#include "http/guard.h"
#include "http/record.h"

#include "base/metrics.h"
#include "base/when.h"

#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define TICK_MS 250
#define SWEEP_MS 10000
#define RATE_GRACE_MS 10000
#define DRAIN_MAX 1048576
#define CONNECTION_MEMORY 32768 /* headers and pieces of bodies; MHD clears it for each request */
#define ANSWER_MAX ((size_t)1 << 30)
#define HEAVY_BODY ((size_t)1 << 20)
#define HEAVY_NICENESS 10
#define STOP_BODY_MS 2000      /* for bodies under way */
#define RETRY_AFTER "5"
#define PACED_PIECE 16384

struct conn {
    int fd;
    struct peer peer;
    bool counted;          /* as one of its address */
    struct tls_keys *keys; /* held; NULL: no TLS */
    int64_t since; /* of the request, of its answer, or of being idle; monotonic ms */
    struct call *call;
    struct conn *next, **prev;
};

/* What the loop takes over, and then says so. */
struct news {
    const struct conf *conf; /* held */
    struct tls_keys *keys;   /* NULL: as before */
    int result;
    sem_t taken;
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

/* ---- answers ---- */

static const char *header(struct call *call, const char *name)
{
    return MHD_lookup_connection_value(call->mhd, MHD_HEADER_KIND, name);
}

void call_suspend(struct call *call, enum stage stage)
{
    call->stage = stage;
    MHD_suspend_connection(call->mhd);
}

void call_resume(struct call *call)
{
    call->stage = call->stage == STAGE_VERIFY ? STAGE_VERIFIED : STAGE_ANSWER;
    MHD_resume_connection(call->mhd);
}

static bool has_header(const struct http_response *response, const char *name)
{
    for (size_t i = 0; i < HTTP_HEADERS_MAX && response->headers[i].name; i++)
        if (span_eq_nocase(span_of(response->headers[i].name), span_of(name)))
            return true;
    return false;
}

static void add_headers(struct call *call, struct MHD_Response *mhd)
{
    const struct http_response *response = &call->response;
    MHD_add_response_header(mhd, MHD_HTTP_HEADER_CONTENT_TYPE, response->content_type);
    MHD_add_response_header(mhd, MHD_HTTP_HEADER_CACHE_CONTROL, "private");
    MHD_add_response_header(mhd, "request-id", call->request_id);
    const char *wanted = header(call, "return-client-request-id"), *client = header(call, "client-request-id");
    if (wanted && strcmp(wanted, "true") == 0 && guard_is_guid(client))
        MHD_add_response_header(mhd, "client-request-id", client);
    if (response->status == 401)
        MHD_add_response_header(mhd, MHD_HTTP_HEADER_WWW_AUTHENTICATE, guard_challenge(&call->options, call->route));
    if (response->status == 405) {
        char allow[GUARD_ALLOW_SIZE];
        guard_allow(call->route, allow);
        MHD_add_response_header(mhd, MHD_HTTP_HEADER_ALLOW, allow);
    }
    if ((response->status == 429 || response->status == 503) && !has_header(response, MHD_HTTP_HEADER_RETRY_AFTER))
        MHD_add_response_header(mhd, MHD_HTTP_HEADER_RETRY_AFTER, RETRY_AFTER);
    if (call->http->stopping)
        MHD_add_response_header(mhd, MHD_HTTP_HEADER_CONNECTION, "close");
    for (size_t i = 0; i < HTTP_HEADERS_MAX && response->headers[i].name; i++)
        if (response->headers[i].value.ptr)
            MHD_add_response_header(mhd, response->headers[i].name, response->headers[i].value.ptr);
}

/* Takes the response. */
static enum MHD_Result queue(struct call *call, struct MHD_Response *mhd)
{
    add_headers(call, mhd);
    call->stage = STAGE_ANSWER;
    call->conn->since = when_monotonic();
    enum MHD_Result r = MHD_queue_response(call->mhd, (unsigned)call->response.status, mhd);
    MHD_destroy_response(mhd);
    return r;
}

/* A body that goes out in pieces, each at its time. */
static ssize_t read_paced(void *arg, uint64_t sent, char *to, size_t room)
{
    struct call *call = arg;
    const struct buf *body = &call->response.body;
    const int64_t now = when_monotonic();
    int64_t wait_ms, n = pace_allows(&call->response.pace, body->len, sent, now - call->conn->since, &wait_ms);
    if (n == PACE_BROKEN)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (n == 0) {
        call_suspend(call, STAGE_ANSWER);
        gate_hold(call->http->gate, call, now + wait_ms);
        return 0;
    }
    n = n < (int64_t)room ? n : (int64_t)room;
    memcpy(to, body->ptr + sent, (size_t)n);
    return (ssize_t)n;
}

static enum MHD_Result answer_paced(struct call *call)
{
    struct http_response *response = &call->response;
    struct MHD_Response *mhd = NULL; /* which ends the connection */
    if (!response->pace.dropped)
        mhd = MHD_create_response_from_callback(response->body.len, PACED_PIECE, read_paced, call, NULL);
    return mhd ? queue(call, mhd) : MHD_NO;
}

static enum MHD_Result answer(struct call *call)
{
    struct http_response *response = &call->response;
    if (response->pace.dropped || response->pace.broken || response->pace.rate)
        return answer_paced(call);
    /* MHD frees the bytes; ours are given away. */
    struct MHD_Response *mhd = MHD_create_response_from_buffer(response->body.len, response->body.ptr, MHD_RESPMEM_MUST_FREE);
    if (!mhd)
        return MHD_NO;
    response->body = BUF_INIT(ANSWER_MAX);
    count_answer(&call->options, response->status);
    return queue(call, mhd);
}

/* A small body (or none) is read before its refusal, so that the connection
 * stays usable: what is answered at the headers ends with its connection. */
static enum MHD_Result answer_refused(struct call *call)
{
    bool drain = call->length <= DRAIN_MAX && !header(call, MHD_HTTP_HEADER_EXPECT);
    metric_add(METRIC_http_refused, 1);
    call->stage = STAGE_BODY;
    return drain ? MHD_YES : answer(call);
}

static enum MHD_Result refuse_early(struct call *call, int status)
{
    call_refuse(call, status);
    record_end(call);
    return answer_refused(call);
}

/* ---- a request comes in ---- */

static enum MHD_Result begin(struct call *call)
{
    int status = gate_enter(call->http->gate, call);
    return status ? refuse_early(call, status) : MHD_YES;
}

static void take_body(struct call *call, const char *bytes, size_t len)
{
    if (call->response.status)
        return; /* refused: drained */
    int status = gate_take_body(call->http->gate, call, bytes, len);
    if (status) {
        call_refuse(call, status);
        buf_done(&call->body);
    }
}

/* The user has as many requests in execution as he may. */
static enum MHD_Result answer_busy(struct call *call)
{
    metric_add(METRIC_http_refused, 1);
    call->response.status = 503;
    if (!call->route->busy || call->route->busy(&call->options, &call->response))
        call_refuse(call, 503);
    call_log(call);
    record_end(call);
    return answer(call);
}

static enum MHD_Result start_work(struct call *call)
{
    if (!gate_begin_work(call->http->gate, call))
        return answer_busy(call);
    call_suspend(call, STAGE_WORK);
    call->job.run = call_work;
    call->pool = call->http->heavy && call->body.len > HEAVY_BODY ? call->http->heavy : call->http->workers;
    pool_push(call->pool, &call->job);
    return MHD_YES;
}

static enum MHD_Result proceed(struct call *call, const char *bytes, size_t *len)
{
    if (call->stage == STAGE_VERIFIED) {
        int status = gate_enter_verified(call->http->gate, call);
        if (status)
            return refuse_early(call, status);
        if (*len == 0)
            return MHD_YES; /* the headers again: the body, or its end, follows */
    }
    if (call->stage == STAGE_BODY && *len > 0) {
        take_body(call, bytes, *len);
        *len = 0;
        return MHD_YES;
    }
    if (call->stage == STAGE_BODY && !call->response.status)
        return start_work(call);
    return answer(call);
}

struct each {
    void (*call)(void *arg, const char *name, const char *value);
    void *arg;
};

static enum MHD_Result on_header(void *arg, enum MHD_ValueKind kind ATTR_UNUSED, const char *name, const char *value)
{
    const struct each *each = arg;
    each->call(each->arg, name, value ? value : "");
    return MHD_YES;
}

void call_each_header(struct call *call, void (*each)(void *arg, const char *name, const char *value), void *arg)
{
    MHD_get_connection_values(call->mhd, MHD_HEADER_KIND, on_header, &(struct each){ each, arg });
}

static enum MHD_Result on_forwarded(void *arg, enum MHD_ValueKind kind ATTR_UNUSED, const char *name, const char *value)
{
    struct call *call = arg;
    if (span_eq_nocase(span_of(name), SPAN("X-Forwarded-For")))
        peer_forwarded(limits_trusted(gate_limits(call->http->gate)), &call->conn->peer, span_of(value), &call->client);
    return MHD_YES;
}

static void read_headers(struct call *call)
{
    const char *authorization = header(call, MHD_HTTP_HEADER_AUTHORIZATION);
    const char *length = header(call, MHD_HTTP_HEADER_CONTENT_LENGTH);
    int64_t number = 0;
    call->host = header(call, MHD_HTTP_HEADER_HOST);
    call->origin = header(call, MHD_HTTP_HEADER_ORIGIN);
    call->content_type = header(call, MHD_HTTP_HEADER_CONTENT_TYPE);
    call->authorization = authorization ? authorization : "";
    call->proof = (struct session_proof){ header(call, MHD_HTTP_HEADER_COOKIE), header(call, SESSION_TOKEN), header(call, SESSION_IDLE) };
    if (header(call, MHD_HTTP_HEADER_TRANSFER_ENCODING))
        call->length = UINT64_MAX;
    else if (length && span_int(span_of(length), false, 0, INT64_MAX, &number))
        call->length = (uint64_t)number;
    call->client = call->conn->peer;
    if (peer_nets_have(limits_trusted(gate_limits(call->http->gate)), &call->conn->peer))
        MHD_get_connection_values(call->mhd, MHD_HEADER_KIND, on_forwarded, call);
}

static struct call *call_new(struct http *http, struct MHD_Connection *mhd, const char *url, const char *method)
{
    struct conn *conn = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    struct call *call = conn ? calloc(1, sizeof(*call)) : NULL;
    uint8_t guid[GUID_SIZE];
    if (!call || random_bytes(guid, sizeof(guid))) {
        free(call);
        return NULL;
    }
    guid_format(guid, call->request_id);
    call->http = http;
    call->options = http->options;
    if (http->options.live)
        conf_hold_same(http->options.live, http->options.conf);
    if (http->options.ops) {
        call->ops = *http->options.ops;
        call->ops.conf = http->options.conf;
        call->options.ops = &call->ops;
    }
    call->mhd = mhd;
    call->conn = conn;
    conn->call = call;
    http->calls++;
    conn->since = when_monotonic();
    call->started_us = when_monotonic_us();
    call->method = method;
    call->path = url;
    call->response.body = BUF_INIT(ANSWER_MAX);
    read_headers(call);
    return call;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *mhd, const char *url, const char *method,
                                  const char *version ATTR_UNUSED, const char *bytes, size_t *len, void **context)
{
    struct call *call = *context;
    if (call)
        return proceed(call, bytes, len);
    *context = call = call_new(arg, mhd, url, method);
    return call ? begin(call) : MHD_NO;
}

static void on_completed(void *arg, struct MHD_Connection *mhd ATTR_UNUSED, void **context,
                         enum MHD_RequestTerminationCode why ATTR_UNUSED)
{
    struct http *http = arg;
    struct call *call = *context;
    if (!call)
        return;
    gate_leave(http->gate, call);
    http->calls--;
    call->conn->call = NULL;
    call->conn->since = when_monotonic();
    call_free_parts(call);
    if (http->options.live)
        conf_release(http->options.live, call->options.conf);
    free(call);
    *context = NULL;
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
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (secure ? MHD_USE_TLS : 0u), 0, on_accept, http, on_request, http,
        MHD_OPTION_LISTEN_SOCKET, listener->fd, MHD_OPTION_NOTIFY_COMPLETED, on_completed, http, MHD_OPTION_NOTIFY_CONNECTION,
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

static bool look_up(const struct http_request *request, enum MHD_ValueKind kind, const char *name, struct span *ret_value)
{
    const char *value = MHD_lookup_connection_value(request->connection, kind, name);
    if (value)
        *ret_value = span_of(value);
    return value != NULL;
}

bool http_query(const struct http_request *request, const char *name, struct span *ret_value)
{
    return look_up(request, MHD_GET_ARGUMENT_KIND, name, ret_value);
}

bool http_header(const struct http_request *request, const char *name, struct span *ret_value)
{
    return look_up(request, MHD_HEADER_KIND, name, ret_value);
}
