/*
 * /dev/messages: what was captured, as JSON, newest last unless asked otherwise;
 * those that fit what is looked for; and the wait for one, which is woken by the
 * commit of its capture. Exists only in `ewsd dev`.
 */
#include "http/captured.h"
#include "http/feed.h"

#include "base/json.h"
#include "base/when.h"

#define LIMIT_MAX 100000
#define TIMEOUT_USUAL 30
#define TIMEOUT_MAX 300
#define DELETE_AT_ONCE 100
#define LOOK_BACK 100

/* ---- the list ---- */

struct listing {
    struct captured_query query;
    bool newest;
    uint64_t after, before, limit;
};

static bool read_listing(const struct http_request *request, struct listing *ret_listing, struct http_response *response)
{
    *ret_listing = (struct listing){ 0 };
    return captured_read_query(request, &ret_listing->query, response) &&
           rest_number(request, "after", 0, INT64_MAX, &ret_listing->after, response) &&
           rest_number(request, "before", 1, INT64_MAX, &ret_listing->before, response) &&
           rest_number(request, "limit", 0, LIMIT_MAX, &ret_listing->limit, response) &&
           rest_newest(request, &ret_listing->newest, response);
}

struct writing {
    struct buf *out;
    const struct listing *listing;
    uint64_t n;
};

static int write_line(void *arg, const struct store_capture *entry)
{
    struct writing *writing = arg;
    buf_add_str(writing->out, writing->n ? ",\n{" : "\n{");
    captured_add(writing->out, entry);
    buf_add_char(writing->out, '}');
    return ++writing->n == writing->listing->limit ? CAPTURED_ENOUGH : 0;
}

static int list(struct http_request *request, struct http_response *response)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    struct listing listing;
    if (!read_listing(request, &listing, response))
        return 0;
    struct writing writing = { .out = &response->body, .listing = &listing };
    int r = store_read_begin(request->server->ops->store, &tx);
    if (r)
        return r;
    response->content_type = "application/json";
    buf_add_char(&response->body, '[');
    const struct captured_range range = { .after = listing.after, .before = listing.before, .newest = listing.newest };
    r = captured_each(tx, &listing.query, &range, write_line, &writing);
    buf_add_str(&response->body, writing.n ? "\n]\n" : "]\n");
    return r < 0 ? r : buf_error(&response->body);
}

/* ---- all of them go ---- */

static int delete_some(struct store_tx *tx, void *arg)
{
    struct captured_deleted *deleted = arg;
    struct store_capture *entries;
    size_t n;
    int r = store_capture_list(tx, deleted->arena, 0, DELETE_AT_ONCE, &entries, &n);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = store_capture_delete(tx, entries[i].capture_no);
    deleted->last = n;
    return r;
}

int captured_delete_all(struct store *store, struct arena *arena, uint64_t *ret_n)
{
    struct captured_deleted deleted = { .arena = arena };
    uint64_t n = 0;
    int r;
    do {
        r = store_write(store, delete_some, &deleted);
        n += deleted.last;
    } while (r == 0 && deleted.last == DELETE_AT_ONCE);
    *ret_n = n;
    return r > 0 ? -EIO : r;
}

static int messages(struct http_request *request, struct http_response *response)
{
    uint64_t n;
    if (!rest_is(request, "DELETE"))
        return list(request, response);
    int r = captured_delete_all(request->server->ops->store, request->arena, &n);
    return r ? r : rest_deleted(response, n);
}

/* ---- the wait ---- */

struct wait {
    struct feed_waiter waiter;
    struct captured_query query;
    uint64_t after;
    uint64_t seen;  /* the last that was looked at */
    uint64_t found; /* 0: none */
    uint64_t timeout;
};

static int note(void *arg, const struct store_capture *entry)
{
    struct wait *wait = arg;
    wait->found = entry->capture_no;
    return CAPTURED_ENOUGH;
}

/* Looks at what has come since the last look, and some before that: an entry may
 * get recipients later, as those of a group. */
static int look(struct http_request *request, struct wait *wait)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    uint64_t from = wait->seen > wait->after + LOOK_BACK ? wait->seen - LOOK_BACK : wait->after;
    const struct captured_range range = { .after = from, .ret_last = &wait->seen };
    int r = store_read_begin(request->server->ops->store, &tx);
    if (r == 0)
        r = captured_each(tx, &wait->query, &range, note, wait);
    return r < 0 ? r : 0;
}

static void woken(void *request)
{
    http_go_on(request);
}

static int go_on(struct http_request *request, struct http_response *response)
{
    struct feed *feed = request->server->feed;
    struct wait *wait = request->state;
    uint64_t seen = feed_now(feed); /* before the look: what comes behind it wakes */
    int r = look(request, wait);
    if (r)
        return r;
    if (wait->found)
        return captured_answer(request, wait->found, response);
    if (when_monotonic() >= wait->waiter.until || feed_is_closed(feed))
        return rest_error(response, 408, "TimedOut",
                          "No such message was captured within %u seconds. /dev/messages lists what was; /dev/requests what was asked.",
                          (unsigned)wait->timeout);
    if (!request->can_wait || feed_wait(feed, &wait->waiter, seen))
        return rest_error(response, 503, "Busy", "Too many wait already. Try again later.");
    return HTTP_LATER;
}

static int wait_for(struct http_request *request, struct http_response *response)
{
    struct wait *wait = arena_alloc(request->arena, sizeof(*wait));
    if (!wait)
        return -ENOMEM;
    wait->timeout = TIMEOUT_USUAL;
    if (!captured_read_query(request, &wait->query, response) ||
        !rest_number(request, "after", 0, INT64_MAX, &wait->after, response) ||
        !rest_number(request, "timeout", 0, TIMEOUT_MAX, &wait->timeout, response))
        return 0;
    if (!request->server->feed)
        return -ENOSYS;
    wait->waiter = (struct feed_waiter){ .woken = woken, .arg = request, .until = when_monotonic() + (int64_t)wait->timeout * 1000 };
    request->state = wait;
    request->go_on = go_on;
    return go_on(request, response);
}

const struct http_route http_route_dev_messages = {
    .path = "/dev/messages", .on = HTTP_ON_DEV, .methods = HTTP_GET | HTTP_DELETE, .rest = true, .handle = messages
};
const struct http_route http_route_dev_wait = {
    .path = "/dev/messages/wait", .on = HTTP_ON_DEV, .methods = HTTP_GET, .rest = true, .handle = wait_for
};
