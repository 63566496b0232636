/*
 * The loop that drives libmicrohttpd, with epoll_wait of our own: MHD's internal
 * epoll thread stalls when exactly 128 events are ready. Who holds http->turning
 * turns it, and nothing else touches MHD. Workers hand finished calls back over a
 * list and an eventfd. Each tick ends connections that are over their deadline or
 * too slow, since MHD's own time-out counts idle time only.
 *
 * The only call there is, is worked on by the loop's thread itself, as a client that
 * asks for one thing after the other is then answered sooner: waking a worker, and
 * by it the loop again, on processors that sleep, takes longer than a SendItem's work.
 * While the loop's thread is away a second one, the standby, turns the loop as soon
 * as anything happens, so nobody else waits for that call.
 */
#include "http/http_mhd.h"

#include "base/when.h"
#include "http/gate.h"

#include <semaphore.h>
#include <sys/epoll.h>
#include <unistd.h>

#define TICK_MS 250
#define SWEEP_MS 10000
#define RATE_GRACE_MS 10000
#define ALONE_MIN 4       /* calls before one, each of them the only one: many clients don't look like that for long */
#define STOP_BODY_MS 2000 /* for bodies under way */

/* What the loop takes over, and then says so. */
struct news {
    const struct conf *conf; /* held */
    struct tls_keys *keys;   /* NULL: as before */
    int result;
    sem_t taken;
};

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

/* In the order in which workers finished them. */
static struct call *done_calls(struct http *http)
{
    struct call *done = NULL;
    pthread_mutex_lock(&http->lock);
    struct call *call = http->done;
    http->done = NULL;
    pthread_mutex_unlock(&http->lock);
    for (struct call *next; call; call = next) {
        next = call->next;
        call->next = done;
        done = call;
    }
    return done;
}

/* Who has an answer finds its line in the log. */
static void take_done(struct http *http, int64_t now)
{
    struct call *done = done_calls(http);
    for (struct call *call = done; call; call = call->next)
        log_gather(&http->lines, &call->line);
    log_flush(&http->lines);
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

/* The calls that a turn began, all of them once it is over: a worker that is woken for
 * the first would have the loop's processor, and find the others missing. */
static void push_begun(struct http *http)
{
    struct call *begun = http->begun;
    http->begun = NULL;
    http->last_begun = &http->begun;
    for (struct call *call = begun, *next; call; call = next) {
        next = call->next;
        pool_push(call->pool, &call->job);
    }
}

/* The only call that a turn began, and long since the only one there is; or NULL. */
static struct call *take_alone(struct http *http)
{
    struct call *call = http->begun;
    if (!http->has_standby || http->alone <= ALONE_MIN || !call || call->next || call->pool == http->heavy)
        return NULL;
    http->begun = NULL;
    http->last_begun = &http->begun;
    call->is_here = true;
    return call;
}

/* The caller holds http->turning. Returns how long nothing is to be done, ms, unless
 * something happens. */
static int turn(struct http *http)
{
    const int64_t now = when_monotonic();
    atomic_store_explicit(&http->beat, now, memory_order_relaxed);
    take_news(http);
    take_done(http, now);
    gate_resume_delayed(http->gate, now);
    MHD_run(http->daemon);
    if (now >= http->next_tick) {
        watch(http, now);
        http->next_tick = now + TICK_MS;
    }
    if (now >= http->next_sweep) {
        limits_sweep(gate_limits(http->gate), now);
        http->next_sweep = now + SWEEP_MS;
    }
    http->over = is_over(http, now);
    return wait_ms(http, now);
}

/* For events of the loop, which may be others' by now. */
static void await(struct http *http, int wait)
{
    struct epoll_event events[2];
    uint64_t count;
    int n = epoll_wait(http->epoll_fd, events, ARRAY_LEN(events), wait);
    for (int i = 0; i < n; i++)
        if (events[i].data.fd == http->event_fd && read(http->event_fd, &count, sizeof(count)) < 0)
            break; /* somebody else has */
}

/* The next event is the standby's, too, or no longer. */
static void let_standby(struct http *http, bool may)
{
    struct epoll_event event = { .events = may ? EPOLLIN | EPOLLONESHOT : 0 };
    epoll_ctl(http->standby_fd, EPOLL_CTL_MOD, http->epoll_fd, &event);
}

static void work_here(struct call *call)
{
    if (pool_run(call->pool, &call->job))
        return;
    call->is_here = false;
    pool_push(call->pool, &call->job);
}

static void *standby(void *arg)
{
    struct http *http = arg;
    int wait = TICK_MS;
    for (bool over = false; !over;) {
        struct epoll_event event;
        epoll_wait(http->standby_fd, &event, 1, wait);
        wait = TICK_MS;
        pthread_mutex_lock(&http->turning);
        if (http->is_away) {
            await(http, 0);
            wait = turn(http);
            push_begun(http);
            let_standby(http, true);
        }
        over = http->over;
        pthread_mutex_unlock(&http->turning);
    }
    return NULL;
}

static void start_standby(struct http *http, pthread_t *ret_thread)
{
    pthread_mutex_lock(&http->turning);
    http->has_standby = http->heavy && pthread_create(ret_thread, NULL, standby, http) == 0;
    pthread_mutex_unlock(&http->turning);
}

static void end_standby(struct http *http, pthread_t thread)
{
    if (!http->has_standby)
        return;
    let_standby(http, true);
    http_wake(http);
    pthread_join(thread, NULL);
}

void *http_loop(void *arg)
{
    struct http *http = arg;
    pthread_t second;
    start_standby(http, &second);
    int wait = 0;
    for (bool over = false; !over;) {
        await(http, wait);
        pthread_mutex_lock(&http->turning);
        if (http->is_away)
            let_standby(http, false);
        wait = turn(http);
        struct call *here = wait < TICK_MS ? NULL : take_alone(http); /* the standby sleeps for a tick */
        push_begun(http);
        http->is_away = here != NULL;
        if (here)
            let_standby(http, true);
        over = http->over;
        pthread_mutex_unlock(&http->turning);
        if (here) {
            work_here(here);
            wait = 0; /* it is probably done */
        }
    }
    end_standby(http, second);
    return NULL;
}

void http_turn_last(struct http *http)
{
    const int64_t now = when_monotonic();
    http->over = true;
    take_done(http, now);
    gate_close(http->gate);
    gate_resume_delayed(http->gate, now);
    MHD_run(http->daemon);
}

/* ---- from other threads ---- */

void http_wake(struct http *http)
{
    uint64_t one = 1;
    if (write(http->event_fd, &one, sizeof(one)) < 0)
        return; /* the counter is full: the loop is awake anyway */
}

void call_done(struct call *call)
{
    struct http *http = call->http;
    const bool is_here = call->is_here;
    pthread_mutex_lock(&http->lock);
    bool first = !http->done; /* else the loop knows */
    call->next = http->done;
    http->done = call;
    pthread_mutex_unlock(&http->lock);
    if (first && !is_here)
        http_wake(http);
}

void call_again(struct call *call)
{
    call->is_here = false;
    pool_push_again(call->pool, &call->job);
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
        http_wake(http);
        while (sem_wait(&news.taken) != 0)
            continue; /* a signal */
        sem_destroy(&news.taken);
        r = news.result;
    }
    conf_release(http->options.live, news.conf);
    return r;
}

int64_t http_beat(const struct http *http)
{
    return atomic_load_explicit(&http->beat, memory_order_relaxed);
}
