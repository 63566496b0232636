/*
 * POST /EWS/Exchange.asmx: parse, dispatch, answer; faults are HTTP 500 with
 * a SOAP body. GET answers people and probing clients with a line of text.
 */
#include "http/http.h"

#include "base/metrics.h"
#include "http/faults.h"
#include "base/when.h"
#include "soap/envelope.h"

/* operation: the number of the one that it is the answer of; 0: none was reached. */
static int write_fault(const struct conf *conf, const struct soap_request *request, unsigned operation,
                       const struct soap_fault *fault, struct http_response *response)
{
    const struct soap_server server = { .major = conf->soap_version_major,
                                        .minor = conf->soap_version_minor,
                                        .major_build = conf->soap_build_major,
                                        .minor_build = conf->soap_build_minor,
                                        .version = span_of(conf->soap_version_string) };
    op_count_fault(operation, fault->code);
    response->status = 500;
    response->detail = request->operation ? op_name(request->operation->name) : NULL;
    response->codes = fault->code;
    soap_fault_write(&response->body, &server, request->shape_2007, fault);
    return buf_error(&response->body);
}

static int busy(const struct http_options *server, struct http_response *response)
{
    const struct soap_fault fault =
        soap_fault_make("ErrorExceededConnectionCount", code_text(CODE_ErrorExceededConnectionCount));
    response->content_type = "text/xml; charset=utf-8";
    int r = write_fault(server->conf, &(struct soap_request){ 0 }, 0, &fault, response);
    response->detail = "ErrorExceededConnectionCount";
    return r;
}

#define CODES_MAX_BYTES 1024

_Static_assert(HTTP_HEADERS_MAX > OP_HEADERS_MAX, "room for each header of an operation, and one more");

/* What an answer that waits needs to go on. */
struct ews_state {
    struct soap_request soap;
    struct caller caller;
    const struct op_env *env;
    const struct op_fault *fault; /* that it meets; or NULL */
    struct op_request asked;
    struct op_reply reply;
    struct op_call *call;
    int64_t begun; /* by when_monotonic_us */
};

static void wake(void *request)
{
    http_go_on(request);
}

static int dispatch(struct http_request *request, struct ews_state *state, struct op_once *once, struct http_response *response)
{
    state->caller.mailbox = request->caller;
    state->asked = (struct op_request){ .env = state->env, .caller = &state->caller, .arena = request->arena,
                                        .soap = &state->soap, .once = once, .fault = state->fault, .id = request->request_id,
                                        .go_on = request->may_wait ? wake : NULL, .arg = request };
    return op_dispatch(&state->asked, &response->body, &state->reply, &state->call);
}

static int read_key(const struct http_request *request, struct op_once **ret_once)
{
    struct span key;
    *ret_once = NULL;
    if (!http_header(request, "Idempotency-Key", &key))
        return 0;
    *ret_once = op_once_new(request->arena, key, buf_span(request->body));
    return *ret_once ? 0 : -ENOMEM;
}

static void count_time(const struct ews_state *state)
{
    metric_observe(METRIC_request_duration_seconds, state->reply.number, (uint64_t)(when_monotonic_us() - state->begun));
}

/* What the frame counted, for the log. */
static void tell_codes(struct http_request *request, const struct op_reply *reply, struct http_response *response)
{
    struct buf text = BUF_INIT(CODES_MAX_BYTES);
    op_codes_write(&reply->codes, &text);
    response->items = reply->items;
    if (buf_error(&text) || arena_copy(request->arena, buf_span(&text), &response->codes))
        response->codes = SPAN("");
    if (arena_copy(request->arena, reply->acting, &response->acting))
        response->acting = SPAN("");
    buf_done(&text);
}

static int finish(struct http_request *request, struct ews_state *state, int r, struct http_response *response)
{
    count_time(state);
    if (r) {
        int code = r == -ENOMEM ? CODE_ErrorNotEnoughMemory : CODE_ErrorInternalServerError;
        struct soap_fault fault = soap_fault_make(code_name(code), code_text(code));
        buf_clear(&response->body);
        return write_fault(request->server->conf, &state->soap, state->reply.number, &fault, response);
    }
    response->status = state->reply.status;
    response->detail = state->reply.op;
    tell_codes(request, &state->reply, response);
    for (unsigned i = 0; i < state->reply.headers_n; i++)
        http_response_add(response, state->reply.headers[i].name, span_of(state->reply.headers[i].value));
    return 0;
}

static int go_on(struct http_request *request, struct http_response *response)
{
    struct ews_state *state = request->state;
    int r = op_go_on(state->call);
    return r == OP_LATER ? HTTP_LATER : finish(request, state, r, response);
}

static int post(struct http_request *request, struct http_response *response)
{
    struct ews_state *state = arena_alloc(request->arena, sizeof(*state)), lost = { .begun = when_monotonic_us() };
    struct soap_fault fault = { 0 };
    struct op_once *once;
    response->content_type = "text/xml; charset=utf-8";
    if (!state)
        return finish(request, &lost, -ENOMEM, response);
    *state = lost;
    state->env = request->server->ops;
    request->state = state;
    request->go_on = go_on;
    int r = read_key(request, &once);
    if (r == 0)
        r = soap_parse(request->server->soap, request->body, request->arena, &state->soap, &fault);
    if (r == SOAP_FAULT) {
        count_time(state);
        return write_fault(request->server->conf, &state->soap, 0, &fault, response);
    }
    if (r == 0 && request->server->faults)
        r = fault_meet(request, state->soap.operation->name, response, &state->env, &state->fault);
    if (r == FAULT_ANSWERED)
        return 0;
    if (r == 0)
        r = dispatch(request, state, once, response);
    return r == OP_LATER ? HTTP_LATER : finish(request, state, r, response);
}

static int ews(struct http_request *request, struct http_response *response)
{
    if (strcmp(request->method, "POST") == 0)
        return post(request, response);
    response->content_type = "text/plain; charset=utf-8";
    buf_add_str(&response->body, "This is an Exchange Web Services endpoint: send SOAP requests here by POST.\n");
    return buf_error(&response->body);
}

const struct http_route http_route_ews = {
    .path = "/ews/exchange.asmx", .on = HTTP_ON_CLIENTS, .methods = HTTP_GET | HTTP_POST, .caller = true, .xml = true, .logged = true,
    .handle = ews, .busy = busy
};
