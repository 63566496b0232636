/*
 * The outbox: entries that freeze what was submitted, and the state of each
 * recipient. outbox.due always says when the next queued recipient of the
 * entry may be leased, so the runner's look costs one index read.
 */
#include "store/store_outbox.h"

#include "model/code.h"
#include "store/store_core.h"
#include "store/store_item.h"
#include "store/store_keep.h"

#include <errno.h>
#include <stdlib.h>

enum { ENTRY_COLUMN = 2 + ITEM_COLUMNS_N };

static int64_t first_due(const struct store_outbox *entry)
{
    int64_t due = INT64_MAX;

    for (size_t i = 0; i < entry->rcpts_n; i++)
        if (entry->rcpts[i].state == STORE_RCPT_QUEUED && entry->rcpts[i].next_attempt < due)
            due = entry->rcpts[i].next_attempt;
    return due;
}

static int insert_entry(struct store_tx *tx, const struct item *item, const struct store_outbox *entry)
{
    struct store_value args[ITEM_ARGS + 8];
    int r = item_args(tx, item, args);

    const struct store_value values[] = {
        V_TEXT(entry->envelope_sender), V_TEXT(entry->message_id), V_INT(entry->date),   V_INT(entry->boundary_seed),
        V_INT(entry->created),          V_INT(entry->expires),     V_INT(entry->bounce), V_INT(first_due(entry)),
    };
    memcpy(args + ITEM_ARGS, values, sizeof(values));
    args[0] = V_INT(entry->mailbox_id);
    args[1] = V_INT(entry->outbox_no);
    if (r == 0)
        r = sql_run(tx, SQL_outbox_insert, args, ARRAY_LEN(args), NULL);
    return r;
}

int outbox_insert_rcpt(struct store_tx *tx, struct store_outbox_key key, const struct store_outbox_rcpt *rcpt)
{
    return sql_run(tx, SQL_outbox_rcpt_insert,
                   ARGS(V_INT(key.mailbox_id), V_INT(key.outbox_no), V_INT(rcpt->no), V_TEXT(rcpt->address), V_TEXT(rcpt->name),
                        V_INT(rcpt->kind), V_INT(rcpt->state), V_INT(rcpt->attempts), V_INT(rcpt->next_attempt),
                        V_TEXT(rcpt->status)),
                   NULL);
}

static int insert_rcpts(struct store_tx *tx, struct store_outbox *entry)
{
    for (size_t i = 0; i < entry->rcpts_n; i++) {
        entry->rcpts[i].no = (uint32_t)i + 1;
        int r = outbox_insert_rcpt(tx, (struct store_outbox_key){ entry->mailbox_id, entry->outbox_no }, &entry->rcpts[i]);
        if (r != 0)
            return r;
    }
    return 0;
}

/* The entry's rows; a reference to the content is there for it. */
static int insert_rows(struct store_tx *tx, const struct item *item, struct store_outbox *entry)
{
    entry->content_no = item->content_no;
    int r = insert_entry(tx, item, entry);

    tx->store->entries++;
    return r == 0 ? insert_rcpts(tx, entry) : r;
}

int store_outbox_insert(struct store_tx *tx, struct item *item, struct store_outbox *entry)
{
    uint64_t no = 0, change = 0;
    int r = store_take_numbers(tx, entry->mailbox_id, 2, STORE_NO_GROWTH, &no, &change);

    if (r != 0)
        return r;
    entry->outbox_no = no;
    if (item->item_no == 0)
        r = content_write(tx, item, no + 1);
    else
        r = content_keep(tx, entry->mailbox_id, item->content_no);
    return r == 0 ? insert_rows(tx, item, entry) : r;
}

