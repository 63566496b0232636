/*
 * Searching a folder; see store_search.h. The shortest way is taken: the
 * folder's own order needs no list, an order of columns is the engine's, and
 * only what has to be looked into is read, one item at a time.
 */
#include "store/store_search.h"

#include "model/code.h"
#include "store/driver.h"
#include "store/store_core.h"
#include "store/store_filter.h"
#include "store/store_item.h"
#include "store/store_words.h"

#include <errno.h>
#include <stdlib.h>

enum { ITEM_CAP = 64 * 1024 * 1024, TEXT_CAP = 1 << 20, ORDERS_MAX = 16 };

/* ---- reading as much of an item as a search looks at ---- */

struct part {
    char *bytes;
    size_t n, max;
};

static int take_piece(void *arg, struct span piece)
{
    struct part *part = arg;
    size_t n = piece.len < part->max - part->n ? piece.len : part->max - part->n;

    memcpy(part->bytes + part->n, piece.ptr, n);
    part->n += n;
    return part->n == part->max;
}

/* The begin of a body that is too long to be searched whole, or to be at hand. */
static int bound_body(struct arena *arena, size_t body_max, struct item *item)
{
    struct part part = { .max = item->body_source && item->body_source->len < body_max ? item->body_source->len : body_max };

    if (!item->body_source) {
        item->body.len = item->body.len < body_max ? item->body.len : body_max;
        return 0;
    }
    part.bytes = arena_alloc(arena, part.max);
    if (!part.bytes)
        return -ENOMEM;
    int r = source_each(item->body_source, item->body, take_piece, &part);
    item->damaged = item->damaged || r == -EUCLEAN;
    item->body = (struct span){ part.bytes, part.n };
    item->body_source = NULL;
    return r < 0 && r != -EUCLEAN ? r : 0;
}

static int load_content(struct store_tx *tx, struct arena *arena, unsigned load, size_t body_max, struct item *item)
{
    unsigned depth = (load & FIELD_RCPTS ? STORE_RECIPIENTS : 0u) | (load & FIELD_BODY ? STORE_BODY | STORE_LAZY_BODY : 0u) |
                     (load & FIELD_ATTACHMENTS ? STORE_ATTACHMENTS : 0u);
    int r = depth ? item_load_content(tx, arena, depth, item) : 0;

    return r == 0 && load & FIELD_BODY ? bound_body(arena, body_max, item) : r;
}

int item_for_words(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, uint64_t item_no, size_t body_max,
                   struct item *ret_item)
{
    int r = store_item_get(tx, arena, mailbox_id, item_no, STORE_HOT | STORE_DAMAGED, ret_item);

    return r == 0 ? load_content(tx, arena, FILTER_WORDS_LOAD, body_max, ret_item) : r;
}

int number_from_row(struct sql *sql, struct arena *arena, void *ret_row)
{
    (void)arena;
    *(uint64_t *)ret_row = (uint64_t)sql_int(sql, 0);
    return 0;
}

/* ---- looking into one item after another ---- */

struct entry {
    uint64_t item_no;
    struct span key;
};

struct looking {
    struct store_tx *tx;
    const struct store_search *search;
    struct arena *arena; /* of the request */
    struct arena *item_arena; /* empty for each item */
    struct sql *sql;     /* at its row; or NULL */
    struct buf key;
    bool keyed;
    struct entry *v;
    size_t n, room;
};

static int load(void *arg, struct item *item, unsigned load)
{
    struct looking *looking = arg;
    int r = load & FIELD_RARE && looking->sql ? item_rare_from_row(looking->sql, looking->item_arena, item) : 0;

    return r == 0 ? load_content(looking->tx, looking->item_arena, load, looking->search->body_max, item) : r;
}

static int add_key(struct looking *looking, struct filter_item *item, const struct store_order *order)
{
    unsigned missing = field_load(&order->field) & ~item->loaded;
    int r = missing ? load(looking, item->item, missing) : 0;

    item->loaded |= missing;
    return r == 0 ? field_sort_key(looking->item_arena, &order->field, item->item, order->descending, &looking->key) : r;
}

