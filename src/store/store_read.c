/*
 * Reading items: columns to members, recipients, bodies and attachments to the
 * depth that was asked for, and finding them in a folder's order.
 */
#include "model/code.h"
#include "store/store_item.h"
#include "store/store_mail.h"

#include <errno.h>

/* A text of a row: in the arena or, where there is none, as long as the row. */
static int take_text(struct sql *sql, unsigned column, struct arena *arena, struct span *ret_text)
{
    if (arena)
        return sql_copy(sql, column, arena, ret_text);
    *ret_text = sql_bytes(sql, column);
    return 0;
}

static int take_rcpt(struct sql *sql, unsigned column, struct arena *arena, struct rcpt *rcpt)
{
    int r = take_text(sql, column, arena, &rcpt->name);

    if (r == 0)
        r = take_text(sql, column + 1, arena, &rcpt->address);
    return r == 0 ? take_text(sql, column + 2, arena, &rcpt->routing) : r;
}

static int take_texts(struct sql *sql, struct arena *arena, struct item *item)
{
    int r = take_text(sql, 5, arena, &item->item_class);

    if (r == 0)
        r = take_text(sql, 7, arena, &item->subject);
    if (r == 0)
        r = take_rcpt(sql, 16, arena, &item->from);
    if (r == 0)
        r = take_rcpt(sql, 19, arena, &item->sender);
    if (r == 0)
        r = take_text(sql, 22, arena, &item->message_id);
    return r;
}

int item_rare_from_row(struct sql *sql, struct arena *arena, struct item *item)
{
    struct item whole = *item;
    int r = item_unpack(arena, sql_bytes(sql, 23), &whole);

    if (r == -EBADMSG)
        item->damaged = true;
    else if (r == 0)
        *item = whole;
    return r == -EBADMSG ? 0 : r;
}

/* Numbers that choose among names. */
static void check_choices(struct item *item)
{
    bool good = (item->body_type == BODY_TEXT || item->body_type == BODY_HTML) && item->importance >= 0 &&
                item->importance <= IMPORTANCE_HIGH && item->sensitivity >= 0 && item->sensitivity <= SENSITIVITY_CONFIDENTIAL;

    if (good)
        return;
    item->damaged = true;
    item->body_type = BODY_TEXT;
    item->importance = IMPORTANCE_NORMAL;
    item->sensitivity = SENSITIVITY_NORMAL;
}

int item_hot_from_row(struct sql *sql, struct arena *arena, int64_t mailbox_id, struct item *ret_item)
{
    struct item item = { 0 };

    item_init(&item);
    item.mailbox_id = mailbox_id;
    item.item_no = (uint64_t)sql_int(sql, 0);
    item.folder_no = (uint64_t)sql_int(sql, 1);
    item.content_no = (uint64_t)sql_int(sql, 2);
    item.change_no = (uint64_t)sql_int(sql, 3);
    item.key_no = (uint64_t)sql_int(sql, 4);
    item.flags = (uint32_t)sql_int(sql, 6);
    item.body_type = (enum body_type)sql_int(sql, 8);
    item.importance = (int)sql_int(sql, 9);
    item.sensitivity = (int)sql_int(sql, 10);
    item.created = sql_int(sql, 11);
    item.modified = sql_int(sql, 12);
    item.sent = sql_int(sql, 13);
    item.received = sql_int(sql, 14);
    item.size = (uint64_t)sql_int(sql, 15);
    check_choices(&item);
    int r = take_texts(sql, arena, &item);
    if (r != 0)
        return r;
    item.kind = item_kind_of_class(item.item_class);
    item.from.type = RCPT_FROM;
    item.sender.type = RCPT_SENDER;
    *ret_item = item;
    return 0;
}

int item_from_row(struct sql *sql, struct arena *arena, int64_t mailbox_id, struct item *ret_item)
{
    struct item item;
    int r = item_hot_from_row(sql, arena, mailbox_id, &item);

    if (r == 0)
        r = item_rare_from_row(sql, arena, &item);
    if (r == 0)
        *ret_item = item;
    return r;
}

int item_list_from_rows(struct sql *sql, struct arena *arena, int64_t mailbox_id, struct item **ret_items, size_t *ret_n)
{
    struct item *list = NULL;
    size_t n = 0, room = 0;
    int r;

    while ((r = sql_next(sql)) == 1) {
        list = store_grow(arena, list, n, &room, sizeof(*list));
        if (!list)
            return -ENOMEM;
        r = item_from_row(sql, arena, mailbox_id, &list[n]);
        if (r != 0)
            return r;
        n++;
    }
    if (r != 0)
        return r;
    *ret_items = list;
    *ret_n = n;
    return 0;
}

static int read_rcpt(struct sql *sql, struct arena *arena, void *ret_row)
{
    struct rcpt *rcpt = ret_row;

    rcpt->type = (enum rcpt_type)sql_int(sql, 0);
    return take_rcpt(sql, 1, arena, rcpt);
}

static struct rcpt_list slice(const struct rcpt_list *all, enum rcpt_type type)
{
    struct rcpt_list part = { 0 };

    for (size_t i = 0; i < all->n; i++) {
        if (all->v[i].type != type)
            continue;
        if (part.n == 0)
            part.v = &all->v[i];
        part.n++;
    }
    return part;
}

