/*
 * See discover.h.
 */
#include "http/discover.h"

#include "http/guard.h"

struct soap_server discover_server(const struct conf *conf)
{
    return (struct soap_server){ conf->soap_version_major, conf->soap_version_minor, conf->soap_build_major, conf->soap_build_minor,
                                 span_of(conf->soap_version_string) };
}

int discover_place(const struct http_request *request, struct soap_server *ret_server, struct discover_place *ret_place)
{
    struct buf url = BUF_INIT(1024);
    struct span host = { 0 }, text = { 0 };
    (void)http_header(request, "Host", &host);
    bool ok = guard_base_url(request->server->conf, host, &url);
    const size_t base = url.len;
    buf_add_str(&url, "/EWS/Exchange.asmx");
    int r = buf_error(&url);
    if (r == 0 && ok)
        r = arena_copy(request->arena, buf_span(&url), &text);
    buf_done(&url);
    if (r || !ok)
        return r ? r : DISCOVER_NO_HOST;
    *ret_server = discover_server(request->server->conf);
    const bool https = span_starts(text, SPAN("https://"));
    const size_t scheme = https ? 8 : 7;
    *ret_place = (struct discover_place){ .url = text, .host = { text.ptr + scheme, base - scheme }, .https = https, .server = ret_server };
    return 0;
}