int store_outbox_submit(struct store_tx *tx, struct item *item, const struct item *draft, struct store_outbox *entry)
{
    const struct item_place from = { draft->item_no, draft->folder_no, draft->flags, draft->content_no, draft->size };
    const bool copy = item->folder_no != 0;
    const struct store_growth growth = { .bytes = (copy ? (int64_t)item->size : 0) - (int64_t)draft->size, .limited = copy };
    uint64_t no = 0, change = 0;
    int r = store_take_numbers(tx, entry->mailbox_id, 2, growth, &no, &change);

    if (r == 0)
        r = item_stop_lending(tx, item); /* as what it was sent the last time */
    if (r != 0)
        return r;
    entry->outbox_no = no;
    r = insert_rows(tx, item, entry);
    item->change_no = item->key_no = change;
    if (r != 0 || !copy)
        return r != 0 ? r : item_delete_row(tx, item, &from); /* the draft's reference is the entry's now */
    item->item_no = no + 1;
    item->flags |= ITEM_LENT;
    return item_move_row(tx, item, &from);
}

static int next_due(struct store_tx *tx, int64_t now, int64_t *ret_next)
{
    int64_t next = 0;
    int r = sql_number(tx, SQL_outbox_next, ARGS(V_INT(now)), &next);

    if (r < 0)
        return r;
    /* MIN() over nothing is NULL, which reads as 0. */
    *ret_next = r == 1 || next == 0 || next == INT64_MAX ? WHEN_NONE : next;
    return 0;
}

int outbox_read_key(struct sql *sql, struct arena *arena, void *ret_row)
{
    struct store_outbox_key *key = ret_row;

    (void)arena;
    *key = (struct store_outbox_key){ sql_int(sql, 0), (uint64_t)sql_int(sql, 1) };
    return 0;
}

int store_outbox_due(struct store_tx *tx, struct arena *arena, int64_t now, size_t limit, struct store_outbox_key **ret_keys,
                     size_t *ret_n, int64_t *ret_next)
{
    struct store_outbox_key *keys = NULL;
    size_t n = 0;
    int64_t next = WHEN_NONE, since;
    int r = store_held(tx, &since);

    if (r == 0) {
        *ret_n = 0;
        *ret_next = WHEN_NONE;
    }
    if (r != 1)
        return r;
    r = sql_list(tx, arena, SQL_outbox_due, ARGS(V_INT(now), V_INT(limit)), sizeof(struct store_outbox_key), outbox_read_key, &keys, &n);

    if (r == 0 && n < limit)
        r = next_due(tx, now, &next);
    if (r != 0)
        return r;
    *ret_keys = keys;
    *ret_n = n;
    *ret_next = next;
    return 0;
}

int store_outbox_list(struct store_tx *tx, struct arena *arena, struct store_outbox_key after, size_t limit,
                      struct store_outbox_key **ret_keys, size_t *ret_n)
{
    return sql_list(tx, arena, SQL_outbox_list, ARGS(V_INT(after.mailbox_id), V_INT(after.outbox_no), V_INT(limit)),
                    sizeof(struct store_outbox_key), outbox_read_key, ret_keys, ret_n);
}

int outbox_renew_due(struct store_tx *tx, struct store_outbox_key key)
{
    return sql_run(tx, SQL_outbox_renew_due, ARGS(V_INT(key.mailbox_id), V_INT(key.outbox_no)), NULL);
}

int store_outbox_take(struct store_tx *tx, struct arena *arena, uint64_t owner, int64_t now, int64_t until, size_t limit,
                      struct store_outbox_key **ret_keys, size_t *ret_n)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    struct store_outbox_key *keys = arena_array(arena, limit, sizeof(*keys));
    size_t n = 0;
    int r = keys ? sql_run(tx, SQL_outbox_take, ARGS(V_INT(owner), V_INT(until), V_INT(now), V_INT(limit)), NULL) : -ENOMEM;

    if (r == 0)
        r = sql_open(tx, SQL_outbox_taken, ARGS(V_INT(now), V_INT(limit)), &sql);
    while (r == 0 && (r = sql_next(&sql)) == 1 && n < limit) {
        keys[n++] = (struct store_outbox_key){ sql_int(&sql, 0), (uint64_t)sql_int(&sql, 1) };
        r = 0;
    }
    if (r < 0)
        return r;
    *ret_keys = keys;
    *ret_n = n;
    return 0;
}

