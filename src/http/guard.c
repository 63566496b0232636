/*
 * The rules of guard.h. Paths and host names fold case; ports of Host are not
 * compared, as proxies and tests map them.
 */
#include "http/guard.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>

#define SMALL_BODY_MAX 65536
#define UNIX_PREFIX "unix:"

static const struct http_route *const routes[] = {
#define ROUTE(name, file) &http_route_##name,
#include "http/routes.def"
#undef ROUTE
};

/* "host:port" or "[host]:port" or "host": the host, in lower case. */
static bool host_part(const char *text, char *ret_host, size_t size)
{
    const char *end;
    if (*text == '[') {
        end = strchr(++text, ']');
        if (!end)
            return false;
    } else {
        end = text + strcspn(text, ":");
    }
    size_t len = (size_t)(end - text);
    if (len == 0 || len >= size)
        return false;
    for (size_t i = 0; i < len; i++)
        ret_host[i] = (char)tolower((unsigned char)text[i]);
    ret_host[len] = 0;
    return true;
}

bool guard_parse_listen(const char *text, struct sockaddr_storage *ret_address, socklen_t *ret_len)
{
    char host[256];
    const char *colon = strrchr(text, ':');
    int64_t port;
    if (!colon || !host_part(text, host, sizeof(host)) || !span_int(span_of(colon + 1), false, 0, 65535, &port))
        return false;
    memset(ret_address, 0, sizeof(*ret_address));
    struct sockaddr_in *v4 = (struct sockaddr_in *)ret_address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret_address;
    if (inet_pton(AF_INET, strcmp(host, "localhost") ? host : "127.0.0.1", &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)port);
        *ret_len = sizeof(*v4);
        return true;
    }
    if (inet_pton(AF_INET6, host, &v6->sin6_addr) != 1)
        return false;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons((uint16_t)port);
    *ret_len = sizeof(*v6);
    return true;
}

static bool is_loopback(const char *host)
{
    struct in_addr v4;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return (ntohl(v4.s_addr) >> 24) == 127;
    return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0;
}

bool guard_host_ok(const struct http_options *server, const char *host)
{
    char name[256], listen[256];
    if (server->on == HTTP_ON_EWS || guard_unix_path(server->listen))
        return true;
    if (!host || !host_part(host, name, sizeof(name)))
        return false;
    if (is_loopback(name) || (host_part(server->listen, listen, sizeof(listen)) && strcmp(name, listen) == 0))
        return true;
    for (size_t i = 0; i < server->hosts_n; i++)
        if (host_part(server->hosts[i], listen, sizeof(listen)) && strcmp(name, listen) == 0)
            return true;
    return false;
}

/* Whether the path is the route's; parts: what stands for each *. */
static bool fits(const struct http_route *route, struct span path, struct span parts[HTTP_PARTS_MAX])
{
    const char *at = path.ptr, *end = path.ptr + path.len;
    size_t n = 0;
    for (const char *c = route->path; *c; c++) {
        if (*c != '*') {
            if (at == end || tolower((unsigned char)*at++) != *c)
                return false;
            continue;
        }
        const char *slash = memchr(at, '/', (size_t)(end - at));
        struct span part = { at, (size_t)((slash ? slash : end) - at) };
        if (part.len == 0 || n == HTTP_PARTS_MAX)
            return false;
        parts[n++] = part;
        at += part.len;
    }
    return at == end || route->prefix;
}

void guard_parts(const struct http_route *route, struct span path, struct span parts[HTTP_PARTS_MAX])
{
    (void)fits(route, path, parts);
}

const struct http_route *guard_route(const struct http_options *server, const char *path)
{
    struct span parts[HTTP_PARTS_MAX];
    for (size_t i = 0; i < ARRAY_LEN(routes); i++)
        if ((routes[i]->on & server->on) && fits(routes[i], span_of(path), parts))
            return routes[i];
    return NULL;
}

static bool is_type(const char *type, struct span wanted)
{
    return type && span_eq_nocase((struct span){ type, strcspn(type, "; \t") }, wanted);
}

static const struct method {
    const char *name;
    unsigned method;
} methods[] = {
    { "GET", HTTP_GET }, { "HEAD", HTTP_GET }, { "POST", HTTP_POST }, { "PUT", HTTP_PUT }, { "DELETE", HTTP_DELETE },
};

/* 0: there is no such method. */
static unsigned method_of(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(methods); i++)
        if (strcmp(methods[i].name, name) == 0)
            return methods[i].method;
    return 0;
}

int guard_status(const struct http_route *route, const char *method, const char *content_type)
{
    unsigned wanted = method_of(method);
    if (!(route->methods & wanted))
        return 405;
    return wanted == HTTP_POST && route->xml && !is_type(content_type, SPAN("text/xml")) ? 415 : 0;
}

static struct span without_prefix(struct span text, struct span prefix)
{
    return span_starts(text, prefix) ? (struct span){ text.ptr + prefix.len, text.len - prefix.len } : (struct span){ 0 };
}

