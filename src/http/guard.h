/*
 * What may come in, judged from the request's headers alone: names of this
 * server, routes, methods, content types (decisions 19, 21). Plain functions
 * of plain values.
 */
#ifndef EWSD_HTTP_GUARD_H
#define EWSD_HTTP_GUARD_H

#include "http/http.h"

/* "127.0.0.1:8080", "[::1]:0". false: no numeric address with a port. */
bool guard_parse_listen(const char *text, struct sockaddr_storage *ret_address, socklen_t *ret_len);
/* Host names this server: a loopback name, where it listens, or one of
 * server->hosts; any port. Any will do for serve's, which knows who is calling,
 * and on a unix socket, which browsers don't reach. */
bool guard_host_ok(const struct http_options *server, const char *host);
/* NULL when no route has this path. */
const struct http_route *guard_route(const struct http_options *server, const char *path);
/* 0, or the HTTP status that refuses a request by method and type. */
int guard_status(const struct http_route *route, const char *method, const char *content_type);
/* The same for routes of REST, which browsers reach and any page may aim at
 * (decisions 21): what changes something comes from a page of this server or from
 * no page, and POST and PUT have application/json, which a form cannot. */
int guard_rest_status(const char *method, const char *host, const char *origin, const char *content_type);
/* Whether a refusal is said in JSON; route may be NULL. */
bool guard_is_rest(const struct http_route *route, const char *path);
/* What stands for each * of the route's path; path fits it. */
void guard_parts(const struct http_route *route, struct span path, struct span parts[HTTP_PARTS_MAX]);
/* Whether a request of this method changes something, and is not only a question. */
bool guard_changes(const char *method);
/* How a 401 asks for who is calling (WWW-Authenticate). */
const char *guard_challenge(const struct http_options *server, const struct http_route *route);
bool guard_needs_caller(const struct http_route *route, const char *method);
/* Into out: "GET, HEAD, POST", for the header Allow. */
#define GUARD_ALLOW_SIZE 40
void guard_allow(const struct http_route *route, char ret_text[GUARD_ALLOW_SIZE]);
/* Most bytes of a body: http.max_body for known callers, little for others. */
size_t guard_body_max(const struct http_route *route, const struct conf *conf);
/* Whether what listens there is reached from this machine only. */
bool guard_listens_on_loopback(const char *listen);
/* "unix:/run/ewsd/admin.sock": the path; NULL: it is no such thing. */
const char *guard_unix_path(const char *listen);
/* NULL, or what is wrong with admin.listen, which must be given. */
const char *guard_admin_wrong(const char *listen);
/* The body of a refusal: one line of text. */
const char *guard_reason(int status);
/* Into out: "https://name:port", by http.url, else by the Host of a request. False: Host
 * is missing, or is no name with a port. */
bool guard_base_url(const struct conf *conf, struct span host, struct buf *out);
/* Whether http.url has that form. */
bool guard_url_ok(struct span url);
bool guard_is_guid(const char *text);

#endif
