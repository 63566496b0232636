/*
 * Keeping the full-text index; see store_words.h. search_state says how far it
 * has come: item by item up to `scanned`, then change by change.
 */
#include "store/store_words.h"

#include "model/code.h"
#include "store/driver.h"
#include "store/store_core.h"
#include "store/store_item.h"

#include <errno.h>
#include <stdlib.h>

enum { STEP_ITEMS = 32, ARENA_CAP = 64 * 1024 * 1024, SLOTS = 2 * STORE_WORDS_ITEM, ITEM_TEXT_MAX = 1 << 20 };

/* ---- the words of one item ---- */

struct word_set {
    struct arena *arena;
    struct span *slots; /* SLOTS; by hash */
    struct span *v;     /* STORE_WORDS_ITEM */
    size_t n;
};

static uint32_t hash_of(struct span word)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < word.len; i++)
        hash = (hash ^ (unsigned char)word.ptr[i]) * 16777619u;
    return hash;
}

/* 1: there are too many. */
static int add_word(void *arg, struct span word)
{
    struct word_set *set = arg;
    size_t at = hash_of(word) % SLOTS;

    for (; set->slots[at].ptr; at = (at + 1) % SLOTS)
        if (span_eq(set->slots[at], word))
            return 0;
    if (set->n == STORE_WORDS_ITEM)
        return 1;
    int r = arena_copy(set->arena, word, &set->slots[at]);
    if (r == 0)
        set->v[set->n++] = set->slots[at];
    return r;
}

static int compare_words(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    int c = memcmp(x->ptr, y->ptr, x->len < y->len ? x->len : y->len);

    return c ? c : (x->len > y->len) - (x->len < y->len);
}

static int words_of_item(struct arena *arena, const struct item *item, struct buf *out)
{
    struct word_set set = { .arena = arena, .slots = arena_array(arena, SLOTS, sizeof(struct span)),
                            .v = arena_array(arena, STORE_WORDS_ITEM, sizeof(struct span)) };

    if (!set.slots || !set.v)
        return -ENOMEM;
    int r = filter_each_word(arena, item, add_word, &set);
    if (r < 0)
        return r;
    if (set.n > 0)
        qsort(set.v, set.n, sizeof(*set.v), compare_words);
    if (r == 1)
        words_add_prefix(out, item->mailbox_id, true);
    for (size_t i = 0; i < set.n; i++) {
        if (out->len > 0)
            buf_add_char(out, ' ');
        words_add_prefix(out, item->mailbox_id, false);
        buf_add_span(out, set.v[i]);
    }
    return buf_error(out);
}

/* ---- a step ---- */

struct step {
    struct store_tx *tx;
    struct arena *arena; /* empty for each item */
    int64_t mailbox_id;
    uint64_t until; /* changes after that one come later */
    size_t body_max;
    struct buf words;
};

static int tell_engine(const struct step *step, const char *text, uint64_t item_no)
{
    return text ? sql_run_text(step->tx, text, ARGS(V_INT(step->mailbox_id), V_INT(item_no))) : 0;
}

static int forget_item(const struct step *step, uint64_t item_no)
{
    int r = tell_engine(step, step->tx->driver->words->remove, item_no);

    return r ? r : sql_run(step->tx, SQL_words_delete, ARGS(V_INT(step->mailbox_id), V_INT(item_no)), NULL);
}

/* 1: as it stands there. */
static int is_indexed(const struct step *step, uint64_t item_no, bool *ret_there)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    int r = sql_open(step->tx, SQL_words_get, ARGS(V_INT(step->mailbox_id), V_INT(item_no)), &sql);

    if (r == 0)
        r = sql_next(&sql);
    if (r < 0)
        return r;
    *ret_there = r == 1;
    return r == 1 && span_eq(sql_bytes(&sql, 0), buf_span(&step->words)) ? 1 : 0;
}

static int put_item(struct step *step, const struct item *item)
{
    bool there = false;

    buf_clear(&step->words);
    int r = words_of_item(step->arena, item, &step->words);
    if (r == 0)
        r = is_indexed(step, item->item_no, &there);
    if (r != 0)
        return r < 0 ? r : 0;
    r = there ? tell_engine(step, step->tx->driver->words->remove, item->item_no) : 0;
    if (r == 0)
        r = sql_run(step->tx, there ? SQL_words_update : SQL_words_insert,
                    ARGS(V_INT(step->mailbox_id), V_INT(item->item_no), V_TEXT(buf_span(&step->words))), NULL);
    return r ? r : tell_engine(step, step->tx->driver->words->add, item->item_no);
}

