/*
 * See node.h. One thread beats and looks. What is freed is freed entry by entry,
 * in jobs of their mailboxes. A row goes when nothing of its node is left; who
 * finds its own gone was taken for dead while it lived, and goes on under a new
 * number: whatever it had leased under the old one is others' business.
 */
#include "outbox/node.h"

#include "base/err.h"
#include "base/log.h"
#include "base/when.h"
#include "outbox/relay.h"
#include "store/store_node.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BEAT_MS 5000
#define SILENT_BEATS 3    /* missed, and mail for mailboxes is taken over */
#define MARGIN_MS 60000   /* of patience: from the beat to the attempt */
#define RECOUNT_BEATS 2
#define NODES_MAX 1024    /* that are looked at */
#define AT_ONCE 64        /* entries freed together */
#define MEMORY (16u << 20)
#define NAME_SIZE 128

/* Another node, as it was seen. */
struct seen {
    int64_t node_id, beats;
    int64_t since; /* monotonic; when this count was seen first */
    bool freed;    /* of what is for mailboxes */
};

struct node {
    struct outbox_options options;
    void (*woken)(struct outbox *outbox);
    struct outbox *outbox;
    char name[NAME_SIZE];
    int64_t beat_ms, patience;
    struct arena *arena; /* the thread's, and then node_stop's */
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t wake;
    bool stop;
    bool look; /* now */
    int64_t node_id;
    uint32_t owners;  /* given so far */
    int64_t alone_at; /* monotonic; from then on others may take over everything; INT64_MAX where there are none */
    uint64_t looks;
    pthread_t thread;
    bool shared; /* there is a row, and a thread */
    bool failing; /* the thread's, as is what follows */
    struct seen seen[NODES_MAX];
    size_t seen_n;
};

/* ---- leases ---- */

struct lease node_lease(struct node *node, int64_t ms)
{
    struct lease lease = { .until = when_now() + ms, .end = when_monotonic() + ms, .node = node };
    pthread_mutex_lock(&node->lock);
    if (++node->owners == 0)
        node->owners = 1;
    lease.owner = (uint64_t)node->node_id + node->owners;
    pthread_mutex_unlock(&node->lock);
    return lease;
}

int64_t node_lease_end(const struct lease *lease)
{
    struct node *node = lease->node;
    if (!node)
        return lease->end;
    pthread_mutex_lock(&node->lock);
    bool mine = lease->owner - (uint64_t)node->node_id <= NODE_OWNERS;
    int64_t end = !mine ? INT64_MIN : node->alone_at < lease->end ? node->alone_at : lease->end;
    pthread_mutex_unlock(&node->lock);
    return end;
}

uint64_t node_looks(struct node *node)
{
    pthread_mutex_lock(&node->lock);
    uint64_t looks = node->looks;
    pthread_mutex_unlock(&node->lock);
    return looks;
}

/* ---- the own row ---- */

static int join_job(struct store_tx *tx, void *arg)
{
    return store_node_join(tx, arg);
}

static int beat_job(struct store_tx *tx, void *arg)
{
    return store_node_beat(tx, *(const int64_t *)arg);
}

static int leave_job(struct store_tx *tx, void *arg)
{
    return store_node_leave(tx, *(const int64_t *)arg);
}

static int join(struct node *node)
{
    struct store_node row = { .name = span_of(node->name), .started = when_now(), .patience = node->patience };
    int64_t at = when_monotonic();
    int r = store_node_number(&row.node_id);
    if (r == 0 && node->shared)
        r = store_write(node->options.store, join_job, &row);
    if (r)
        return r > 0 ? -EAGAIN : r;
    pthread_mutex_lock(&node->lock);
    node->node_id = row.node_id;
    node->alone_at = node->shared ? at + node->patience : INT64_MAX;
    pthread_mutex_unlock(&node->lock);
    store_wake_others(node->options.store, STORE_NEWS_NODES);
    return 0;
}

static int beat(struct node *node)
{
    int64_t at = when_monotonic();
    int r = store_write(node->options.store, beat_job, &node->node_id);
    if (r == 1) {
        log_event(LOG_WARN_LEVEL, "another node took this one for dead: it goes on under a new number", LOG_S("node", node->name));
        return join(node);
    }
    if (r)
        return r;
    pthread_mutex_lock(&node->lock);
    node->alone_at = at + node->patience;
    pthread_mutex_unlock(&node->lock);
    return 0;
}

/* ---- freeing ---- */

struct freeing {
    int64_t node_id;
    bool relayed;
    struct store_outbox_key key;
};

static int free_job(struct store_tx *tx, void *arg)
{
    const struct freeing *freeing = arg;
    return store_node_free(tx, freeing->node_id, freeing->relayed, freeing->key);
}

