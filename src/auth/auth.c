/*
 * Basic credentials, the memory of verified ones, and the row of mechanisms.
 * The memory is a fixed table of small sets; the keyed hash of the whole header
 * names the set, whose oldest slot makes room. A slot holds what a request
 * needs to know of its mailbox.
 */
#include "auth/mech.h"
#include "auth/watch.h"

#include "base/when.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define SETS 512 /* a power of two */
#define WAYS 8   /* slots of a set: users of one set would verify anew by turns if they shared a slot */
#define HEADER_MAX 2048

struct slot {
    uint8_t tag[SHA256_SIZE];
    int64_t until; /* monotonic ms; 0: empty */
    int64_t mailbox_id;
    uint8_t guid[STORE_GUID_SIZE];
    char address[321];
    char display_name[256];
};

struct auth {
    struct store *store;
    const struct conf *conf; /* as at the start */
    atomic_int_fast64_t cache_ttl;
    struct auth_watch *watch; /* NULL: only this program changes passwords */
    struct mac_key key;
    pthread_mutex_t lock;
    uint64_t generation; /* counts auth_forget_all */
    struct slot sets[SETS][WAYS];
};

static const struct auth_mech *const mechs[] = {
#define MECH(name) &auth_mech_##name,
#include "auth/mechs.def"
#undef MECH
};

static void forget(void *arg)
{
    auth_forget_all(arg);
}

void auth_reload(struct auth *auth, const struct conf *conf)
{
    atomic_store(&auth->cache_ttl, conf->auth_cache_ttl);
}

int auth_new(struct store *store, const struct conf *conf, struct auth **ret_auth)
{
    uint8_t secret[MAC_KEY_SIZE];
    int r = random_bytes(secret, sizeof(secret));
    if (r)
        return r;
    struct auth *auth = calloc(1, sizeof(*auth));
    if (!auth)
        return -ENOMEM;
    auth->store = store;
    auth->conf = conf;
    auth_reload(auth, conf);
    mac_key_init(&auth->key, secret);
    pthread_mutex_init(&auth->lock, NULL);
    r = auth_watch_start(store, forget, auth, &auth->watch);
    if (r) {
        auth_free(auth);
        return r;
    }
    *ret_auth = auth;
    return 0;
}

void auth_free(struct auth *auth)
{
    if (!auth)
        return;
    auth_watch_stop(auth->watch);
    pthread_mutex_destroy(&auth->lock);
    free(auth);
}

static struct slot *set_of(struct auth *auth, struct span header, uint8_t ret_tag[SHA256_SIZE])
{
    mac_sign(&auth->key, &header, 1, ret_tag);
    uint32_t index;
    memcpy(&index, ret_tag, sizeof(index));
    return auth->sets[index & (SETS - 1)];
}

static const struct slot *slot_find(const struct slot *set, const uint8_t tag[SHA256_SIZE])
{
    int64_t now = when_monotonic();
    for (size_t i = 0; i < WAYS; i++)
        if (set[i].until > now && mem_equal_secret(set[i].tag, tag, SHA256_SIZE))
            return &set[i];
    return NULL;
}

/* The slot that has the tag, or else the one that was filled first. */
static struct slot *slot_for(struct slot *set, const uint8_t tag[SHA256_SIZE])
{
    struct slot *oldest = set;
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].until && mem_equal_secret(set[i].tag, tag, SHA256_SIZE))
            return &set[i];
        if (set[i].until < oldest->until)
            oldest = &set[i];
    }
    return oldest;
}

static int slot_read(struct arena *arena, const struct slot *slot, struct store_mailbox *ret_mailbox)
{
    *ret_mailbox = (struct store_mailbox){ .mailbox_id = slot->mailbox_id };
    memcpy(ret_mailbox->guid, slot->guid, sizeof(slot->guid));
    int r = arena_copy(arena, span_of(slot->address), &ret_mailbox->address);
    return r ? r : arena_copy(arena, span_of(slot->display_name), &ret_mailbox->display_name);
}