/* Ties: the newest first. */
static int add_entry(struct looking *looking, struct filter_item *item)
{
    static const struct store_order usual = { { .kind = FIELD_PROP, .type = VALUE_TIME, .prop = PROP_ID_DateTimeReceived }, true };
    const struct store_search *search = looking->search;
    struct entry entry = { .item_no = item->item->item_no };
    int r = 0;

    if (looking->n == search->max)
        return CODE_ErrorExceededFindCountLimit;
    looking->v = store_grow(looking->arena, looking->v, looking->n, &looking->room, sizeof(*looking->v));
    if (!looking->v)
        return -ENOMEM;
    buf_clear(&looking->key);
    for (size_t i = 0; r == 0 && looking->keyed && i < search->orders; i++)
        r = add_key(looking, item, &search->order[i]);
    if (r == 0 && looking->keyed && search->orders == 0)
        r = add_key(looking, item, &usual);
    if (r == 0)
        r = arena_copy(looking->arena, buf_span(&looking->key), &entry.key);
    if (r == 0)
        looking->v[looking->n++] = entry;
    return r;
}

/* filter NULL: it matches. */
static int look_at(struct looking *looking, const struct filter *filter)
{
    struct item hot;
    bool match = true;

    arena_reset(looking->item_arena);
    int r = item_hot_from_row(looking->sql, NULL, looking->search->mailbox_id, &hot);
    struct filter_item item = { .item = &hot, .load = load, .arg = looking, .arena = looking->item_arena };
    if (r == 0 && filter)
        r = filter_match(filter, &item, &match);
    return r == 0 && match ? add_entry(looking, &item) : r;
}

static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    size_t n = x->key.len < y->key.len ? x->key.len : y->key.len;
    int c = n ? memcmp(x->key.ptr, y->key.ptr, n) : 0;

    if (c == 0)
        c = (x->key.len > y->key.len) - (x->key.len < y->key.len);
    return c ? c : (x->item_no < y->item_no) - (x->item_no > y->item_no);
}

/* All rows of a statement of ours, with what columns can tell of the filter; exact: the
 * filter needs not be asked, but of rows that say otherwise in their last column. */
static int look_through(struct looking *looking, const char *select, const struct store_value *args, size_t n, const char *order,
                        bool exact)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    const struct filter *filter = looking->search->filter;
    struct store_value all[8 + FILTER_ARGS_MAX];
    struct buf text = BUF_INIT(TEXT_CAP);
    int r;

    memcpy(all, args, n * sizeof(*args));
    buf_add_str(&text, select);
    if (filter)
        store_filter_sql(filter, &text, all, &n);
    buf_add_str(&text, order);
    buf_add(&text, "", 1);
    r = buf_error(&text);
    if (r == 0)
        r = sql_open_text(looking->tx, text.ptr, all, n, &sql);
    buf_done(&text);
    looking->sql = &sql;
    while (r == 0 && (r = sql_next(&sql)) == 1)
        r = look_at(looking, exact && !sql_int(&sql, 2 + ITEM_COLUMNS_N) ? NULL : filter);
    looking->sql = NULL;
    return r;
}

static int look_at_all(struct looking *looking)
{
    const struct store_search *search = looking->search;

    looking->keyed = search->orders > 0;
    return look_through(looking, search->deleted ? STORE_SEARCH_DELETED : STORE_SEARCH_ALL,
                        ARGS(V_INT(search->mailbox_id), V_INT(search->folder_no), V_INT(search->associated)),
                        looking->keyed ? "" : " ORDER BY received DESC, item_no DESC", false);
}

