/*
 * See store_sync.h. The log is read in the order of its key, and what other
 * folders' changes lie in between is passed over: an index by folder would cost
 * every write a page, while whoever follows a folder passes over each change
 * once. Nothing is counted from the beginning, so the last page of a large
 * folder costs what the first does.
 */
#include "store/store_sync.h"

#include "model/code.h"
#include "model/folder.h"
#include "store/store_item.h"
#include "store/store_mail.h"

#include <errno.h>

enum { LOG_ROWS = 4096, FORGET_ROWS = 2000 };

int store_sync_now(struct store_tx *tx, int64_t mailbox_id, struct store_sync_now *ret_now)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    int r = sql_first(tx, SQL_sync_numbers, ARGS(V_INT(mailbox_id)), &sql);

    if (r != 0)
        return r < 0 ? r : -ENOENT;
    *ret_now = (struct store_sync_now){
        .bound = (uint64_t)sql_int(&sql, 0), .change = (uint64_t)sql_int(&sql, 1), .forgotten = (uint64_t)sql_int(&sql, 2),
    };
    return 0;
}

/* ---- a page of what is there ---- */

static int read_page(struct store_tx *tx, struct arena *arena, const struct store_sync_page *page, struct item **ret_items,
                     size_t *ret_n)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    int r = sql_open(tx, SQL_sync_page,
                     ARGS(V_INT(page->mailbox_id), V_INT(page->folder_no), V_INT(page->associated), V_INT(page->received),
                          V_INT(page->item_no), V_INT(page->bound), V_INT(page->limit)),
                     &sql);

    return r != 0 ? r : item_list_from_rows(&sql, arena, page->mailbox_id, ret_items, ret_n);
}

int store_sync_items(struct store_tx *tx, struct arena *arena, const struct store_sync_page *page, struct item **ret_items,
                     size_t *ret_n)
{
    struct item *items = NULL;
    size_t n = 0;
    int r = read_page(tx, arena, page, &items, &n);

    for (size_t i = 0; r == 0 && i < n; i++)
        r = item_load_content(tx, arena, page->depth, &items[i]);
    if (r != 0)
        return r;
    *ret_items = items;
    *ret_n = n;
    return 0;
}

/* ---- what became of it ---- */

struct log_row {
    uint64_t change_no, item_no;
    uint64_t folder_no;
    enum change_kind kind;
    uint64_t to_item_no; /* of what came into another folder under a new number */
};

/* Sorted by item_no. */
struct fold {
    struct store_sync_change *v;
    size_t n, limit;
};

/* What the row says of the folder: one thing about one item. */
static struct store_sync_change said(const struct log_row *row, uint64_t folder_no)
{
    struct store_sync_change change = { .item_no = row->item_no, .change_no = row->change_no, .kind = STORE_SYNC_UPDATE };

    switch (row->kind) {
    case CHANGE_CREATED:
        change.kind = STORE_SYNC_CREATE;
        break;
    case CHANGE_READ:
        change.kind = STORE_SYNC_READ;
        break;
    case CHANGE_DELETED:
        change.kind = STORE_SYNC_DELETE;
        break;
    case CHANGE_MOVED:
        change.kind = row->folder_no == folder_no ? STORE_SYNC_DELETE : STORE_SYNC_CREATE;
        change.item_no = row->folder_no == folder_no ? row->item_no : row->to_item_no;
        break;
    case CHANGE_UPDATED:
        break;
    }
    return change;
}

