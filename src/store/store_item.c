/*
 * Writing items: insert, update, replace, move, copy, delete. Each takes the
 * mailbox' next change number, keeps the folder's counts, and leaves a row in
 * `change` for those who follow the folder (store_sync.c). An item that comes
 * into the recoverable items remembers where from, and is listed in
 * `recoverable` until it is purged or leaves.
 */
#include "store/store_item.h"

#include "model/code.h"
#include "store/store_mail.h"

#include <errno.h>

enum { KEY_MAX = 255 };

int item_args(struct store_tx *tx, const struct item *item, struct store_value args[ITEM_ARGS])
{
    buf_clear(&tx->packed);
    item_pack(item, &tx->packed);
    const struct store_value values[] = {
        V_INT(item->mailbox_id),      V_INT(item->item_no),        V_INT(item->folder_no),
        V_INT(item->content_no),      V_INT(item->change_no),      V_INT(item->key_no),
        V_TEXT(item->item_class),     V_INT(item->flags),          V_TEXT(item->subject),
        V_INT(item->body_type),       V_INT(item->importance),     V_INT(item->sensitivity),
        V_INT(item->created),         V_INT(item->modified),       V_INT(item->sent),
        V_INT(item->received),        V_INT(item->size),           V_TEXT(item->from.name),
        V_TEXT(item->from.address),   V_TEXT(item->from.routing),  V_TEXT(item->sender.name),
        V_TEXT(item->sender.address), V_TEXT(item->sender.routing), V_TEXT(item->message_id),
        V_BLOB(buf_span(&tx->packed)),
    };
    _Static_assert(ARRAY_LEN(values) == ITEM_ARGS, "a value for each of ITEM_COLUMNS");
    memcpy(args, values, sizeof(values));
    return buf_error(&tx->packed);
}

static int sort_key(struct arena *arena, struct span text, struct span *ret_key)
{
    if (text.len > KEY_MAX)
        text.len = KEY_MAX;
    return store_fold(arena, text, ret_key);
}

static struct span shown_name(const struct rcpt *rcpt)
{
    return rcpt->name.len > 0 ? rcpt->name : rcpt->address;
}

/* Arguments 26 to 30 of item_insert and item_write. */
static int key_args(const struct item *item, struct arena *arena, struct store_value args[5])
{
    struct span subject = { 0 }, from = { 0 };
    int r = sort_key(arena, item->subject, &subject);

    if (r == 0)
        r = sort_key(arena, shown_name(&item->from), &from);
    if (r != 0)
        return r;
    args[0] = V_BLOB(subject);
    args[1] = V_BLOB(from);
    args[2] = V_INT((item->flags & ITEM_READ) != 0);
    args[3] = V_INT((item->flags & ITEM_HAS_ATTACHMENTS) != 0);
    args[4] = V_INT((item->flags & ITEM_ASSOCIATED) != 0);
    return 0;
}

static int display_key(const struct item *item, struct arena *arena, struct span *ret_key)
{
    struct buf text = BUF_INIT(2048);

    for (size_t i = 0; i < item->to.n && text.len < KEY_MAX; i++) {
        struct span name = shown_name(&item->to.v[i]);
        if (i > 0)
            buf_add_str(&text, "; ");
        buf_add(&text, name.ptr, name.len < KEY_MAX ? name.len : KEY_MAX);
    }
    int r = buf_error(&text);
    if (r == 0)
        r = sort_key(arena, buf_span(&text), ret_key);
    buf_done(&text);
    return r;
}

/* statement is item_insert (last: display_to) or item_write (last: the number
 * that the row has so far, which this job has read). */
static int write_row(struct store_tx *tx, const struct item *item, enum store_statement statement, struct store_value last)
{
    struct store_value args[ITEM_ARGS + 6];
    int r = item_args(tx, item, args);

    if (r == 0)
        r = key_args(item, tx->scratch, args + ITEM_ARGS);
    args[ITEM_ARGS + 5] = last;
    return r == 0 ? sql_run(tx, statement, args, ARRAY_LEN(args), NULL) : r;
}

