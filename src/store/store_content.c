/*
 * Content: recipients, body, MIME and attachments under one number, counted by
 * who refers to it (items and outbox entries). Written once; a change is made
 * to a copy unless the item is the only one that refers to it.
 */
#include "model/code.h"
#include "store/store_content.h"
#include "store/store_item.h"

#include <errno.h>

struct chunk_writing {
    struct store_tx *tx;
    int64_t mailbox_id;
    uint64_t content_no;
    uint32_t part, seq;
};

static int write_chunk(void *arg, struct span piece)
{
    struct chunk_writing *w = arg;

    return sql_run(w->tx, SQL_chunk_insert,
                   ARGS(V_INT(w->mailbox_id), V_INT(w->content_no), V_INT(w->part), V_INT(w->seq++), V_BLOB(piece)), NULL);
}

int chunks_write(struct store_tx *tx, int64_t mailbox_id, uint64_t content_no, uint32_t part, struct source *source,
                 struct span bytes)
{
    struct chunk_writing writing = { tx, mailbox_id, content_no, part, 0 };

    return source_each(source, bytes, write_chunk, &writing);
}

int chunks_read(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, uint64_t content_no, uint32_t part, uint64_t size,
                struct span *ret_bytes)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    char *bytes = size <= CONTENT_MAX ? arena_alloc(arena, (size_t)size + 1) : NULL;
    size_t len = 0;
    int r = 0;

    if (!bytes)
        return size <= CONTENT_MAX ? -ENOMEM : CODE_ErrorItemCorrupt;
    if (size > 0)
        r = sql_open(tx, SQL_chunk_read, ARGS(V_INT(mailbox_id), V_INT(content_no), V_INT(part)), &sql);
    while (r == 0 && size > 0 && (r = sql_next(&sql)) == 1) {
        struct span piece = sql_bytes(&sql, 0);
        if (piece.len > size - len)
            return CODE_ErrorItemCorrupt;
        memcpy(bytes + len, piece.ptr, piece.len);
        len += piece.len;
        r = 0;
        if (len == size)
            break;
    }
    if (r != 0)
        return r;
    if (len != size)
        return CODE_ErrorItemCorrupt;
    *ret_bytes = (struct span){ bytes, len };
    return 0;
}

int content_write_rcpts(struct store_tx *tx, const struct item *item, uint64_t content_no)
{
    const struct rcpt_list *lists[] = { &item->to, &item->cc, &item->bcc, &item->reply_to };
    static const enum rcpt_type types[] = { RCPT_TO, RCPT_CC, RCPT_BCC, RCPT_REPLY_TO };
    uint32_t seq = 0;

    for (size_t l = 0; l < ARRAY_LEN(lists); l++) {
        for (size_t i = 0; i < lists[l]->n; i++) {
            const struct rcpt *rcpt = &lists[l]->v[i];
            int r = sql_run(tx, SQL_recipient_insert,
                            ARGS(V_INT(item->mailbox_id), V_INT(content_no), V_INT(seq++), V_INT(types[l]), V_TEXT(rcpt->name),
                                 V_TEXT(rcpt->address), V_TEXT(rcpt->routing)),
                            NULL);
            if (r != 0)
                return r;
        }
    }
    return 0;
}

static int write_long(struct store_tx *tx, const struct item *item, uint64_t content_no, uint32_t part, struct source *source,
                      struct span bytes)
{
    bool staged = item->staged_no != 0 && content_is_long(bytes.len);

    return staged ? 0 : chunks_write(tx, item->mailbox_id, content_no, part, source, bytes);
}

int content_write(struct store_tx *tx, struct item *item, uint64_t content_no)
{
    bool is_inline = item->body.len <= INLINE_BODY;
    int64_t body_size = item->body.ptr || item->body_source ? (int64_t)item->body.len : -1;
    int r = 0;

    if (item->staged_no != 0) {
        content_no = item->staged_no;
        r = content_adopt(tx, item->mailbox_id, content_no);
    }
    if (r == 0)
        r = sql_run(tx, SQL_content_insert,
                    ARGS(V_INT(item->mailbox_id), V_INT(content_no), item->body.ptr && is_inline ? V_BLOB(item->body) : V_NULL,
                         V_INT(body_size), V_INT(item->mime.len)),
                    NULL);
    if (r == 0 && !is_inline)
        r = write_long(tx, item, content_no, PART_BODY, item->body_source, item->body);
    if (r == 0)
        r = write_long(tx, item, content_no, PART_MIME, item->mime_source, item->mime);
    if (r == 0)
        r = content_write_rcpts(tx, item, content_no);
    for (size_t i = 0; r == 0 && i < item->attachments.n; i++) {
        if (item->attachments.v[i].no == 0)
            item->attachments.v[i].no = (uint32_t)i + 1;
        r = attachment_write(tx, item->mailbox_id, content_no, &item->attachments.v[i]);
    }
    if (r == 0)
        item->content_no = content_no;
    return r;
}

