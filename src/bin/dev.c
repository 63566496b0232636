/*
 * `ewsd dev`: the server with the users of its command line, on a store that
 * is temporary unless --data or --store names one.
 */
#include "bin/dev.h"

#include "base/err.h"

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define PROGRAM "ewsd dev"

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

static int prepare(struct store *store, void *arg)
{
    int r = dev_users_apply(store, arg);
    if (r < 0)
        return server_failed(PROGRAM, "users", r);
    return r ? EXIT_USAGE : EXIT_OK;
}

/* A password that was given is not told to who sees the page; the one that everybody
 * knows is. */
static struct http_example example_of(const struct dev_options *dev)
{
    return (struct http_example){ dev->users[0].address, dev->users_default ? dev->users[0].password : SPAN("") };
}

static int serve_store(struct dev_options *dev, const char *store)
{
    const struct server_options options = { .program = PROGRAM, .conf = &dev->conf, .store = store, .dev = true,
                                            .capture = dev->capture, .example = example_of(dev), .hosts = dev->hosts, .hosts_n = dev->hosts_n,
                                            .prepare = prepare, .arg = dev };
    struct server *server;
    int status = server_open(&options, &server);
    if (status)
        return status;
    status = server_run(server);
    server_close(server);
    return status;
}

static int serve(struct dev_options *dev)
{
    char folder[PATH_MAX];
    if (dev->data || dev->store)
        return serve_store(dev, dev->data ? dev->data : dev->store);
    int status = make_folder(folder);
    if (status)
        return status;
    status = serve_store(dev, folder);
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return status;
}

int dev_main(int argc, char **argv)
{
    struct dev_options *options = calloc(1, sizeof(*options));
    if (!options)
        return server_failed(PROGRAM, "memory", -ENOMEM);
    int r = dev_options_parse(argc, argv, options);
    if (r == DEV_HELP)
        dev_options_help();
    if (r == DEV_VERSION)
        puts("ewsd " EWSD_VERSION);
    int status = r == DEV_HELP || r == DEV_VERSION ? EXIT_OK : r ? r : serve(options);
    free(options);
    return status;
}
