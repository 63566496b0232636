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

static int read_replay(struct sql *sql, struct arena *arena ATTR_UNUSED, void *ret_row)
{
    struct store_replay *replay = ret_row;
    struct span key = sql_bytes(sql, 2);

    if (key.len > sizeof(replay->key))
        return -EUCLEAN;
    *replay = (struct store_replay){ .mailbox_id = sql_int(sql, 0), .item_no = (uint64_t)sql_int(sql, 1),
                                     .expires = sql_int(sql, 3), .key_len = key.len };
    if (key.len > 0)
        memcpy(replay->key, key.ptr, key.len);
    return 0;
}

int store_replays_list(struct store_tx *tx, struct arena *arena, const struct store_replay *after, size_t limit,
                       struct store_replay **ret_replays, size_t *ret_n)
{
    return sql_list(tx, arena, SQL_replay_list,
                    ARGS(V_INT(after->mailbox_id), V_INT(after->item_no), V_RAW(after->key, after->key_len), V_INT(limit)),
                    sizeof(struct store_replay), read_replay, ret_replays, ret_n);
}

int store_replays_forget(struct store_tx *tx, const struct store_replay *replays, size_t n)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++)
        r = sql_run(tx, SQL_replay_forget,
                    ARGS(V_INT(replays[i].mailbox_id), V_INT(replays[i].item_no), V_RAW(replays[i].key, replays[i].key_len),
                         V_INT(replays[i].expires)),
                    NULL);
    return r;
}

void store_replays_seen(const struct store *store, struct store_replays *ret_replays)
{
    ret_replays->drafts = store->replays_drafts;
    ret_replays->others = store->replays_others;
}

void store_replays_correct(struct store *store, const struct store_replays *seen, const struct store_replays *counted)
{
    store->replays_drafts += counted->drafts - seen->drafts;
    store->replays_others += counted->others - seen->others;
}

int store_deliveries_expire(struct store_tx *tx, int64_t now, uint64_t limit, uint64_t *ret_n)
{
    int64_t n = 0;
    int r = sql_run(tx, SQL_delivery_expire, ARGS(V_INT(now), V_INT(limit)), &n);

    *ret_n = (uint64_t)n;
    return r;
}

int store_delivery_mark(struct store_tx *tx, int64_t mailbox_id, const uint8_t key[SHA256_SIZE], int64_t expires)
{
    int64_t written = 0;
    int r = sql_run(tx, SQL_delivery_put, ARGS(V_INT(mailbox_id), V_RAW(key, SHA256_SIZE), V_INT(expires)), &written);

    return r == 0 && written == 0 ? 1 : r;
}
