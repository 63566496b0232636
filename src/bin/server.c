/*
 * The order of starting and of taking down (server.h).
 */
#include "bin/server_parts.h"

#include "bin/control.h"
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
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define LARGE_MEMORY 524288   /* bytes */
#define DESCRIPTORS_SPARE 256 /* for what is no connection */

#define ADMIN_WORKERS 2
#define ADMIN_CONNECTIONS 64

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

void server_apply_log(const struct conf *conf)
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
    server_apply_log(conf);
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
static void woken(void *arg, unsigned news)
{
    const struct server *server = arg;
    if (news & STORE_NEWS_DIRECTORY)
        auth_forget_all(server->auth);
    if (news & STORE_NEWS_NODES)
        outbox_look_around(server->outbox);
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

static int start_parts(struct server *server)
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

int server_start(struct server *server)
{
    int status = start_parts(server);
    if (status)
        return status;
    watch_start(server->watch);
    return say_ready(server);
}

/* ---- the end ---- */

void server_take_down(struct server *server)
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

void server_close(struct server *server)
{
    if (!server)
        return;
    server_refuse_reloads(server);
    feed_close(server->feed);
    if (server->watch)
        watch_stop(server->watch);
    (void)http_stop(server->http, when_monotonic());
    (void)http_stop(server->admin, when_monotonic());
    server_take_down(server);
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
