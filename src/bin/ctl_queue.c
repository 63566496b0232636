/*
 * ewsctl queue: what waits to be delivered, and why; and what became of what
 * was sent.
 */
#include "bin/ctl_queue.h"

#include "base/when.h"
#include "model/code.h"
#include "outbox/names.h"
#include "store/store_keep.h"
#include "store/store_mail.h"
#include "store/store_queue.h"

#include <inttypes.h>

#define PAGE 500
#define DAY_MS 86400000

/* ---- ids and filters ---- */

int queue_read_id(struct ctl_call *call, const char *text, struct store_outbox_key *ret_key)
{
    if (!outbox_id_read(span_of(text), ret_key))
        return ctl_fail(call, EX_DATAERR, "%s is no id of a message, such as 3-1002 (ewsctl queue list)", text);
    return 0;
}

bool queue_read_filter(const struct ctl_call *call, struct queue_filter *ret_filter)
{
    const char *sender = ctl_option(call, "sender"), *recipient = ctl_option(call, "recipient"), *relay = ctl_option(call, "relay");

    *ret_filter = (struct queue_filter){ span_of(sender ? sender : ""), span_of(recipient ? recipient : ""), span_of(relay ? relay : "") };
    return sender || recipient || relay;
}

static bool is_chosen(struct span wanted, struct span address)
{
    if (wanted.len == 0 || span_eq_nocase(wanted, address))
        return true;
    return wanted.ptr[0] == '@' && address.len > wanted.len &&
           span_eq_nocase(wanted, (struct span){ address.ptr + address.len - wanted.len, wanted.len });
}

/* A recipient that still waits must fit both. */
static bool matches(const struct queue_filter *filter, const struct store_outbox *entry)
{
    bool any = filter->recipient.len == 0 && filter->relay.len == 0;

    for (size_t i = 0; i < entry->rcpts_n && !any; i++) {
        const struct store_outbox_rcpt *rcpt = &entry->rcpts[i];
        any = rcpt->state == STORE_RCPT_QUEUED && is_chosen(filter->recipient, rcpt->address) &&
              (filter->relay.len == 0 || span_eq(filter->relay, rcpt->relay));
    }
    return any && is_chosen(filter->sender, entry->envelope_sender);
}

/* Also an entry that is damaged, so that something can be done about it. */
static int load(struct store_tx *tx, struct arena *scratch, struct store_outbox_key key, struct store_outbox *ret_entry,
                struct item *ret_item)
{
    int r = store_outbox_load(tx, scratch, key, 0, STORE_DAMAGED, ret_entry, ret_item);

    if (r != CODE_ErrorCorruptData)
        return r > 0 ? -EIO : r;
    *ret_entry = (struct store_outbox){ .mailbox_id = key.mailbox_id, .outbox_no = key.outbox_no };
    item_init(ret_item);
    return 0;
}

int queue_stopped(struct store_tx *tx, bool *ret_stopped, int64_t *ret_since)
{
    int r = store_held(tx, ret_since);

    *ret_stopped = r == 0;
    return r < 0 ? r : 0;
}

/* The memory of an entry is given back before the next one. */
static int walk_page(struct store_tx *tx, struct ctl_call *call, struct arena *scratch, const struct queue_filter *filter,
                     queue_visit *visit, void *data, const struct store_outbox_key *keys, size_t n, bool stopped)
{
    struct store_outbox entry;
    struct item item;
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++) {
        arena_reset(scratch);
        r = load(tx, scratch, keys[i], &entry, &item);
        entry.held = entry.held || stopped;
        if (r == 0 && matches(filter, &entry))
            r = visit(call, &entry, &item, data);
    }
    return r;
}

