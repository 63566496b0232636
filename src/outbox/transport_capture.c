/*
 * The transport of `ewsd dev`: nothing leaves. The message becomes a row of
 * the capture table in the same job that settles its recipients, so it is
 * there once, whatever happens in between (decisions 24).
 */
#include "outbox/transport.h"

#include "store/store_capture.h"

#include <errno.h>

static int capture_store(struct store_tx *tx, const struct transport_job *job, struct transport_result *results)
{
    struct span *addresses = arena_array(job->arena, job->n, sizeof(*addresses));
    if (!addresses)
        return -ENOMEM;
    for (size_t i = 0; i < job->n; i++) {
        addresses[i] = job->rcpts[i]->address;
        results[i] = (struct transport_result){ TRANSPORT_SENT, SPAN("2.0.0 captured") };
    }
    struct store_capture capture = {
        .mailbox_id = job->entry->mailbox_id,
        .outbox_no = job->entry->outbox_no,
        .at = when_now(),
        .sender = job->entry->envelope_sender,
        .rcpts = addresses,
        .rcpts_n = job->n,
        .subject = job->item->subject,
        .size = job->raw.len,
    };
    return store_capture_put(tx, &capture, job->raw);
}

const struct transport transport_capture = { .name = "capture", .number = TRANSPORT_NUMBER_capture, .store = capture_store };
