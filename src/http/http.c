/*
 * libmicrohttpd, driven by an epoll loop of our own: its internal epoll thread
 * stalls when exactly 128 events are ready. One thread runs MHD and nothing
 * else touches it; workers hand finished calls back over a list and an
 * eventfd. A call goes HEADERS, [VERIFY], BODY, WORK, ANSWER; in VERIFY and
 * WORK its connection is suspended. Each tick ends connections that are over
 * their deadline or too slow, since MHD's own time-out counts idle time only.
 */
#include "http/guard.h"
#include "http/pool.h"

#include "base/log.h"
#include "base/metrics.h"
#include "base/when.h"
#include "model/id.h"

#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define TICK_MS 250
#define RATE_GRACE_MS 10000
#define DRAIN_MAX 1048576
#define LISTEN_BACKLOG 1024
#define CONN_MEMORY 32768 /* headers and pieces of bodies; MHD clears it for each request */
#define SCRATCH_MAX 65536
#define ANSWER_MAX ((size_t)1 << 30)
#define ANSWER_USUAL 4096
#define STOP_PATIENCE_MS 30000

enum stage { STAGE_VERIFY, STAGE_VERIFIED, STAGE_BODY, STAGE_WORK, STAGE_ANSWER };

struct conn {
    int fd;
    int64_t since; /* of the request, or of being idle; monotonic ms */
    struct call *call;
    struct conn *next, **prev;
};

struct call {
    struct pool_job job; /* first: a job is its call */
    struct http *http;
    struct conn *conn;
    struct MHD_Connection *mhd;
    const struct http_route *route;
    enum stage stage;
    const char *method, *path, *authorization;
    uint64_t length; /* Content-Length; UINT64_MAX when chunked */
    struct buf body;
    uint64_t budgeted;
    int64_t started, resume_at;
    char request_id[GUID_TEXT_SIZE];
    struct http_response response;
    struct call *next_done;
};

struct http {
    struct http_options options;
    char address[80];
    int listen_fd, epoll_fd, event_fd;
    struct MHD_Daemon *daemon;
    struct pool *workers, *verifier;
    pthread_t thread;
    struct arena *scratch; /* the loop's */
    struct conn *conns;
    atomic_bool stopping;
    unsigned suspended; /* calls with a worker, or delayed; the loop's */
    uint64_t in_flight; /* bytes of bodies; the loop's */
    pthread_mutex_t lock;
    struct call *done;    /* under lock: from workers */
    struct call *delayed; /* the loop's: wait for resume_at */
};

/* ---- workers ---- */

static void hand_back(struct call *call)
{
    struct http *http = call->http;
    pthread_mutex_lock(&http->lock);
    bool first = !http->done; /* else the loop knows */
    call->next_done = http->done;
    http->done = call;
    pthread_mutex_unlock(&http->lock);
    uint64_t one = 1;
    if (first && write(http->event_fd, &one, sizeof(one)) < 0)
        return; /* the counter is full: the loop is awake anyway */
}

static void refuse(struct call *call, int status)
{
    call->response.status = status;
    call->response.content_type = "text/plain; charset=utf-8";
    buf_clear(&call->response.body);
    buf_add_str(&call->response.body, guard_reason(status));
}

static int who(struct call *call, struct arena *arena, struct store_mailbox *ret_mailbox)
{
    struct span header = span_of(call->authorization), user;
    int r = auth_lookup(call->http->options.auth, arena, header, ret_mailbox);
    return r == AUTH_UNKNOWN ? auth_verify(call->http->options.auth, arena, header, ret_mailbox, &user) : r;
}

static void log_call(const struct call *call, struct span user)
{
    log_event(LOG_INFO_LEVEL, "request", LOG_S("id", call->request_id), LOG_V("user", user), LOG_S("method", call->method),
              LOG_S("path", call->path), LOG_S("op", call->response.detail ? call->response.detail : "-"),
              LOG_N("status", call->response.status), LOG_N("in", call->body.len), LOG_N("out", call->response.body.len),
              LOG_N("ms", when_monotonic() - call->started));
}