static int list(struct node *node, const struct freeing *freeing, struct store_outbox_key **ret_keys, size_t *ret_n)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    int r = store_read_begin(node->options.store, &tx);
    return r ? r : store_node_leases(tx, node->arena, freeing->node_id, freeing->relayed, freeing->key, AT_ONCE, ret_keys, ret_n);
}

static int free_some(struct node *node, const struct freeing *freeing, const struct store_outbox_key *keys, size_t n)
{
    struct freeing each[AT_ONCE];
    struct store_work work[AT_ONCE];
    int r = 0;
    for (size_t i = 0; i < n; i++) {
        each[i] = (struct freeing){ freeing->node_id, freeing->relayed, keys[i] };
        work[i] = (struct store_work){ .job = free_job, .arg = &each[i] };
    }
    store_write_all(node->options.store, work, n);
    for (size_t i = 0; i < n && r == 0; i++)
        r = work[i].result;
    return r;
}

/* All that a node has leased. */
static int free_all(struct node *node, int64_t node_id, bool relayed, uint64_t *ret_n)
{
    struct freeing freeing = { .node_id = node_id, .relayed = relayed };
    size_t n = AT_ONCE;
    int r = 0;
    *ret_n = 0;
    while (r == 0 && n == AT_ONCE) {
        struct store_outbox_key *keys;
        arena_reset(node->arena);
        r = list(node, &freeing, &keys, &n);
        if (r == 0 && n > 0)
            r = free_some(node, &freeing, keys, n);
        if (r == 0 && n > 0)
            freeing.key = keys[n - 1];
        *ret_n += r == 0 ? n : 0;
    }
    return r;
}

/* ---- the others ---- */

static struct seen *seen_of(struct node *node, int64_t node_id)
{
    for (size_t i = 0; i < node->seen_n; i++)
        if (node->seen[i].node_id == node_id)
            return &node->seen[i];
    return NULL;
}

static void forget_gone(struct node *node, const struct store_node *rows, size_t n)
{
    size_t left = 0;
    for (size_t i = 0; i < node->seen_n; i++)
        for (size_t j = 0; j < n; j++)
            if (rows[j].node_id == node->seen[i].node_id) {
                node->seen[left++] = node->seen[i];
                break;
            }
    node->seen_n = left;
}

/* Who could not listen knows of no silence: when the store is back the others are as
 * late as this node. */
static void listen_anew(struct node *node)
{
    node->seen_n = 0;
}

/* How long it has been silent, in ms. */
static int64_t listen_to(struct node *node, const struct store_node *row, struct seen **ret_seen)
{
    int64_t now = when_monotonic();
    struct seen *seen = seen_of(node, row->node_id);
    if (!seen) {
        seen = node->seen_n < NODES_MAX ? &node->seen[node->seen_n++] : NULL;
        if (seen)
            *seen = (struct seen){ .node_id = row->node_id, .beats = row->beats, .since = now };
    } else if (seen->beats != row->beats) {
        *seen = (struct seen){ .node_id = row->node_id, .beats = row->beats, .since = now };
    }
    *ret_seen = seen;
    return seen ? now - seen->since : 0;
}

static int take_over(struct node *node, const struct store_node *row, bool all)
{
    char name[NAME_SIZE];
    int64_t node_id = row->node_id;
    uint64_t n;
    size_t len = row->name.len < sizeof(name) - 1 ? row->name.len : sizeof(name) - 1;
    memcpy(name, row->name.ptr, len);
    name[len] = 0; /* row is in the arena */
    int r = free_all(node, node_id, all, &n);
    if (r == 0 && all)
        r = store_write(node->options.store, leave_job, &node_id);
    if (r == 0)
        log_event(LOG_WARN_LEVEL, all ? "a node is dead: all of its mail is taken over" : "a node is silent: its mail for mailboxes is taken over",
                  LOG_S("node", name), LOG_N("messages", n));
    return r;
}

static int judge(struct node *node, const struct store_node *row)
{
    struct seen *seen;
    int64_t silence = listen_to(node, row, &seen);
    bool all = silence >= row->patience;
    if (!seen || silence < SILENT_BEATS * node->beat_ms || (seen->freed && !all))
        return 0;
    int r = take_over(node, row, all);
    seen->freed = r == 0;
    return r;
}

static int read_nodes(struct node *node, struct arena *arena, bool recount, struct store_node **ret_rows, size_t *ret_n)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    int r = store_read_begin(node->options.store, &tx);
    if (r == 0 && recount)
        r = store_outbox_recount(tx);
    return r ? r : store_node_list(tx, arena, ret_rows, ret_n);
}

