/*
 * What makes repeating safe: answers kept for replays, and marks of local
 * deliveries that were made.
 */
#include "store/store_outbox.h"

#include "store/store_core.h"

#include <errno.h>

static _Atomic uint64_t *seen_of(struct store_tx *tx, uint64_t item_no)
{
    return item_no ? &tx->store->replays_drafts : &tx->store->replays_others;
}

int store_replay_find(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, uint64_t item_no,
                      const uint8_t key[SHA256_SIZE], int64_t now, struct span *ret_answer)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    int r = sql_first(tx, SQL_replay_find, ARGS(V_INT(mailbox_id), V_INT(item_no), V_RAW(key, SHA256_SIZE), V_INT(now)), &sql);

    if (r != 0)
        return r;
    return sql_copy(&sql, 0, arena, ret_answer);
}

int store_replay_put(struct store_tx *tx, int64_t mailbox_id, uint64_t item_no, const uint8_t key[SHA256_SIZE], struct span answer,
                     int64_t expires)
{
    /* An item is sent once. A key may have been used before, and be forgotten since. */
    int r = item_no ? 0 : store_replay_change(tx, mailbox_id, item_no, key, answer, expires);

    (*seen_of(tx, item_no))++;
    if (r != 0)
        return r;
    return sql_run(tx, SQL_replay_put,
                   ARGS(V_INT(mailbox_id), V_INT(item_no), V_RAW(key, SHA256_SIZE), V_INT(expires), V_BLOB(answer)), NULL);
}

int store_replay_change(struct store_tx *tx, int64_t mailbox_id, uint64_t item_no, const uint8_t key[SHA256_SIZE], struct span answer,
                        int64_t expires)
{
    return sql_run(tx, SQL_replay_change,
                   ARGS(V_INT(mailbox_id), V_INT(item_no), V_RAW(key, SHA256_SIZE), V_INT(expires), V_BLOB(answer)), NULL);
}

int store_replays_count(struct store_tx *tx, const struct store_replays *seen, struct store_replays *ret_replays)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    int r = sql_first(tx, SQL_replay_count, NULL, 0, &sql);

    if (r != 0)
        return r < 0 ? r : -EIO;
    ret_replays->drafts = (uint64_t)sql_int(&sql, 0);
    ret_replays->others = (uint64_t)sql_int(&sql, 1) - ret_replays->drafts;
    /* What was put since then may be missing in this snapshot: it stays added. */
    tx->store->replays_drafts += ret_replays->drafts - seen->drafts;
    tx->store->replays_others += ret_replays->others - seen->others;
    return 0;
}

void store_replays_seen(const struct store *store, struct store_replays *ret_replays)
{
    ret_replays->drafts = store->replays_drafts;
    ret_replays->others = store->replays_others;
}

int store_replays_drop(struct store_tx *tx, uint64_t limit, uint64_t *ret_n)
{
    int64_t n = 0;
    int r = sql_run(tx, SQL_replay_drop, ARGS(V_INT(limit)), &n);

    *ret_n = (uint64_t)n;
    return r;
}

int store_expire(struct store_tx *tx, int64_t now, uint64_t limit, uint64_t *ret_n)
{
    int64_t n = 0;
    int r = sql_run(tx, SQL_replay_expire, ARGS(V_INT(now), V_INT(limit)), &n);

    *ret_n = (uint64_t)n;
    return r == 0 ? sql_run(tx, SQL_delivery_expire, ARGS(V_INT(now), V_INT(limit)), NULL) : r;
}

int store_delivery_mark(struct store_tx *tx, int64_t mailbox_id, const uint8_t key[SHA256_SIZE], int64_t expires)
{
    int64_t written = 0;
    int r = sql_run(tx, SQL_delivery_put, ARGS(V_INT(mailbox_id), V_RAW(key, SHA256_SIZE), V_INT(expires)), &written);

    return r == 0 && written == 0 ? 1 : r;
}
