/*
 * The order of starting and of taking down (server.h).
 */
#include "bin/server.h"

#include "bin/control.h"
#include "bin/ending.h"
#include "bin/pulse.h"

#include "base/daemon.h"
#include "base/err.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/when.h"
#include "http/feed.h"
#include "http/guard.h"
#include "http/http.h"
#include "http/reqlog.h"
#include "http/session.h"
#include "http/watch.h"
#include "mime/mime.h"
#include "outbox/outbox.h"
#include "soap/envelope.h"
#include "store/store_keep.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define LARGE_MEMORY 524288   /* bytes */
#define DESCRIPTORS_SPARE 256 /* for what is no connection */

#define GIVING_UP_MS 11000   /* a relay's reply to what it has whole, and a little */
#define LAST_ANSWERS_MS 2000
#define ADMIN_WORKERS 2
#define ADMIN_CONNECTIONS 64

struct server {
    const struct server_options *options;
    int signals;
    struct conf_live *live;
    const struct conf *conf; /* held: as at the start */
    pthread_mutex_t reloading;
    struct pulse *pulse; /* NULL: nobody watches */
    struct listener listener, admin_listener;
    char address[LISTEN_TEXT_SIZE];
    bool secure;
    struct store *store;
    struct soap *soap;
    struct auth *auth;
    struct control *control;
    struct outbox *outbox;
    struct feed *feed;
    struct reqlog *log;
    struct watch *watch;
    struct http *http, *admin;
    struct sessions *sessions; /* of the admin listener */
    struct op_env ops;
};

int server_failed(const char *program, const char *what, int error)
{
    fprintf(stderr, "%s: %s: %s\n", program, what, err_text(error));
    return EXIT_FAILED;
}

static int failed(const struct server *server, const char *what, int error)
{
    return server_failed(server->options->program, what, error);
}

/* ---- open ---- */

static void allow_descriptors(const struct conf *conf)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit))
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < (rlim_t)conf->http_max_connections + DESCRIPTORS_SPARE)
        log_event(LOG_WARN_LEVEL, "fewer descriptors than http.max_connections needs", LOG_N("descriptors", limit.rlim_cur),
                  LOG_N("max_connections", conf->http_max_connections));
}

static void apply_log(const struct conf *conf)
{
    enum log_level level;
    if (log_level_by_name(span_of(conf->log_level), &level))
        log_set_level(level);
    log_set_json(strcmp(conf->log_format, "json") == 0);
}

/* On standard error, as what is wrong with a command line. */
static void tell(void *arg, const char *text)
{
    fprintf(stderr, "%s: %s\n", (const char *)arg, text);
}

/* Each is the service manager's, or bound. */
static int open_listeners(struct server *server)
{
    static const char *const others[] = { "admin", NULL };
    const struct conf *conf = server->options->conf;
    const struct account *account = server->options->account;
    bool named = account && account->name;
    int admin = daemon_socket_take("admin", NULL);
    char error[LISTEN_ERROR_SIZE];
    int r = listener_open(conf, daemon_socket_take("http", others), &server->listener, error);
    if (r == 0 && (admin >= 0 || *conf->admin_listen))
        r = listener_open_admin(conf, admin, named ? account->uid : (uid_t)-1, named ? account->gid : (gid_t)-1, &server->admin_listener,
                                error);
    if (r) {
        fprintf(stderr, "%s: %s\n", server->options->program, error);
        return r == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
    }
    memcpy(server->address, server->listener.address, sizeof(server->address));
    server->secure = server->listener.tls.certificate != NULL;
    return EXIT_OK;
}

static int open_parts(struct server *server)
{
    const struct conf *conf = server->options->conf;
    struct conf_report report = { .tell = tell, .arg = (void *)(uintptr_t)server->options->program };
    int r = conf_live_new(conf, &server->live);
    if (r)
        return failed(server, "memory", r);
    server->conf = conf_hold(server->live);
    log_begin();
    apply_log(conf);
    allow_descriptors(conf);
    if (!server->options->capture && outbox_check(conf, &report) > 0)
        return EXIT_USAGE;
    r = daemon_signals_open(&server->signals);
    return r ? failed(server, "signals", r) : open_listeners(server);
}

