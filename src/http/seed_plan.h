/*
 * A seed that was read: plain values, checked as far as that goes without the
 * store. What the job of seed.c made of an entry is noted in it.
 */
#ifndef EWSD_HTTP_SEED_PLAN_H
#define EWSD_HTTP_SEED_PLAN_H

#include "auth/auth.h"
#include "base/json_read.h"
#include "http/seed.h"
#include "model/item.h"

#define SEED_LIST_MAX 20000 /* entries of any list */

struct seed_grant {
    struct span to;
    uint32_t right;
};

struct seed_user {
    struct span address, name;
    bool has_password;
    char hash[AUTH_HASH_SIZE];
    struct span_list aliases;
    struct seed_grant *grants;
    size_t grants_n;
    struct store_mailbox mailbox; /* made, or there */
};

struct seed_folder {
    struct span mailbox, path, class;
    struct store_mailbox owner;
    uint64_t folder_no;
};

struct seed_message {
    struct span mailbox, folder;
    struct item item;
    struct store_mailbox owner;
    struct item made;
};

struct seed {
    const struct op_env *env;
    struct arena *arena;
    const char *folder; /* of files, or NULL */
    char *error;        /* SEED_ERROR_SIZE */
    struct seed_user *users;
    struct seed_folder *folders;
    struct seed_message *messages;
    size_t users_n, folders_n, messages_n;
};

/* Says what is wrong; SEED_WRONG. */
int seed_wrong(struct seed *seed, const char *format, ...) ATTR_PRINTF(2, 3);

/* Where a value stands, for what is said of it: "messages[2]". */
struct seed_at {
    const char *list;
    size_t index;
};
/* root lives as long as the plan. */
int seed_read(struct seed *seed, const struct json_read *root);
/* A message, from its fields or from bytes (seed_message.c). */
int seed_read_message(struct seed *seed, const struct json_read *value, struct seed_at at, struct seed_message *message);

/* Members of an object: absent ones leave ret_value as it is. SEED_WRONG. */
int seed_text(struct seed *seed, const struct json_read *value, struct seed_at at, const char *name, struct span *ret_value);
int seed_texts(struct seed *seed, const struct json_read *value, struct seed_at at, const char *name, struct span_list *ret_values);
int seed_flag(struct seed *seed, const struct json_read *value, struct seed_at at, const char *name, bool *ret_value);
/* The value is an object, and has no member but those. */
int seed_object(struct seed *seed, const struct json_read *value, struct seed_at at, const char *const *names, size_t n);
/* A list, of a bounded length; NULL: absent. */
int seed_list(struct seed *seed, const struct json_read *value, const char *name, const struct json_read **ret_list, size_t *ret_n);

#endif