int queue_walk(struct store_tx *tx, struct ctl_call *call, const struct queue_filter *filter, queue_visit *visit, void *data)
{
    CLEANUP(free_ptr_arena) struct arena *scratch = NULL;
    struct store_outbox_key after = { 0 }, *keys;
    size_t n = PAGE;
    bool stopped = false;
    int64_t since;
    int r = arena_new(CTL_MEMORY, &scratch);

    if (r == 0)
        r = queue_stopped(tx, &stopped, &since);
    while (r == 0 && n == PAGE) {
        r = store_outbox_list(tx, call->arena, after, PAGE, &keys, &n);
        if (r == 0)
            r = walk_page(tx, call, scratch, filter, visit, data, keys, n, stopped);
        if (r == 0 && n > 0)
            after = keys[n - 1];
    }
    return r;
}

/* ---- records ---- */

static void put_rcpts(struct ctl_out *out, const struct store_outbox *entry)
{
    out_list(out, "recipients");
    for (size_t i = 0; i < entry->rcpts_n; i++) {
        const struct store_outbox_rcpt *rcpt = &entry->rcpts[i];
        out_record(out);
        out_text(out, "address", rcpt->address);
        out_text(out, "state", span_of(outbox_rcpt_state(rcpt, entry->held)));
        out_text(out, "transport", span_of(outbox_rcpt_way(rcpt->kind)));
        out_text(out, "relay", rcpt->relay);
        out_number(out, "attempts", rcpt->attempts);
        out_time(out, "next_attempt", rcpt->state == STORE_RCPT_QUEUED ? rcpt->next_attempt : WHEN_NONE);
        out_text(out, "status", rcpt->status);
        out_record_end(out);
    }
    out_list_end(out);
}

static void put_id(struct ctl_out *out, struct store_outbox_key key)
{
    char id[OUTBOX_ID_SIZE];

    outbox_id_write(key, id);
    out_text(out, "id", span_of(id));
}

static struct store_outbox_key key_of(const struct store_outbox *entry)
{
    return (struct store_outbox_key){ entry->mailbox_id, entry->outbox_no };
}

/* ---- list ---- */

enum { ENOUGH = -ECANCELED };

static int put_line(struct ctl_call *call, const struct store_outbox *entry, const struct item *item, void *data)
{
    struct ctl_out *out = &call->out;
    int64_t *left = data;

    out_record(out);
    put_id(out, key_of(entry));
    out_time(out, "submitted", entry->created);
    out_text(out, "sender", entry->envelope_sender);
    out_text(out, "subject", item->subject);
    out_number(out, "size", item->size);
    put_rcpts(out, entry);
    out_record_end(out);
    return --*left > 0 ? 0 : ENOUGH;
}

/* Beside the list, which the hold makes no different but for the states. */
static int tell_stopped(struct store_tx *tx, struct ctl_call *call)
{
    char at[WHEN_XS_SIZE];
    bool stopped = false;
    int64_t since = 0;
    int r = queue_stopped(tx, &stopped, &since);

    if (r || !stopped)
        return r;
    when_format_xs(since, at);
    return ctl_fail(call, EX_OK, "the whole outbox is held since %s, as this store is a copy or was restored: what it holds may have been "
                    "sent already. Remove that, then: ewsctl queue release --all", at);
}

static int list(struct store_tx *tx, struct ctl_call *call, void *data)
{
    struct queue_filter filter;

    queue_read_filter(call, &filter);
    int r = queue_walk(tx, call, &filter, put_line, data);
    return r == 0 || r == ENOUGH ? tell_stopped(tx, call) : r;
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
    bool stopped = false;
    int64_t since;
    int r = store_outbox_load(tx, call->arena, *key, 0, STORE_RECIPIENTS | STORE_DAMAGED, &entry, &item);

    if (r > 0)
        return ctl_fail(call, EX_NOUSER, "no message %s waits; it may have left (ewsctl queue list)", call->operands[0]);
    if (r == 0)
        r = store_mailbox_by_id(tx, call->arena, key->mailbox_id, &mailbox);
    if (r == 0)
        r = queue_stopped(tx, &stopped, &since);
    if (r)
        return r > 0 ? -EIO : r;
    entry.held = entry.held || stopped;
    call->out.style = OUT_SHEET;
    out_record(&call->out);
    put_id(&call->out, key_of(&entry));
    out_text(&call->out, "mailbox", mailbox.address);
    out_text(&call->out, "sender", entry.envelope_sender);
    out_time(&call->out, "submitted", entry.created);
    out_time(&call->out, "expires", entry.expires);
    out_number(&call->out, "size", item.size);
    out_flag(&call->out, "report", entry.bounce);
    out_flag(&call->out, "held", entry.held);
    put_headers(&call->out, &entry, &item);
    put_rcpts(&call->out, &entry);
    out_record_end(&call->out);
    return 0;
}

