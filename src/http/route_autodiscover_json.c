/*
 * /autodiscover/autodiscover.json, which asks for no password: it tells the URL
 * of a protocol, the same whoever's address is asked for, so it tells nothing
 * of who has a mailbox here.
 */
#include "http/discover.h"

#include "base/json.h"

#define PATH "/autodiscover/autodiscover.json"
#define PATH_OF_ADDRESS PATH "/v1.0/"

static int refuse(struct http_response *response, const char *code, const char *text)
{
    response->status = 400;
    buf_add_str(&response->body, "{\"ErrorCode\":");
    json_add_string(&response->body, span_of(code));
    buf_add_str(&response->body, ",\"ErrorMessage\":");
    json_add_string(&response->body, span_of(text));
    buf_add_str(&response->body, "}\n");
    return buf_error(&response->body);
}

static const struct protocol {
    const char *name, *path;
} protocols[] = { { "Ews", "/EWS/Exchange.asmx" }, { "AutodiscoverV1", "/autodiscover/autodiscover.xml" } };

static int tell(struct http_request *request, const struct protocol *protocol, struct http_response *response)
{
    struct soap_server server;
    struct discover_place place;
    struct span url;
    int r = discover_place(request, &server, &place);
    if (r > 0)
        return refuse(response, "InvalidRequest", "The Host of the request is no name.");
    if (r == 0)
        r = arena_printf(request->arena, &url, "%s%.*s%s", place.https ? "https://" : "http://", (int)place.host.len, place.host.ptr,
                         protocol->path);
    if (r)
        return r;
    buf_add_str(&response->body, "{\"Protocol\":");
    json_add_string(&response->body, span_of(protocol->name));
    buf_add_str(&response->body, ",\"Url\":");
    json_add_string(&response->body, url);
    buf_add_str(&response->body, "}\n");
    return buf_error(&response->body);
}

static int json(struct http_request *request, struct http_response *response)
{
    const size_t prefix = strlen(PATH_OF_ADDRESS);
    struct span address = { 0 }, name = { 0 };
    response->content_type = "application/json; charset=utf-8";
    response->detail = "Autodiscover";
    if (request->path.len > prefix)
        address = (struct span){ request->path.ptr + prefix, request->path.len - prefix };
    else
        (void)http_query(request, "Email", &address);
    if (!rcpt_address_ok(address))
        return refuse(response, "MandatoryParameterMissing", "A valid smtp address must be provided.");
    if (!http_query(request, "Protocol", &name) || !name.len)
        return refuse(response, "MandatoryParameterMissing", "The parameter 'Protocol' must be provided.");
    for (size_t i = 0; i < ARRAY_LEN(protocols); i++)
        if (span_eq_nocase(name, span_of(protocols[i].name)))
            return tell(request, &protocols[i], response);
    return refuse(response, "InvalidProtocol", "The protocol is not served here. Served are 'AutodiscoverV1,Ews'.");
}

const struct http_route http_route_autodiscover_json = { .path = PATH, .on = HTTP_ON_CLIENTS, .methods = HTTP_GET, .handle = json };
const struct http_route http_route_autodiscover_json_path = { .path = PATH_OF_ADDRESS, .on = HTTP_ON_CLIENTS, .prefix = true,
                                                              .methods = HTTP_GET, .handle = json };
