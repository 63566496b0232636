/*
 * Sent copies for other mailboxes that outbox_file could not write at once: each
 * in a job of the mailbox that it is for, once by its mark there.
 */
#include "outbox/filing.h"
#include "outbox/transport.h"

static int file_store_one(struct store_tx *tx, const struct transport_job *job, size_t i, const void *ready,
                          struct transport_result *ret_result)
{
    struct item copy;
    (void)ready;
    int r = filing_write(tx, job->arena, job->entry, job->item, job->rcpts[i], &copy);
    if (r > 0)
        *ret_result = (struct transport_result){ TRANSPORT_FAILED, SPAN("5.1.1 there is no mailbox with this address") };
    else
        *ret_result = (struct transport_result){ TRANSPORT_SENT, SPAN("2.0.0 filed") };
    return r < 0 ? r : 0;
}

const struct transport transport_file = { .name = "file", .number = TRANSPORT_NUMBER_file, .store_one = file_store_one };
