/*
 * How much more there may be: room on the disk and in a mailbox, and entries in
 * the outbox.
 */
#include "base/when.h"
#include "model/code.h"
#include "store/store_core.h"
#include "store/store_mailbox.h"
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

/* ---- of a mailbox ---- */

int store_mailbox_quota(struct store_tx *tx, int64_t mailbox_id, struct store_quota *ret_quota)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    int r = sql_first(tx, SQL_mailbox_quota, ARGS(V_INT(mailbox_id)), &sql);

    if (r != 0)
        return r < 0 ? r : CODE_ErrorNonExistentMailbox;
    ret_quota->own = sql_int(&sql, 0);
    ret_quota->bytes = ret_quota->own < 0 ? tx->store->options.quota : (uint64_t)ret_quota->own;
    ret_quota->size = (uint64_t)sql_int(&sql, 1);
    return 0;
}

int store_mailbox_set_quota(struct store_tx *tx, int64_t mailbox_id, int64_t own)
{
    int64_t written = 0;
    int r = sql_run(tx, SQL_mailbox_set_quota, ARGS(V_INT(mailbox_id), V_INT(own)), &written);

    return r == 0 && written == 0 ? CODE_ErrorNonExistentMailbox : r;
}

int store_mailbox_room(struct store_tx *tx, int64_t mailbox_id, uint64_t bytes)
{
    struct store_quota quota;
    int r = store_mailbox_quota(tx, mailbox_id, &quota);

    return r == 0 && quota.bytes && quota.size + bytes > quota.bytes ? CODE_ErrorQuotaExceeded : r;
}
