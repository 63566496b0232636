/*
 * ewsctl queue: what waits to be delivered, and why. A message is named
 * MAILBOX-ENTRY by the two numbers of its key.
 */
#include "bin/ctl.h"
#include "base/when.h"
#include "store/store_mail.h"
#include "store/store_outbox.h"

#include <inttypes.h>
#include <stdio.h>

#define PAGE 500

static const char *state_name(enum store_rcpt_state state)
{
    switch (state) {
    case STORE_RCPT_QUEUED:
        return "waiting";
    case STORE_RCPT_SENT:
        return "sent";
    case STORE_RCPT_FAILED:
        return "failed";
    }
    return "unknown";
}

static const char *kind_name(enum store_rcpt_kind kind)
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

static void put_rcpts(struct ctl_out *out, const struct store_outbox *entry)
{
    out_list(out, "recipients");
    for (size_t i = 0; i < entry->rcpts_n; i++) {
        const struct store_outbox_rcpt *rcpt = &entry->rcpts[i];
        out_record(out);
        out_text(out, "address", rcpt->address);
        out_text(out, "state", span_of(state_name(rcpt->state)));
        out_text(out, "transport", span_of(kind_name(rcpt->kind)));
        out_number(out, "attempts", rcpt->attempts);
        out_time(out, "next_attempt", rcpt->state == STORE_RCPT_QUEUED ? rcpt->next_attempt : WHEN_NONE);
        out_text(out, "status", rcpt->status);
        out_record_end(out);
    }
    out_list_end(out);
}

static void put_id(struct ctl_out *out, const struct store_outbox *entry)
{
    char id[48];

    snprintf(id, sizeof(id), "%" PRId64 "-%" PRIu64, entry->mailbox_id, entry->outbox_no);
    out_text(out, "id", span_of(id));
}

/* ---- list ---- */

static void put_line(struct ctl_out *out, const struct store_outbox *entry, const struct item *item)
{
    out_record(out);
    put_id(out, entry);
    out_time(out, "submitted", entry->created);
    out_text(out, "sender", entry->envelope_sender);
    out_text(out, "subject", item->subject);
    out_number(out, "size", item->size);
    put_rcpts(out, entry);
    out_record_end(out);
}

/* The memory of an entry is given back before the next one. */
static int list_page(struct store_tx *tx, struct ctl_call *call, struct arena *scratch, const struct store_outbox_key *keys, size_t n)
{
    struct store_outbox entry;
    struct item item;
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++) {
        arena_reset(scratch);
        r = store_outbox_load(tx, scratch, keys[i], 0, STORE_HOT, &entry, &item);
        if (r == 0)
            put_line(&call->out, &entry, &item);
    }
    return r > 0 ? -EIO : r;
}

static int list(struct store_tx *tx, struct ctl_call *call, void *data)
{
    int64_t left = *(const int64_t *)data;
    CLEANUP(free_ptr_arena) struct arena *scratch = NULL;
    struct store_outbox_key after = { 0 }, *keys;
    size_t n = PAGE;
    int r = arena_new(CTL_MEMORY, &scratch);

    while (r == 0 && n == PAGE && left > 0) {
        size_t wanted = left < PAGE ? (size_t)left : PAGE;
        r = store_outbox_list(tx, call->arena, after, wanted, &keys, &n);
        if (r == 0)
            r = list_page(tx, call, scratch, keys, n);
        if (r == 0 && n > 0)
            after = keys[n - 1];
        left -= (int64_t)n;
    }
    return r;
}

int ctl_queue_list(struct ctl_call *call)
{
    const char *limit = ctl_option(call, "limit");
    int64_t most = INT64_MAX;

    if (limit && !span_int(span_of(limit), false, 1, INT64_MAX, &most))
        return ctl_fail(call, EX_USAGE, "--limit is a number from 1 on, not %s", limit);
    return ctl_read(call, list, &most);
}

/* ---- show ---- */

static void put_people(struct ctl_out *out, const char *name, const struct rcpt_list *people)
{
    out_list(out, name);
    for (size_t i = 0; i < people->n; i++)
        out_text(out, NULL, people->v[i].address.len ? people->v[i].address : people->v[i].name);
    out_list_end(out);
}

static void put_headers(struct ctl_out *out, const struct store_outbox *entry, const struct item *item)
{
    out_text(out, "from", item->from.address);
    if (item->sender.address.len && !span_eq_nocase(item->sender.address, item->from.address))
        out_text(out, "on_behalf_by", item->sender.address);
    put_people(out, "to", &item->to);
    put_people(out, "cc", &item->cc);
    out_text(out, "subject", item->subject);
    out_time(out, "date", entry->date);
    out_text(out, "message_id", entry->message_id);
}

static int show(struct store_tx *tx, struct ctl_call *call, void *data)
{
    const struct store_outbox_key *key = data;
    struct store_mailbox mailbox;
    struct store_outbox entry;
    struct item item;
    int r = store_outbox_load(tx, call->arena, *key, 0, STORE_RECIPIENTS, &entry, &item);

    if (r > 0)
        return ctl_fail(call, EX_NOUSER, "no message %s waits; it may have left (ewsctl queue list)", call->operands[0]);
    if (r == 0)
        r = store_mailbox_by_id(tx, call->arena, key->mailbox_id, &mailbox);
    if (r)
        return r > 0 ? -EIO : r;
    call->out.style = OUT_SHEET;
    out_record(&call->out);
    put_id(&call->out, &entry);
    out_text(&call->out, "mailbox", mailbox.address);
    out_text(&call->out, "sender", entry.envelope_sender);
    out_time(&call->out, "submitted", entry.created);
    out_time(&call->out, "expires", entry.expires);
    out_number(&call->out, "size", item.size);
    out_flag(&call->out, "report", entry.bounce);
    put_headers(&call->out, &entry, &item);
    put_rcpts(&call->out, &entry);
    out_record_end(&call->out);
    return 0;
}

int ctl_queue_show(struct ctl_call *call)
{
    const char *id = call->operands[0];
    const char *dash = strchr(id, '-');
    int64_t mailbox, entry;

    if (!dash || !span_int((struct span){ id, (size_t)(dash - id) }, false, 1, INT64_MAX, &mailbox) ||
        !span_int(span_of(dash + 1), false, 1, INT64_MAX, &entry))
        return ctl_fail(call, EX_DATAERR, "%s is no id of a message, such as 3-1002 (ewsctl queue list)", id);
    return ctl_read(call, show, &(struct store_outbox_key){ mailbox, (uint64_t)entry });
}
