/*
 * Two tables of counters, keyed by address and by user. An entry is there
 * while it counts something: its number is bounded by the connections and
 * requests that are open, and by the passwords that were checked within the
 * last minute (each costs a hash, so they cannot be many).
 * Failures are a debt in time: each adds its share of a minute, and who owes a
 * whole minute has to wait.
 */
#include "http/limits.h"

#include "base/codec.h"

#include <errno.h>
#include <stdlib.h>

#define BUCKETS 4096 /* a power of two */
#define KEY_SIZE 16
#define MINUTE_MS 60000

struct entry {
    uint8_t key[KEY_SIZE];
    unsigned held; /* connections, or requests */
    int64_t debt;  /* monotonic ms: when its failures are forgotten */
    struct entry *next;
};

struct table {
    uint64_t seed; /* so that nobody can aim at one bucket */
    struct entry *buckets[BUCKETS];
};

struct limits {
    const struct conf *conf;
    struct peer_nets trusted;
    struct table addresses, users;
};

/* ---- the table ---- */

static struct entry **place_of(const struct table *table, const uint8_t key[KEY_SIZE])
{
    uint64_t half[2];
    memcpy(half, key, sizeof(half));
    uint64_t hash = (half[0] ^ table->seed) * UINT64_C(0x9e3779b97f4a7c15);
    hash = (hash ^ (hash >> 32) ^ half[1]) * UINT64_C(0xd6e8feb86659fd93);
    struct entry *const *at = &table->buckets[(hash >> 32) & (BUCKETS - 1)];
    while (*at && memcmp((*at)->key, key, KEY_SIZE) != 0)
        at = &(*at)->next;
    return (struct entry **)at;
}

/* NULL when memory fails. */
static struct entry *entry_of(struct table *table, const uint8_t key[KEY_SIZE])
{
    struct entry **at = place_of(table, key);
    if (!*at && (*at = calloc(1, sizeof(**at))))
        memcpy((*at)->key, key, KEY_SIZE);
    return *at;
}

static uint64_t held(const struct table *table, const uint8_t key[KEY_SIZE])
{
    const struct entry *entry = *place_of(table, key);
    return entry ? entry->held : 0;
}

static void count(struct table *table, const uint8_t key[KEY_SIZE])
{
    struct entry *entry = entry_of(table, key);
    if (entry)
        entry->held++;
}

static void drop_unused(struct entry **at, int64_t now)
{
    struct entry *entry = *at;
    if (entry->held || entry->debt > now)
        return;
    *at = entry->next;
    free(entry);
}

static void uncount(struct table *table, const uint8_t key[KEY_SIZE], int64_t now)
{
    struct entry **at = place_of(table, key);
    if (!*at || (*at)->held == 0)
        return;
    (*at)->held--;
    drop_unused(at, now);
}

static void sweep(struct table *table, int64_t now)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct entry **at = &table->buckets[i]; *at;) {
            struct entry *entry = *at;
            drop_unused(at, now);
            if (*at == entry)
                at = &entry->next;
        }
    }
}

static void empty(struct table *table)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct entry *entry = table->buckets[i], *next; entry; entry = next) {
            next = entry->next;
            free(entry);
        }
    }
}

/* ---- what it is used for ---- */

int limits_reload(struct limits *limits, const struct conf *conf)
{
    struct peer_nets trusted;
    struct span bad;
    if (peer_nets_parse(conf->http_trusted_proxies, &trusted, &bad))
        return -EINVAL;
    limits->conf = conf;
    limits->trusted = trusted;
    return 0;
}

int limits_new(const struct conf *conf, struct limits **ret_limits)
{
    struct limits *limits = calloc(1, sizeof(*limits));
    if (!limits)
        return -ENOMEM;
    int r = limits_reload(limits, conf);
    if (r == 0)
        r = random_bytes(&limits->addresses.seed, sizeof(limits->addresses.seed));
    if (r) {
        limits_free(limits);
        return r;
    }
    limits->users.seed = ~limits->addresses.seed;
    *ret_limits = limits;
    return 0;
}

void limits_free(struct limits *limits)
{
    if (!limits)
        return;
    empty(&limits->addresses);
    empty(&limits->users);
    free(limits);
}

const struct peer_nets *limits_trusted(const struct limits *limits)
{
    return &limits->trusted;
}

static bool is_spared(const struct limits *limits, const struct peer *peer)
{
    return peer_is_loopback(peer) || peer_nets_have(&limits->trusted, peer);
}

static const uint8_t *address_key(const struct peer *peer, uint8_t key[KEY_SIZE])
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
    memcpy(key, peer->ip, KEY_SIZE);
    if (memcmp(key, mapped, sizeof(mapped)) != 0)
        memset(key + 8, 0, 8);
    return key;
}

bool limits_may_connect(const struct limits *limits, const struct peer *peer)
{
    uint8_t key[KEY_SIZE];
    int64_t most = limits->conf->http_address_connections;
    return most == 0 || is_spared(limits, peer) || held(&limits->addresses, address_key(peer, key)) < (uint64_t)most;
}

bool limits_connected(struct limits *limits, const struct peer *peer)
{
    uint8_t key[KEY_SIZE];
    bool counts = !is_spared(limits, peer);
    if (counts)
        count(&limits->addresses, address_key(peer, key));
    return counts;
}

void limits_disconnected(struct limits *limits, const struct peer *peer, int64_t now)
{
    uint8_t key[KEY_SIZE];
    uncount(&limits->addresses, address_key(peer, key), now);
}

bool limits_may_try(const struct limits *limits, const struct peer *client, int64_t now)
{
    uint8_t key[KEY_SIZE];
    if (limits->conf->auth_address_failures == 0 || is_spared(limits, client))
        return true;
    const struct entry *entry = *place_of(&limits->addresses, address_key(client, key));
    return !entry || entry->debt + MINUTE_MS / limits->conf->auth_address_failures <= now + MINUTE_MS;
}

void limits_failed(struct limits *limits, const struct peer *client, int64_t now)
{
    uint8_t key[KEY_SIZE];
    if (limits->conf->auth_address_failures == 0 || is_spared(limits, client))
        return;
    struct entry *entry = entry_of(&limits->addresses, address_key(client, key));
    if (entry)
        entry->debt = (entry->debt > now ? entry->debt : now) + MINUTE_MS / limits->conf->auth_address_failures;
}

static const uint8_t *user_key(int64_t mailbox_id, uint8_t key[KEY_SIZE])
{
    memset(key, 0, KEY_SIZE);
    memcpy(key, &mailbox_id, sizeof(mailbox_id));
    return key;
}

bool limits_begin(struct limits *limits, int64_t mailbox_id)
{
    uint8_t key[KEY_SIZE];
    int64_t most = limits->conf->http_user_requests;
    if (most && held(&limits->users, user_key(mailbox_id, key)) >= (uint64_t)most)
        return false;
    count(&limits->users, user_key(mailbox_id, key));
    return true;
}

void limits_end(struct limits *limits, int64_t mailbox_id)
{
    uint8_t key[KEY_SIZE];
    uncount(&limits->users, user_key(mailbox_id, key), INT64_MAX);
}

void limits_sweep(struct limits *limits, int64_t now)
{
    sweep(&limits->addresses, now);
}
