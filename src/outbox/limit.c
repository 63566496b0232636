/*
 * The pace is a leaky bucket in the mailbox' row: a minute's worth of messages
 * may come at once, then one each 1/rate of a minute. Being a row of the store,
 * it holds for all servers of a store, across restarts, and counts nothing that
 * was undone.
 */
#include "outbox/limit.h"

#define MINUTE_US 60000000
#define FULL_BACK_OFF_MS 60000

int limit_message(const struct conf *conf, const struct item *item, int without, struct outbox_sent *ret_sent)
{
    const size_t recipients = item_recipient_count(item);
    if (item->size > (uint64_t)conf->send_max_size) {
        ret_sent->amount = item->size;
        return CODE_ErrorMessageSizeExceeded;
    }
    if (recipients > (size_t)conf->send_max_recipients) {
        ret_sent->amount = recipients;
        return CODE_ErrorExceededMaxRecipientLimit;
    }
    return recipients == 0 ? without : 0;
}

int limit_queue(struct store_tx *tx, const struct conf *conf, struct outbox_sent *ret_sent)
{
    bool full = false;
    int r = store_outbox_full(tx, (uint64_t)conf->outbox_max_entries, &full);
    if (r || !full)
        return r;
    ret_sent->back_off_ms = FULL_BACK_OFF_MS;
    return CODE_ErrorServerBusy;
}

int limit_pace(struct store_tx *tx, const struct conf *conf, int64_t mailbox_id, struct outbox_sent *ret_sent)
{
    int64_t wait = 0;
    if (conf->send_rate == 0)
        return 0;
    int r = store_mailbox_pace(tx, mailbox_id, when_now() * 1000, MINUTE_US / conf->send_rate, MINUTE_US, &wait);
    if (r != 1)
        return r;
    ret_sent->back_off_ms = (wait + 999) / 1000;
    return CODE_ErrorServerBusy;
}
