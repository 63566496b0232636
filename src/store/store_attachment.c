/*
 * Attachments: rows of the content that they belong to. What is long, and every
 * attached item, is content of its own, which copies share; an attached item's
 * columns are a row of `attached` under the same number, so it is in no folder
 * and nothing finds it. Its attachments are rows of its content, as deep as
 * ATTACHMENT_LEVELS_MAX.
 */
#include "model/code.h"
#include "store/store_content.h"
#include "store/store_item.h"
#include "store/store_mail.h"

#include <errno.h>

/* ---- writing ---- */

/* Staged data becomes content with one reference. */
static int adopt_data(struct store_tx *tx, int64_t mailbox_id, uint64_t data_no)
{
    int r = content_adopt(tx, mailbox_id, data_no);

    if (r != 0)
        return r;
    return sql_run(tx, SQL_content_insert, ARGS(V_INT(mailbox_id), V_INT(data_no), V_NULL, V_INT(-1), V_INT(0)), NULL);
}

/* The columns of an attached item: item_args without number and folder. */
static int insert_attached(struct store_tx *tx, const struct item *item)
{
    struct store_value args[ITEM_ARGS];
    int r = item_args(tx, item, args);

    memmove(args + 1, args + 3, ITEM_COLUMNS_N * sizeof(*args));
    return r == 0 ? sql_run(tx, SQL_attached_insert, args, 1 + ITEM_COLUMNS_N, NULL) : r;
}

/* A copy is written, since the job may run again. */
static int write_item(struct store_tx *tx, int64_t mailbox_id, struct attachment *attachment)
{
    struct item item = *attachment->item;
    uint64_t no = 0, change = 0;
    int r = item.staged_no != 0 ? 0 : store_take_numbers(tx, mailbox_id, 1, STORE_NO_GROWTH, &no, &change);

    item.mailbox_id = mailbox_id;
    item.size = item_content_size(&item);
    if (r == 0)
        r = content_write(tx, &item, no);
    if (r == 0)
        r = insert_attached(tx, &item);
    attachment->data_no = item.content_no;
    attachment->size = item.size;
    return r;
}

/* What is content of its own, before the row that refers to it. */
static int write_data(struct store_tx *tx, int64_t mailbox_id, struct attachment *attachment)
{
    if (attachment->shared_no != 0) {
        attachment->data_no = attachment->shared_no;
        int r = content_keep(tx, mailbox_id, attachment->shared_no);
        return r > 0 ? CODE_ErrorInternalServerTransientError : r; /* it went since it was looked for */
    }
    if (attachment->item)
        return write_item(tx, mailbox_id, attachment);
    attachment->size = attachment->source ? attachment->source->len : attachment->data.len;
    attachment->data_no = attachment->staged_no;
    return attachment->data_no != 0 ? adopt_data(tx, mailbox_id, attachment->data_no) : 0;
}

int attachment_write(struct store_tx *tx, int64_t mailbox_id, uint64_t content_no, struct attachment *attachment)
{
    int r = write_data(tx, mailbox_id, attachment);

    if (r == 0)
        r = sql_run(tx, SQL_attachment_insert,
                    ARGS(V_INT(mailbox_id), V_INT(content_no), V_INT(attachment->no), V_TEXT(attachment->name),
                         V_TEXT(attachment->content_type), V_TEXT(attachment->content_id), V_TEXT(attachment->content_location),
                         V_INT(attachment->is_inline), V_INT(attachment->size), V_INT(attachment->modified),
                         V_INT(attachment->data_no), V_INT(attachment->kind)),
                    NULL);
    if (r != 0 || attachment->data_no != 0)
        return r;
    return chunks_write(tx, mailbox_id, content_no, PART_ATTACHMENT + attachment->no, attachment->source, attachment->data);
}

/* ---- reading ---- */

static int from_row(struct sql *sql, struct arena *arena, void *ret_row)
{
    struct attachment attachment = {
        .no = (uint32_t)sql_int(sql, 0),
        .is_inline = sql_int(sql, 5) != 0,
        .size = (uint64_t)sql_int(sql, 6),
        .modified = sql_int(sql, 7),
        .data_no = (uint64_t)sql_int(sql, 8),
        .kind = (enum attachment_kind)sql_int(sql, 9),
    };
    struct span *const texts[] = { &attachment.name, &attachment.content_type, &attachment.content_id,
                                   &attachment.content_location };
    int r = 0;

    for (unsigned i = 0; r == 0 && i < ARRAY_LEN(texts); i++)
        r = sql_copy(sql, i + 1, arena, texts[i]);
    if (r == 0)
        *(struct attachment *)ret_row = attachment;
    return r;
}

static int read_attached(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, uint64_t content_no, struct item *ret_item)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    int r = sql_first(tx, SQL_attached_get, ARGS(V_INT(mailbox_id), V_INT(content_no)), &sql);

    if (r != 0)
        return r < 0 ? r : CODE_ErrorItemCorrupt;
    r = item_from_row(&sql, arena, mailbox_id, ret_item);
    ret_item->item_no = 0;
    return r;
}

