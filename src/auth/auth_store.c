/*
 * Password hashes in the store, by crypt(3) with yescrypt. A login name is
 * user@domain, DOMAIN\user, or a bare user where only one fits. For a name
 * that does not exist, or is disabled, a hash is computed all the same, so that
 * the time of the answer does not tell.
 */
#include "auth/mech.h"

#include "base/metrics.h"

#include <crypt.h>
#include <errno.h>
#include <stdlib.h>

/* Counted, so that it can be told that everybody costs the same. */
static const char *compute(const char *phrase, const char *setting, struct crypt_data *data)
{
    metric_add(METRIC_auth_hashes, 1);
    return crypt_rn(phrase, setting, data, sizeof(*data));
}

int auth_hash(struct span password, int64_t cost, char ret_hash[AUTH_HASH_SIZE])
{
    if (password.len == 0 || password.len > AUTH_PASSWORD_MAX || memchr(password.ptr, 0, password.len))
        return -EINVAL;
    char setting[CRYPT_GENSALT_OUTPUT_SIZE], phrase[AUTH_PASSWORD_MAX + 1];
    if (!crypt_gensalt_rn("$y$", (unsigned long)cost, NULL, 0, setting, sizeof(setting)))
        return -errno;
    memcpy(phrase, password.ptr, password.len);
    phrase[password.len] = 0;
    struct crypt_data *data = calloc(1, sizeof(*data));
    if (!data)
        return -ENOMEM;
    const char *hash = compute(phrase, setting, data);
    int r = hash && strlen(hash) < AUTH_HASH_SIZE ? 0 : -EINVAL;
    if (r == 0)
        strcpy(ret_hash, hash);
    explicit_bzero(phrase, sizeof(phrase));
    free(data);
    return r;
}

static bool hash_fits(struct span password, const char *hash)
{
    char phrase[AUTH_PASSWORD_MAX + 1];
    if (password.len >= sizeof(phrase) || memchr(password.ptr, 0, password.len))
        return false;
    memcpy(phrase, password.ptr, password.len);
    phrase[password.len] = 0;
    struct crypt_data *data = calloc(1, sizeof(*data));
    if (!data)
        return false;
    const char *made = compute(phrase, hash, data);
    bool fits = made && strlen(made) == strlen(hash) && mem_equal_secret(made, hash, strlen(hash));
    explicit_bzero(phrase, sizeof(phrase));
    free(data);
    return fits;
}

static int find_mailbox(struct store_tx *tx, struct arena *arena, struct span user, struct store_mailbox *ret_mailbox)
{
    if (memchr(user.ptr, '@', user.len))
        return store_mailbox_by_address(tx, arena, user, ret_mailbox);
    const char *slash = memchr(user.ptr, '\\', user.len);
    if (!slash)
        return store_mailbox_by_login(tx, arena, SPAN(""), user, ret_mailbox);
    size_t at = (size_t)(slash - user.ptr);
    return store_mailbox_by_login(tx, arena, (struct span){ user.ptr, at }, (struct span){ slash + 1, user.len - at - 1 },
                                  ret_mailbox);
}

static int store_verify(struct store *store, const struct conf *conf, struct arena *arena, struct span user, struct span password,
                        struct store_mailbox *ret_mailbox)
{
    if (user.len == 0 || password.len == 0)
        return 1;
    struct store_tx *tx;
    int r = store_read_begin(store, &tx);
    if (r)
        return r;
    r = find_mailbox(tx, arena, user, ret_mailbox);
    store_read_end(tx);
    if (r < 0)
        return r;
    char spent[AUTH_HASH_SIZE];
    if (r > 0 || ret_mailbox->password_hash.len == 0 || span_starts(ret_mailbox->password_hash, SPAN(AUTH_DISABLED))) {
        (void)auth_hash(password, conf->auth_hash_cost, spent);
        return 1;
    }
    struct span hash;
    r = arena_copy(arena, ret_mailbox->password_hash, &hash);
    return r ? r : !hash_fits(password, hash.ptr);
}

const struct auth_mech auth_mech_store = { .name = "store", .verify = store_verify };
