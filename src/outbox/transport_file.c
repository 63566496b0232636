/*
 * Sent copies for other mailboxes, in the job that settles: those that
 * outbox_file could not write at once.
 */
#include "outbox/filing.h"
#include "outbox/transport.h"

/* In a savepoint, as local deliveries are: a mailbox that is broken keeps its
 * own mail only. */
static int try_one(struct store_tx *tx, const struct transport_job *job, const struct store_outbox_rcpt *rcpt,
                   struct transport_result *ret_result)
{
    struct item copy;
    int r = store_savepoint(tx);
    if (r)
        return r;
    int done = filing_write(tx, job->arena, job->entry, job->item, rcpt, &copy);
    r = done < 0 ? store_savepoint_rollback(tx) : store_savepoint_release(tx);
    if (done < 0)
        *ret_result = (struct transport_result){ TRANSPORT_DEFERRED, SPAN("4.3.0 the mailbox store is not available") };
    else if (done > 0)
        *ret_result = (struct transport_result){ TRANSPORT_FAILED, SPAN("5.1.1 there is no mailbox with this address") };
    else
        *ret_result = (struct transport_result){ TRANSPORT_SENT, SPAN("2.0.0 filed") };
    return r;
}

static int file_store(struct store_tx *tx, const struct transport_job *job, struct transport_result *results)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < job->n; i++)
        r = try_one(tx, job, job->rcpts[i], &results[i]);
    return r;
}

const struct transport transport_file = { .name = "file", .store = file_store };