static int load_item(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, unsigned depth, unsigned level,
                     struct attachment *attachment)
{
    struct item *item = arena_alloc(arena, sizeof(*item));

    if (!item)
        return -ENOMEM;
    int r = level < ATTACHMENT_LEVELS_MAX ? read_attached(tx, arena, mailbox_id, attachment->data_no, item) : CODE_ErrorItemCorrupt;
    if (r == 0)
        r = item_load_within(tx, arena, depth, level + 1, item);
    if (r == 0 && item->damaged)
        r = CODE_ErrorItemCorrupt;
    attachment->item = item;
    return r;
}

/* The bytes of a file; lazy: a source of them, when they are many. */
static int load_file(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, uint64_t content_no, bool lazy,
                     struct attachment *attachment)
{
    bool own = attachment->data_no != 0;
    uint32_t part = own ? PART_DATA : PART_ATTACHMENT + attachment->no;

    content_no = own ? attachment->data_no : content_no;
    if (lazy && content_is_long(attachment->size))
        return chunks_source(tx, arena, mailbox_id, content_no, part, attachment->size, &attachment->source);
    return chunks_read(tx, arena, mailbox_id, content_no, part, attachment->size, &attachment->data);
}

int attachments_load(struct store_tx *tx, struct arena *arena, unsigned depth, unsigned level, struct item *item)
{
    struct attachment_list *list = &item->attachments;
    int r = sql_list(tx, arena, SQL_attachment_read, ARGS(V_INT(item->mailbox_id), V_INT(item->content_no)), sizeof(*list->v), from_row,
                     &list->v, &list->n);

    for (size_t i = 0; r == 0 && depth & STORE_DATA && i < list->n; i++) {
        struct attachment *attachment = &list->v[i];
        if (attachment->kind == ATTACHMENT_ITEM)
            r = load_item(tx, arena, item->mailbox_id, depth, level, attachment);
        else
            r = load_file(tx, arena, item->mailbox_id, item->content_no, depth & STORE_LAZY, attachment);
    }
    return r;
}

/* ---- one of a stored item ---- */

/* The stored content number: the caller's may be of an older snapshot. */
static int refresh_content_no(struct store_tx *tx, struct item *item)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    int r = sql_first(tx, SQL_item_place, ARGS(V_INT(item->mailbox_id), V_INT(item->item_no)), &sql);

    if (r != 0)
        return r < 0 ? r : CODE_ErrorItemNotFound;
    item->content_no = (uint64_t)sql_int(&sql, 2);
    return 0;
}

static int find_one(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, uint64_t content_no, uint32_t no,
                    struct attachment *ret_attachment)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    int r = sql_first(tx, SQL_attachment_one, ARGS(V_INT(mailbox_id), V_INT(content_no), V_INT(no)), &sql);

    if (r != 0)
        return r;
    return from_row(&sql, arena, ret_attachment);
}

/* From item to item; ret_content_no: the content that the last is a row of. */
static int find_path(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, uint64_t content_no,
                     const struct attachment_path *path, struct attachment *ret_attachment, uint64_t *ret_content_no)
{
    struct attachment attachment = { .kind = ATTACHMENT_ITEM, .data_no = content_no };

    for (unsigned i = 0; i < path->levels; i++) {
        if (attachment.kind != ATTACHMENT_ITEM)
            return 1;
        content_no = attachment.data_no;
        int r = find_one(tx, arena, mailbox_id, content_no, path->no[i], &attachment);
        if (r != 0)
            return r;
    }
    *ret_attachment = attachment;
    *ret_content_no = content_no;
    return 0;
}

int store_attachment_get(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, uint64_t item_no,
                         const struct attachment_path *path, unsigned depth, struct attachment *ret_attachment)
{
    struct item item = { .mailbox_id = mailbox_id, .item_no = item_no };
    struct attachment attachment = { 0 };
    uint64_t content_no = 0;
    const unsigned within = depth & STORE_MIME ? depth : depth & ~(unsigned)STORE_DATA;
    int r = refresh_content_no(tx, &item);

    if (r == 0)
        r = find_path(tx, arena, mailbox_id, item.content_no, path, &attachment, &content_no);
    if (r == 0 && attachment.kind == ATTACHMENT_ITEM)
        r = load_item(tx, arena, mailbox_id, within, path->levels - 1, &attachment);
    else if (r == 0 && depth & STORE_DATA)
        r = load_file(tx, arena, mailbox_id, content_no, depth & STORE_LAZY, &attachment);
    if (r == CODE_ErrorItemCorrupt && attachment.kind != ATTACHMENT_ITEM)
        r = CODE_ErrorCannotOpenFileAttachment;
    if (r == 0)
        *ret_attachment = attachment;
    return r == -EUCLEAN ? CODE_ErrorCorruptData : r;
}

int store_attachment_count(struct store_tx *tx, const struct item *item, uint64_t *ret_n)
{
    int64_t n = 0;
    int r = sql_number(tx, SQL_attachment_count, ARGS(V_INT(item->mailbox_id), V_INT(item->content_no)), &n);

    if (r == 0)
        *ret_n = (uint64_t)n;
    return r;
}

