/*
 * See store_queue.h. outbox.due follows what is done to an entry, as it does in
 * store_outbox.c. Traces lie by day, then by the hash of the Message-ID: a look
 * is one search a day, and a day is forgotten from the front.
 */
#include "store/store_queue.h"

#include "store/store_core.h"

#include <errno.h>

#define DAY_MS 86400000
#define HASH_SIZE 16 /* of SHA-256: enough to tell messages apart */

static int renew_due(struct store_tx *tx, struct store_outbox_key key)
{
    return sql_run(tx, SQL_outbox_renew_due, ARGS(V_INT(key.mailbox_id), V_INT(key.outbox_no)), NULL);
}

int store_outbox_set_held(struct store_tx *tx, struct store_outbox_key key, bool held)
{
    int64_t written = 0;
    int r = sql_run(tx, SQL_outbox_set_held, ARGS(V_INT(key.mailbox_id), V_INT(key.outbox_no), V_INT(held)), &written);

    if (r != 0 || written == 0)
        return r != 0 ? r : 1;
    return renew_due(tx, key);
}

int store_outbox_set_aside(struct store_tx *tx, struct store_outbox_key key, struct span status)
{
    int r = store_outbox_set_held(tx, key, true);

    if (r == 0)
        r = sql_run(tx, SQL_outbox_set_aside, ARGS(V_INT(key.mailbox_id), V_INT(key.outbox_no), V_TEXT(status)), NULL);
    return r == 0 ? renew_due(tx, key) : r;
}

int store_outbox_hurry(struct store_tx *tx, struct store_outbox_key key, int64_t now, uint32_t tried)
{
    int64_t written = 0;
    int r = sql_run(tx, SQL_outbox_hurry, ARGS(V_INT(key.mailbox_id), V_INT(key.outbox_no), V_INT(now), V_INT(tried)), &written);

    if (r != 0 || written == 0)
        return r != 0 ? r : 1;
    return renew_due(tx, key);
}

int store_outbox_warned(struct store_tx *tx, struct store_outbox_key key)
{
    return sql_run(tx, SQL_outbox_warned, ARGS(V_INT(key.mailbox_id), V_INT(key.outbox_no)), NULL);
}

int store_outbox_by_message_id(struct store_tx *tx, struct arena *arena, struct span message_id, struct store_outbox_key **ret_keys,
                               size_t *ret_n)
{
    return sql_list(tx, arena, SQL_outbox_by_message_id, ARGS(V_TEXT(message_id)), sizeof(struct store_outbox_key), outbox_read_key, ret_keys,
                    ret_n);
}

/* ---- traces ---- */

int store_queue_count(struct store_tx *tx, int64_t now, struct store_queue *ret_queue)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    struct store_queue queue = { 0 };
    int r = sql_open(tx, SQL_queue_count, ARGS(V_INT(now)), &sql);

    while (r == 0 && (r = sql_next(&sql)) == 1) {
        int64_t state = sql_int(&sql, 0);
        queue.states[state].entries = (uint64_t)sql_int(&sql, 1);
        queue.states[state].oldest = sql_int(&sql, 2);
        r = 0;
    }
    if (r == 0)
        *ret_queue = queue;
    return r;
}

static void hash_of(struct span message_id, uint8_t ret_hash[SHA256_SIZE])
{
    sha256_parts(&message_id, 1, ret_hash);
}

int store_trace_put(struct store_tx *tx, struct span message_id, const struct store_trace *trace)
{
    uint8_t hash[SHA256_SIZE];

    hash_of(message_id, hash);
    return sql_run(tx, SQL_trace_put,
                   ARGS(V_INT(trace->at / DAY_MS), V_RAW(hash, HASH_SIZE), V_INT(trace->key.mailbox_id), V_INT(trace->key.outbox_no),
                        V_INT(trace->no), V_TEXT(trace->address), V_INT(trace->state), V_INT(trace->at), V_TEXT(trace->relay),
                        V_TEXT(trace->status)),
                   NULL);
}

static int read_trace(struct sql *sql, struct arena *arena, struct store_trace *trace)
{
    trace->key = (struct store_outbox_key){ sql_int(sql, 0), (uint64_t)sql_int(sql, 1) };
    trace->no = (uint32_t)sql_int(sql, 2);
    trace->state = (enum store_rcpt_state)sql_int(sql, 4);
    trace->at = sql_int(sql, 5);
    int r = sql_copy(sql, 3, arena, &trace->address);
    if (r == 0)
        r = sql_copy(sql, 6, arena, &trace->relay);
    return r == 0 ? sql_copy(sql, 7, arena, &trace->status) : r;
}

struct traces {
    struct store_trace *v;
    size_t n, room;
};

static int find_on(struct store_tx *tx, struct arena *arena, const uint8_t *hash, int64_t day, struct traces *traces)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    int r = sql_open(tx, SQL_trace_find, ARGS(V_INT(day), V_RAW(hash, HASH_SIZE)), &sql);

    while (r == 0 && (r = sql_next(&sql)) == 1) {
        traces->v = store_grow(arena, traces->v, traces->n, &traces->room, sizeof(*traces->v));
        r = traces->v ? read_trace(&sql, arena, &traces->v[traces->n++]) : -ENOMEM;
    }
    return r;
}

int store_trace_find(struct store_tx *tx, struct arena *arena, struct span message_id, int64_t since, int64_t until,
                     struct store_trace **ret_traces, size_t *ret_n)
{
    uint8_t hash[SHA256_SIZE];
    struct traces traces = { 0 };
    int r = 0;

    hash_of(message_id, hash);
    for (int64_t day = since / DAY_MS; r == 0 && day <= until / DAY_MS; day++)
        r = find_on(tx, arena, hash, day, &traces);
    if (r == 0) {
        *ret_traces = traces.v;
        *ret_n = traces.n;
    }
    return r;
}

int store_trace_expire(struct store_tx *tx, int64_t since, uint64_t limit, uint64_t *ret_n)
{
    int64_t n = 0;
    int r = sql_run(tx, SQL_trace_expire, ARGS(V_INT(since / DAY_MS), V_INT(limit)), &n);

    if (r == 0)
        *ret_n = (uint64_t)n;
    return r;
}
