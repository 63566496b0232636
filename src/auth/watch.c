/*
 * See watch.h.
 */
#include "auth/watch.h"

#include "base/when.h"
#include "store/store_node.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define LOOK_MS 1000
#define FRESH_MS 5000

struct auth_watch {
    struct store *store;
    void (*changed)(void *arg);
    void *arg;
    uint8_t state[STORE_CREDENTIALS_SIZE];
    _Atomic int64_t looked_at; /* monotonic; of the last look that succeeded, when it began */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop; /* under the lock */
    pthread_t thread;
};

static int read_state(struct auth_watch *watch, uint8_t ret_state[STORE_CREDENTIALS_SIZE])
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    int r = store_read_begin(watch->store, &tx);
    return r ? r : store_credentials(tx, ret_state);
}

static int look(struct auth_watch *watch)
{
    uint8_t state[STORE_CREDENTIALS_SIZE];
    int64_t at = when_monotonic();
    int r = read_state(watch, state);
    if (r)
        return r;
    if (memcmp(state, watch->state, sizeof(state)) != 0) {
        memcpy(watch->state, state, sizeof(state));
        watch->changed(watch->arg);
    }
    watch->looked_at = at;
    return 0;
}

/* True: it is over. */
static bool rest(struct auth_watch *watch)
{
    const struct timespec until = when_in(LOOK_MS);
    pthread_mutex_lock(&watch->lock);
    while (!watch->stop && pthread_cond_timedwait(&watch->wake, &watch->lock, &until) == 0)
        continue;
    bool stop = watch->stop;
    pthread_mutex_unlock(&watch->lock);
    return stop;
}

/* What fails is tried again; the requests that need the store say what is wrong. */
static void *run(void *arg)
{
    while (!rest(arg))
        (void)look(arg);
    return NULL;
}

int auth_watch_start(struct store *store, void (*changed)(void *arg), void *arg, struct auth_watch **ret_watch)
{
    *ret_watch = NULL;
    if (!store_has_nodes(store))
        return 0;
    struct auth_watch *watch = calloc(1, sizeof(*watch));
    if (!watch)
        return -ENOMEM;
    *watch = (struct auth_watch){ .store = store, .changed = changed, .arg = arg };
    pthread_mutex_init(&watch->lock, NULL);
    when_cond_init(&watch->wake);
    int r = look(watch);
    if (r == 0)
        r = -pthread_create(&watch->thread, NULL, run, watch);
    if (r == 0) {
        *ret_watch = watch;
        return 0;
    }
    pthread_cond_destroy(&watch->wake);
    pthread_mutex_destroy(&watch->lock);
    free(watch);
    return r;
}

void auth_watch_stop(struct auth_watch *watch)
{
    if (!watch)
        return;
    pthread_mutex_lock(&watch->lock);
    watch->stop = true;
    pthread_cond_signal(&watch->wake);
    pthread_mutex_unlock(&watch->lock);
    pthread_join(watch->thread, NULL);
    pthread_cond_destroy(&watch->wake);
    pthread_mutex_destroy(&watch->lock);
    free(watch);
}

bool auth_watch_is_fresh(struct auth_watch *watch)
{
    return !watch || when_monotonic() - watch->looked_at < FRESH_MS;
}
