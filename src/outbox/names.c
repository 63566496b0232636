/*
 * See names.h. A row that is damaged has words, too.
 */
#include "outbox/names.h"

#include "base/when.h"

#include <inttypes.h>
#include <stdio.h>

void outbox_id_write(struct store_outbox_key key, char ret_id[OUTBOX_ID_SIZE])
{
    snprintf(ret_id, OUTBOX_ID_SIZE, "%" PRId64 "-%" PRIu64, key.mailbox_id, key.outbox_no);
}

bool outbox_id_read(struct span text, struct store_outbox_key *ret_key)
{
    const char *dash = text.len ? memchr(text.ptr, '-', text.len) : NULL;
    int64_t mailbox, entry;
    if (!dash || !span_int((struct span){ text.ptr, (size_t)(dash - text.ptr) }, false, 1, INT64_MAX, &mailbox) ||
        !span_int((struct span){ dash + 1, text.len - (size_t)(dash + 1 - text.ptr) }, false, 1, INT64_MAX, &entry))
        return false;
    *ret_key = (struct store_outbox_key){ mailbox, (uint64_t)entry };
    return true;
}

const char *outbox_rcpt_state(const struct store_outbox_rcpt *rcpt, bool held)
{
    switch (rcpt->state) {
    case STORE_RCPT_QUEUED:
        return rcpt->lease_until > when_now() ? "sending" : held ? "held" : "waiting";
    case STORE_RCPT_SENT:
        return "sent";
    case STORE_RCPT_FAILED:
        return "failed";
    case STORE_RCPT_REMOVED:
        return "removed";
    }
    return "unknown";
}

const char *outbox_rcpt_way(enum store_rcpt_kind kind)
{
    switch (kind) {
    case STORE_RCPT_LOCAL:
        return "local";
    case STORE_RCPT_REMOTE:
        return "relay";
    case STORE_RCPT_FILE:
        return "copy";
    }
    return "unknown";
}