/* One that has changed since is met again. */
static int index_item(struct step *step, uint64_t item_no)
{
    struct item item;

    arena_reset(step->arena);
    int r = item_for_words(step->tx, step->arena, step->mailbox_id, item_no, step->body_max, &item);
    if (r == CODE_ErrorItemNotFound)
        return forget_item(step, item_no);
    if (r != 0 || item.change_no > step->until)
        return r < 0 ? r : 0;
    return put_item(step, &item);
}

struct change {
    uint64_t item_no, to_item_no;
};

static int change_from_row(struct sql *sql, struct arena *arena, void *ret_row)
{
    struct change *change = ret_row;

    (void)arena;
    *change = (struct change){ .item_no = (uint64_t)sql_int(sql, 0), .to_item_no = (uint64_t)sql_int(sql, 1) };
    return 0;
}

static int index_change(struct step *step, const struct change *change)
{
    if (change->to_item_no == 0)
        return index_item(step, change->item_no);
    int r = forget_item(step, change->to_item_no);
    if (r == 0)
        r = sql_run(step->tx, SQL_words_move,
                    ARGS(V_INT(step->mailbox_id), V_INT(change->item_no), V_INT(change->to_item_no)), NULL);
    return r == 0 ? index_item(step, change->to_item_no) : r;
}

static int advance(const struct step *step, uint64_t change_no, int64_t scanned)
{
    return sql_run(step->tx, SQL_words_advance, ARGS(V_INT(step->mailbox_id), V_INT(change_no), V_INT(scanned)), NULL);
}

static int scan_some(struct step *step, uint64_t change_no, int64_t scanned, bool *ret_more)
{
    uint64_t *numbers = NULL;
    size_t n = 0;
    CLEANUP(free_ptr_arena) struct arena *list = NULL;
    int r = arena_new(1 << 16, &list);

    if (r == 0)
        r = sql_list(step->tx, list, SQL_words_scan, ARGS(V_INT(step->mailbox_id), V_INT(scanned), V_INT(STEP_ITEMS)),
                     sizeof(*numbers), number_from_row, &numbers, &n);
    step->until = UINT64_MAX;
    for (size_t i = 0; r == 0 && i < n; i++)
        r = index_item(step, numbers[i]);
    *ret_more = true;
    return r ? r : advance(step, change_no, n < STEP_ITEMS ? INT64_MAX : (int64_t)numbers[n - 1]);
}

static int follow_some(struct step *step, uint64_t change_no, bool *ret_more)
{
    CLEANUP(free_ptr_arena) struct arena *list = NULL;
    struct change *changes = NULL;
    int64_t until = 0;
    size_t n = 0;
    int r = sql_number(step->tx, SQL_words_until, ARGS(V_INT(step->mailbox_id), V_INT(change_no), V_INT(STEP_ITEMS)), &until);

    *ret_more = r == 0;
    if (r == 1)
        r = sql_number(step->tx, SQL_words_last, ARGS(V_INT(step->mailbox_id)), &until);
    if (r != 0)
        return r < 0 ? r : 0; /* the mailbox is gone */
    if ((uint64_t)until <= change_no)
        return 0;
    step->until = (uint64_t)until;
    if ((r = arena_new(ARENA_CAP, &list)))
        return r;
    r = sql_list(step->tx, list, SQL_words_changes, ARGS(V_INT(step->mailbox_id), V_INT(change_no), V_INT(until)), sizeof(*changes),
                 change_from_row, &changes, &n);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = index_change(step, &changes[i]);
    return r == 0 ? advance(step, step->until, INT64_MAX) : r;
}

/* 1: it has not begun. ret_behind: changes that it lacks have been forgotten. */
static int read_state(struct store_tx *tx, int64_t mailbox_id, uint64_t *ret_change, int64_t *ret_scanned, bool *ret_behind)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    int r = sql_first(tx, SQL_words_state, ARGS(V_INT(mailbox_id)), &sql);

    if (r != 0)
        return r;
    *ret_change = (uint64_t)sql_int(&sql, 0);
    *ret_scanned = sql_int(&sql, 1);
    *ret_behind = sql_int(&sql, 2) != 0;
    return 0;
}

int words_sweep(struct store_tx *tx, int64_t mailbox_id, unsigned rows)
{
    const struct store_words_dialect *dialect = tx->driver->words;

    return dialect && dialect->sweep ? sql_run_text(tx, dialect->sweep, ARGS(V_INT(mailbox_id), V_INT(rows))) : 0;
}

