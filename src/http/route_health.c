/*
 * For whoever watches: is it alive, can it serve, and what has it counted.
 */
#include "http/http.h"

#include "base/metrics.h"
#include "http/watch.h"

static int line(struct http_response *response, const char *text)
{
    response->content_type = "text/plain; charset=utf-8";
    buf_add_str(&response->body, text);
    buf_add_char(&response->body, '\n');
    return buf_error(&response->body);
}

static int livez(struct http_request *request ATTR_UNUSED, struct http_response *response)
{
    return line(response, "ok");
}

static int readyz(struct http_request *request, struct http_response *response)
{
    const char *reason = watch_unready(request->server->watch);
    if (reason)
        response->status = 503;
    return line(response, reason ? reason : "ok");
}

static int metrics_page(struct http_request *request, struct http_response *response)
{
    watch_read(request->server->watch);
    response->content_type = "text/plain; version=0.0.4; charset=utf-8";
    metrics_write(&response->body);
    return buf_error(&response->body);
}

const struct http_route http_route_livez = { .path = "/livez", .on = HTTP_ON_ALL, .methods = HTTP_GET, .handle = livez };
const struct http_route http_route_readyz = { .path = "/readyz", .on = HTTP_ON_ALL, .methods = HTTP_GET, .handle = readyz };
const struct http_route http_route_metrics = { .path = "/metrics", .on = HTTP_ON_DEV | HTTP_ON_ADMIN, .methods = HTTP_GET,
                                               .handle = metrics_page };