/* A large message's memory goes back to the system with the message. glibc
 * would raise the bound by itself after the first one, and keep what came. */
static void keep_memory_small(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_MEMORY);
    (void)mallopt(M_TRIM_THRESHOLD, LARGE_MEMORY);
}

int server_open(const struct server_options *options, struct server **ret_server)
{
    struct server *server = calloc(1, sizeof(*server));
    if (!server)
        return server_failed(options->program, "memory", -ENOMEM);
    server->options = options;
    server->signals = -1;
    server->listener.fd = server->admin_listener.fd = -1;
    pthread_mutex_init(&server->reloading, NULL);
    keep_memory_small();
    int status = open_parts(server);
    if (status) {
        server_close(server);
        return status;
    }
    *ret_server = server;
    return EXIT_OK;
}

/* ---- start ---- */

/* A store that is a copy sends nothing until somebody says so. */
static void tell_held(const struct server *server)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    char name[STORE_NAME_SIZE];
    int64_t since;
    int r = store_read_begin(server->store, &tx);
    if (r == 0 && store_held(tx, &since) == 0)
        log_event(LOG_WARN_LEVEL, "the outbox is held: this store is a copy or was restored; ewsctl queue release --all",
                  LOG_S("store", store_name(server->options->store, name)),
                  LOG_S("found", store_was_copied(server->store) ? "now" : "before"));
}

static void committed(void *feed)
{
    feed_changed(feed);
}

static int open_store(struct server *server)
{
    const struct conf *conf = server->options->conf;
    const char *path = server->options->store;
    char name[STORE_NAME_SIZE];
    int r = store_open(&(struct store_options){ .path = path, .passfile = conf->store_passfile,
                                                .partitions = (unsigned)conf->store_partitions,
                                                .readers = (unsigned)conf->store_readers, .writers = (unsigned)conf->store_writers,
                                                .quota = (uint64_t)conf->store_quota, .min_free = (uint64_t)conf->store_min_free,
                                                .checkpoint_pages = (unsigned)conf->store_checkpoint_pages,
                                                .after_commit = committed, .hook_arg = server->feed }, &server->store);
    if (r == 0)
        tell_held(server);
    if (r == -EBUSY) {
        fprintf(stderr, "%s: %s: another server is using this store\n", server->options->program, path);
        return EXIT_FAILED;
    }
    if (r == -ENOTRECOVERABLE) {
        fprintf(stderr, "%s: %s: this store is a copy that was not finished: ewsctl store copy --replace\n", server->options->program,
                store_name(path, name));
        return EXIT_FAILED;
    }
    if (r == -EXDEV) {
        fprintf(stderr, "%s: %s: this store is of an older version, and its tables are not changed while some are on other servers\n",
                server->options->program, store_name(path, name));
        return EXIT_FAILED;
    }
    return r ? failed(server, store_name(path, name), r) : EXIT_OK;
}

/* Another server of the same store, or ewsctl, has written. */
static void woken(void *arg, bool directory)
{
    const struct server *server = arg;
    if (directory)
        auth_forget_all(server->auth);
    outbox_wake(server->outbox);
    feed_changed(server->feed);
}

static int reload(void *arg, struct conf_report *report)
{
    return server_reload(arg, report);
}

/* A folder that cannot have a socket, on some shared file systems, is no reason
 * not to serve. */
static void start_control(struct server *server)
{
    int r = control_start(&(struct control_options){ .store = server->store, .outbox = server->outbox, .live = server->live,
                                                     .watch = server->watch, .auth = server->auth, .reload = server->options->configure ? reload : NULL,
                                                     .arg = server,
                                                     .folder = store_is_shared(server->options->store) ? NULL : server->options->store },
                          &server->control);
    if (r)
        log_event(LOG_WARN_LEVEL, "no control socket, so ewsctl cannot reach this server", LOG_S("error", err_text(r)));
}