/* What the index knows, then what is newer than it. */
static int look_by_words(struct looking *looking, struct span query, bool exact, uint64_t indexed, uint64_t *ret_unindexed)
{
    const struct store_search *search = looking->search;
    const struct store_value args[] = { V_INT(search->mailbox_id), V_INT(search->folder_no), V_INT(search->associated), V_INT(indexed),
                                        V_TEXT(query) };
    struct buf text = BUF_INIT(TEXT_CAP);
    int64_t newer = 0;

    looking->keyed = true;
    words_select(looking->tx->driver->words, &text);
    buf_add(&text, "", 1);
    int r = buf_error(&text);
    if (r == 0)
        r = look_through(looking, text.ptr, args, ARRAY_LEN(args), "", exact);
    buf_done(&text);
    if (r == 0)
        r = look_through(looking,
                         STORE_SEARCH_NEWER,
                         args, 4, "", false);
    if (r == 0)
        r = sql_number(looking->tx, SQL_words_newer, ARGS(V_INT(search->mailbox_id), V_INT(indexed)), &newer);
    *ret_unindexed = (uint64_t)newer;
    return r < 0 ? r : r > 1 ? r : 0;
}

static bool asks_for_words(const struct filter *filter)
{
    bool asks = filter->op == FILTER_WORDS;

    for (const struct filter *c = filter->child; c && !asks; c = c->next)
        asks = asks_for_words(c);
    return asks;
}

static int look(struct looking *looking, uint64_t folder_total, struct store_found *found)
{
    const struct store_search *search = looking->search;
    const struct store_words_dialect *dialect = looking->tx->driver->words;
    struct buf query = BUF_INIT(TEXT_CAP);
    uint64_t indexed = 0;
    bool exact = false;

    found->words = search->filter && asks_for_words(search->filter);
    found->unindexed = found->words ? folder_total : 0;
    bool by_words = found->words && !search->deleted && dialect && words_query(dialect, search->mailbox_id, search->filter, &query, &exact);
    int r = by_words ? store_words_state(looking->tx, search->mailbox_id, &indexed) : 1;
    if (r == 0)
        r = buf_error(&query);
    r = r == 0 ? look_by_words(looking, buf_span(&query), exact, indexed, &found->unindexed) : r == 1 ? look_at_all(looking) : r;
    buf_done(&query);
    return r;
}

static int list(struct store_tx *tx, struct arena *arena, const struct store_search *search, uint64_t folder_total,
                struct store_found *found)
{
    CLEANUP(free_ptr_arena) struct arena *item_arena = NULL;
    struct looking looking = { .tx = tx, .search = search, .arena = arena, .key = BUF_INIT(1 << 16) };
    int r = arena_new(ITEM_CAP, &item_arena);

    looking.item_arena = item_arena;
    if (r == 0)
        r = look(&looking, folder_total, found);
    buf_done(&looking.key);
    if (r != 0)
        return r;
    if (looking.keyed && looking.n > 0)
        qsort(looking.v, looking.n, sizeof(*looking.v), compare_entries);
    uint64_t *numbers = arena_array(arena, looking.n + 1, sizeof(*numbers));
    if (!numbers)
        return -ENOMEM;
    for (size_t i = 0; i < looking.n; i++)
        numbers[i] = looking.v[i].item_no;
    found->numbers = numbers;
    found->total = looking.n;
    return 0;
}

/* ---- the ways ---- */

/* The engine's order, where it has columns for all of it. */
static bool sorts_by_columns(const struct store_search *search, struct store_sort sort[STORE_FIND_SORTS])
{
    for (size_t i = 0; i < search->orders && i < STORE_FIND_SORTS; i++) {
        const struct field *field = &search->order[i].field;
        sort[i] = (struct store_sort){ field->kind == FIELD_PROP ? props[field->prop].column : NULL, search->order[i].descending };
        if (prop_id(&props[field->prop]) == PROP_ID_HasAttachments && field->kind == FIELD_PROP)
            sort[i].column = "has_attachments";
        if (!sort[i].column || !find_sorts_by(sort[i].column))
            return false;
    }
    return search->orders <= STORE_FIND_SORTS;
}

int store_search(struct store_tx *tx, struct arena *arena, const struct store_search *search, struct store_found *ret_found)
{
    struct store_sort sort[STORE_FIND_SORTS];
    struct store_found found = { 0 };
    struct folder folder;
    int r = store_folder_get(tx, arena, search->mailbox_id, search->folder_no, &folder);
    int64_t total = r == 0 ? folder.total : 0;

    if (r == 0 && search->associated)
        r = sql_number(tx, SQL_item_count, ARGS(V_INT(search->mailbox_id), V_INT(search->folder_no), V_INT(1)), &total);
    found.total = (uint64_t)total;
    if (r == 0 && (search->filter || search->listed || search->deleted || !sorts_by_columns(search, sort)))
        r = list(tx, arena, search, found.total, &found);
    if (r == 0)
        *ret_found = found;
    return r;
}