static void work(struct pool_job *job, struct arena *arena)
{
    struct call *call = (struct call *)job;
    struct http_request request = { .server = &call->http->options, .arena = arena, .method = call->method,
                                    .path = span_of(call->path), .body = &call->body,
                                    .request_id = span_of(call->request_id), .connection = call->mhd };
    metric_add(METRIC_http_requests, 1);
    int r = call->route->caller ? who(call, arena, &request.caller) : AUTH_OK;
    if (r == AUTH_OK) {
        call->response.status = 200;
        (void)buf_reserve(&call->response.body, ANSWER_USUAL); /* else it grows there step by step */
        r = call->route->handle(&request, &call->response);
        if (r || buf_error(&call->response.body))
            refuse(call, 500);
    } else {
        refuse(call, r < 0 ? 500 : 401);
    }
    for (size_t i = 0; i < HTTP_HEADERS_MAX && call->response.headers[i].name; i++) {
        struct span *value = &call->response.headers[i].value;
        char *copy = strndup(value->ptr, value->len); /* outlives the arena; freed in call_free */
        *value = (struct span){ copy, copy ? value->len : 0 };
    }
    log_call(call, request.caller.address);
    hand_back(call);
}

static void verify(struct pool_job *job, struct arena *arena)
{
    struct call *call = (struct call *)job;
    struct store_mailbox mailbox;
    struct span user;
    int r = auth_verify(call->http->options.auth, arena, span_of(call->authorization), &mailbox, &user);
    if (r != AUTH_OK) {
        refuse(call, r < 0 ? 500 : 401);
        metric_add(METRIC_auth_failures, 1);
        call->resume_at = when_monotonic() + call->http->options.conf->auth_failure_delay;
        log_event(LOG_WARN_LEVEL, "authentication failed", LOG_S("id", call->request_id), LOG_V("user", user));
    }
    hand_back(call);
}

/* ---- the MHD thread ---- */

static const char *header(struct call *call, const char *name)
{
    return MHD_lookup_connection_value(call->mhd, MHD_HEADER_KIND, name);
}

static void suspend(struct call *call, enum stage stage)
{
    call->stage = stage;
    call->http->suspended++;
    MHD_suspend_connection(call->mhd);
}

static enum MHD_Result answer(struct call *call)
{
    struct http_response *response = &call->response;
    int status = response->status;
    /* MHD frees the bytes; ours are given away. */
    struct MHD_Response *mhd = MHD_create_response_from_buffer(response->body.len, response->body.ptr, MHD_RESPMEM_MUST_FREE);
    if (!mhd)
        return MHD_NO;
    response->body = BUF_INIT(ANSWER_MAX);
    MHD_add_response_header(mhd, MHD_HTTP_HEADER_CONTENT_TYPE, response->content_type);
    MHD_add_response_header(mhd, MHD_HTTP_HEADER_CACHE_CONTROL, "private");
    MHD_add_response_header(mhd, "request-id", call->request_id);
    const char *wanted = header(call, "return-client-request-id"), *client = header(call, "client-request-id");
    if (wanted && strcmp(wanted, "true") == 0 && guard_is_guid(client))
        MHD_add_response_header(mhd, "client-request-id", client);
    if (status == 401)
        MHD_add_response_header(mhd, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Basic realm=\"ewsd\"");
    if (status == 405)
        MHD_add_response_header(mhd, MHD_HTTP_HEADER_ALLOW, call->route->methods & HTTP_POST ? "GET, HEAD, POST" : "GET, HEAD");
    for (size_t i = 0; i < HTTP_HEADERS_MAX && response->headers[i].name; i++)
        if (response->headers[i].value.ptr)
            MHD_add_response_header(mhd, response->headers[i].name, response->headers[i].value.ptr);
    call->stage = STAGE_ANSWER;
    enum MHD_Result r = MHD_queue_response(call->mhd, (unsigned)status, mhd);
    MHD_destroy_response(mhd);
    return r;
}

