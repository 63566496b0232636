/*
 * Removing a mailbox. One transaction takes its rows out of the directory and
 * the outbox and records its number in `removed`: from then on it is gone, and
 * its number is never given again. What it held is swept afterwards, a bounded
 * number of rows at a time, so that other writers wait for no more than that;
 * whatever ends the program, `removed` says where to go on.
 */
#include "store/store_mailbox.h"

#include "model/code.h"
#include "store/store_node.h"
#include "store/store_outbox.h"
#include "store/store_sql.h"
#include "store/store_words.h"

/* Rows of one step, which holds the writer for some milliseconds. A chunk has
 * 256 KB, a row of content up to 64 KB. */
static const struct {
    enum store_statement statement;
    unsigned rows;
} sweeps[] = {
    { SQL_sweep_outbox_recipient, 500 },
    { SQL_sweep_capture_recipient, 50 }, /* of as many captures, which follow */
    { SQL_sweep_capture, 50 },
    { SQL_sweep_item, 200 },
    { SQL_sweep_folder, 500 },
    { SQL_sweep_folder_log, 500 },
    { SQL_sweep_permission, 500 },
    { SQL_sweep_garbage, 500 }, /* before the chunks: no piece is staged from then on */
    { SQL_sweep_recoverable, 500 },
    { SQL_sweep_change, 500 },
    { SQL_sweep_recipient, 500 },
    { SQL_sweep_attachment, 500 },
    { SQL_sweep_attached, 200 },
    { SQL_sweep_chunk, 4 },
    { SQL_sweep_content, 32 },
    { SQL_sweep_search_item, 100 },
    { SQL_sweep_search_state, 1 },
    { SQL_sweep_replay, 500 },
    { SQL_sweep_delivery, 500 },
};

int store_mailbox_remove(struct store_tx *tx, int64_t mailbox_id, bool discard)
{
    static const enum store_statement statements[] = { SQL_remove_record, SQL_remove_counter, SQL_remove_members, SQL_remove_addresses,
                                                       SQL_remove_grants, SQL_remove_permissions, SQL_remove_queue };
    uint64_t queued = 0;
    int64_t written = 0;
    int r = store_outbox_count(tx, mailbox_id, &queued);

    if (r == 0 && queued > 0 && !discard)
        return 1;
    if (r == 0)
        r = sql_run(tx, SQL_remove_mailbox, ARGS(V_INT(mailbox_id)), &written);
    if (r != 0 || written == 0)
        return r != 0 ? r : CODE_ErrorNonExistentMailbox;
    store_forget_kept(tx);
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(statements); i++)
        r = sql_run(tx, statements[i], ARGS(V_INT(mailbox_id)), NULL);
    return r == 0 ? store_credentials_changed(tx) : r;
}

int store_mailbox_sweep(struct store_tx *tx, bool *ret_more)
{
    int64_t mailbox_id = 0, written = 0;
    int r = sql_number(tx, SQL_removed_next, NULL, 0, &mailbox_id);

    if (r < 0)
        return r;
    *ret_more = r == 0;
    if (r == 1)
        return 0;
    for (size_t i = 0; r == 0 && written == 0 && i < ARRAY_LEN(sweeps); i++) {
        if (sweeps[i].statement == SQL_sweep_search_item && (r = words_sweep(tx, mailbox_id, sweeps[i].rows)))
            return r;
        r = sql_run(tx, sweeps[i].statement, ARGS(V_INT(mailbox_id), V_INT(sweeps[i].rows)), &written);
    }
    if (r == 0 && written == 0)
        r = sql_run(tx, SQL_removed_done, ARGS(V_INT(mailbox_id)), NULL);
    return r;
}