static int due_of(struct store_tx *tx, int64_t mailbox_id, int64_t now, size_t limit, struct store_outbox_key *keys, size_t *ret_n)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    size_t n = 0;
    int r = sql_open(tx, SQL_outbox_due_of, ARGS(V_INT(mailbox_id), V_INT(now), V_INT(limit)), &sql);

    while (r == 0 && (r = sql_next(&sql)) == 1 && n < limit) {
        keys[n++] = (struct store_outbox_key){ mailbox_id, (uint64_t)sql_int(&sql, 0) };
        r = 0;
    }
    *ret_n = n;
    return r < 0 ? r : 0;
}

int store_outbox_take_of(struct store_tx *tx, int64_t mailbox_id, uint64_t owner, int64_t now, int64_t until, size_t limit,
                         struct store_outbox_key *ret_keys, size_t *ret_n)
{
    struct store_outbox_key *keys = ret_keys;
    size_t due = 0, n = 0;
    int r = due_of(tx, mailbox_id, now, limit, keys, &due);

    for (size_t i = 0; r == 0 && i < due; i++) {
        int64_t written = 0;
        r = sql_run(tx, SQL_outbox_take_one,
                    ARGS(V_INT(mailbox_id), V_INT(keys[i].outbox_no), V_INT(owner), V_INT(until), V_INT(now)), &written);
        if (r == 0)
            r = outbox_renew_due(tx, keys[i]);
        if (r == 0 && written > 0)
            keys[n++] = keys[i];
    }
    if (r == 0)
        *ret_n = n;
    return r;
}

int store_outbox_hold(struct store_tx *tx, struct store_outbox_key key, uint32_t no, uint64_t owner, int64_t now, int64_t until)
{
    int64_t written = 0;
    int r = sql_run(tx, SQL_outbox_hold,
                    ARGS(V_INT(key.mailbox_id), V_INT(key.outbox_no), V_INT(no), V_INT(owner), V_INT(until), V_INT(now)), &written);

    return r == 0 && written == 0 ? 1 : r;
}

int store_outbox_renew(struct store_tx *tx, struct store_outbox_key key, uint64_t owner, int64_t until)
{
    int64_t written = 0;
    int r = sql_run(tx, SQL_outbox_renew, ARGS(V_INT(key.mailbox_id), V_INT(key.outbox_no), V_INT(owner), V_INT(until)), &written);

    if (r == 0)
        r = outbox_renew_due(tx, key);
    return r == 0 && written == 0 ? 1 : r;
}

static int read_entry(struct sql *sql, struct arena *arena, struct store_outbox *entry)
{
    int r = sql_copy(sql, ENTRY_COLUMN, arena, &entry->envelope_sender);

    if (r == 0)
        r = sql_copy(sql, ENTRY_COLUMN + 1, arena, &entry->message_id);
    entry->date = sql_int(sql, ENTRY_COLUMN + 2);
    entry->boundary_seed = (uint64_t)sql_int(sql, ENTRY_COLUMN + 3);
    entry->created = sql_int(sql, ENTRY_COLUMN + 4);
    entry->expires = sql_int(sql, ENTRY_COLUMN + 5);
    entry->bounce = sql_int(sql, ENTRY_COLUMN + 6) != 0;
    entry->held = sql_int(sql, ENTRY_COLUMN + 7) != 0;
    entry->warned = sql_int(sql, ENTRY_COLUMN + 8) != 0;
    return r;
}

static int read_frozen(struct store_tx *tx, struct arena *arena, struct store_outbox *entry, struct item *item)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    int r = sql_first(tx, SQL_outbox_get, ARGS(V_INT(entry->mailbox_id), V_INT(entry->outbox_no)), &sql);

    if (r != 0)
        return r;
    r = item_from_row(&sql, arena, entry->mailbox_id, item);
    if (r == 0)
        r = read_entry(&sql, arena, entry);
    entry->content_no = item->content_no;
    item->item_no = 0;
    item->flags &= ~ITEM_LENT;
    item->message_id = entry->message_id;
    item->sent = entry->date;
    item->boundary_seed = entry->boundary_seed;
    return r;
}

