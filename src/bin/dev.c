/*
 * Puts the parts of `ewsd dev` together: the store (temporary unless --data),
 * its users, the outbox, the listener; says ready; waits for a signal; takes
 * all down in the opposite order.
 */
#include "bin/dev.h"

#include "bin/control.h"

#include "base/daemon.h"
#include "base/err.h"
#include "base/log.h"
#include "http/http.h"
#include "mime/mime.h"
#include "outbox/outbox.h"
#include "soap/envelope.h"

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

struct dev {
    struct dev_options options;
    char folder[PATH_MAX]; /* temporary; "" when none was made */
    int signals;
    struct store *store;
    struct soap *soap;
    struct auth *auth;
    struct control *control;
    struct outbox *outbox;
    struct http *http;
    struct op_env ops;
};

static int failed(const char *what, int r)
{
    fprintf(stderr, "ewsd dev: %s: %s\n", what, err_text(r));
    return EXIT_FAILED;
}

static int remove_one(const char *path, const struct stat *info ATTR_UNUSED, int kind ATTR_UNUSED, struct FTW *at ATTR_UNUSED)
{
    return remove(path);
}

static int make_folder(struct dev *dev)
{
    const char *base = getenv("TMPDIR");
    int n = snprintf(dev->folder, sizeof(dev->folder), "%s/ewsd-dev-XXXXXX", base && *base ? base : "/tmp");
    if (n > 0 && (size_t)n < sizeof(dev->folder) && mkdtemp(dev->folder))
        return 0;
    int r = n > 0 && (size_t)n < sizeof(dev->folder) ? -errno : -ENAMETOOLONG;
    dev->folder[0] = 0;
    return failed("a folder for the store", r);
}

static int open_store(struct dev *dev)
{
    const struct conf *conf = &dev->options.conf;
    if (dev->options.store) {
        fputs("ewsd dev: this build has no driver for PostgreSQL yet; use --data DIR\n", stderr);
        return EXIT_FAILED;
    }
    if (!dev->options.data && make_folder(dev))
        return EXIT_FAILED;
    const char *path = dev->options.data ? dev->options.data : dev->folder;
    int r = store_open(&(struct store_options){ .path = path, .readers = (unsigned)conf->store_readers,
                                                .checkpoint_pages = (unsigned)conf->store_checkpoint_pages }, &dev->store);
    if (r == -EBUSY) {
        fprintf(stderr, "ewsd dev: %s: another server is using this store\n", path);
        return EXIT_FAILED;
    }
    return r ? failed(path, r) : 0;
}

static int start_serving(struct dev *dev)
{
    const struct dev_options *options = &dev->options;
    char error[CONF_ERROR_SIZE];
    if (!options->capture && outbox_check(&options->conf, error) > 0) {
        fprintf(stderr, "ewsd dev: %s\n", error);
        return EXIT_USAGE;
    }
    int r = outbox_start(&(struct outbox_options){ .store = dev->store, .conf = &options->conf, .capture = options->capture },
                         &dev->outbox);
    if (r)
        return failed("outbox", r);
    op_env_init(&dev->ops, dev->store, &options->conf, dev->outbox);
    r = http_start(&(struct http_options){ .conf = &options->conf, .auth = dev->auth, .ops = &dev->ops, .soap = dev->soap,
                                           .dev = true, .hosts = options->hosts, .hosts_n = options->hosts_n }, &dev->http);
    if (r == -EINVAL) {
        fprintf(stderr, "ewsd dev: --listen is ADDRESS:PORT, not %s\n", options->conf.http_listen);
        return EXIT_USAGE;
    }
    return r ? failed(options->conf.http_listen, r) : 0;
}

/* A folder that cannot have a socket, on some shared file systems, is no reason
 * not to serve. */
static void start_control(struct dev *dev)
{
    const struct dev_options *options = &dev->options;
    int r = control_start(&(struct control_options){ .store = dev->store, .conf = &options->conf, .auth = dev->auth,
                                                     .folder = options->data ? options->data : dev->folder }, &dev->control);
    if (r)
        log_event(LOG_WARN_LEVEL, "no control socket, so ewsctl cannot reach this server", LOG_S("error", err_text(r)));
}

static int start(struct dev *dev)
{
    int r = daemon_signals_open(&dev->signals);
    if (r)
        return failed("signals", r);
    mime_init();
    r = open_store(dev);
    if (r)
        return r;
    r = dev_users_apply(dev->store, &dev->options);
    if (r)
        return r < 0 ? failed("users", r) : EXIT_USAGE;
    r = soap_new(op_is_served, &dev->soap);
    if (r)
        return failed("schema", r);
    r = auth_new(dev->store, &dev->options.conf, &dev->auth);
    if (r)
        return failed("auth", r);
    start_control(dev);
    return start_serving(dev);
}

static int serve(struct dev *dev)
{
    printf("ready http://%s/EWS/Exchange.asmx\n", http_address(dev->http));
    if (fflush(stdout))
        return failed("standard output", -errno);
    daemon_notify("READY=1");
    int r = daemon_signals_wait(dev->signals);
    daemon_notify("STOPPING=1");
    return r < 0 ? failed("signals", r) : EXIT_OK;
}

static void stop(struct dev *dev)
{
    http_stop(dev->http);
    control_stop(dev->control);
    outbox_stop(dev->outbox);
    auth_free(dev->auth);
    soap_free(dev->soap);
    if (dev->store)
        store_close(dev->store);
    if (dev->signals >= 0)
        close(dev->signals);
    if (dev->folder[0])
        nftw(dev->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void allow_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int dev_main(int argc, char **argv)
{
    struct dev *dev = calloc(1, sizeof(*dev));
    if (!dev)
        return failed("memory", -ENOMEM);
    dev->signals = -1;
    int r = dev_options_parse(argc, argv, &dev->options);
    if (r == DEV_HELP)
        dev_options_help();
    if (r == DEV_VERSION)
        puts("ewsd " EWSD_VERSION);
    enum log_level level;
    if (r == 0 && log_level_by_name(span_of(dev->options.conf.log_level), &level))
        log_set_level(level);
    allow_descriptors();
    int status = r == DEV_HELP || r == DEV_VERSION ? EXIT_OK : r ? r : start(dev);
    if (r == 0 && status == EXIT_OK)
        status = serve(dev);
    if (r == 0)
        stop(dev);
    free(dev);
    return status;
}
