/*
 * /api/queue: what waits to be delivered, and why; and what ewsctl queue does
 * with one message, done from a page.
 */
#include "http/rest.h"

#include "base/json.h"
#include "base/json_read.h"
#include "outbox/names.h"
#include "outbox/outbox.h"
#include "store/store_keep.h"
#include "store/store_mail.h"
#include "store/store_queue.h"

static int is_stopped(struct store_tx *tx, bool *ret_stopped)
{
    int64_t since;
    int r = store_held(tx, &since);
    *ret_stopped = r == 0;
    return r < 0 ? r : 0;
}

/* ---- shown ---- */

static void add_rcpt(struct buf *out, const struct store_outbox *entry, const struct store_outbox_rcpt *rcpt)
{
    json_add_open(out, NULL, '{');
    json_add_text(out, "address", rcpt->address);
    json_add_text(out, "state", span_of(outbox_rcpt_state(rcpt, entry->held)));
    json_add_text(out, "transport", span_of(outbox_rcpt_way(rcpt->kind)));
    json_add_text(out, "relay", rcpt->relay);
    json_add_number(out, "attempts", rcpt->attempts);
    json_add_time(out, "next_attempt", rcpt->state == STORE_RCPT_QUEUED ? rcpt->next_attempt : WHEN_NONE);
    json_add_text(out, "status", rcpt->status);
    buf_add_char(out, '}');
}

/* The members of one entry. 1: it is gone. One that is damaged is shown as far as
 * it can be read, so that something can be done about it. */
static int add_entry(struct store_tx *tx, struct arena *arena, struct store_outbox_key key, bool stopped, struct buf *out)
{
    struct store_mailbox mailbox = { 0 };
    struct store_outbox entry;
    struct item item;
    char id[OUTBOX_ID_SIZE];
    int r = store_outbox_load(tx, arena, key, 0, STORE_DAMAGED, &entry, &item);
    if (r == CODE_ErrorCorruptData) {
        entry = (struct store_outbox){ .mailbox_id = key.mailbox_id, .outbox_no = key.outbox_no, .expires = WHEN_NONE };
        item_init(&item);
        r = 0;
    }
    if (r == 0 && (r = store_mailbox_by_id(tx, arena, key.mailbox_id, &mailbox)) > 0)
        r = 1;
    if (r)
        return r < 0 ? r : 1;
    entry.held = entry.held || stopped;
    outbox_id_write(key, id);
    json_add_text(out, "id", span_of(id));
    json_add_text(out, "mailbox", mailbox.address);
    json_add_text(out, "sender", entry.envelope_sender);
    json_add_text(out, "subject", item.subject);
    json_add_text(out, "message_id", entry.message_id);
    json_add_number(out, "size", item.size);
    json_add_time(out, "submitted", entry.created);
    json_add_time(out, "expires", entry.expires);
    json_add_bool(out, "held", entry.held);
    json_add_open(out, "recipients", '[');
    for (size_t i = 0; i < entry.rcpts_n; i++)
        add_rcpt(out, &entry, &entry.rcpts[i]);
    buf_add_char(out, ']');
    return 0;
}

/* ---- the list ---- */

static int add_entries(struct store_tx *tx, struct arena *arena, const struct store_outbox_key *keys, size_t n, bool stopped,
                       struct buf *out)
{
    int r = 0;
    for (size_t i = 0; r >= 0 && i < n; i++) {
        size_t begin = out->len;
        json_add_open(out, NULL, '{');
        r = add_entry(tx, arena, keys[i], stopped, out);
        if (r == 0)
            buf_add_char(out, '}');
        else if (!buf_error(out))
            out->len = begin;
    }
    return r < 0 ? r : 0;
}

static bool read_list(const struct http_request *request, struct store_outbox_key *ret_after, struct rest_page *ret_page,
                      struct http_response *response)
{
    struct span after = { 0 };
    *ret_after = (struct store_outbox_key){ 0 };
    if (!rest_page(request, ret_page, response) || !rest_text(request, "after", &after, response))
        return false;
    if (after.len == 0 || outbox_id_read(after, ret_after))
        return true;
    (void)rest_error(response, 400, "BadParameter", "after is the next of the page before, such as 3-1002.");
    return false;
}

static int queue(struct http_request *request, struct http_response *response)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    struct store_outbox_key after, *keys;
    struct rest_page page;
    bool stopped = false;
    char id[OUTBOX_ID_SIZE];
    size_t n;
    if (!read_list(request, &after, &page, response))
        return 0;
    int r = store_read_begin(request->server->ops->store, &tx);
    if (r == 0)
        r = is_stopped(tx, &stopped);
    if (r == 0)
        r = store_outbox_list(tx, request->arena, after, page.limit + 1, &keys, &n);
    if (r)
        return r;
    size_t shown = n < page.limit ? n : page.limit;
    struct buf *out = rest_begin(response);
    json_add_open(out, "queue", '[');
    r = add_entries(tx, request->arena, keys, shown, stopped, out);
    buf_add_char(out, ']');
    if (n > shown) {
        outbox_id_write(keys[shown - 1], id);
        json_add_text(out, "next", span_of(id));
    } else {
        json_add_null(out, "next");
    }
    json_add_bool(out, "held", stopped);
    return r ? r : rest_end(response);
}

