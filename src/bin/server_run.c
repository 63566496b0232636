/*
 * A server while it runs: what it does about signals, how it takes over another
 * configuration, and how it ends. Reloads, which come from any thread, exclude each
 * other, the start and the end: the parts are there as long as one is under way.
 */
#include "bin/server_parts.h"

#include "bin/ending.h"
#include "bin/pulse.h"

#include "base/daemon.h"
#include "base/err.h"
#include "base/log.h"
#include "base/when.h"
#include "http/feed.h"
#include "http/watch.h"
#include "outbox/outbox.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define GIVING_UP_MS 11000   /* a relay's reply to what it has whole, and a little */
#define LAST_ANSWERS_MS 2000

/* ---- reload ---- */

/* Whether there is https is settled when the socket is taken. */
static void keep_scheme(struct conf *conf, const struct conf *now, void (*told)(void *, const char *))
{
    if (!*conf->http_certificate == !*now->http_certificate)
        return;
    memcpy(conf->http_certificate, now->http_certificate, sizeof(conf->http_certificate));
    memcpy(conf->http_key, now->http_key, sizeof(conf->http_key));
    told(NULL, "http.certificate");
}

static void tell_kept(void *arg ATTR_UNUSED, const char *name)
{
    log_event(LOG_WARN_LEVEL, "this setting was changed and needs a restart: it stays as it is", LOG_S("setting", name));
}

/* The last that can fail is the outbox, so what comes behind it is done. */
static int change(struct server *server, const struct conf *conf, struct conf_report *report)
{
    struct tls tls;
    const char *setting;
    char error[TLS_ERROR_SIZE];
    if (tls_load(conf, &tls, &setting, error)) {
        conf_report_of(report, conf, setting, "%s %s", setting, error);
        return 1;
    }
    int r = outbox_reload(server->outbox, conf, report);
    if (r == 0) {
        conf_hold_same(server->live, conf);
        conf_live_put(server->live, conf);
        r = http_reload(server->http, tls.certificate ? &tls : NULL);
        if (r == 0 && server->admin)
            r = http_reload(server->admin, NULL);
        auth_reload(server->auth, conf);
        server_apply_log(conf);
    }
    tls_done(&tls);
    return r;
}

static int reload_whole(struct server *server, struct conf *conf, struct conf_report *report)
{
    const struct conf *ready, *now = server->conf;
    int r = server->options->configure(conf, report, server->options->arg);
    if (r)
        return r;
    conf_keep(conf, now, tell_kept, NULL);
    keep_scheme(conf, now, tell_kept);
    r = conf_live_make(conf, &ready);
    if (r)
        return r;
    r = change(server, ready, report);
    conf_release(server->live, ready);
    return r;
}

/* reloading is held. */
static int reload_and_tell(struct server *server, struct conf *conf, struct conf_report *report)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    daemon_notify("RELOADING=1\nMONOTONIC_USEC=%lld", (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    int r = reload_whole(server, conf, report);
    if (r == 0)
        log_event(LOG_INFO_LEVEL, "the configuration was read again");
    else
        log_event(LOG_ERROR_LEVEL, "the configuration is refused: the one before stays", LOG_N("mistakes", report->n),
                  LOG_S("error", r < 0 ? err_text(r) : ""));
    daemon_notify("READY=1");
    return r;
}

int server_reload(struct server *server, struct conf_report *report)
{
    struct conf *conf = calloc(1, sizeof(*conf));
    if (!conf)
        return -ENOMEM;
    pthread_mutex_lock(&server->reloading);
    int r = server->ending ? SERVER_ENDING : reload_and_tell(server, conf, report);
    pthread_mutex_unlock(&server->reloading);
    free(conf);
    return r;
}

void server_refuse_reloads(struct server *server)
{
    pthread_mutex_lock(&server->reloading);
    server->ending = true;
    pthread_mutex_unlock(&server->reloading);
}

/* ---- signals ---- */

static void log_flaw(void *arg ATTR_UNUSED, const char *text)
{
    log_event(LOG_ERROR_LEVEL, "configuration", LOG_S("wrong", text));
}

static void feel_pulse(struct server *server)
{
    const char *silent;
    if (pulse_is_felt(server->pulse, &silent))
        daemon_notify("WATCHDOG=1");
    else
        log_event(LOG_ERROR_LEVEL, "a part of the server is silent: the watchdog hears nothing", LOG_S("part", silent));
}

/* Until a signal ends the program; -errno. */
static int attend(struct server *server, int64_t watchdog)
{
    for (;;) {
        if (server->pulse)
            feel_pulse(server);
        int r = daemon_signals_wait(server->signals, server->pulse ? (int)(watchdog / 3) : -1);
        if (r == SIGHUP && server->options->configure)
            (void)server_reload(server, &(struct conf_report){ .tell = log_flaw });
        else if (r)
            return r < 0 ? r : 0;
    }
}

/* ---- the end ---- */

/* What is under way has the time of server.stop_timeout, of which the last part is
 * for giving up the rest in order. */
static int finish(struct server *server)
{
    const struct conf *conf = conf_hold(server->live);
    int64_t time = conf->server_stop_timeout * 1000, until = when_monotonic() + time;
    conf_release(server->live, conf);
    struct ending *ending = NULL;
    int r = ending_start(server->signals, until, &ending);
    if (r)
        log_event(LOG_WARN_LEVEL, "nothing bounds the time of ending", LOG_S("error", err_text(r)));
    server_refuse_reloads(server);
    daemon_notify("STOPPING=1\nEXTEND_TIMEOUT_USEC=%lld", (long long)(time + LAST_ANSWERS_MS) * 1000);
    outbox_close(server->outbox);
    feed_close(server->feed);
    watch_stop(server->watch);
    unsigned left = http_stop(server->http, until - (time / 4 < LAST_ANSWERS_MS ? time / 4 : LAST_ANSWERS_MS));
    (void)http_stop(server->admin, when_monotonic()); /* it was told until now how that went */
    server->http = server->admin = NULL;
    if (left)
        log_event(LOG_ERROR_LEVEL, "server.stop_timeout is over: requests were left without an answer", LOG_N("requests", left));
    if (!outbox_finish(server->outbox, until - (time / 2 < GIVING_UP_MS ? time / 2 : GIVING_UP_MS)))
        log_event(LOG_WARN_LEVEL, "deliveries under way are given up, and are made after the next start");
    server_take_down(server);
    ending_stop(ending);
    log_event(LOG_INFO_LEVEL, "ended");
    return left ? EXIT_FAILED : EXIT_OK;
}

int server_run(struct server *server)
{
    int64_t watchdog = daemon_watchdog_ms();
    pthread_mutex_lock(&server->reloading);
    int status = server_start(server);
    server->ending = status != EXIT_OK;
    pthread_mutex_unlock(&server->reloading);
    if (status)
        return status;
    int r = watchdog ? pulse_new(server->http, server->store, watchdog, &server->pulse) : 0;
    if (r)
        return server_failed(server->options->program, "watchdog", r);
    daemon_notify("READY=1");
    r = attend(server, watchdog);
    status = finish(server);
    return r < 0 ? server_failed(server->options->program, "signals", r) : status;
}
