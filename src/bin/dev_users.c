/*
 * The mailboxes and rights of the command line, written into the store before
 * it serves: made when they are new, updated when they are there.
 */
#include "bin/dev.h"

#include "auth/auth.h"
#include "model/rights.h"
#include "store/store_mailbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct work {
    const struct dev_options *options;
    struct arena *arena;
    char (*hashes)[AUTH_HASH_SIZE];
    struct span unknown; /* the address that a grant named in vain */
};

static int apply_user(struct store_tx *tx, struct arena *arena, const struct dev_user *user, const char *hash,
                      bool keep)
{
    struct store_mailbox mailbox;
    int64_t mailbox_id;
    int r = store_mailbox_by_address(tx, arena, user->address, &mailbox);
    if (r < 0)
        return r;
    if (r == 0)
        return keep ? 0 : store_mailbox_set_password(tx, mailbox.mailbox_id, span_of(hash));
    r = store_mailbox_create(tx, user->address, SPAN(""), span_of(hash), &mailbox_id);
    return r > 0 ? -EEXIST : r;
}

static int apply_in_folder(struct store_tx *tx, const struct dev_grant *grant, int64_t mailbox_id, int64_t grantee_id)
{
    uint32_t held = 0;
    int r = grant->add ? store_permission_get(tx, mailbox_id, grant->folder, grantee_id, &held) : 0;
    if (r < 0)
        return r;
    uint32_t visible = grant->add ? FOLDER_RIGHT_VISIBLE : 0;
    return store_permission_set(tx, mailbox_id, grant->folder, grantee_id, held | grant->right | visible);
}

static int apply_grant(struct store_tx *tx, struct work *work, const struct dev_grant *grant)
{
    struct store_mailbox mailbox, grantee;
    uint32_t held;
    int r = store_mailbox_by_address(tx, work->arena, work->unknown = grant->mailbox, &mailbox);
    if (r == 0)
        r = store_mailbox_by_address(tx, work->arena, work->unknown = grant->grantee, &grantee);
    if (r == 0 && grant->folder)
        return apply_in_folder(tx, grant, mailbox.mailbox_id, grantee.mailbox_id);
    if (r == 0)
        r = store_grant_get(tx, mailbox.mailbox_id, grantee.mailbox_id, &held);
    if (r)
        return r;
    uint32_t rights = grant->right ? rights_add(held, grant->right) : 0;
    return store_grant_set(tx, mailbox.mailbox_id, grantee.mailbox_id, rights);
}

static int apply(struct store_tx *tx, void *arg)
{
    struct work *work = arg;
    int r = 0;
    for (size_t i = 0; r == 0 && i < work->options->users_n; i++)
        r = apply_user(tx, work->arena, &work->options->users[i], work->hashes[i], work->options->users_default);
    for (size_t i = 0; r == 0 && i < work->options->grants_n; i++)
        r = apply_grant(tx, work, &work->options->grants[i]);
    return r;
}

static int hash_all(const struct dev_options *options, char (*hashes)[AUTH_HASH_SIZE])
{
    for (size_t i = 0; i < options->users_n; i++) {
        int r = auth_hash(options->users[i].password, options->conf.auth_hash_cost, hashes[i]);
        if (r)
            return r;
    }
    return 0;
}

int dev_users_apply(struct store *store, const struct dev_options *options)
{
    struct work work = { .options = options };
    work.hashes = calloc(options->users_n + 1, sizeof(*work.hashes));
    int r = work.hashes ? hash_all(options, work.hashes) : -ENOMEM;
    if (r == 0)
        r = arena_new(16u << 20, &work.arena);
    if (r == 0)
        r = store_write(store, apply, &work);
    if (r > 0)
        fprintf(stderr, "ewsd dev: --grant: no mailbox %.*s\n", (int)work.unknown.len, work.unknown.ptr);
    arena_free(work.arena);
    free(work.hashes);
    return r > 0 ? 1 : r;
}
