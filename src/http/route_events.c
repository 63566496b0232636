/*
 * GET /api/events: answered once something has changed, whatever it was; for
 * pages that show what there is now. A long poll, and no thread is held by it.
 * And /dev/openapi.json, which describes all of REST.
 */
#include "http/feed.h"
#include "http/openapi_data.h"
#include "http/rest.h"

#include "base/json.h"
#include "base/when.h"

#include <errno.h>

#define WAIT_USUAL 30
#define WAIT_MAX 300

struct events {
    struct feed_waiter waiter;
    uint64_t after;
};

static int answer(struct http_response *response, uint64_t now)
{
    json_add_number(rest_begin(response), "now", now);
    return rest_end(response);
}

static void woken(void *request)
{
    http_go_on(request);
}

static int go_on(struct http_request *request, struct http_response *response)
{
    struct feed *feed = request->server->feed;
    struct events *events = request->state;
    uint64_t now = feed_now(feed);
    if (now != events->after || when_monotonic() >= events->waiter.until || feed_is_closed(feed))
        return answer(response, now);
    if (!request->can_wait || feed_wait(feed, &events->waiter, now))
        return rest_error(response, 503, "Busy", "Too many wait already. Try again later.");
    return HTTP_LATER;
}

static int handle(struct http_request *request, struct http_response *response)
{
    struct events *events = arena_alloc(request->arena, sizeof(*events));
    struct feed *feed = request->server->feed;
    uint64_t wait = WAIT_USUAL;
    struct span after;
    if (!events || !feed)
        return events ? -ENOSYS : -ENOMEM;
    if (!rest_number(request, "after", 0, INT64_MAX, &events->after, response) ||
        !rest_number(request, "wait", 0, WAIT_MAX, &wait, response))
        return 0;
    if (!http_query(request, "after", &after))
        return answer(response, feed_now(feed));
    events->waiter = (struct feed_waiter){ .woken = woken, .arg = request, .until = when_monotonic() + (int64_t)wait * 1000 };
    request->state = events;
    request->go_on = go_on;
    return go_on(request, response);
}

static int describe(struct http_request *request ATTR_UNUSED, struct http_response *response)
{
    response->content_type = "application/json";
    buf_add(&response->body, openapi_start, (size_t)(openapi_end - openapi_start));
    return buf_error(&response->body);
}

const struct http_route http_route_api_events = {
    .path = "/api/events", .on = HTTP_ON_DEV | HTTP_ON_ADMIN, .methods = HTTP_GET, .rest = true, .handle = handle
};
const struct http_route http_route_dev_openapi = {
    .path = "/dev/openapi.json", .on = HTTP_ON_DEV, .methods = HTTP_GET, .rest = true, .handle = describe
};