static int look_around(struct node *node)
{
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    struct store_node *rows;
    size_t n = 0;
    int r = arena_new(MEMORY, &arena);
    if (r == 0)
        r = read_nodes(node, arena, node->looks % RECOUNT_BEATS == 0, &rows, &n);
    if (r) {
        listen_anew(node);
        return r;
    }
    forget_gone(node, rows, n);
    store_share_writers(node->options.store, (unsigned)n);
    for (size_t i = 0; r == 0 && i < n; i++)
        if (rows[i].node_id != node->node_id)
            r = judge(node, &rows[i]);
    pthread_mutex_lock(&node->lock);
    node->looks++;
    pthread_mutex_unlock(&node->lock);
    return r;
}

/* ---- the thread ---- */

static void note(struct node *node, int r)
{
    if (r && !node->failing)
        log_event(LOG_ERROR_LEVEL, "this node cannot tell that it lives", LOG_S("error", err_text(r)));
    node->failing = r != 0;
}

/* Until the next beat, or until somebody has come or gone. True: it is over. */
static bool rest(struct node *node)
{
    const struct timespec until = when_in(node->beat_ms);
    pthread_mutex_lock(&node->lock);
    while (!node->stop && !node->look && pthread_cond_timedwait(&node->wake, &node->lock, &until) == 0)
        continue;
    bool stop = node->stop;
    node->look = false;
    pthread_mutex_unlock(&node->lock);
    return stop;
}

void node_look(struct node *node)
{
    pthread_mutex_lock(&node->lock);
    node->look = true;
    pthread_cond_signal(&node->wake);
    pthread_mutex_unlock(&node->lock);
}

static void *run(void *arg)
{
    struct node *node = arg;
    do {
        int r = beat(node);
        if (r)
            listen_anew(node);
        else
            r = look_around(node);
        note(node, r);
        node->woken(node->outbox);
    } while (!rest(node));
    return NULL;
}

/* ---- starting and stopping ---- */

/* As long as any attempt may take, from the beat before it on. */
static int64_t patience_for(const struct relays *relays)
{
    int64_t most = 0;
    for (size_t i = 0; relays && i < relays->n; i++) {
        int64_t own = (relays->v[i].conf->timeout + relays->v[i].conf->final_timeout) * 1000;
        most = own > most ? own : most;
    }
    return most + MARGIN_MS;
}

bool node_bears(const struct node *node, const struct relays *relays)
{
    return !node->shared || patience_for(relays) <= node->patience;
}

static void name_of(char ret_name[NAME_SIZE])
{
    char host[NAME_SIZE / 2] = "";
    (void)gethostname(host, sizeof(host) - 1);
    snprintf(ret_name, NAME_SIZE, "%s/%ld", host, (long)getpid());
}

static void node_free(struct node *node)
{
    arena_free(node->arena);
    pthread_cond_destroy(&node->wake);
    pthread_mutex_destroy(&node->lock);
    free(node);
}

static int node_new(const struct outbox_options *options, const struct relays *relays, struct node **ret_node)
{
    struct node *node = calloc(1, sizeof(*node));
    if (!node)
        return -ENOMEM;
    node->options = *options;
    node->beat_ms = options->beat_ms ? options->beat_ms : BEAT_MS;
    node->patience = patience_for(relays);
    node->shared = store_has_nodes(options->store);
    name_of(node->name);
    pthread_mutex_init(&node->lock, NULL);
    when_cond_init(&node->wake);
    int r = arena_new(MEMORY, &node->arena);
    if (r == 0)
        r = join(node);
    if (r) {
        node_free(node);
        return r;
    }
    *ret_node = node;
    return 0;
}

int node_start(const struct outbox_options *options, const struct relays *relays, void (*woken)(struct outbox *outbox),
               struct outbox *outbox, struct node **ret_node)
{
    struct node *node;
    int r = node_new(options, relays, &node);
    if (r)
        return r;
    node->woken = woken;
    node->outbox = outbox;
    if (node->shared && (r = pthread_create(&node->thread, NULL, run, node))) {
        node_free(node);
        return -r;
    }
    *ret_node = node;
    return 0;
}

static void leave(struct node *node)
{
    uint64_t n;
    int r = free_all(node, node->node_id, true, &n);
    if (r == 0)
        r = store_write(node->options.store, leave_job, &node->node_id);
    if (r == 0)
        store_wake_others(node->options.store, STORE_NEWS_NODES);
    if (r)
        log_event(LOG_WARN_LEVEL, "what this node has leased waits until others take it for dead", LOG_S("error", err_text(r)));
}

void node_stop(struct node *node)
{
    if (!node)
        return;
    if (node->shared) {
        pthread_mutex_lock(&node->lock);
        node->stop = true;
        pthread_cond_signal(&node->wake);
        pthread_mutex_unlock(&node->lock);
        pthread_join(node->thread, NULL);
        leave(node);
    }
    node_free(node);
}