/* The first that has this number or a higher one. */
static size_t place_of(const struct fold *fold, uint64_t item_no)
{
    size_t low = 0, high = fold->n;

    if (high > 0 && fold->v[high - 1].item_no < item_no)
        return high;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (fold->v[middle].item_no < item_no)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Whoever does not know of an item yet needs not know what became of it before
 * it went. A number that has gone does not come back. */
static void fold_into(struct fold *fold, size_t at, const struct store_sync_change *change)
{
    struct store_sync_change *known = &fold->v[at];

    known->change_no = change->change_no;
    if (known->kind == STORE_SYNC_CREATE && change->kind == STORE_SYNC_DELETE) {
        fold->n--;
        memmove(known, known + 1, (fold->n - at) * sizeof(*known));
    } else if (known->kind == STORE_SYNC_READ || change->kind == STORE_SYNC_DELETE) {
        known->kind = change->kind;
    }
}

/* 1: there is no room for one more. */
static int fold_add(struct fold *fold, const struct store_sync_change *change)
{
    size_t at = place_of(fold, change->item_no);

    if (at < fold->n && fold->v[at].item_no == change->item_no) {
        fold_into(fold, at, change);
        return 0;
    }
    if (fold->n == fold->limit)
        return 1;
    memmove(&fold->v[at + 1], &fold->v[at], (fold->n - at) * sizeof(*fold->v));
    fold->v[at] = *change;
    fold->n++;
    return 0;
}

/* As many rows of the log as are read at once. ret_rows: how many there were;
 * 1: there is no room for the next. */
static int fold_rows(struct store_tx *tx, int64_t mailbox_id, uint64_t folder_no, struct store_sync_place *place, struct fold *fold,
                     size_t *ret_rows)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    int64_t behind = place->item_no ? (int64_t)place->item_no : INT64_MAX;
    int r = sql_open(tx, SQL_change_log,
                     ARGS(V_INT(mailbox_id), V_INT(place->change), V_INT(behind), V_INT(folder_no), V_INT(LOG_ROWS)), &sql);

    *ret_rows = 0;
    if (r != 0)
        return r;
    while ((r = sql_next(&sql)) == 1) {
        const struct log_row row = { .change_no = (uint64_t)sql_int(&sql, 0), .item_no = (uint64_t)sql_int(&sql, 1),
                                     .folder_no = (uint64_t)sql_int(&sql, 2), .kind = (enum change_kind)sql_int(&sql, 3),
                                     .to_item_no = (uint64_t)sql_int(&sql, 5) };
        const struct store_sync_change change = said(&row, folder_no);
        if (fold_add(fold, &change))
            return 1;
        *place = (struct store_sync_place){ row.change_no, row.item_no };
        ++*ret_rows;
    }
    return r;
}

int store_sync_changes(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, uint64_t folder_no, size_t limit,
                       struct store_sync_place *place, struct store_sync_change **ret_changes, size_t *ret_n, bool *ret_more)
{
    struct fold fold = { .v = arena_array(arena, limit + 1, sizeof(*fold.v)), .limit = limit };
    struct store_sync_place at = *place;
    struct store_sync_now now;
    size_t rows = LOG_ROWS;
    int r = fold.v ? store_sync_now(tx, mailbox_id, &now) : -ENOMEM;

    while (r == 0 && rows == LOG_ROWS)
        r = fold_rows(tx, mailbox_id, folder_no, &at, &fold, &rows);
    if (r < 0)
        return r;
    *place = r == 1 ? at : (struct store_sync_place){ .change = now.change };
    *ret_more = r == 1;
    *ret_changes = fold.v;
    *ret_n = fold.n;
    return 0;
}

/* ---- marking many ---- */

static int read_unlike(struct sql *sql, struct arena *arena ATTR_UNUSED, void *ret_row)
{
    struct store_unlike *row = ret_row;

    *row = (struct store_unlike){ (uint64_t)sql_int(sql, 0), sql_int(sql, 1), (uint32_t)sql_int(sql, 2) };
    return 0;
}

int store_sync_unlike(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, uint64_t folder_no, bool read, int64_t received,
                      uint64_t item_no, uint64_t limit, struct store_unlike **ret_items, size_t *ret_n)
{
    return sql_list(tx, arena, SQL_sync_unlike,
                    ARGS(V_INT(mailbox_id), V_INT(folder_no), V_INT(read), V_INT(received), V_INT(item_no), V_INT(limit)),
                    sizeof(**ret_items), read_unlike, ret_items, ret_n);
}

static int mark_one(struct store_tx *tx, const struct item *item, bool read, int64_t now, int *marked)
{
    const int bit = ITEM_READ;
    int64_t written = 0;
    int r = sql_run(tx, SQL_item_mark_read,
                    ARGS(V_INT(item->mailbox_id), V_INT(item->item_no), V_INT(item->folder_no), V_INT(read ? bit : -bit), V_INT(read),
                         V_INT(item->change_no), V_INT(now)),
                    &written);

    if (r != 0 || written == 0)
        return r;
    ++*marked;
    return item_note_change(tx, item, item->item_no, item->folder_no, CHANGE_READ);
}