static bool header_is_basic(struct span header)
{
    return header.len > 6 && header.len <= HEADER_MAX && span_eq_nocase((struct span){ header.ptr, 6 }, SPAN("Basic "));
}

int auth_lookup(struct auth *auth, struct arena *arena, struct span header, struct store_mailbox *ret_mailbox)
{
    if (!header_is_basic(header))
        return AUTH_MISSING;
    uint8_t tag[SHA256_SIZE];
    const struct slot *set = set_of(auth, header, tag);
    if (!auth_watch_is_fresh(auth->watch))
        return AUTH_UNKNOWN;
    pthread_mutex_lock(&auth->lock);
    const struct slot *slot = slot_find(set, tag);
    int r = slot && slot_read(arena, slot, ret_mailbox) == 0 ? AUTH_OK : AUTH_UNKNOWN;
    pthread_mutex_unlock(&auth->lock);
    return r;
}

void auth_forget_all(struct auth *auth)
{
    pthread_mutex_lock(&auth->lock);
    auth->generation++;
    explicit_bzero(auth->sets, sizeof(auth->sets));
    pthread_mutex_unlock(&auth->lock);
}

uint64_t auth_generation(struct auth *auth)
{
    pthread_mutex_lock(&auth->lock);
    uint64_t generation = auth->generation;
    pthread_mutex_unlock(&auth->lock);
    return generation;
}

/* What was verified before an auth_forget_all is not remembered after it. */
static void remember(struct auth *auth, struct span header, const struct store_mailbox *mailbox, uint64_t generation)
{
    int64_t ttl = atomic_load(&auth->cache_ttl);
    if (ttl == 0 || mailbox->address.len >= sizeof(auth->sets[0][0].address) ||
        mailbox->display_name.len >= sizeof(auth->sets[0][0].display_name))
        return;
    uint8_t tag[SHA256_SIZE];
    struct slot *set = set_of(auth, header, tag);
    pthread_mutex_lock(&auth->lock);
    if (auth->generation != generation) {
        pthread_mutex_unlock(&auth->lock);
        return;
    }
    struct slot *slot = slot_for(set, tag);
    *slot = (struct slot){ .until = when_monotonic() + ttl * 1000, .mailbox_id = mailbox->mailbox_id };
    memcpy(slot->tag, tag, sizeof(tag));
    memcpy(slot->guid, mailbox->guid, sizeof(slot->guid));
    if (mailbox->address.len)
        memcpy(slot->address, mailbox->address.ptr, mailbox->address.len);
    if (mailbox->display_name.len)
        memcpy(slot->display_name, mailbox->display_name.ptr, mailbox->display_name.len);
    pthread_mutex_unlock(&auth->lock);
}

int auth_verify(struct auth *auth, struct arena *arena, struct span header, struct store_mailbox *ret_mailbox,
                struct span *ret_user)
{
    *ret_user = SPAN("");
    if (!header_is_basic(header))
        return AUTH_MISSING;
    struct span pair;
    int r = base64_decode(arena, span_trim((struct span){ header.ptr + 6, header.len - 6 }), &pair);
    if (r)
        return r < 0 ? r : AUTH_UNKNOWN;
    const char *colon = memchr(pair.ptr, ':', pair.len);
    if (!colon)
        return AUTH_UNKNOWN;
    *ret_user = (struct span){ pair.ptr, (size_t)(colon - pair.ptr) };
    struct span password = { colon + 1, pair.len - ret_user->len - 1 };
    uint64_t generation = auth_generation(auth);
    for (size_t i = 0; i < ARRAY_LEN(mechs); i++) {
        r = mechs[i]->verify(auth->store, auth->conf, arena, *ret_user, password, ret_mailbox);
        if (r < 0)
            return r;
        if (r == 0) {
            remember(auth, header, ret_mailbox, generation);
            return AUTH_OK;
        }
    }
    return AUTH_UNKNOWN;
}