/* ---- one ---- */

static int show(struct http_request *request, struct store_outbox_key key, struct http_response *response)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    bool stopped = false;
    int r = store_read_begin(request->server->ops->store, &tx);
    if (r == 0)
        r = is_stopped(tx, &stopped);
    if (r == 0)
        r = add_entry(tx, request->arena, key, stopped, rest_begin(response));
    if (r)
        return r < 0 ? r : rest_not_found(response, "message in the queue");
    return rest_end(response);
}

/* ---- actions ---- */

struct action {
    const struct conf *conf;
    struct arena *arena;
    struct store_outbox_key key;
    int (*act)(struct store_tx *tx, struct action *action);
    size_t busy;  /* recipients for whom an attempt is under way */
    bool missing, held, stopped;
};

static int retry(struct store_tx *tx, struct action *action)
{
    return action->held ? 1 : store_outbox_hurry(tx, action->key, when_now(), 0);
}

static int hold(struct store_tx *tx, struct action *action)
{
    return store_outbox_set_held(tx, action->key, true);
}

static int release(struct store_tx *tx, struct action *action)
{
    return store_outbox_set_held(tx, action->key, false);
}

static int bounce(struct store_tx *tx, struct action *action)
{
    return outbox_give_up(tx, action->conf, action->arena, action->key, &action->busy);
}

static int discard(struct store_tx *tx, struct action *action)
{
    return outbox_remove(tx, action->conf, action->arena, action->key);
}

static const struct {
    const char *name;
    int (*act)(struct store_tx *tx, struct action *action);
} actions[] = { { "retry", retry }, { "hold", hold }, { "release", release }, { "bounce", bounce }, { "remove", discard } };

static int act_job(struct store_tx *tx, void *arg)
{
    struct action *action = arg;
    struct store_outbox entry;
    struct item item;
    action->busy = 0;
    int r = store_outbox_load(tx, action->arena, action->key, 0, STORE_DAMAGED, &entry, &item);
    action->missing = r == 1;
    if (r < 0 || action->missing)
        return r;
    if (r == 0)
        action->held = entry.held;
    r = is_stopped(tx, &action->stopped);
    action->held = action->held || action->stopped;
    return r ? r : action->act(tx, action);
}

static int acted(struct http_request *request, const struct action *action, int r, struct http_response *response)
{
    if (r < 0)
        return r;
    if (action->missing)
        return rest_not_found(response, "message in the queue");
    if (action->act == release && action->stopped)
        return rest_error(response, 409, "Held", "The whole queue is held, as this store is a copy: ewsctl queue release --all");
    if (action->act == retry && action->held)
        return rest_error(response, 409, "Held", "The message is held: release it first.");
    if (action->busy)
        return rest_error(response, 409, "BeingSent", "The message is being sent at this moment: hold it first, or try again.");
    if (r == CODE_ErrorItemCorrupt)
        return rest_error(response, 409, "Damaged", "The message cannot be read, so nobody can be told of it: remove it.");
    if (action->act == retry)
        outbox_hurry(request->server->ops->outbox);
    else
        outbox_wake(request->server->ops->outbox); /* what was released is due, and a report may be on its way */
    json_add_bool(rest_begin(response), "done", r == 0);
    return rest_end(response);
}

static int act(struct http_request *request, struct store_outbox_key key, struct http_response *response)
{
    CLEANUP(free_ptr_json_read) struct json_read *root = NULL;
    char error[JSON_READ_ERROR_SIZE];
    struct span name = { 0 };
    struct action action = { .conf = request->server->conf, .arena = request->arena, .key = key };
    int r = json_read_parse(buf_span(request->body), &root, error);
    if (r)
        return r < 0 ? r : rest_error(response, 400, "BadJson", "%s", error);
    (void)json_read_text(json_read_member(root, "action"), &name);
    for (size_t i = 0; i < ARRAY_LEN(actions); i++)
        if (span_is(name, actions[i].name))
            action.act = actions[i].act;
    if (!action.act || json_read_count(root) != 1)
        return rest_error(response, 400, "BadParameter", "Send {\"action\": \"retry\"}, or hold, release, bounce or remove.");
    r = store_write(request->server->ops->store, act_job, &action);
    return acted(request, &action, r, response);
}

static int one(struct http_request *request, struct http_response *response)
{
    struct store_outbox_key key;
    if (!outbox_id_read(request->parts[0], &key))
        return rest_not_found(response, "message in the queue");
    return rest_is(request, "POST") ? act(request, key, response) : show(request, key, response);
}

const struct http_route http_route_api_queue = {
    .path = "/api/queue", .on = HTTP_ON_DEV | HTTP_ON_ADMIN, .methods = HTTP_GET, .rest = true, .handle = queue
};
const struct http_route http_route_api_queued = {
    .path = "/api/queue/*", .on = HTTP_ON_DEV | HTTP_ON_ADMIN, .methods = HTTP_GET | HTTP_POST, .rest = true, .handle = one
};
