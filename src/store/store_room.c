/*
 * How much more there may be: room on the disk, and entries in the outbox.
 */
#include "base/when.h"
#include "store/store_core.h"
#include "store/store_outbox.h"

#define COUNT_EVERY_MS 1000

bool store_has_room(struct store *store, bool *ret_news)
{
    uint64_t bytes = UINT64_MAX;

    *ret_news = false;
    if (store->options.min_free == 0 || !store->driver->room || store->driver->room(store->db, &bytes) != 0)
        return true;
    bool is_short = bytes < store->options.min_free;
    *ret_news = atomic_load(&store->short_of_room) != is_short && atomic_exchange(&store->short_of_room, is_short) != is_short;
    return !is_short;
}

int store_outbox_recount(struct store_tx *tx)
{
    uint64_t n = 0;
    int r = store_outbox_count(tx, 0, &n);

    if (r == 0)
        tx->store->entries = n;
    return r;
}

/* What was inserted since the last count stands for at least as much as is
 * there: some was undone, and some has left. */
int store_outbox_full(struct store_tx *tx, uint64_t limit, bool *ret_full)
{
    struct store *store = tx->store;
    int64_t now = when_monotonic();
    bool stale = store->entries_counted == 0 || now - store->entries_counted >= COUNT_EVERY_MS;

    if (!store_has_nodes(store) && (store->entries_counted == 0 || (store->entries >= limit && stale))) {
        int r = store_outbox_recount(tx);
        if (r != 0)
            return r;
        store->entries_counted = now;
    }
    *ret_full = store->entries >= limit;
    return 0;
}