int store_words_state(struct store_tx *tx, int64_t mailbox_id, uint64_t *ret_change)
{
    int64_t scanned = 0;
    bool behind = false;
    int r = tx->driver->words ? read_state(tx, mailbox_id, ret_change, &scanned, &behind) : 1;

    return r == 0 && (behind || scanned != INT64_MAX) ? 1 : r;
}

/* An index that can't be followed up goes, some items at a time, and begins anew. */
static int forget_some(struct store_tx *tx, int64_t mailbox_id, bool *ret_more)
{
    int64_t gone = 0;
    int r = words_sweep(tx, mailbox_id, STEP_ITEMS);

    if (r == 0)
        r = sql_run(tx, SQL_sweep_search_item, ARGS(V_INT(mailbox_id), V_INT(STEP_ITEMS)), &gone);
    *ret_more = true;
    return r || gone > 0 ? r : sql_run(tx, SQL_words_forget, ARGS(V_INT(mailbox_id)), NULL);
}

int store_words_step(struct store_tx *tx, int64_t mailbox_id, size_t body_max, bool *ret_more)
{
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    struct step step = { .tx = tx, .mailbox_id = mailbox_id, .body_max = body_max, .words = BUF_INIT(ITEM_TEXT_MAX) };
    uint64_t change_no = 0;
    int64_t scanned = 0;
    bool behind = false;
    int r = tx->driver->words ? sql_run(tx, SQL_words_begin, ARGS(V_INT(mailbox_id)), NULL) : 1;

    *ret_more = false;
    if (r == 0)
        r = read_state(tx, mailbox_id, &change_no, &scanned, &behind);
    if (r != 0)
        return r < 0 ? r : 0;
    if (behind)
        return forget_some(tx, mailbox_id, ret_more);
    if ((r = arena_new(ARENA_CAP, &arena)))
        return r;
    step.arena = arena;
    r = scanned != INT64_MAX ? scan_some(&step, change_no, scanned, ret_more) : follow_some(&step, change_no, ret_more);
    buf_done(&step.words);
    return r;
}

/* ---- in the background ---- */

static int background_job(struct store_tx *tx, void *arg)
{
    struct store_indexer *indexer = arg;

    return store_words_step(tx, indexer->mailbox_id, indexer->body_max, &indexer->more);
}

/* Under the lock: whether there is a step to be queued. */
static bool next_step(struct store_indexer *indexer, bool failed)
{
    bool more = indexer->more && !failed;

    indexer->running = !indexer->stopping && (more || indexer->wanted_n > 0);
    if (indexer->running && !more)
        indexer->mailbox_id = indexer->wanted[--indexer->wanted_n];
    indexer->pending.mailbox_id = indexer->mailbox_id;
    return indexer->running;
}

static void step_done(struct store_pending *pending)
{
    struct store_indexer *indexer = (struct store_indexer *)pending;

    pthread_mutex_lock(&indexer->lock);
    bool more = next_step(indexer, pending->result != 0);
    pthread_mutex_unlock(&indexer->lock);
    if (more)
        store_write_later(indexer->store, pending);
}

/* A mailbox that finds no room is wanted again by the next search. */
void store_words_want(struct store *store, int64_t mailbox_id, size_t body_max)
{
    struct store_indexer *indexer = &store->indexer;
    bool begin = false;

    if (!store->driver->words)
        return;
    pthread_mutex_lock(&indexer->lock);
    bool known = indexer->running && indexer->mailbox_id == mailbox_id;
    for (size_t i = 0; i < indexer->wanted_n; i++)
        known = known || indexer->wanted[i] == mailbox_id;
    if (!known && indexer->wanted_n < ARRAY_LEN(indexer->wanted))
        indexer->wanted[indexer->wanted_n++] = mailbox_id;
    if (!indexer->running) {
        indexer->more = false;
        indexer->store = store;
        indexer->body_max = body_max;
        indexer->pending = (struct store_pending){ .job = background_job, .arg = indexer, .done = step_done };
        begin = next_step(indexer, false);
    }
    pthread_mutex_unlock(&indexer->lock);
    if (begin)
        store_write_later(store, &indexer->pending);
}

void words_stop(struct store *store)
{
    pthread_mutex_lock(&store->indexer.lock);
    store->indexer.stopping = true;
    pthread_mutex_unlock(&store->indexer.lock);
}
