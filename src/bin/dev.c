/*
 * `ewsd dev`: the server with the users of its command line, on a store that
 * is temporary unless --data or --store names one.
 */
#include "bin/dev.h"

#include "base/err.h"
#include "http/seed.h"

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define PROGRAM "ewsd dev"

/* What is there before anybody is served. */
struct running {
    struct dev_options *options;
    struct faults *faults;
    struct dev_parent *parent;
};

static int remove_one(const char *path, const struct stat *info ATTR_UNUSED, int kind ATTR_UNUSED, struct FTW *at ATTR_UNUSED)
{
    return remove(path);
}

static int make_folder(char ret_folder[PATH_MAX])
{
    const char *base = getenv("TMPDIR");
    int n = snprintf(ret_folder, PATH_MAX, "%s/ewsd-dev-XXXXXX", base && *base ? base : "/tmp");
    if (n > 0 && n < PATH_MAX && mkdtemp(ret_folder))
        return EXIT_OK;
    int r = n > 0 && n < PATH_MAX ? -errno : -ENAMETOOLONG;
    ret_folder[0] = 0;
    return server_failed(PROGRAM, "a folder for the store", r);
}

static int plant(struct store *store, const struct dev_options *dev)
{
    char error[SEED_ERROR_SIZE];
    struct op_env env;
    op_env_init(&env, store, &dev->conf, NULL);
    int r = seed_apply_file(&env, dev->seed, error);
    if (r < 0)
        return server_failed(PROGRAM, dev->seed, r);
    if (r > 0)
        fprintf(stderr, PROGRAM ": %s: %s\n", dev->seed, error);
    return r ? EXIT_USAGE : EXIT_OK;
}

/* What there is at the start, and after a reset. */
static int prepare(struct store *store, void *arg)
{
    struct running *running = arg;
    const struct dev_options *dev = running->options;
    int r = dev->with_parent && !running->parent ? dev_parent_watch(&running->parent) : 0;
    if (r)
        return server_failed(PROGRAM, "--with-parent", r);
    r = dev_users_apply(store, dev);
    if (r < 0)
        return server_failed(PROGRAM, "users", r);
    return r ? EXIT_USAGE : dev->seed ? plant(store, dev) : EXIT_OK;
}

/* A password that was given is not told to who sees the page; the one that everybody
 * knows is. */
static struct http_example example_of(const struct dev_options *dev)
{
    return (struct http_example){ dev->users[0].address, dev->users_default ? dev->users[0].password : SPAN("") };
}

static int serve_store(struct running *running, const char *store)
{
    struct dev_options *dev = running->options;
    const struct server_options options = { .program = PROGRAM, .conf = &dev->conf, .store = store, .dev = true,
                                            .capture = dev->capture, .example = example_of(dev), .hosts = dev->hosts, .hosts_n = dev->hosts_n,
                                            .faults = running->faults, .prepare = prepare, .arg = running };
    struct server *server;
    int status = server_open(&options, &server);
    if (status)
        return status;
    status = server_run(server);
    server_close(server);
    return status;
}

static int serve_anywhere(struct running *running)
{
    const struct dev_options *dev = running->options;
    char folder[PATH_MAX];
    if (dev->data || dev->store)
        return serve_store(running, dev->data ? dev->data : dev->store);
    int status = make_folder(folder);
    if (status)
        return status;
    status = serve_store(running, folder);
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return status;
}

static int serve(struct dev_options *options)
{
    struct running running = { .options = options };
    int r = faults_new(&running.faults);
    if (r)
        return server_failed(PROGRAM, "faults", r);
    (void)faults_add(running.faults, options->faults, options->faults_n);
    int status = serve_anywhere(&running);
    dev_parent_unwatch(running.parent);
    faults_free(running.faults);
    return status;
}

static void list_faults(void)
{
    struct buf text = BUF_INIT(65536);
    fault_help(&text);
    fwrite(text.ptr, 1, text.len, stdout);
    buf_done(&text);
}

/* What was asked for instead of serving. */
static void tell(int what)
{
    if (what == DEV_HELP)
        dev_options_help();
    else if (what == DEV_VERSION)
        puts("ewsd " EWSD_VERSION);
    else if (what == DEV_PRESETS)
        dev_preset_list();
    else
        list_faults();
}

int dev_main(int argc, char **argv)
{
    struct dev_options *options = calloc(1, sizeof(*options));
    if (!options)
        return server_failed(PROGRAM, "memory", -ENOMEM);
    int r = dev_options_parse(argc, argv, options);
    int status = r ? r : serve(options);
    if (r >= DEV_HELP && r <= DEV_FAULTS) {
        tell(r);
        status = EXIT_OK;
    }
    free(options);
    return status;
}
