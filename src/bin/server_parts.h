/*
 * What a server is made of: for server.c, which puts it together and takes it
 * apart, and server_run.c, which has it while it runs.
 */
#ifndef EWSD_BIN_SERVER_PARTS_H
#define EWSD_BIN_SERVER_PARTS_H

#include "bin/server.h"

#include <pthread.h>

struct server {
    const struct server_options *options;
    int signals;
    struct conf_live *live;
    const struct conf *conf; /* held: as at the start */
    pthread_mutex_t reloading;
    bool ending; /* under reloading */
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

void server_apply_log(const struct conf *conf);

/* Starts the threads and says that it is ready; reloads wait meanwhile. An exit
 * status; when it is not EXIT_OK, some of the parts may be there. */
int server_start(struct server *server);
/* All parts but the listeners; those that are not there, too. */
void server_take_down(struct server *server);

/* From now on reloads are refused; one that is under way is waited for. */
void server_refuse_reloads(struct server *server);

#endif
