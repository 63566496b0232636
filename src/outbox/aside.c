/*
 * See aside.h.
 */
#include "outbox/aside.h"

#include "base/err.h"
#include "base/log.h"
#include "model/code.h"
#include "store/store_queue.h"

#include <errno.h>

static int set_aside_job(struct store_tx *tx, void *arg)
{
    const struct store_outbox_key *key = arg;
    return store_outbox_set_aside(tx, *key, SPAN("4.3.0 the stored message cannot be read: see ewsctl store check"));
}

bool aside_wanted(int r)
{
    return r == CODE_ErrorItemCorrupt || r == CODE_ErrorCorruptData || r == -EUCLEAN;
}

void aside_put(struct store *store, struct store_outbox_key key, int why)
{
    int r = store_write(store, set_aside_job, &key);
    if (r == 1) /* it is already */
        return;
    log_event(LOG_ERROR_LEVEL, r ? "outbox entry cannot be read, nor set aside" : "outbox entry cannot be read: set aside",
              LOG_N("mailbox", key.mailbox_id), LOG_N("entry", key.outbox_no), LOG_S("error", why > 0 ? code_name(why) : err_text(why)));
}
