/*
 * Who is calling: HTTP Basic credentials to a mailbox. A verified pair is
 * remembered for a time under a keyed hash, so that a request does not pay for
 * the password hash again; nothing remembered can be turned back into a
 * password. Failed pairs are not remembered.
 */
#ifndef EWSD_AUTH_AUTH_H
#define EWSD_AUTH_AUTH_H

#include "base/conf.h"
#include "store/store_mailbox.h"

#define AUTH_HASH_SIZE 384 /* as CRYPT_OUTPUT_SIZE */
#define AUTH_PASSWORD_MAX 511 /* bytes */
/* In front of the hash of a mailbox that nobody can log in to, as in shadow(5). */
#define AUTH_DISABLED "!"

struct auth;

int auth_new(struct store *store, const struct conf *conf, struct auth **ret_auth);
void auth_free(struct auth *auth);
/* auth.cache_ttl as in conf, for what is remembered from now on. */
void auth_reload(struct auth *auth, const struct conf *conf);

enum auth_result { AUTH_OK, AUTH_UNKNOWN, AUTH_MISSING };

/* Never blocks. header is the value of Authorization (may be empty).
 * AUTH_OK: ret_mailbox is filled (arena memory). AUTH_UNKNOWN: ask
 * auth_verify. AUTH_MISSING: no Basic credentials at all. */
int auth_lookup(struct auth *auth, struct arena *arena, struct span header, struct store_mailbox *ret_mailbox);
/* May take tens of milliseconds (yescrypt). AUTH_OK, AUTH_UNKNOWN (refused),
 * AUTH_MISSING, or negative. ret_user is the login name, for logs; set when
 * the header could be read. */
int auth_verify(struct auth *auth, struct arena *arena, struct span header, struct store_mailbox *ret_mailbox,
                struct span *ret_user);

/* Every remembered pair is verified anew: for after a password changed or a
 * mailbox went. Also covers a verification that is under way. */
void auth_forget_all(struct auth *auth);
/* Counts the calls of auth_forget_all: what was verified at another count is void. */
uint64_t auth_generation(struct auth *auth);

/* A yescrypt hash (crypt(5)) of the password; cost 1..11. -EINVAL: the password
 * is empty, longer than AUTH_PASSWORD_MAX or has a NUL. -errno. */
int auth_hash(struct span password, int64_t cost, char ret_hash[AUTH_HASH_SIZE]);

#endif