int ctl_queue_show(struct ctl_call *call)
{
    struct store_outbox_key key;
    int r = queue_read_id(call, call->operands[0], &key);

    return r ? r : ctl_read(call, show, &key);
}

/* ---- trace ---- */

static void put_fate(struct ctl_out *out, struct store_outbox_key key, struct span address, const char *state, int64_t at,
                     struct span relay, struct span status)
{
    out_record(out);
    put_id(out, key);
    out_text(out, "address", address);
    out_text(out, "state", span_of(state));
    out_time(out, "at", at);
    out_text(out, "relay", relay);
    out_text(out, "status", status);
    out_record_end(out);
}

/* Those that wait; what is settled has a trace. */
static int put_waiting(struct store_tx *tx, struct ctl_call *call, struct span message_id, size_t *ret_n)
{
    struct store_outbox_key *keys;
    struct store_outbox entry;
    struct item item;
    size_t n = 0;
    int r = store_outbox_by_message_id(tx, call->arena, message_id, &keys, &n);

    for (size_t k = 0; r == 0 && k < n; k++) {
        r = load(tx, call->arena, keys[k], &entry, &item);
        for (size_t i = 0; r == 0 && i < entry.rcpts_n; i++) {
            const struct store_outbox_rcpt *rcpt = &entry.rcpts[i];
            if (rcpt->state != STORE_RCPT_QUEUED || rcpt->kind == STORE_RCPT_FILE)
                continue;
            ++*ret_n;
            put_fate(&call->out, keys[k], rcpt->address, outbox_rcpt_state(rcpt, entry.held), rcpt->next_attempt, rcpt->relay, rcpt->status);
        }
    }
    return r > 0 ? -EIO : r;
}

static int put_settled(struct store_tx *tx, struct ctl_call *call, struct span message_id, size_t *ret_n)
{
    struct store_trace *traces;
    int64_t now = when_now();
    size_t n = 0;
    int r = store_trace_find(tx, call->arena, message_id, now - call->conf->outbox_trace_days * DAY_MS, now, &traces, &n);

    for (size_t i = 0; r == 0 && i < n; i++) {
        const struct store_outbox_rcpt rcpt = { .state = traces[i].state };
        put_fate(&call->out, traces[i].key, traces[i].address, outbox_rcpt_state(&rcpt, false), traces[i].at, traces[i].relay,
                 traces[i].status);
    }
    *ret_n += n;
    return r;
}

static int trace(struct store_tx *tx, struct ctl_call *call, void *data)
{
    const struct span *message_id = data;
    size_t n = 0;
    int r = put_waiting(tx, call, *message_id, &n);

    if (r == 0)
        r = put_settled(tx, call, *message_id, &n);
    if (r == 0 && n == 0)
        r = ctl_fail(call, EX_NOUSER, "nothing is known of %s: it was not sent here, or it was settled more than %" PRId64 " days ago",
                     message_id->ptr, call->conf->outbox_trace_days);
    return r;
}

int ctl_queue_trace(struct ctl_call *call)
{
    const char *text = call->operands[0];
    struct span message_id;
    int r = arena_printf(call->arena, &message_id, *text == '<' ? "%s" : "<%s>", text);

    return r ? r : ctl_read(call, trace, &message_id);
}