static void name_build(const struct server *server)
{
    (void)metric_name(METRIC_LABEL_version, EWSD_VERSION);
    (void)metric_name(METRIC_LABEL_store, store_is_shared(server->options->store) ? "postgresql" : "sqlite");
    metric_set(METRIC_build_info, 0, 1);
}

static int start_listeners(struct server *server)
{
    const struct server_options *options = server->options;
    const struct conf *conf = options->conf;
    struct http_options http = { .conf = server->conf, .live = server->live, .auth = server->auth, .ops = &server->ops, .soap = server->soap,
                                 .watch = server->watch, .on = options->dev ? HTTP_ON_DEV : HTTP_ON_EWS, .listen = conf->http_listen,
                                 .workers = (unsigned)conf->http_workers, .connections = (unsigned)conf->http_max_connections,
                                 .hosts = options->hosts, .hosts_n = options->hosts_n, .feed = server->feed, .log = server->log,
                                 .faults = options->faults, .example = options->example,
                                 .populate = options->prepare, .populate_arg = options->arg };
    int r = http_start(&http, &server->listener, &server->http);
    if (r)
        return failed(server, server->address, r);
    if (server->admin_listener.fd < 0)
        return EXIT_OK;
    http.on = HTTP_ON_ADMIN;
    http.log = NULL;
    http.listen = server->admin_listener.address;
    http.workers = ADMIN_WORKERS;
    http.connections = ADMIN_CONNECTIONS;
    r = sessions_new(server->auth, conf, &server->sessions);
    if (r)
        return failed(server, "sessions", r);
    http.sessions = server->sessions;
    r = http_start(&http, &server->admin_listener, &server->admin);
    return r ? failed(server, server->admin_listener.address, r) : EXIT_OK;
}

static int start_serving(struct server *server)
{
    const struct server_options *options = server->options;
    struct conf_report report = { .tell = tell, .arg = (void *)(uintptr_t)options->program };
    int r = outbox_start(&(struct outbox_options){ .store = server->store, .conf = server->conf, .live = server->live,
                                                   .capture = options->capture }, &server->outbox);
    if (r == -EINVAL && outbox_check(options->conf, &report) > 0) /* what root could read, say */
        return EXIT_FAILED;
    if (r)
        return failed(server, "outbox", r);
    op_env_init(&server->ops, server->store, options->conf, server->outbox);
    r = watch_new(&server->ops, &server->watch);
    if (r)
        return failed(server, "memory", r);
    start_control(server);
    r = store_watch_others(server->store, woken, server);
    if (r)
        return failed(server, "watching the store", r);
    name_build(server);
    return start_listeners(server);
}

static int start(struct server *server)
{
    const struct server_options *options = server->options;
    mime_init();
    int r = feed_new(&server->feed);
    if (r)
        return failed(server, "the feed", r);
    if (server->options->dev && server->options->conf->dev_request_log) /* no other program's requests are anybody's to read */
        r = reqlog_new((uint64_t)server->options->conf->dev_request_log, server->feed, &server->log);
    if (r)
        return failed(server, "the request log", r);
    r = open_store(server);
    if (r == EXIT_OK && options->prepare)
        r = options->prepare(server->store, options->arg);
    if (r)
        return r;
    const struct conf *conf = options->conf;
    r = soap_new(&(struct soap_rules){ .served = op_is_served,
                                       .limits = { (unsigned)conf->soap_max_depth, (size_t)conf->soap_max_tag },
                                       .strict_order = strcmp(conf->soap_item_order, "strict") == 0,
                                       .version_gate = strcmp(conf->soap_version_gate, "strict") == 0 }, &server->soap);
    if (r)
        return failed(server, "schema", r);
    r = auth_new(server->store, options->conf, &server->auth);
    if (r)
        return failed(server, "auth", r);
    r = start_serving(server);
    listener_close(&server->listener); /* the key is not needed any more */
    return r;
}

