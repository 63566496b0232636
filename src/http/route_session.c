/*
 * /api/session: who one is for the page. GET tells; on the admin listener POST with
 * Basic credentials logs in, through the same door as every password (delays and
 * limits are the gate's), and DELETE logs out. In `ewsd dev` nobody logs in, and GET
 * tells how a client reaches the server.
 */
#include "http/guard.h"
#include "http/rest.h"
#include "http/session.h"

#include "base/json.h"

#include <stdio.h>

#define COOKIE_SIZE 160

static struct session_proof proof_of(const struct http_request *request)
{
    struct span cookie = { 0 }, token = { 0 }, idle = { 0 };
    (void)http_header(request, "Cookie", &cookie);
    (void)http_header(request, SESSION_TOKEN, &token);
    (void)http_header(request, SESSION_IDLE, &idle);
    return (struct session_proof){ cookie.ptr, token.ptr, idle.ptr };
}

static int tell_dev(struct http_request *request, struct http_response *response)
{
    const struct http_example *example = &request->server->example;
    struct span host = { 0 };
    struct buf *out = rest_begin(response), url = BUF_INIT(1024);
    (void)http_header(request, "Host", &host);
    if (guard_base_url(request->server->conf, host, &url))
        buf_add_str(&url, "/EWS/Exchange.asmx");
    json_add_text(out, "kind", SPAN("dev"));
    json_add_text(out, "url", buf_span(&url));
    json_add_text(out, "example_user", example->user);
    if (example->password.len)
        json_add_text(out, "example_password", example->password);
    else
        json_add_null(out, "example_password");
    buf_done(&url);
    return rest_end(response);
}

static int tell(struct http_request *request, struct http_response *response)
{
    char user[SESSION_USER_SIZE];
    struct session_proof proof = proof_of(request);
    struct buf *out = rest_begin(response);
    json_add_text(out, "kind", SPAN("admin"));
    json_add_bool(out, "open", request->server->conf->admin_users[0]);
    if (sessions_user(request->server->sessions, &proof, user))
        json_add_text(out, "user", span_of(user));
    else
        json_add_null(out, "user");
    return rest_end(response);
}

/* A cookie without a time of its own ends with the browser; the server's times are shorter
 * or longer as it is set. The listener itself has no TLS; a proxy before it may. */
static int set_cookie(struct http_request *request, const char *value, struct http_response *response)
{
    char text[COOKIE_SIZE];
    struct span scheme = { 0 };
    bool secure = http_header(request, "X-Forwarded-Proto", &scheme) && span_is(scheme, "https");
    int n = snprintf(text, sizeof(text), SESSION_COOKIE "=%s; Path=/; HttpOnly; SameSite=Strict%s%s", value, secure ? "; Secure" : "",
                     *value ? "" : "; Max-Age=0");
    response->headers[0].name = "Set-Cookie";
    return arena_copy(request->arena, (struct span){ text, (size_t)n }, &response->headers[0].value);
}

/* The gate has verified the password already; this time it is known at which generation. */
static int verify_again(struct http_request *request, uint64_t *ret_generation)
{
    struct store_mailbox mailbox;
    struct span header = { 0 }, user;
    *ret_generation = auth_generation(request->server->auth);
    (void)http_header(request, "Authorization", &header);
    return auth_verify(request->server->auth, request->arena, header, &mailbox, &user);
}

static int log_in(struct http_request *request, struct http_response *response)
{
    char cookie[SESSION_TEXT_SIZE], token[SESSION_TEXT_SIZE];
    const struct http_options *server = request->server;
    uint64_t generation;
    if (!sessions_may(server->conf, request->caller.address))
        return rest_error(response, 403, "Forbidden",
                          "This mailbox may not log in here. Those that may are named in the setting admin.users.");
    int r = verify_again(request, &generation);
    if (r > 0) {
        rest_refuse(401, response);
        return 0;
    }
    if (r == 0)
        r = sessions_open(server->sessions, request->caller.address, generation, cookie, token);
    if (r == 0)
        r = set_cookie(request, cookie, response);
    if (r)
        return r;
    struct buf *out = rest_begin(response);
    json_add_text(out, "user", request->caller.address);
    json_add_text(out, "token", span_of(token));
    return rest_end(response);
}

static int log_out(struct http_request *request, struct http_response *response)
{
    struct session_proof proof = proof_of(request);
    int status = sessions_judge(request->server->sessions, &proof, true);
    if (status) {
        rest_refuse(status, response);
        return 0;
    }
    sessions_close(request->server->sessions, &proof);
    int r = set_cookie(request, "", response);
    if (r)
        return r;
    rest_begin(response);
    return rest_end(response);
}

static int session(struct http_request *request, struct http_response *response)
{
    return rest_is(request, "POST") ? log_in(request, response)
           : rest_is(request, "DELETE") ? log_out(request, response)
                                         : tell(request, response);
}

const struct http_route http_route_session = { .path = "/api/session", .on = HTTP_ON_ADMIN,
                                               .methods = HTTP_GET | HTTP_POST | HTTP_DELETE, .caller = true,
                                               .open = HTTP_GET | HTTP_DELETE, .small = true, .rest = true, .free = true,
                                               .handle = session };
const struct http_route http_route_session_dev = { .path = "/api/session", .on = HTTP_ON_DEV, .methods = HTTP_GET, .rest = true,
                                                   .free = true, .handle = tell_dev };