int store_items_mark_read(struct store_tx *tx, int64_t mailbox_id, uint64_t folder_no, const struct store_unlike *items, size_t n,
                          bool read)
{
    struct item item = { .mailbox_id = mailbox_id, .folder_no = folder_no };
    int64_t now = when_now();
    int marked = 0;
    uint64_t no = 0;
    int r = store_take_numbers(tx, mailbox_id, 0, STORE_NO_GROWTH, &no, &item.change_no);

    for (size_t i = 0; r == 0 && i < n; i++) {
        item.item_no = items[i].item_no;
        r = mark_one(tx, &item, read, now, &marked);
    }
    if (r != 0 || marked == 0)
        return r;
    return sql_run(tx, SQL_folder_count,
                   ARGS(V_INT(mailbox_id), V_INT(folder_no), V_INT(0), V_INT(read ? -marked : marked), V_INT(item.change_no)), NULL);
}

/* ---- forgetting ---- */

struct oldest {
    int64_t mailbox_id, day;
};

static int read_oldest(struct sql *sql, struct arena *arena ATTR_UNUSED, void *ret_row)
{
    struct oldest *row = ret_row;

    *row = (struct oldest){ sql_int(sql, 0), sql_int(sql, 1) };
    return 0;
}

int store_changes_old(struct store_tx *tx, struct arena *arena, int64_t day, uint64_t limit, int64_t *after, int64_t **ret_mailboxes,
                      size_t *ret_n)
{
    const struct oldest *list = NULL;
    size_t n = 0, old = 0;
    int r = sql_list(tx, arena, SQL_change_oldest, ARGS(V_INT(*after), V_INT(limit), V_INT(day)), sizeof(*list), read_oldest, &list, &n);
    int64_t *mailboxes = r == 0 ? arena_array(arena, n + 1, sizeof(*mailboxes)) : NULL;

    if (!mailboxes)
        return r != 0 ? r : -ENOMEM;
    for (size_t i = 0; i < n; i++)
        if (list[i].day < day)
            mailboxes[old++] = list[i].mailbox_id;
    *after = n == limit ? list[n - 1].mailbox_id : 0;
    *ret_mailboxes = mailboxes;
    *ret_n = old;
    return 0;
}

int store_changes_forget(struct store_tx *tx, int64_t mailbox_id, int64_t day, bool *ret_more)
{
    int64_t last = 0, rows = 0;
    int r = sql_number(tx, SQL_change_last_of, ARGS(V_INT(mailbox_id), V_INT(day), V_INT(FORGET_ROWS)), &last);

    if (r < 0)
        return r;
    if (last > 0)
        r = sql_run(tx, SQL_change_forget, ARGS(V_INT(mailbox_id), V_INT(last)), &rows);
    if (r == 0 && last > 0)
        r = sql_run(tx, SQL_change_forgotten, ARGS(V_INT(mailbox_id), V_INT(last)), NULL);
    *ret_more = rows >= FORGET_ROWS;
    return r < 0 ? r : 0;
}

static int read_recoverable(struct sql *sql, struct arena *arena ATTR_UNUSED, void *ret_row)
{
    struct store_recoverable *row = ret_row;

    *row = (struct store_recoverable){ sql_int(sql, 0), (uint64_t)sql_int(sql, 1) };
    return 0;
}

int store_recoverable_due(struct store_tx *tx, struct arena *arena, int64_t deleted, uint64_t limit,
                          struct store_recoverable **ret_items, size_t *ret_n)
{
    return sql_list(tx, arena, SQL_recoverable_due, ARGS(V_INT(deleted), V_INT(limit)), sizeof(**ret_items), read_recoverable, ret_items,
                    ret_n);
}

int store_recoverable_purge(struct store_tx *tx, const struct store_recoverable *item)
{
    int r = store_item_delete(tx, item->mailbox_id, item->item_no);

    if (r < 0)
        return r;
    return sql_run(tx, SQL_recoverable_delete, ARGS(V_INT(item->mailbox_id), V_INT(item->item_no)), NULL);
}

int store_recoverable_date(struct store_tx *tx, int64_t now)
{
    return sql_run(tx, SQL_recoverable_undated, ARGS(V_INT(now)), NULL);
}
