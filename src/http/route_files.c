/*
 * /EWS/services.wsdl, messages.xsd and types.xsd: what is served, described for
 * tools that make clients. They are no secret, so they are given with and
 * without a password; clients try both.
 */
#include "http/http.h"

#include "ops/wsdl.h"
#include "soap/schema.h"

static int give(enum schema_file file, struct http_response *response)
{
    response->content_type = "text/xml; charset=utf-8";
    buf_add_span(&response->body, schema_file_text(file));
    return buf_error(&response->body);
}

static int messages(struct http_request *request ATTR_UNUSED, struct http_response *response)
{
    return give(SCHEMA_MESSAGES, response);
}

static int types(struct http_request *request ATTR_UNUSED, struct http_response *response)
{
    return give(SCHEMA_TYPES, response);
}

static int services(struct http_request *request ATTR_UNUSED, struct http_response *response)
{
    response->content_type = "text/xml; charset=utf-8";
    wsdl_write(&response->body);
    return buf_error(&response->body);
}

const struct http_route http_route_messages_xsd = { .path = "/ews/messages.xsd", .on = HTTP_ON_CLIENTS, .methods = HTTP_GET,
                                                         .handle = messages };
const struct http_route http_route_types_xsd = { .path = "/ews/types.xsd", .on = HTTP_ON_CLIENTS, .methods = HTTP_GET, .handle = types };
const struct http_route http_route_services_wsdl = { .path = "/ews/services.wsdl", .on = HTTP_ON_CLIENTS, .methods = HTTP_GET,
                                                         .handle = services };
