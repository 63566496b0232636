/*
 * The command line of `ewsd dev`, read into a plain value. Everything that can
 * be wrong with the words alone is found here; whether a mailbox exists is
 * found when the store is open (dev_store.h).
 */
#ifndef EWSD_BIN_DEV_OPTIONS_H
#define EWSD_BIN_DEV_OPTIONS_H

#include "base/conf.h"

#define DEV_OPTIONS_MAX 256 /* of each repeatable option */
#define DEV_ERROR_SIZE 512

/* Bits of store_grant_set; the names are rows of rights in dev_options.c. */
enum dev_right {
    RIGHT_SEND_AS = 1,
    RIGHT_SEND_ON_BEHALF = 2,
    RIGHT_FULL_ACCESS = 4,
    RIGHT_IMPERSONATE = 8,
    RIGHT_REVIEWER = 16,
    RIGHT_AUTHOR = 32,
    RIGHT_EDITOR = 64,
    RIGHT_OWNER = 128,
    RIGHT_ROLES = RIGHT_REVIEWER | RIGHT_AUTHOR | RIGHT_EDITOR | RIGHT_OWNER,
};

struct dev_user {
    struct span address;
    struct span password;
};

struct dev_grant {
    struct span mailbox;
    struct span grantee;
    uint32_t right; /* 0: takes all rights away */
};

struct dev_options {
    struct conf conf;
    const char *data; /* NULL: a temporary store */
    bool relay;
    bool help;
    bool version;
    struct dev_user users[DEV_OPTIONS_MAX];
    size_t users_n;
    struct dev_grant grants[DEV_OPTIONS_MAX];
    size_t grants_n;
    const char *hosts[DEV_OPTIONS_MAX];
    size_t hosts_n;
};

/* words are what follows `dev`; spans refer to them. 1: refused, and ret_error
 * says why. */
int dev_options_read(int words_n, char **words, struct dev_options *ret_options, char ret_error[DEV_ERROR_SIZE]);

#endif