static int insert_row(struct store_tx *tx, const struct item *item)
{
    struct span display = { 0 };
    int r = display_key(item, tx->scratch, &display);

    return r == 0 ? write_row(tx, item, SQL_item_insert, V_BLOB(display)) : r;
}

int item_note_change(struct store_tx *tx, const struct item *item, uint64_t item_no, uint64_t folder_no, enum change_kind kind)
{
    return sql_run(tx, SQL_change_put,
                   ARGS(V_INT(item->mailbox_id), V_INT(item->change_no), V_INT(item_no), V_INT(folder_no), V_INT(kind),
                        V_INT(store_today())),
                   NULL);
}

static uint64_t list_size(const struct rcpt_list *list)
{
    uint64_t size = 0;

    for (size_t i = 0; i < list->n; i++)
        size += list->v[i].name.len + list->v[i].address.len;
    return size;
}

static uint64_t content_size(const struct item *item)
{
    uint64_t size = item->subject.len + item->body.len + item->mime.len + list_size(&item->to) + list_size(&item->cc) +
                    list_size(&item->bcc);

    for (size_t i = 0; i < item->attachments.n; i++)
        size += attachment_content_size(&item->attachments.v[i]);
    return size;
}

static int insert_item(struct store_tx *tx, struct item *item, bool limited)
{
    uint64_t no = 0, change = 0;

    if (item->size == 0)
        item->size = content_size(item);
    const struct store_growth growth = { .bytes = (int64_t)item->size, .limited = limited };
    int r = store_take_numbers(tx, item->mailbox_id, 2, growth, &no, &change);
    if (r != 0)
        return r;
    item->item_no = no;
    item->change_no = change;
    item->key_no = change;
    item->flags = item->mime.len > 0 ? item->flags | ITEM_HAS_MIME : item->flags & ~ITEM_HAS_MIME;
    r = folder_count_item(tx, item->mailbox_id, item->folder_no, item->flags, 1, change);
    if (r == 0)
        r = content_write(tx, item, no + 1);
    if (r == 0)
        r = insert_row(tx, item);
    return r == 0 ? item_note_change(tx, item, no, item->folder_no, CHANGE_CREATED) : r;
}

int store_item_insert(struct store_tx *tx, struct item *item)
{
    return insert_item(tx, item, true);
}

int store_item_insert_unlimited(struct store_tx *tx, struct item *item)
{
    return insert_item(tx, item, false);
}

static int find_place(struct store_tx *tx, int64_t mailbox_id, uint64_t item_no, struct item_place *ret_place)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    int r = sql_first(tx, SQL_item_place, ARGS(V_INT(mailbox_id), V_INT(item_no)), &sql);

    if (r != 0)
        return r < 0 ? r : CODE_ErrorItemNotFound;
    ret_place->item_no = item_no;
    ret_place->folder_no = (uint64_t)sql_int(&sql, 0);
    ret_place->flags = (uint32_t)sql_int(&sql, 1);
    ret_place->content_no = (uint64_t)sql_int(&sql, 2);
    ret_place->size = (uint64_t)sql_int(&sql, 3);
    return 0;
}

/* An item that was sent, and its outbox entry, hold their content together,
 * counted once, since counting costs a page of its own: for as long as the
 * item keeps its number, which is the entry's and one more, both are found from
 * each other. Before the item changes, the content is counted for each. */
static int stop_lending(struct store_tx *tx, int64_t mailbox_id, const struct item_place *place)
{
    int64_t content_no = 0;

    if (!(place->flags & ITEM_LENT))
        return 0;
    int r = sql_number(tx, SQL_outbox_content, ARGS(V_INT(mailbox_id), V_INT(place->item_no - 1)), &content_no);
    if (r != 0)
        return r < 0 ? r : 0; /* the entry is gone */
    return content_keep(tx, mailbox_id, place->content_no);
}

int item_stop_lending(struct store_tx *tx, struct item *item)
{
    struct item_place place;

    if (!(item->flags & ITEM_LENT))
        return 0;
    int r = find_place(tx, item->mailbox_id, item->item_no, &place);
    item->flags &= ~ITEM_LENT;
    return r == 0 ? stop_lending(tx, item->mailbox_id, &place) : r;
}