static int read_rcpt(struct sql *sql, struct arena *arena, void *ret_row)
{
    struct store_outbox_rcpt *rcpt = ret_row;

    rcpt->no = (uint32_t)sql_int(sql, 0);
    rcpt->kind = (enum store_rcpt_kind)sql_int(sql, 3);
    rcpt->state = (enum store_rcpt_state)sql_int(sql, 4);
    rcpt->attempts = (uint32_t)sql_int(sql, 5);
    rcpt->next_attempt = sql_int(sql, 6);
    rcpt->lease_until = sql_int(sql, 9);
    int r = sql_copy(sql, 1, arena, &rcpt->address);
    if (r == 0)
        r = sql_copy(sql, 2, arena, &rcpt->name);
    if (r == 0)
        r = sql_copy(sql, 7, arena, &rcpt->status);
    return r == 0 ? sql_copy(sql, 8, arena, &rcpt->relay) : r;
}

int store_outbox_rcpts(struct store_tx *tx, struct arena *arena, struct store_outbox_key key, uint64_t owner,
                       struct store_outbox *ret_entry)
{
    struct store_outbox entry = { .mailbox_id = key.mailbox_id, .outbox_no = key.outbox_no };
    int r = sql_list(tx, arena, SQL_outbox_rcpts, ARGS(V_INT(key.mailbox_id), V_INT(key.outbox_no), V_INT(owner)), sizeof(*entry.rcpts),
                     read_rcpt, &entry.rcpts, &entry.rcpts_n);

    if (r == 0)
        *ret_entry = entry;
    return r;
}

int store_outbox_message(struct store_tx *tx, struct arena *arena, unsigned depth, struct store_outbox *entry, struct item *ret_item)
{
    struct item item;
    int r = read_frozen(tx, arena, entry, &item);

    if (r == 0)
        r = item_load_content(tx, arena, depth, &item);
    if (r == 0)
        r = item_whole(&item, depth);
    if (r == 0)
        *ret_item = item;
    return r == -EUCLEAN ? CODE_ErrorCorruptData : r;
}

int store_outbox_load(struct store_tx *tx, struct arena *arena, struct store_outbox_key key, uint64_t owner, unsigned depth,
                      struct store_outbox *ret_entry, struct item *ret_item)
{
    struct store_outbox entry;
    int r = store_outbox_rcpts(tx, arena, key, owner, &entry);

    if (r == 0)
        r = store_outbox_message(tx, arena, depth, &entry, ret_item);
    if (r == 0)
        *ret_entry = entry;
    return r;
}

static int by_number(const void *a, const void *b)
{
    uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;

    return one < other ? -1 : one > other;
}

static int sort_numbers(struct store_tx *tx, const struct store_settle *settles, size_t n, uint32_t **ret_nos)
{
    uint32_t *nos = arena_array(tx->scratch, n, sizeof(*nos));

    if (!nos)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        nos[i] = settles[i].no;
    qsort(nos, n, sizeof(*nos), by_number);
    *ret_nos = nos;
    return 0;
}

/* How many are queued, and how many of those are owner's and among nos. They are
 * looked for by their numbers: what is settled a second time, as nobody knew that
 * the first stands, must not be taken for another recipient that owner holds. */
static int count_queued(struct store_tx *tx, struct store_outbox_key key, uint64_t owner, const uint32_t *nos, size_t n,
                        size_t *ret_queued, size_t *ret_held)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    size_t queued = 0, held = 0;
    int r = sql_open(tx, SQL_outbox_queued, ARGS(V_INT(key.mailbox_id), V_INT(key.outbox_no)), &sql);

    while (r == 0 && (r = sql_next(&sql)) == 1) {
        queued++;
        held += held < n && sql_int(&sql, 0) == nos[held] && (uint64_t)sql_int(&sql, 1) == owner;
        r = 0;
    }
    *ret_queued = queued;
    *ret_held = held;
    return r;
}