/* Content that is the item's alone, without the client's MIME. */
static int content_open(struct store_tx *tx, struct item *item)
{
    int r = content_own(tx, item);

    return r == 0 ? content_drop_mime(tx, item) : r;
}

int store_attachment_add(struct store_tx *tx, struct item *item, struct attachment *attachment)
{
    int64_t no = 0;
    int r = refresh_content_no(tx, item);

    if (r == 0)
        r = content_open(tx, item);
    if (r == 0)
        r = sql_number(tx, SQL_attachment_next, ARGS(V_INT(item->mailbox_id), V_INT(item->content_no)), &no);
    if (r != 0)
        return r;
    attachment->no = (uint32_t)no;
    r = attachment_write(tx, item->mailbox_id, item->content_no, attachment);
    if (r != 0)
        return r;
    if (!attachment->is_inline)
        item->flags |= ITEM_HAS_ATTACHMENTS;
    item->size += attachment->size;
    return store_item_update(tx, item, true);
}

/* ---- deleting ---- */

static int delete_row(struct store_tx *tx, int64_t mailbox_id, uint64_t content_no, const struct attachment *attachment)
{
    int r = sql_run(tx, SQL_attachment_delete_one, ARGS(V_INT(mailbox_id), V_INT(content_no), V_INT(attachment->no)), NULL);

    if (r != 0)
        return r;
    if (attachment->data_no != 0)
        return attachment_drop_data(tx, mailbox_id, attachment->data_no, attachment->kind);
    return sql_run(tx, SQL_chunk_delete_part,
                   ARGS(V_INT(mailbox_id), V_INT(content_no), V_INT(PART_ATTACHMENT + attachment->no)), NULL);
}

/* The content of an attached item, for a row of content that is nobody else's:
 * a copy of it where it is shared. */
static int own_attached(struct store_tx *tx, int64_t mailbox_id, uint64_t data_no, uint64_t *ret_no)
{
    uint64_t no = 0, change = 0;
    int64_t refs = 0;
    int r = sql_number(tx, SQL_content_refs, ARGS(V_INT(mailbox_id), V_INT(data_no)), &refs);

    *ret_no = data_no;
    if (r != 0 || refs <= 1)
        return r == 1 ? CODE_ErrorItemCorrupt : r;
    r = store_take_numbers(tx, mailbox_id, 1, STORE_NO_GROWTH, &no, &change);
    if (r == 0)
        r = content_copy(tx, mailbox_id, data_no, no);
    if (r == 0)
        r = sql_run(tx, SQL_attached_copy, ARGS(V_INT(mailbox_id), V_INT(data_no), V_INT(no)), NULL);
    *ret_no = no;
    return r;
}

static int delete_within(struct store_tx *tx, int64_t mailbox_id, uint64_t content_no, const struct attachment_path *path,
                         unsigned level, uint64_t *ret_freed)
{
    struct attachment attachment;
    uint64_t data_no = 0;
    int64_t one = 0;
    int r = find_one(tx, tx->scratch, mailbox_id, content_no, path->no[level], &attachment);

    if (r == 0 && level + 1 == path->levels) {
        *ret_freed = attachment.size;
        return delete_row(tx, mailbox_id, content_no, &attachment);
    }
    if (r == 0)
        r = own_attached(tx, mailbox_id, attachment.data_no, &data_no);
    if (r == 0)
        r = delete_within(tx, mailbox_id, data_no, path, level + 1, ret_freed);
    if (r == 0)
        r = sql_number(tx, SQL_attachment_shown, ARGS(V_INT(mailbox_id), V_INT(data_no)), &one);
    if (r < 0)
        return r;
    r = sql_run(tx, SQL_attached_shrink,
                ARGS(V_INT(mailbox_id), V_INT(data_no), V_INT(*ret_freed), V_INT(r == 1 ? ITEM_HAS_ATTACHMENTS : 0)), NULL);
    if (r != 0)
        return r;
    return sql_run(tx, SQL_attachment_shrink,
                   ARGS(V_INT(mailbox_id), V_INT(content_no), V_INT(attachment.no), V_INT(data_no), V_INT(*ret_freed)), NULL);
}

int store_attachment_delete(struct store_tx *tx, struct item *item, const struct attachment_path *path)
{
    struct attachment attachment;
    uint64_t content_no, freed = 0;
    int64_t one = 0;
    int r = refresh_content_no(tx, item);

    if (r == 0)
        r = find_path(tx, tx->scratch, item->mailbox_id, item->content_no, path, &attachment, &content_no);
    if (r == 0)
        r = content_open(tx, item);
    if (r == 0)
        r = delete_within(tx, item->mailbox_id, item->content_no, path, 0, &freed);
    if (r != 0)
        return r;
    r = sql_number(tx, SQL_attachment_shown, ARGS(V_INT(item->mailbox_id), V_INT(item->content_no)), &one);
    if (r < 0)
        return r;
    if (r == 1)
        item->flags &= ~ITEM_HAS_ATTACHMENTS;
    item->size -= freed < item->size ? freed : item->size;
    return store_item_update(tx, item, true);
}