/* Everything that the headers alone decide; 0, or the status of a refusal. */
static int judge(struct call *call)
{
    const struct http_options *options = &call->http->options;
    const struct conf *conf = options->conf;
    if (options->dev && !guard_host_ok(options, header(call, MHD_HTTP_HEADER_HOST)))
        return 421;
    call->route = guard_route(options, call->path);
    if (!call->route)
        return 404;
    int status = guard_status(call->route, call->method, header(call, MHD_HTTP_HEADER_CONTENT_TYPE));
    if (status)
        return status;
    if (call->route->caller && !call->authorization[0])
        return 401;
    if (call->length != UINT64_MAX && call->length > (uint64_t)conf->http_max_body)
        return 413;
    uint64_t expected = call->length == UINT64_MAX ? 0 : call->length;
    if (call->http->stopping || call->http->in_flight + expected > (uint64_t)conf->http_body_budget)
        return 503;
    call->budgeted = expected;
    call->http->in_flight += expected;
    return 0;
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
    refuse(call, status);
    return answer_refused(call);
}

static enum MHD_Result begin(struct call *call)
{
    int status = judge(call);
    if (status)
        return refuse_early(call, status);
    struct store_mailbox mailbox;
    call->stage = STAGE_BODY;
    if (!call->route->caller)
        return MHD_YES;
    int r = auth_lookup(call->http->options.auth, call->http->scratch, span_of(call->authorization), &mailbox);
    arena_reset(call->http->scratch);
    if (r == AUTH_MISSING)
        return refuse_early(call, 401);
    if (r == AUTH_UNKNOWN) {
        suspend(call, STAGE_VERIFY);
        call->job.run = verify;
        pool_push(call->http->verifier, &call->job);
    }
    return MHD_YES;
}

static void take_body(struct call *call, const char *bytes, size_t len)
{
    if (call->response.status)
        return; /* refused: drained */
    struct http *http = call->http;
    if (call->length == UINT64_MAX) {
        call->budgeted += len;
        http->in_flight += len;
    }
    if (call->body.len == 0 && call->length != UINT64_MAX)
        (void)buf_reserve(&call->body, (size_t)call->length + 1); /* once, so that it does not grow by copies */
    buf_add(&call->body, bytes, len);
    if (buf_error(&call->body) == -EFBIG || call->body.len > (uint64_t)http->options.conf->http_max_body)
        refuse(call, 413);
    else if (buf_error(&call->body) || http->in_flight > (uint64_t)http->options.conf->http_body_budget)
        refuse(call, 503);
    if (call->response.status)
        buf_done(&call->body);
}

static enum MHD_Result proceed(struct call *call, const char *bytes, size_t *len)
{
    if (call->stage == STAGE_VERIFIED) {
        call->stage = STAGE_BODY;
        if (call->response.status)
            return answer_refused(call);
        if (*len == 0)
            return MHD_YES; /* the headers again: the body, or its end, follows */
    }
    if (call->stage == STAGE_BODY && *len > 0) {
        take_body(call, bytes, *len);
        *len = 0;
        return MHD_YES;
    }
    if (call->stage == STAGE_BODY && !call->response.status) {
        suspend(call, STAGE_WORK);
        call->job.run = work;
        pool_push(call->http->workers, &call->job);
        return MHD_YES;
    }
    return answer(call);
}

