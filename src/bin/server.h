/*
 * What `ewsd dev` and `ewsd serve` have in common: the parts of the server put
 * together, in this order: open (what needs the rights the program was started
 * with), then start (store, outbox, listener), ready, wait for a signal, and
 * all taken down in the opposite order.
 */
#ifndef EWSD_BIN_SERVER_H
#define EWSD_BIN_SERVER_H

#include "base/conf.h"
#include "base/confine.h"
#include "http/http.h"
#include "store/store.h"

/* Exit statuses are sysexits': a wrong command line, a wrong configuration,
 * and 1 for what failed later. */
enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 64, EXIT_CONFIG = 78 };

struct faults;

struct server_options {
    const char *program; /* "ewsd dev": begins what is said on standard error */
    const struct conf *conf;
    const char *store;   /* as in store_options.path */
    bool dev;            /* HTTP_ON_DEV, not HTTP_ON_EWS */
    bool capture;        /* as in outbox_options */
    const struct account *account; /* whom the program will become; NULL, or without a name: nobody */
    struct http_example example; /* as in http_options */
    const char *const *hosts;
    size_t hosts_n;
    struct faults *faults; /* as in http_options */
    /* Called once the store is open, before anybody is served; an exit status
     * other than EXIT_OK ends the program. May be NULL. */
    int (*prepare)(struct store *store, void *arg);
    /* Fills conf anew, from where it came from: for SIGHUP. 1: refused, everything
     * that is wrong was reported. NULL: SIGHUP ends the program. */
    int (*configure)(struct conf *conf, struct conf_report *report, void *arg);
    void *arg;
};

struct server;

/* These return an exit status, and have said on standard error what went
 * wrong. options, and what it points at, outlive the server. */

/* Sets up log, signals and descriptors, binds the listening sockets and loads
 * the certificate. Starts no thread. */
int server_open(const struct server_options *options, struct server **ret_server);
/* Starts the threads, says "ready URL" and, where there is an admin listener,
 * "admin WHERE" on standard output, reloads when asked, and returns when a signal
 * ended it and everything is taken down: EXIT_FAILED also when requests were left
 * without an answer. */
int server_run(struct server *server);
void server_close(struct server *server);

/* Everything that may change while it runs as the configuration says now, or
 * nothing. From any thread. 1: refused, and reported; SERVER_ENDING: there is nothing to
 * be changed any more; -errno: it failed. */
enum { SERVER_ENDING = 2 };
int server_reload(struct server *server, struct conf_report *report);

/* "PROGRAM: what: error" on standard error; EXIT_FAILED. */
int server_failed(const char *program, const char *what, int error);

#endif