int item_lends(struct store_tx *tx, int64_t mailbox_id, uint64_t outbox_no, bool *ret_lends)
{
    struct item_place place;
    int r = find_place(tx, mailbox_id, outbox_no + 1, &place);

    if (r < 0)
        return r;
    *ret_lends = r == 0 && place.flags & ITEM_LENT;
    return 0;
}

static int recount(struct store_tx *tx, const struct item *item, const struct item_place *old)
{
    const uint32_t counted = ITEM_READ | ITEM_ASSOCIATED;

    if (old->folder_no == item->folder_no && (old->flags & counted) == (item->flags & counted))
        return 0;
    return folder_count_move(tx, item, old);
}

static int take_change(struct store_tx *tx, struct item *item, uint32_t numbers, struct store_growth growth, bool client,
                       uint64_t *ret_no)
{
    uint64_t change = 0;
    int r = store_take_numbers(tx, item->mailbox_id, numbers, growth, ret_no, &change);

    if (r != 0)
        return r;
    item->change_no = change;
    if (client)
        item->key_no = change;
    return 0;
}

static int update_item(struct store_tx *tx, struct item *item, bool client, enum change_kind kind)
{
    struct item_place old;
    uint64_t no = 0;
    int r = find_place(tx, item->mailbox_id, item->item_no, &old);

    if (r == 0)
        r = take_change(tx, item, 0, store_grows(old.size, item->size), client, &no);
    if (r != 0)
        return r;
    item->folder_no = old.folder_no;
    r = write_row(tx, item, SQL_item_write, V_INT(item->item_no));
    if (r == 0)
        r = recount(tx, item, &old);
    return r == 0 ? item_note_change(tx, item, item->item_no, item->folder_no, kind) : r;
}

int store_item_update(struct store_tx *tx, struct item *item, bool client)
{
    return update_item(tx, item, client, CHANGE_UPDATED);
}

int store_item_update_read(struct store_tx *tx, struct item *item)
{
    return update_item(tx, item, true, CHANGE_READ);
}

int item_write_display(struct store_tx *tx, const struct item *item)
{
    struct span display = { 0 };
    int r = display_key(item, tx->scratch, &display);

    if (r != 0)
        return r;
    return sql_run(tx, SQL_item_display, ARGS(V_INT(item->mailbox_id), V_INT(item->item_no), V_BLOB(display)), NULL);
}

int store_item_replace(struct store_tx *tx, struct item *item, bool client)
{
    struct item_place old;
    uint64_t no = 0, change = 0;
    int r = find_place(tx, item->mailbox_id, item->item_no, &old);

    if (r == 0)
        r = store_take_numbers(tx, item->mailbox_id, 1, STORE_NO_GROWTH, &no, &change);
    if (r == 0)
        r = stop_lending(tx, item->mailbox_id, &old);
    if (r != 0)
        return r;
    item->flags &= ~ITEM_LENT;
    item->size = content_size(item);
    item->flags = item->mime.len > 0 ? item->flags | ITEM_HAS_MIME : item->flags & ~ITEM_HAS_MIME;
    r = content_write(tx, item, no);
    if (r == 0)
        r = content_drop(tx, item->mailbox_id, old.content_no);
    if (r == 0)
        r = store_item_update(tx, item, client);
    return r == 0 ? item_write_display(tx, item) : r;
}

/* Whoever follows one folder finds one thing in a row. */
static int note_move(struct store_tx *tx, const struct item *item, const struct item_place *from)
{
    if (item->folder_no == from->folder_no) {
        int r = item_note_change(tx, item, from->item_no, from->folder_no, CHANGE_DELETED);
        return r == 0 ? item_note_change(tx, item, item->item_no, item->folder_no, CHANGE_CREATED) : r;
    }
    return sql_run(tx, SQL_change_put_move,
                   ARGS(V_INT(item->mailbox_id), V_INT(item->change_no), V_INT(from->item_no), V_INT(from->folder_no),
                        V_INT(CHANGE_MOVED), V_INT(store_today()), V_INT(item->folder_no), V_INT(item->item_no)),
                   NULL);
}