static struct call *call_new(struct http *http, struct MHD_Connection *mhd, const char *url, const char *method)
{
    struct call *call = calloc(1, sizeof(*call));
    uint8_t guid[GUID_SIZE];
    if (!call || random_bytes(guid, sizeof(guid))) {
        free(call);
        return NULL;
    }
    guid_format(guid, call->request_id);
    call->http = http;
    call->mhd = mhd;
    call->conn = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    call->conn->call = call;
    call->started = call->conn->since = when_monotonic();
    call->method = method;
    call->path = url;
    const char *authorization = header(call, MHD_HTTP_HEADER_AUTHORIZATION);
    call->authorization = authorization ? authorization : "";
    const char *length = header(call, MHD_HTTP_HEADER_CONTENT_LENGTH);
    int64_t number = 0;
    if (header(call, MHD_HTTP_HEADER_TRANSFER_ENCODING))
        call->length = UINT64_MAX;
    else if (length && span_int(span_of(length), false, 0, INT64_MAX, &number))
        call->length = (uint64_t)number;
    call->body = BUF_INIT((size_t)http->options.conf->http_max_body + 1); /* and a NUL */
    call->response.body = BUF_INIT(ANSWER_MAX);
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

static void on_completed(void *arg ATTR_UNUSED, struct MHD_Connection *mhd ATTR_UNUSED, void **context,
                         enum MHD_RequestTerminationCode why ATTR_UNUSED)
{
    struct call *call = *context;
    if (!call)
        return;
    call->http->in_flight -= call->budgeted;
    call->conn->call = NULL;
    call->conn->since = when_monotonic();
    buf_done(&call->body);
    buf_done(&call->response.body);
    for (size_t i = 0; i < HTTP_HEADERS_MAX && call->response.headers[i].name; i++)
        free((char *)call->response.headers[i].value.ptr);
    free(call);
    *context = NULL;
}

static void on_connection(void *arg, struct MHD_Connection *mhd, void **context, enum MHD_ConnectionNotificationCode what)
{
    struct http *http = arg;
    struct conn *conn = *context;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        conn = calloc(1, sizeof(*conn));
        if (!conn)
            abort();
        conn->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        conn->since = when_monotonic();
        conn->next = http->conns;
        conn->prev = &http->conns;
        if (conn->next)
            conn->next->prev = &conn->next;
        http->conns = conn;
        *context = conn;
    } else if (conn) {
        *conn->prev = conn->next;
        if (conn->next)
            conn->next->prev = conn->prev;
        free(conn);
        *context = NULL;
    }
}

static bool is_late(const struct conf *conf, const struct conn *conn, int64_t now)
{
    const struct call *call = conn->call;
    if (call && call->stage != STAGE_BODY && call->stage != STAGE_ANSWER)
        return false;
    int64_t age = now - conn->since;
    if (age > conf->http_request_deadline * 1000)
        return true;
    return call && call->stage == STAGE_BODY && age > RATE_GRACE_MS &&
           (int64_t)call->body.len * 1000 < conf->http_min_rate * age;
}

static void watch(struct http *http, int64_t now)
{
    for (struct conn *conn = http->conns; conn; conn = conn->next)
        if (is_late(http->options.conf, conn, now))
            shutdown(conn->fd, SHUT_RDWR);
}

static void resume(struct http *http, struct call *call)
{
    call->stage = call->stage == STAGE_VERIFY ? STAGE_VERIFIED : STAGE_ANSWER;
    http->suspended--;
    MHD_resume_connection(call->mhd);
}

static void resume_all(struct http *http, int64_t now)
{
    pthread_mutex_lock(&http->lock);
    struct call *done = http->done;
    http->done = NULL;
    pthread_mutex_unlock(&http->lock);
    struct call *lists[] = { done, http->delayed };
    http->delayed = NULL;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        for (struct call *call = lists[i], *next; call; call = next) {
            next = call->next_done;
            if (call->resume_at > now && !http->stopping) {
                call->next_done = http->delayed;
                http->delayed = call;
            } else {
                resume(http, call);
            }
        }
    }
}

static int wait_ms(const struct http *http)
{
    MHD_UNSIGNED_LONG_LONG timeout;
    if (MHD_get_timeout(http->daemon, &timeout) == MHD_YES && timeout < TICK_MS)
        return (int)timeout;
    return TICK_MS;
}