/* Is every recipient that is still queued among those that owner settles for
 * good? Then no row needs to be kept. 1: owner no longer holds one of them. */
static int settles_all(struct store_tx *tx, struct store_outbox_key key, uint64_t owner, const struct store_settle *settles, size_t n,
                       bool *ret_all)
{
    uint32_t *nos;
    size_t queued, held;

    for (size_t i = 0; i < n; i++) {
        *ret_all = settles[i].state != STORE_RCPT_QUEUED;
        if (!*ret_all)
            return 0;
    }
    int r = sort_numbers(tx, settles, n, &nos);
    if (r == 0)
        r = count_queued(tx, key, owner, nos, n, &queued, &held);
    if (r != 0)
        return r;
    *ret_all = queued == n;
    return held < n ? 1 : 0;
}

static int settle_one(struct store_tx *tx, struct store_outbox_key key, uint64_t owner, const struct store_settle *settle)
{
    int64_t written = 0;
    int r = sql_run(tx, SQL_outbox_settle,
                    ARGS(V_INT(key.mailbox_id), V_INT(key.outbox_no), V_INT(settle->no), V_INT(settle->state),
                         V_INT(settle->next_attempt), V_TEXT(settle->status), V_INT(owner), V_INT(settle->untried ? 0 : 1),
                         V_TEXT(settle->relay)),
                    &written);

    return r == 0 && written == 0 ? 1 : r;
}

/* The entry's rows and its part in the content. */
static int delete_rows(struct store_tx *tx, struct store_outbox_key key, uint64_t content_no)
{
    const struct store_value args[] = { V_INT(key.mailbox_id), V_INT(key.outbox_no) };
    bool lends = false;
    int r = sql_run(tx, SQL_outbox_rcpt_delete, args, 2, NULL);

    if (r == 0)
        r = sql_run(tx, SQL_outbox_delete, args, 2, NULL);
    if (r == 0)
        r = item_lends(tx, key.mailbox_id, key.outbox_no, &lends);
    return r == 0 && !lends ? content_drop(tx, key.mailbox_id, content_no) : r;
}

int store_outbox_delete(struct store_tx *tx, struct store_outbox_key key)
{
    int64_t content_no = 0;
    int r = sql_number(tx, SQL_outbox_content, ARGS(V_INT(key.mailbox_id), V_INT(key.outbox_no)), &content_no);

    if (r != 0)
        return r < 0 ? r : 0;
    return delete_rows(tx, key, (uint64_t)content_no);
}

int store_outbox_settle(struct store_tx *tx, const struct store_outbox *entry, uint64_t owner, const struct store_settle *settles,
                        size_t n, uint32_t *ret_left)
{
    struct store_outbox_key key = { entry->mailbox_id, entry->outbox_no };
    bool all = false;
    int64_t left = 0;
    int r = settles_all(tx, key, owner, settles, n, &all);

    for (size_t i = 0; r == 0 && !all && i < n; i++)
        r = settle_one(tx, key, owner, &settles[i]);
    if (r == 0 && !all)
        r = sql_number(tx, SQL_outbox_left, ARGS(V_INT(key.mailbox_id), V_INT(key.outbox_no)), &left);
    if (r == 0 && left > 0)
        r = outbox_renew_due(tx, key);
    else if (r == 0)
        r = entry->content_no ? delete_rows(tx, key, entry->content_no) : store_outbox_delete(tx, key);
    if (r == 0)
        *ret_left = (uint32_t)left;
    return r;
}

int store_outbox_count(struct store_tx *tx, int64_t mailbox_id, uint64_t *ret_entries)
{
    int64_t n = 0;
    int r = sql_number(tx, SQL_outbox_count, ARGS(V_INT(mailbox_id)), &n);

    if (r == 0)
        *ret_entries = (uint64_t)n;
    return r;
}
