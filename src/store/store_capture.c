/*
 * The capture of `ewsd dev`: entries, their recipients, and raw messages in
 * chunks under the number of the outbox entry in the sender's mailbox.
 */
#include "store/store_capture.h"

#include "store/store_core.h"
#include "store/store_item.h"

#include <errno.h>

/* The highest number of those that were deleted. */
static const char deleted_name[] = "capture_deleted";

static int next_number(struct store_tx *tx, int64_t *ret_no)
{
    int64_t no = 0, deleted = 0;
    int r = sql_number(tx, SQL_capture_next, NULL, 0, &no);

    if (r == 0)
        r = meta_get(tx, deleted_name, &deleted, sizeof(deleted));
    if (r < 0)
        return r;
    *ret_no = no > deleted ? no : deleted + 1;
    return 0;
}

static int put_rcpts(struct store_tx *tx, const struct store_capture *capture, int64_t first)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < capture->rcpts_n; i++)
        r = sql_run(tx, SQL_capture_rcpt_insert,
                    ARGS(V_INT(capture->capture_no), V_INT((uint64_t)first + i), V_TEXT(capture->rcpts[i])), NULL);
    return r;
}

/* The raw message lies under the entry's own number: the mailbox gives no
 * number twice. 1: there is an entry for this submission. */
static int put_new(struct store_tx *tx, struct store_capture *capture, struct span raw)
{
    int64_t no = 0, written = 0;
    int r = next_number(tx, &no);

    if (r == 0)
        r = sql_run(tx, SQL_capture_insert,
                    ARGS(V_INT(no), V_INT(capture->mailbox_id), V_INT(capture->outbox_no), V_INT(capture->outbox_no),
                         V_INT(capture->at), V_TEXT(capture->sender), V_TEXT(capture->subject), V_INT(raw.len)),
                    &written);
    if (r != 0 || written == 0)
        return r != 0 ? r : 1;
    capture->capture_no = (uint64_t)no;
    capture->size = raw.len;
    r = chunks_write(tx, capture->mailbox_id, capture->outbox_no, PART_MIME, NULL, raw);
    return r == 0 ? put_rcpts(tx, capture, 0) : r;
}

int store_capture_put(struct store_tx *tx, struct store_capture *capture, struct span raw)
{
    int64_t no = 0, n = 0;
    int r = put_new(tx, capture, raw);

    if (r <= 0)
        return r;
    r = sql_number(tx, SQL_capture_of, ARGS(V_INT(capture->mailbox_id), V_INT(capture->outbox_no)), &no);
    if (r == 0)
        r = sql_number(tx, SQL_capture_rcpts_n, ARGS(V_INT(no)), &n);
    if (r != 0)
        return r < 0 ? r : -EIO;
    capture->capture_no = (uint64_t)no;
    return put_rcpts(tx, capture, n);
}

static int read_capture(struct sql *sql, struct arena *arena, void *ret_row)
{
    struct store_capture capture = {
        .capture_no = (uint64_t)sql_int(sql, 0),
        .mailbox_id = sql_int(sql, 1),
        .outbox_no = (uint64_t)sql_int(sql, 2),
        .at = sql_int(sql, 4),
        .size = (uint64_t)sql_int(sql, 7),
    };
    int r = sql_copy(sql, 5, arena, &capture.sender);

    if (r == 0)
        r = sql_copy(sql, 6, arena, &capture.subject);
    if (r == 0)
        *(struct store_capture *)ret_row = capture;
    return r;
}

static int read_rcpt(struct sql *sql, struct arena *arena, void *ret_row)
{
    return sql_copy(sql, 0, arena, ret_row);
}

static int add_rcpts(struct store_tx *tx, struct arena *arena, struct store_capture *entry)
{
    return sql_list(tx, arena, SQL_capture_rcpts, ARGS(V_INT(entry->capture_no)), sizeof(*entry->rcpts), read_rcpt, &entry->rcpts,
                    &entry->rcpts_n);
}

