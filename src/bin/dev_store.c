/*
 * Mailboxes and rights of the command line, in one store job; hashing happens
 * before it. And the temporary store's folder.
 */
#include "bin/dev_store.h"

#include "auth/auth.h"
#include "model/code.h"
#include "store/store_mailbox.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FILL_MEMORY ((size_t)4 << 20)

static const struct dev_user defaults[] = {
    { { "alice@example.test", 18 }, { "secret", 6 } },
    { { "bob@example.test", 16 }, { "secret", 6 } },
};

struct fill {
    const struct dev_options *options;
    const struct dev_user *users;
    size_t users_n;
    bool keep; /* passwords of mailboxes that exist */
    char (*hashes)[AUTH_HASH_SIZE];
    char *error;
};

int dev_store_make_temporary(char ret_path[PATH_MAX])
{
    const char *base = getenv("TMPDIR");
    int n = snprintf(ret_path, PATH_MAX, "%s/ewsd-dev.XXXXXX", base && *base ? base : "/tmp");
    if (n < 0 || n >= PATH_MAX)
        return -ENAMETOOLONG;
    return mkdtemp(ret_path) ? 0 : -errno;
}

static int remove_one(const char *path, const struct stat *status ATTR_UNUSED, int type ATTR_UNUSED, struct FTW *walk ATTR_UNUSED)
{
    remove(path);
    return 0;
}

void dev_store_remove(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static int put_user(struct store_tx *tx, struct arena *arena, const struct fill *fill, size_t i)
{
    struct store_mailbox mailbox;
    struct span hash = span_of(fill->hashes[i]);
    int64_t mailbox_id;
    int r = store_mailbox_by_address(tx, arena, fill->users[i].address, &mailbox);
    if (r == CODE_ErrorNonExistentMailbox)
        return store_mailbox_create(tx, fill->users[i].address, (struct span){ 0 }, hash, &mailbox_id);
    if (r == 0 && !fill->keep)
        r = store_mailbox_set_password(tx, mailbox.mailbox_id, hash);
    return r;
}

static int grant_party(struct store_tx *tx, struct arena *arena, const struct fill *fill, struct span address, int64_t *ret_id)
{
    struct store_mailbox mailbox;
    int r = store_mailbox_by_address(tx, arena, address, &mailbox);
    if (r > 0)
        snprintf(fill->error, DEV_ERROR_SIZE, "--grant: there is no mailbox %.*s", (int)address.len, address.ptr);
    if (r == 0)
        *ret_id = mailbox.mailbox_id;
    return r;
}

/* A role replaces an earlier one; the other rights add up. */
static int put_grant(struct store_tx *tx, struct arena *arena, const struct fill *fill, const struct dev_grant *grant)
{
    int64_t mailbox_id, grantee_id;
    uint32_t before = 0;
    int r = grant_party(tx, arena, fill, grant->mailbox, &mailbox_id);
    if (r == 0)
        r = grant_party(tx, arena, fill, grant->grantee, &grantee_id);
    if (r == 0)
        r = store_grant_get(tx, mailbox_id, grantee_id, &before);
    if (r)
        return r;
    if (grant->right == 0)
        before = 0;
    else if (grant->right & RIGHT_ROLES)
        before &= ~(uint32_t)RIGHT_ROLES;
    return store_grant_set(tx, mailbox_id, grantee_id, before | grant->right);
}

static int fill_job(struct store_tx *tx, void *arg)
{
    const struct fill *fill = arg;
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    int r = arena_new(FILL_MEMORY, &arena);
    for (size_t i = 0; i < fill->users_n && r == 0; i++)
        r = put_user(tx, arena, fill, i);
    for (size_t i = 0; i < fill->options->grants_n && r == 0; i++)
        r = put_grant(tx, arena, fill, &fill->options->grants[i]);
    return r;
}

static int hash_users(const struct fill *fill)
{
    int r = 0;
    for (size_t i = 0; i < fill->users_n && r == 0; i++)
        r = auth_hash(fill->users[i].password, fill->options->conf.auth_hash_cost, fill->hashes[i]);
    return r;
}

int dev_store_fill(struct store *store, const struct dev_options *options, char ret_error[DEV_ERROR_SIZE])
{
    bool given = options->users_n > 0;
    struct fill fill = { .options = options,
                         .users = given ? options->users : defaults,
                         .users_n = given ? options->users_n : ARRAY_LEN(defaults),
                         .keep = !given,
                         .error = ret_error };
    ret_error[0] = '\0';
    fill.hashes = calloc(fill.users_n, sizeof(*fill.hashes));
    if (!fill.hashes)
        return -ENOMEM;
    int r = hash_users(&fill);
    if (r == 0)
        r = store_write(store, fill_job, &fill);
    free(fill.hashes);
    return r > 0 ? 1 : r;
}