static void *loop(void *arg)
{
    struct http *http = arg;
    int64_t next_tick = 0, give_up = INT64_MAX;
    for (;;) {
        struct epoll_event events[2];
        int n = epoll_wait(http->epoll_fd, events, ARRAY_LEN(events), wait_ms(http));
        uint64_t count;
        for (int i = 0; i < n; i++)
            if (events[i].data.fd == http->event_fd && read(http->event_fd, &count, sizeof(count)) < 0)
                break;
        int64_t now = when_monotonic();
        resume_all(http, now);
        MHD_run(http->daemon);
        if (now >= next_tick) {
            watch(http, now);
            next_tick = now + TICK_MS;
        }
        if (!http->stopping)
            continue;
        if (give_up == INT64_MAX)
            give_up = now + STOP_PATIENCE_MS;
        if (http->suspended == 0 || now > give_up)
            return NULL;
    }
}

/* ---- start and stop ---- */

static int bind_socket(struct http *http)
{
    struct sockaddr_storage address;
    socklen_t len;
    if (!guard_parse_listen(http->options.conf->http_listen, &address, &len))
        return -EINVAL;
    http->listen_fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (http->listen_fd < 0)
        return -errno;
    int on = 1;
    setsockopt(http->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(http->listen_fd, (struct sockaddr *)&address, len) || listen(http->listen_fd, LISTEN_BACKLOG) ||
        getsockname(http->listen_fd, (struct sockaddr *)&address, &len))
        return -errno;
    const char *text = http->options.conf->http_listen;
    unsigned port = ntohs(address.ss_family == AF_INET ? ((struct sockaddr_in *)&address)->sin_port
                                                       : ((struct sockaddr_in6 *)&address)->sin6_port);
    int host = (int)(strrchr(text, ':') - text);
    snprintf(http->address, sizeof(http->address), "%.*s:%u", host < 64 ? host : 64, text, port);
    return 0;
}

static int start_daemon(struct http *http)
{
    const struct conf *conf = http->options.conf;
    http->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, http, MHD_OPTION_LISTEN_SOCKET, http->listen_fd,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, http, MHD_OPTION_NOTIFY_CONNECTION, on_connection, http,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)conf->http_max_connections, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)conf->http_idle_timeout, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONN_MEMORY, MHD_OPTION_END);
    if (!http->daemon)
        return -EIO;
    http->listen_fd = -1; /* MHD's now */
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

static void http_free(struct http *http)
{
    pool_free(http->workers);
    pool_free(http->verifier);
    if (http->daemon)
        MHD_stop_daemon(http->daemon);
    const int fds[] = { http->listen_fd, http->epoll_fd, http->event_fd };
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        if (fds[i] >= 0)
            close(fds[i]);
    arena_free(http->scratch);
    pthread_mutex_destroy(&http->lock);
    free(http);
}

int http_start(const struct http_options *options, struct http **ret_http)
{
    struct http *http = calloc(1, sizeof(*http));
    if (!http)
        return -ENOMEM;
    http->options = *options;
    http->listen_fd = http->epoll_fd = http->event_fd = -1;
    pthread_mutex_init(&http->lock, NULL);
    int r = bind_socket(http);
    if (r == 0)
        r = arena_new(SCRATCH_MAX, &http->scratch);
    if (r == 0)
        r = pool_new((unsigned)options->conf->http_workers, (size_t)options->conf->soap_max_memory, &http->workers);
    if (r == 0)
        r = pool_new(1, SCRATCH_MAX, &http->verifier);
    if (r == 0)
        r = start_daemon(http);
    if (r == 0)
        r = -pthread_create(&http->thread, NULL, loop, http);
    if (r) {
        http_free(http);
        return r;
    }
    *ret_http = http;
    return 0;
}

const char *http_address(const struct http *http)
{
    return http->address;
}

void http_stop(struct http *http)
{
    if (!http)
        return;
    http->stopping = true;
    uint64_t one = 1;
    if (write(http->event_fd, &one, sizeof(one)) < 0)
        return;
    pthread_join(http->thread, NULL);
    http_free(http);
}

bool http_query(const struct http_request *request, const char *name, struct span *ret_value)
{
    const char *value = MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
    if (value)
        *ret_value = span_of(value);
    return value != NULL;
}
