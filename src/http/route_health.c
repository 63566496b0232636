/*
 * For whoever watches: is it alive, and what has it counted.
 */
#include "http/http.h"

#include "base/metrics.h"

static int livez(struct http_request *request ATTR_UNUSED, struct http_response *response)
{
    response->content_type = "text/plain; charset=utf-8";
    buf_add_str(&response->body, "ok\n");
    return buf_error(&response->body);
}

static int metrics_page(struct http_request *request ATTR_UNUSED, struct http_response *response)
{
    response->content_type = "text/plain; version=0.0.4; charset=utf-8";
    metrics_write(&response->body);
    return buf_error(&response->body);
}

const struct http_route http_route_livez = { .path = "/livez", .methods = HTTP_GET, .handle = livez };
const struct http_route http_route_metrics = { .path = "/metrics", .methods = HTTP_GET, .dev = true, .handle = metrics_page };
