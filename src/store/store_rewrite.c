/*
 * Changing an item in part: recipients, body, the client's MIME. Attachments
 * stay where they are; content that others refer to is copied first, so what
 * the outbox sends never changes (decisions 3).
 */
#include "store/store_item.h"
#include "store/store_mail.h"

static int write_body(struct store_tx *tx, const struct item *item)
{
    bool is_inline = item->body.len <= INLINE_BODY;
    int64_t size = item->body.ptr ? (int64_t)item->body.len : -1;
    int r = sql_run(tx, SQL_chunk_delete_part, ARGS(V_INT(item->mailbox_id), V_INT(item->content_no), V_INT(PART_BODY)), NULL);

    if (r == 0)
        r = sql_run(tx, SQL_content_body,
                    ARGS(V_INT(item->mailbox_id), V_INT(item->content_no),
                         item->body.ptr && is_inline ? V_BLOB(item->body) : V_NULL, V_INT(size)),
                    NULL);
    if (r == 0 && !is_inline)
        r = chunks_write(tx, item->mailbox_id, item->content_no, PART_BODY, item->body_source, item->body);
    return r;
}

static int write_recipients(struct store_tx *tx, const struct item *item)
{
    int r = sql_run(tx, SQL_recipient_delete, ARGS(V_INT(item->mailbox_id), V_INT(item->content_no)), NULL);

    if (r == 0)
        r = content_write_rcpts(tx, item, item->content_no);
    return r == 0 ? item_write_display(tx, item) : r;
}

int store_item_rewrite(struct store_tx *tx, struct item *item, unsigned parts, bool client)
{
    int r = content_own(tx, item);

    if (r == 0 && parts & STORE_MIME)
        r = content_drop_mime(tx, item);
    if (r == 0 && parts & STORE_RECIPIENTS)
        r = write_recipients(tx, item);
    if (r == 0 && parts & STORE_BODY)
        r = write_body(tx, item);
    return r == 0 ? store_item_update(tx, item, client) : r;
}
