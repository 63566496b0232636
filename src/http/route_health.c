/*
 * For whoever watches: is it alive, does its store answer, and what has it
 * counted.
 */
#include "http/http.h"

#include "base/metrics.h"

static int livez(struct http_request *request ATTR_UNUSED, struct http_response *response)
{
    response->content_type = "text/plain; charset=utf-8";
    buf_add_str(&response->body, "ok\n");
    return buf_error(&response->body);
}

static int readyz(struct http_request *request, struct http_response *response)
{
    struct store_tx *tx;
    bool local;
    int r = store_read_begin(request->server->ops->store, &tx);
    if (r == 0) {
        r = store_domain_is_local(tx, SPAN("localhost"), &local);
        store_read_end(tx);
    }
    if (r == 0)
        return livez(request, response);
    response->status = 503;
    response->content_type = "text/plain; charset=utf-8";
    buf_add_str(&response->body, "the store does not answer\n");
    return buf_error(&response->body);
}

static int metrics_page(struct http_request *request ATTR_UNUSED, struct http_response *response)
{
    response->content_type = "text/plain; version=0.0.4; charset=utf-8";
    metrics_write(&response->body);
    return buf_error(&response->body);
}

const struct http_route http_route_livez = { .path = "/livez", .on = HTTP_ON_ALL, .methods = HTTP_GET, .handle = livez };
const struct http_route http_route_readyz = { .path = "/readyz", .on = HTTP_ON_ALL, .methods = HTTP_GET, .handle = readyz };
const struct http_route http_route_metrics = { .path = "/metrics", .on = HTTP_ON_DEV | HTTP_ON_ADMIN, .methods = HTTP_GET,
                                               .handle = metrics_page };
