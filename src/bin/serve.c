/*
 * The order that keeps `ewsd serve` safe: read and check the configuration;
 * open what needs root (listening socket, certificate and key, a new folder
 * for the store); become server.user; confine the process; and only then open
 * the store and start threads.
 */
#include "bin/serve.h"

#include "base/confine.h"
#include "base/err.h"
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROGRAM "ewsd serve"
#define SETS_MAX 64

struct serve {
    struct conf conf;
    const char *config;
    bool check;
    const char *sets[SETS_MAX]; /* --set, over what the file says */
    size_t sets_n;
    struct account account; /* name is NULL: nobody to become */
};

/* ---- the command line ---- */

enum { SERVE_HELP = 1 };

static int wrong(const char *format, ...) ATTR_PRINTF(1, 2);

static int wrong(const char *format, ...)
{
    va_list args;
    fputs(PROGRAM ": ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return EXIT_USAGE;
}

static void help(void)
{
    puts("usage: " PROGRAM " --config FILE [--check] [--set SECTION.KEY=VALUE]...\n\n"
         "The server for real mail. Prints \"ready https://ADDRESS:PORT/EWS/Exchange.asmx\"\n"
         "once it answers; ends on SIGTERM. ewsd.conf(5) has every setting.\n\n"
         "  --config FILE\n        the configuration\n"
         "  --check\n        say whether the configuration is good, and do nothing else\n"
         "  --set SECTION.KEY=VALUE\n        change a setting; may be repeated\n"
         "  --help");
}

/* The value of an option that is "--name VALUE" or "--name=VALUE"; NULL: it is
 * another option, or (then *i moved) without a value. */
static const char *value_of(const char *name, int argc, char **argv, int *i)
{
    const char *word = argv[*i];
    size_t len = strlen(name);
    if (strncmp(word, name, len) != 0 || (word[len] && word[len] != '='))
        return NULL;
    if (word[len] == '=')
        return word + len + 1;
    return ++*i < argc ? argv[*i] : NULL;
}

static int take(struct serve *serve, int argc, char **argv, int *i)
{
    const char *value, *word = argv[*i];
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        return SERVE_HELP;
    if (strcmp(word, "--check") == 0) {
        serve->check = true;
    } else if ((value = value_of("--config", argc, argv, i))) {
        serve->config = value;
    } else if (*i < argc && (value = value_of("--set", argc, argv, i))) {
        if (serve->sets_n == SETS_MAX)
            return wrong("more than %d --set", SETS_MAX);
        serve->sets[serve->sets_n++] = value;
    } else {
        return *i < argc ? wrong("no such option: %s (see --help)", word) : wrong("%s needs a value", word);
    }
    return 0;
}

static int parse(struct serve *serve, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        int r = take(serve, argc, argv, &i);
        if (r)
            return r;
    }
    return serve->config ? 0 : wrong("--config FILE is needed (see --help)");
}

static int configure(struct serve *serve)
{
    char error[CONF_ERROR_SIZE];
    conf_init(&serve->conf);
    if (conf_read_file(&serve->conf, serve->config, error)) {
        fprintf(stderr, PROGRAM ": %s\n", error);
        return EXIT_CONFIG;
    }
    for (size_t i = 0; i < serve->sets_n; i++)
        if (conf_assign(&serve->conf, serve->sets[i], error))
            return wrong("%s", error);
    return serve_check(&serve->conf, serve->config) ? EXIT_CONFIG : EXIT_OK;
}

/* ---- rights ---- */

/* Whom to become. Root is left only for somebody who was named. */
static int choose_account(struct serve *serve)
{
    const char *user = serve->conf.server_user;
    if (geteuid() != 0)
        return EXIT_OK;
    if (!*user) {
        fprintf(stderr, PROGRAM ": %s: server.user must be given when started as root: the account to run as\n", serve->config);
        return EXIT_CONFIG;
    }
    int r = account_find(user, &serve->account);
    return r ? server_failed(PROGRAM, user, r < 0 ? r : -ENOENT) : EXIT_OK;
}

/* A folder that is there stays as it is, also when it is somebody else's. */
static int make_store(const struct serve *serve)
{
    const char *path = serve->conf.server_store;
    if (store_is_shared(path))
        return EXIT_OK;
    if (mkdir(path, 0700))
        return errno == EEXIST ? EXIT_OK : server_failed(PROGRAM, path, -errno);
    if (serve->account.name && lchown(path, serve->account.uid, serve->account.gid))
        return server_failed(PROGRAM, path, -errno);
    return EXIT_OK;
}

static void mind_others(const char *store)
{
    struct stat info;
    if (stat(store, &info) == 0 && info.st_mode & (S_IRWXG | S_IRWXO))
        log_event(LOG_WARN_LEVEL, "others may look into the store: chmod 700 it", LOG_S("store", store));
}

static int give_up_rights(const struct serve *serve)
{
    const char *store = serve->conf.server_store;
    char name[STORE_NAME_SIZE];
    int landlock, r = serve->account.name ? confine_become(&serve->account) : 0;
    if (r)
        return server_failed(PROGRAM, serve->account.name, r);
    bool shared = store_is_shared(store);
    r = confine_process(shared ? NULL : store, &landlock);
    if (r)
        return server_failed(PROGRAM, "giving up rights", r);
    if (!shared && access(store, R_OK | W_OK | X_OK)) {
        fprintf(stderr, PROGRAM ": %s must belong to the account that the server runs as (%s): %s\n", store,
                serve->account.name ? serve->account.name : "the one that started it", err_text(-errno));
        return EXIT_FAILED;
    }
    if (!shared)
        mind_others(store);
    log_event(LOG_INFO_LEVEL, "confined", LOG_N("uid", getuid()), LOG_N("landlock", landlock),
              LOG_S("store", store_name(store, name)));
    if (landlock == 0)
        log_event(LOG_WARN_LEVEL, "this kernel has no Landlock: only permissions keep the server to its folder");
    return EXIT_OK;
}

static int run(struct serve *serve)
{
    const struct server_options options = { .program = PROGRAM, .conf = &serve->conf, .store = serve->conf.server_store,
                                            .account = &serve->account };
    struct server *server;
    int status = choose_account(serve);
    if (status == EXIT_OK)
        status = server_open(&options, &server);
    if (status)
        return status;
    if (!*serve->conf.relays[0].url)
        log_event(LOG_WARN_LEVEL, "no relay.url: mail for other domains waits until there is one");
    status = make_store(serve);
    if (status == EXIT_OK)
        status = give_up_rights(serve);
    if (status == EXIT_OK)
        status = server_run(server);
    server_close(server);
    return status;
}

int serve_main(int argc, char **argv)
{
    struct serve *serve = calloc(1, sizeof(*serve));
    if (!serve)
        return server_failed(PROGRAM, "memory", -ENOMEM);
    int status = parse(serve, argc, argv);
    if (status == SERVE_HELP) {
        help();
        status = EXIT_OK;
    } else if (status == 0) {
        status = configure(serve);
        if (status == EXIT_OK && serve->check)
            printf("%s: ok\n", serve->config);
        else if (status == EXIT_OK)
            status = run(serve);
    }
    free(serve);
    return status;
}