/* One piece, so that who waits for the first line has the second, too. */
static int say_ready(const struct server *server)
{
    const char *admin = server->admin_listener.address;
    const char *scheme = !server->admin ? "" : guard_unix_path(admin) ? "admin " : "admin http://";
    printf("ready %s://%s/EWS/Exchange.asmx\n%s%s%s", server->secure ? "https" : "http", server->address, scheme,
           server->admin ? admin : "", server->admin ? "\n" : "");
    return fflush(stdout) ? failed(server, "standard output", -errno) : EXIT_OK;
}

/* ---- while it runs ---- */

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
        apply_log(conf);
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

int server_reload(struct server *server, struct conf_report *report)
{
    struct conf *conf = calloc(1, sizeof(*conf));
    struct timespec now;
    if (!conf)
        return -ENOMEM;
    pthread_mutex_lock(&server->reloading);
    clock_gettime(CLOCK_MONOTONIC, &now);
    daemon_notify("RELOADING=1\nMONOTONIC_USEC=%lld", (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    int r = reload_whole(server, conf, report);
    if (r == 0)
        log_event(LOG_INFO_LEVEL, "the configuration was read again");
    else
        log_event(LOG_ERROR_LEVEL, "the configuration is refused: the one before stays", LOG_N("mistakes", report->n),
                  LOG_S("error", r < 0 ? err_text(r) : ""));
    daemon_notify("READY=1");
    pthread_mutex_unlock(&server->reloading);
    free(conf);
    return r;
}

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

/* All but the listener. */
static void take_down(struct server *server)
{
    if (server->store)
        store_unwatch_others(server->store);
    sessions_free(server->sessions);
    control_stop(server->control);
    watch_free(server->watch);
    outbox_stop(server->outbox);
    auth_free(server->auth);
    soap_free(server->soap);
    store_close(server->store);
    reqlog_free(server->log);
    feed_free(server->feed);
    pulse_free(server->pulse);
    server->log = NULL;
    server->feed = NULL;
    server->sessions = NULL;
    server->control = NULL;
    server->watch = NULL;
    server->outbox = NULL;
    server->auth = NULL;
    server->soap = NULL;
    server->store = NULL;
    server->pulse = NULL;
}

/* What is under way has the time of server.stop_timeout, of which the last part is
 * for giving up the rest in order. */
static int finish(struct server *server)
{
    const struct conf *conf = conf_hold(server->live);
    int64_t time = conf->server_stop_timeout * 1000, until = when_monotonic() + time;
    conf_release(server->live, conf);
    struct ending *ending = NULL;
    daemon_notify("STOPPING=1\nEXTEND_TIMEOUT_USEC=%lld", (long long)(time + LAST_ANSWERS_MS) * 1000);
    int r = ending_start(server->signals, until, &ending);
    if (r)
        log_event(LOG_WARN_LEVEL, "nothing bounds the time of ending", LOG_S("error", err_text(r)));
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
    take_down(server);
    ending_stop(ending);
    log_event(LOG_INFO_LEVEL, "ended");
    return left ? EXIT_FAILED : EXIT_OK;
}

int server_run(struct server *server)
{
    int64_t watchdog = daemon_watchdog_ms();
    int status = start(server);
    if (status == EXIT_OK) {
        watch_start(server->watch);
        status = say_ready(server);
    }
    if (status)
        return status;
    int r = watchdog ? pulse_new(server->http, server->store, watchdog, &server->pulse) : 0;
    if (r)
        return failed(server, "watchdog", r);
    daemon_notify("READY=1");
    r = attend(server, watchdog);
    status = finish(server);
    return r < 0 ? failed(server, "signals", r) : status;
}

void server_close(struct server *server)
{
    if (!server)
        return;
    feed_close(server->feed);
    if (server->watch)
        watch_stop(server->watch);
    (void)http_stop(server->http, when_monotonic());
    (void)http_stop(server->admin, when_monotonic());
    take_down(server);
    listener_close(&server->listener);
    listener_close(&server->admin_listener);
    if (server->live)
        conf_release(server->live, server->conf);
    conf_live_free(server->live);
    if (server->signals >= 0)
        close(server->signals);
    pthread_mutex_destroy(&server->reloading);
    free(server);
}
