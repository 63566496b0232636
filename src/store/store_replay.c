/*
 * What makes repeating safe: answers kept for replays, and marks of local
 * deliveries that were made.
 */
#include "store/store_outbox.h"
#include "store/store_sql.h"

int store_replay_find(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, uint64_t item_no,
                      const uint8_t key[SHA256_SIZE], int64_t now, struct span *ret_answer)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    int r = sql_open(tx, SQL_replay_find, ARGS(V_INT(mailbox_id), V_INT(item_no), V_RAW(key, SHA256_SIZE), V_INT(now)), &sql);

    if (r == 0)
        r = sql_next(&sql);
    if (r <= 0)
        return r < 0 ? r : 1;
    return sql_copy(&sql, 0, arena, ret_answer);
}

int store_replay_put(struct store_tx *tx, int64_t mailbox_id, uint64_t item_no, const uint8_t key[SHA256_SIZE], struct span answer,
                     int64_t expires)
{
    return sql_run(tx, SQL_replay_put,
                   ARGS(V_INT(mailbox_id), V_INT(item_no), V_RAW(key, SHA256_SIZE), V_INT(expires), V_BLOB(answer)), NULL);
}

int store_expire(struct store_tx *tx, int64_t now, uint64_t limit)
{
    int r = sql_run(tx, SQL_replay_expire, ARGS(V_INT(now), V_INT(limit)), NULL);

    return r == 0 ? sql_run(tx, SQL_delivery_expire, ARGS(V_INT(now), V_INT(limit)), NULL) : r;
}

int store_delivery_mark(struct store_tx *tx, int64_t mailbox_id, const uint8_t key[SHA256_SIZE], int64_t expires)
{
    int64_t written = 0;
    int r = sql_run(tx, SQL_delivery_put, ARGS(V_INT(mailbox_id), V_RAW(key, SHA256_SIZE), V_INT(expires)), &written);

    return r == 0 && written == 0 ? 1 : r;
}