int store_search_seek(struct store_tx *tx, const struct store_search *search, const struct store_found *found,
                      const struct filter *condition, bool from_end, uint64_t *ret_at)
{
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    struct looking looking = { .tx = tx, .search = search };
    bool match = false;
    int r = arena_new(ITEM_CAP, &arena);

    looking.item_arena = arena;
    for (uint64_t i = 0; r == 0 && i < found->total; i++) {
        uint64_t at = from_end ? found->total - 1 - i : i;
        struct item one;
        arena_reset(arena);
        r = store_item_get(tx, arena, search->mailbox_id, found->numbers[at], STORE_HOT | STORE_DAMAGED, &one);
        struct filter_item item = { .item = &one, .loaded = FIELD_RARE, .load = load, .arg = &looking, .arena = arena };
        if (r == 0)
            r = filter_match(condition, &item, &match);
        if (r == 0 && match) {
            *ret_at = at;
            return 0;
        }
    }
    return r ? r : 1;
}

/* ---- a stretch of what was found ---- */

struct showing {
    struct store_tx *tx;
    const struct store_search *search;
    struct arena *arena;
    unsigned depth;
    store_each_item *each;
    void *arg;
};

static int show_number(const struct showing *showing, uint64_t item_no)
{
    struct item item;

    arena_reset(showing->arena);
    int r = store_item_get(showing->tx, showing->arena, showing->search->mailbox_id, item_no, showing->depth | STORE_DAMAGED, &item);
    return r == 0 ? showing->each(showing->arg, showing->arena, &item) : r;
}

static int show_rows(const struct showing *showing, struct sql *sql)
{
    int r;

    while ((r = sql_next(sql)) == 1) {
        struct item item;
        arena_reset(showing->arena);
        r = item_from_row(sql, showing->arena, showing->search->mailbox_id, &item);
        if (r == 0)
            r = item_load_content(showing->tx, showing->arena, showing->depth, &item);
        if (r == 0)
            r = showing->each(showing->arg, showing->arena, &item);
        if (r != 0)
            return r;
    }
    return r;
}

static int show_numbered(const struct showing *showing, struct sql *sql)
{
    int r;

    while ((r = sql_next(sql)) == 1)
        if ((r = show_number(showing, (uint64_t)sql_int(sql, 0))))
            return r;
    return r;
}

static int show_page(const struct showing *showing, uint64_t start, uint64_t n)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    struct store_sort sort[STORE_FIND_SORTS];
    const struct store_search *search = showing->search;
    struct store_find find = { .mailbox_id = search->mailbox_id, .folder_no = search->folder_no, .associated = search->associated,
                               .sort = sort, .sorts = search->orders, .offset = start, .limit = n };

    if (!sorts_by_columns(search, sort))
        return -EINVAL;
    int r = find_open(showing->tx, &find, search->orders > 0, &sql);
    if (r != 0)
        return r;
    return search->orders > 0 ? show_numbered(showing, &sql) : show_rows(showing, &sql);
}

int store_search_each(struct store_tx *tx, const struct store_search *search, const struct store_found *found, uint64_t start,
                      uint64_t n, unsigned depth, store_each_item *each, void *arg)
{
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    struct showing showing = { .tx = tx, .search = search, .depth = depth, .each = each, .arg = arg };
    int r = n > 0 ? arena_new(ITEM_CAP, &arena) : 0;

    showing.arena = arena;
    if (r != 0 || n == 0)
        return r;
    if (!found->numbers)
        return show_page(&showing, start, n);
    for (uint64_t i = start; r == 0 && i < start + n && i < found->total; i++)
        r = show_number(&showing, found->numbers[i]);
    return r;
}