static int load_rcpts(struct store_tx *tx, struct arena *arena, unsigned level, struct item *item)
{
    struct rcpt_list all = { 0 }; /* in the order of their types */
    const struct store_value by_item[] = { V_INT(item->mailbox_id), V_INT(item->item_no) };
    const struct store_value by_content[] = { V_INT(item->mailbox_id), V_INT(item->content_no) };
    bool expected = level == 0 && sql_is_expected(tx, SQL_recipient_of_item, by_item, 2);
    int r = sql_list(tx, arena, expected ? SQL_recipient_of_item : SQL_recipient_read, expected ? by_item : by_content, 2, sizeof(*all.v),
                     read_rcpt, &all.v, &all.n);

    if (r != 0)
        return r;
    item->to = slice(&all, RCPT_TO);
    item->cc = slice(&all, RCPT_CC);
    item->bcc = slice(&all, RCPT_BCC);
    item->reply_to = slice(&all, RCPT_REPLY_TO);
    return 0;
}

/* Into ret_bytes; lazy: a source when it is long. */
static int load_part(struct store_tx *tx, struct arena *arena, const struct item *item, uint32_t part, uint64_t size, unsigned lazy,
                     struct source **ret_source, struct span *ret_bytes)
{
    if (!lazy || !content_is_long(size))
        return chunks_read(tx, arena, item->mailbox_id, item->content_no, part, size, ret_bytes);
    *ret_bytes = (struct span){ NULL, (size_t)size };
    return chunks_source(tx, arena, item->mailbox_id, item->content_no, part, size, ret_source);
}

static int load_body(struct store_tx *tx, struct arena *arena, unsigned depth, struct item *item)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    int r = sql_first(tx, SQL_content_get, ARGS(V_INT(item->mailbox_id), V_INT(item->content_no)), &sql);

    if (r != 0)
        return r < 0 ? r : CODE_ErrorItemCorrupt;
    int64_t body_size = sql_int(&sql, 1);
    uint64_t mime_size = (uint64_t)sql_int(&sql, 2);
    if (depth & STORE_BODY && body_size >= 0 && body_size <= INLINE_BODY)
        r = sql_bytes(&sql, 0).len == (size_t)body_size ? sql_copy(&sql, 0, arena, &item->body) : CODE_ErrorItemCorrupt;
    sql_close(&sql);
    if (r == 0 && depth & STORE_BODY && body_size > INLINE_BODY)
        r = load_part(tx, arena, item, PART_BODY, (uint64_t)body_size, depth & STORE_LAZY_BODY, &item->body_source, &item->body);
    if (r == 0 && depth & STORE_MIME && mime_size > 0)
        r = load_part(tx, arena, item, PART_MIME, mime_size, depth & STORE_LAZY, &item->mime_source, &item->mime);
    return r;
}

/* What is missing, of another size or on a damaged page is the item's trouble
 * alone. */
static int note_damage(int r, struct item *item)
{
    bool damaged = r == CODE_ErrorItemCorrupt || r == -EUCLEAN;

    item->damaged = item->damaged || damaged;
    return damaged ? 0 : r;
}

int item_load_within(struct store_tx *tx, struct arena *arena, unsigned depth, unsigned level, struct item *item)
{
    int r = 0;

    if (depth & STORE_RECIPIENTS)
        r = note_damage(load_rcpts(tx, arena, level, item), item);
    if (r == 0 && depth & (STORE_BODY | STORE_MIME))
        r = note_damage(load_body(tx, arena, depth, item), item);
    if (r == 0 && depth & (STORE_ATTACHMENTS | STORE_DATA))
        r = note_damage(attachments_load(tx, arena, depth, level, item), item);
    return r;
}

int item_load_content(struct store_tx *tx, struct arena *arena, unsigned depth, struct item *item)
{
    return item_load_within(tx, arena, depth, 0, item);
}

int item_whole(const struct item *item, unsigned depth)
{
    return item->damaged && !(depth & STORE_DAMAGED) ? CODE_ErrorItemCorrupt : 0;
}

static int read_one(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, uint64_t item_no, struct item *ret_item)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    int r = sql_first(tx, SQL_item_get, ARGS(V_INT(mailbox_id), V_INT(item_no)), &sql);

    if (r != 0)
        return r < 0 ? r : CODE_ErrorItemNotFound;
    return item_from_row(&sql, arena, mailbox_id, ret_item);
}

int store_item_expect(struct store_tx *tx, int64_t mailbox_id, uint64_t item_no)
{
    const struct store_value args[] = { V_INT(mailbox_id), V_INT(item_no) };
    int r = sql_expect(tx, SQL_item_get, args, 2);

    if (r == 0)
        r = sql_expect(tx, SQL_recipient_of_item, args, 2);
    return r == 0 ? sql_expect(tx, SQL_counter_room, args, 1) : r;
}

int store_item_get(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, uint64_t item_no, unsigned depth,
                   struct item *ret_item)
{
    struct item item;
    int r = read_one(tx, arena, mailbox_id, item_no, &item);

    if (r == 0)
        r = item_load_content(tx, arena, depth, &item);
    if (r == 0)
        r = item_whole(&item, depth);
    if (r == 0)
        *ret_item = item;
    return r == -EUCLEAN ? CODE_ErrorCorruptData : r;
}