/* A page of this server: whatever its scheme, as a proxy may have ended TLS. */
static bool is_own_origin(struct span origin, struct span host)
{
    struct span rest = span_starts(origin, SPAN("https://")) ? without_prefix(origin, SPAN("https://"))
                                                             : without_prefix(origin, SPAN("http://"));
    return rest.len > 0 && span_eq_nocase(rest, host);
}

bool guard_changes(const char *method)
{
    return method_of(method) != HTTP_GET;
}

int guard_rest_status(const char *method, const char *host, const char *origin, const char *content_type)
{
    if (!guard_changes(method))
        return 0;
    if (origin && !is_own_origin(span_of(origin), span_of(host)))
        return 403;
    return method_of(method) != HTTP_DELETE && !is_type(content_type, SPAN("application/json")) ? 415 : 0;
}

bool guard_is_rest(const struct http_route *route, const char *path)
{
    if (route)
        return route->rest;
    return span_starts(span_of(path), SPAN("/dev/")) || span_starts(span_of(path), SPAN("/api/"));
}

bool guard_needs_caller(const struct http_route *route, const char *method)
{
    return route->caller && !(route->open & method_of(method));
}

/* Browsers ask for a password of their own when they hear of Basic; the page has a log-in. */
const char *guard_challenge(const struct http_options *server, const struct http_route *route)
{
    return server->on == HTTP_ON_ADMIN && route && route->rest ? "Session realm=\"ewsd\"" : "Basic realm=\"ewsd\"";
}

void guard_allow(const struct http_route *route, char ret_text[GUARD_ALLOW_SIZE])
{
    size_t len = 0;
    for (size_t i = 0; i < ARRAY_LEN(methods); i++)
        if (route->methods & methods[i].method)
            len += (size_t)snprintf(ret_text + len, GUARD_ALLOW_SIZE - len, "%s%s", len ? ", " : "", methods[i].name);
}

/* What may stand in a URL and in XML and JSON as it is. */
static bool is_authority(struct span text)
{
    if (text.len == 0 || text.len > 255)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (!isalnum((unsigned char)text.ptr[i]) && !memchr(".-:[]", text.ptr[i], 5))
            return false;
    return true;
}

bool guard_url_ok(struct span url)
{
    return is_authority(without_prefix(url, SPAN("https://"))) || is_authority(without_prefix(url, SPAN("http://")));
}

bool guard_base_url(const struct conf *conf, struct span host, struct buf *out)
{
    struct span url = span_of(conf->http_url);
    if (url.len) {
        buf_add_span(out, url);
        return true;
    }
    if (!is_authority(host))
        return false;
    buf_add_str(out, conf->http_certificate[0] ? "https://" : "http://");
    buf_add_span(out, host);
    return true;
}

size_t guard_body_max(const struct http_route *route, const struct conf *conf)
{
    return (route->caller && !route->small) || route->large ? (size_t)conf->http_max_body : SMALL_BODY_MAX;
}

bool guard_listens_on_loopback(const char *listen)
{
    char host[256];
    return host_part(listen, host, sizeof(host)) && is_loopback(host);
}

const char *guard_unix_path(const char *listen)
{
    return strncmp(listen, UNIX_PREFIX, sizeof(UNIX_PREFIX) - 1) == 0 ? listen + sizeof(UNIX_PREFIX) - 1 : NULL;
}

const char *guard_admin_wrong(const char *listen)
{
    const char *path = guard_unix_path(listen);
    struct sockaddr_storage address;
    socklen_t len;
    if (path && *path != '/')
        return "must be unix: and a whole path, as in unix:/run/ewsd/admin.sock";
    if (path)
        return strlen(path) < sizeof((struct sockaddr_un){ 0 }.sun_path) ? NULL : "has a longer path than a socket may have";
    if (!guard_parse_listen(listen, &address, &len))
        return "must be ADDRESS:PORT with a numeric address, or unix:/PATH";
    return guard_listens_on_loopback(listen) ? NULL : "must be a loopback address, or unix:/PATH: what is there is not for the network";
}

const char *guard_reason(int status)
{
    switch (status) {
    case 401:
        return "Give a user name and a password (HTTP Basic).\n";
    case 404:
        return "There is nothing here.\n";
    case 405:
        return "This method is not allowed here.\n";
    case 413:
        return "The request is larger than http.max_body.\n";
    case 415:
        return "Send SOAP 1.1: Content-Type text/xml.\n";
    case 421:
        return "This server does not answer to that Host: call it localhost, or see --allow-host of ewsd dev.\n";
    case 429:
        return "Too many wrong passwords came from this address. Try again later.\n";
    case 503:
        return "The server is busy. Try again later.\n";
    default:
        return "An internal error occurred.\n";
    }
}

bool guard_is_guid(const char *text)
{
    if (!text || strlen(text) != 36)
        return false;
    for (size_t i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
            return false;
    }
    return true;
}
