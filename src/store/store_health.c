/*
 * What ewsctl doctor asks of a store beside whether it is whole: little of it
 * reads more than a row or two of each mailbox.
 */
#include "store/store_core.h"
#include "store/store_keep.h"
#include "store/store_mail.h"

#include <errno.h>

_Static_assert((ITEM_DRAFT | ITEM_SENT_ONCE) == 8193 && FOLDER_ROLE_drafts == 4, "as health_drafts has them");

int store_health_queue(struct store_tx *tx, struct store_health_queue *ret_queue)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    struct store_health_queue queue;
    int64_t aside = 0;
    int r = sql_first(tx, SQL_health_queue, NULL, 0, &sql);

    if (r != 0)
        return r < 0 ? r : -EIO;
    queue.entries = (uint64_t)sql_int(&sql, 0);
    queue.oldest = sql_int(&sql, 1);
    queue.held = (uint64_t)sql_int(&sql, 2);
    r = sql_number(tx, SQL_health_aside, NULL, 0, &aside);
    queue.aside = (uint64_t)aside;
    if (r == 0)
        *ret_queue = queue;
    return r > 0 ? -EIO : r;
}

int store_health_newest(struct store_tx *tx, int64_t mailbox_id, int64_t *ret_at)
{
    return sql_number(tx, SQL_health_newest, ARGS(V_INT(mailbox_id)), ret_at);
}

int store_health_drafts(struct store_tx *tx, int64_t mailbox_id, uint64_t *ret_n)
{
    int64_t n = 0;
    int r = sql_number(tx, SQL_health_drafts, ARGS(V_INT(mailbox_id)), &n);

    if (r == 0)
        *ret_n = (uint64_t)n;
    return r > 0 ? -EIO : r;
}