int content_keep(struct store_tx *tx, int64_t mailbox_id, uint64_t content_no)
{
    int64_t written = 0;
    int r = sql_run(tx, SQL_content_keep, ARGS(V_INT(mailbox_id), V_INT(content_no)), &written);

    return r == 0 && written == 0 ? CODE_ErrorItemCorrupt : r;
}

/* The pieces: at once when they are few, else by the sweep. */
static int delete_chunks(struct store_tx *tx, int64_t mailbox_id, uint64_t content_no)
{
    int64_t one = 0;
    int r = sql_number(tx, SQL_chunk_long, ARGS(V_INT(mailbox_id), V_INT(content_no)), &one);

    if (r == 1)
        return sql_run(tx, SQL_chunk_delete, ARGS(V_INT(mailbox_id), V_INT(content_no)), NULL);
    return r == 0 ? content_to_sweep(tx, mailbox_id, content_no, 0) : r;
}

/* The data of its attachments, as far as it is content of its own. */
static int drop_data(struct store_tx *tx, int64_t mailbox_id, uint64_t content_no)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    int r = sql_open(tx, SQL_attachment_data, ARGS(V_INT(mailbox_id), V_INT(content_no)), &sql);

    while (r == 0 && (r = sql_next(&sql)) == 1)
        r = attachment_drop_data(tx, mailbox_id, (uint64_t)sql_int(&sql, 0), (enum attachment_kind)sql_int(&sql, 1));
    return r;
}

static int content_delete(struct store_tx *tx, int64_t mailbox_id, uint64_t content_no)
{
    static const enum store_statement deletes[] = { SQL_attachment_delete, SQL_recipient_delete, SQL_content_delete };
    int r = drop_data(tx, mailbox_id, content_no);

    if (r == 0)
        r = delete_chunks(tx, mailbox_id, content_no);
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(deletes); i++)
        r = sql_run(tx, deletes[i], ARGS(V_INT(mailbox_id), V_INT(content_no)), NULL);
    return r;
}

int content_drop(struct store_tx *tx, int64_t mailbox_id, uint64_t content_no)
{
    int64_t shared = 0;
    int r = sql_run(tx, SQL_content_drop, ARGS(V_INT(mailbox_id), V_INT(content_no)), &shared);

    return r != 0 || shared ? r : content_delete(tx, mailbox_id, content_no);
}

int attachment_drop_data(struct store_tx *tx, int64_t mailbox_id, uint64_t data_no, enum attachment_kind kind)
{
    const struct store_value args[] = { V_INT(mailbox_id), V_INT(data_no) };
    int64_t shared = 0;
    int r = sql_run(tx, SQL_content_drop, args, 2, &shared);

    if (r == 0 && !shared)
        r = content_delete(tx, mailbox_id, data_no);
    return r == 0 && !shared && kind == ATTACHMENT_ITEM ? sql_run(tx, SQL_attached_delete, args, 2, NULL) : r;
}

static int content_refs(struct store_tx *tx, const struct item *item, int64_t *ret_refs)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    int r = sql_first(tx, SQL_content_get, ARGS(V_INT(item->mailbox_id), V_INT(item->content_no)), &sql);

    if (r != 0)
        return r < 0 ? r : CODE_ErrorItemCorrupt;
    *ret_refs = sql_int(&sql, 3);
    return 0;
}

int content_copy(struct store_tx *tx, int64_t mailbox_id, uint64_t content_no, uint64_t copy_no)
{
    static const enum store_statement copies[] = { SQL_content_copy, SQL_chunk_copy, SQL_recipient_copy, SQL_attachment_copy };
    int r = sql_run(tx, SQL_data_keep, ARGS(V_INT(mailbox_id), V_INT(content_no)), NULL);

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(copies); i++)
        r = sql_run(tx, copies[i], ARGS(V_INT(mailbox_id), V_INT(content_no), V_INT(copy_no)), NULL);
    return r == 0 ? content_drop(tx, mailbox_id, content_no) : r;
}

int content_own(struct store_tx *tx, struct item *item)
{
    uint64_t no = 0, change = 0;
    int64_t refs = 0;
    int r = item_stop_lending(tx, item);

    if (r == 0)
        r = content_refs(tx, item, &refs);
    if (r != 0 || refs <= 1)
        return r;
    r = store_take_numbers(tx, item->mailbox_id, 1, STORE_NO_GROWTH, &no, &change);
    if (r == 0)
        r = content_copy(tx, item->mailbox_id, item->content_no, no);
    if (r == 0)
        item->content_no = no;
    return r;
}

int content_drop_mime(struct store_tx *tx, struct item *item)
{
    if (!(item->flags & ITEM_HAS_MIME))
        return 0;
    item->flags &= ~ITEM_HAS_MIME;
    item->mime = (struct span){ 0 };
    int r = sql_run(tx, SQL_content_no_mime, ARGS(V_INT(item->mailbox_id), V_INT(item->content_no)), NULL);
    if (r != 0)
        return r;
    return sql_run(tx, SQL_chunk_delete_part, ARGS(V_INT(item->mailbox_id), V_INT(item->content_no), V_INT(PART_MIME)), NULL);
}