int item_move_row(struct store_tx *tx, const struct item *item, const struct item_place *from)
{
    int r = write_row(tx, item, SQL_item_write, V_INT(from->item_no));

    if (r == 0)
        r = recount(tx, item, from);
    return r == 0 ? note_move(tx, item, from) : r;
}

int item_delete_row(struct store_tx *tx, const struct item *item, const struct item_place *from)
{
    int r = sql_run(tx, SQL_item_delete, ARGS(V_INT(item->mailbox_id), V_INT(from->item_no)), NULL);

    if (r == 0)
        r = folder_count_item(tx, item->mailbox_id, from->folder_no, from->flags, -1, item->change_no);
    return r == 0 ? item_note_change(tx, item, from->item_no, from->folder_no, CHANGE_DELETED) : r;
}

/* The folder that it came from counts, not one of earlier deletions. */
static int note_recoverable(struct store_tx *tx, const struct item *item, const struct item_place *old)
{
    const bool was = old->folder_no == FOLDER_ROLE_recoverableitemsdeletions;
    const bool is = item->folder_no == FOLDER_ROLE_recoverableitemsdeletions;
    int r = 0;

    if (was)
        r = sql_run(tx, SQL_recoverable_delete, ARGS(V_INT(item->mailbox_id), V_INT(old->item_no)), NULL);
    if (r == 0 && is)
        r = sql_run(tx, SQL_recoverable_put, ARGS(V_INT(item->mailbox_id), V_INT(item->item_no), V_INT(when_now())), NULL);
    if (r == 0 && was != is)
        r = sql_run(tx, SQL_item_origin, ARGS(V_INT(item->mailbox_id), V_INT(item->item_no), V_INT(is ? old->folder_no : 0)), NULL);
    return r;
}

int store_item_move(struct store_tx *tx, struct item *item, uint64_t folder_no, bool client)
{
    struct item_place old;
    uint64_t no = 0;
    int r = find_place(tx, item->mailbox_id, item->item_no, &old);

    if (r == 0)
        r = take_change(tx, item, 1, store_grows(old.size, item->size), client, &no);
    if (r == 0)
        r = stop_lending(tx, item->mailbox_id, &old);
    if (r != 0)
        return r;
    item->flags &= ~ITEM_LENT;
    item->item_no = no;
    item->folder_no = folder_no;
    r = item_move_row(tx, item, &old);
    return r == 0 ? note_recoverable(tx, item, &old) : r;
}

int store_item_copy(struct store_tx *tx, struct item *copy, uint64_t folder_no)
{
    uint64_t source_no = copy->item_no, no = 0;
    int r = take_change(tx, copy, 1, store_grows(0, copy->size), true, &no);

    if (r != 0)
        return r;
    copy->flags &= ~ITEM_LENT;
    copy->item_no = no;
    copy->folder_no = folder_no;
    r = folder_count_item(tx, copy->mailbox_id, folder_no, copy->flags, 1, copy->change_no);
    if (r == 0)
        r = content_keep(tx, copy->mailbox_id, copy->content_no);
    if (r == 0)
        r = insert_row(tx, copy);
    if (r == 0)
        r = sql_run(tx, SQL_item_copy_display, ARGS(V_INT(copy->mailbox_id), V_INT(no), V_INT(source_no)), NULL);
    return r == 0 ? item_note_change(tx, copy, no, folder_no, CHANGE_CREATED) : r;
}

int store_item_delete(struct store_tx *tx, int64_t mailbox_id, uint64_t item_no)
{
    struct item item = { .mailbox_id = mailbox_id, .item_no = item_no };
    struct item_place old;
    uint64_t no = 0;
    int r = find_place(tx, mailbox_id, item_no, &old);

    if (r == 0)
        r = take_change(tx, &item, 0, store_grows(old.size, 0), false, &no);
    if (r == 0)
        r = stop_lending(tx, mailbox_id, &old);
    if (r == 0)
        r = item_delete_row(tx, &item, &old);
    return r == 0 ? content_drop(tx, mailbox_id, old.content_no) : r;
}