static int list_from(struct store_tx *tx, struct arena *arena, enum store_statement statement, uint64_t from, uint64_t limit,
                     struct store_capture **ret_entries, size_t *ret_n)
{
    struct store_capture *list = NULL;
    size_t n = 0;
    uint64_t most = limit == 0 || limit > INT64_MAX ? INT64_MAX : limit;
    int r = sql_list(tx, arena, statement, ARGS(V_INT(from), V_INT(most)), sizeof(*list), read_capture, &list, &n);

    for (size_t i = 0; r == 0 && i < n; i++)
        r = add_rcpts(tx, arena, &list[i]);
    if (r != 0)
        return r;
    *ret_entries = list;
    *ret_n = n;
    return 0;
}

int store_capture_list(struct store_tx *tx, struct arena *arena, uint64_t after, uint64_t limit, struct store_capture **ret_entries,
                       size_t *ret_n)
{
    uint64_t from = after > INT64_MAX ? INT64_MAX : after;

    return list_from(tx, arena, SQL_capture_list, from, limit, ret_entries, ret_n);
}

int store_capture_list_down(struct store_tx *tx, struct arena *arena, uint64_t before, uint64_t limit,
                            struct store_capture **ret_entries, size_t *ret_n)
{
    uint64_t from = before == 0 || before > INT64_MAX ? INT64_MAX : before;

    return list_from(tx, arena, SQL_capture_list_down, from, limit, ret_entries, ret_n);
}

int store_capture_get(struct store_tx *tx, struct arena *arena, uint64_t capture_no, struct store_capture *ret_entry)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    struct store_capture entry;
    int r = capture_no > INT64_MAX ? 1 : sql_first(tx, SQL_capture_row, ARGS(V_INT(capture_no)), &sql);

    if (r == 0)
        r = read_capture(&sql, arena, &entry);
    sql_close(&sql);
    if (r == 0)
        r = add_rcpts(tx, arena, &entry);
    if (r == 0)
        *ret_entry = entry;
    return r;
}

int store_capture_delete(struct store_tx *tx, uint64_t capture_no)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    int64_t deleted = 0;
    int r = capture_no > INT64_MAX ? 1 : store_hold_mailbox(tx, HOLD_DIRECTORY); /* who gives numbers reads which were deleted */

    if (r == 0)
        r = sql_first(tx, SQL_capture_get, ARGS(V_INT(capture_no)), &sql);
    if (r != 0)
        return r;
    int64_t mailbox_id = sql_int(&sql, 0), content_no = sql_int(&sql, 1);
    sql_close(&sql);
    r = sql_run(tx, SQL_chunk_delete, ARGS(V_INT(mailbox_id), V_INT(content_no)), NULL);
    if (r == 0)
        r = sql_run(tx, SQL_capture_rcpts_delete, ARGS(V_INT(capture_no)), NULL);
    if (r == 0)
        r = sql_run(tx, SQL_capture_delete, ARGS(V_INT(mailbox_id), V_INT(capture_no)), NULL);
    if (r == 0)
        r = meta_get(tx, deleted_name, &deleted, sizeof(deleted));
    if (r < 0 || (r == 0 && deleted >= (int64_t)capture_no))
        return r;
    deleted = (int64_t)capture_no;
    return meta_put(tx, deleted_name, &deleted, sizeof(deleted));
}

int store_capture_raw(struct store_tx *tx, struct arena *arena, uint64_t capture_no, struct span *ret_raw)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    int r = capture_no > INT64_MAX ? 1 : sql_first(tx, SQL_capture_get, ARGS(V_INT(capture_no)), &sql);

    if (r != 0)
        return r;
    int64_t mailbox_id = sql_int(&sql, 0);
    uint64_t content_no = (uint64_t)sql_int(&sql, 1);
    uint64_t size = (uint64_t)sql_int(&sql, 2);
    sql_close(&sql);
    return chunks_read(tx, arena, mailbox_id, content_no, PART_MIME, size, ret_raw);
}
