/*
 * `ewsd dev`: the whole server with nothing to configure, for people who write
 * or test EWS clients (design, section 8).
 */
#ifndef EWSD_BIN_DEV_H
#define EWSD_BIN_DEV_H

#include "bin/server.h"
#include "http/faults.h"
#include "model/folder.h"

#define DEV_USERS_MAX 256
#define DEV_GRANTS_MAX 256
#define DEV_HOSTS_MAX 32
#define DEV_SETS_MAX 256

struct dev_user {
    struct span address, password;
};

struct dev_grant {
    struct span mailbox, grantee;
    enum folder_role folder; /* none: the whole mailbox */
    uint32_t right;          /* a bit of rights.def (0 takes all away), or what it is in the folder */
    bool add;                /* to what is held in the folder */
};

/* What the command line says; spans borrow from argv. */
struct dev_options {
    struct conf conf;
    const char *data;  /* NULL: a temporary store */
    const char *store; /* a URL, or NULL */
    bool capture;      /* no --relay */
    struct dev_user users[DEV_USERS_MAX];
    size_t users_n;
    bool users_default; /* no --user: the known two; passwords they have are kept */
    struct dev_grant grants[DEV_GRANTS_MAX];
    size_t grants_n;
    const char *hosts[DEV_HOSTS_MAX];
    size_t hosts_n;
    const char *preset;             /* or NULL */
    const char *sets[DEV_SETS_MAX]; /* which win over it */
    size_t sets_n;
    struct fault_rule faults[FAULT_RULES_MAX];
    size_t faults_n;
    bool with_parent;
};

/* argv[0] is "dev". Says on standard error what is wrong: EXIT_USAGE. DEV_HELP,
 * DEV_VERSION, DEV_PRESETS, DEV_FAULTS: that was asked for. */
enum { DEV_HELP = 1, DEV_VERSION, DEV_PRESETS, DEV_FAULTS };
int dev_options_parse(int argc, char **argv, struct dev_options *ret_options);
void dev_options_help(void);

/* Makes or updates the mailboxes and rights that were asked for. Says on
 * standard error what a name did wrong: 1. */
int dev_users_apply(struct store *store, const struct dev_options *options);

/* Rows of presets.def. 1: refused, as conf_set does. */
bool dev_preset_known(const char *name);
int dev_preset_apply(const char *name, struct conf *conf, char ret_error[CONF_ERROR_SIZE]);
void dev_preset_list(void);

/* Once signals are blocked: sends SIGTERM to this process when who started it is
 * gone, or closes the pipe that is its standard input. */
struct dev_parent;
int dev_parent_watch(struct dev_parent **ret_parent);
void dev_parent_unwatch(struct dev_parent *parent);

/* Runs until SIGTERM or SIGINT; an exit status. */
int dev_main(int argc, char **argv);

#endif
