/*
 * /dev/faults: the rules of faults on demand, made by POST (one, or a list of
 * which all or none is taken), listed with how often each has struck, and
 * deleted. Exists only in `ewsd dev`.
 */
#include "http/faults.h"
#include "http/feed.h"
#include "http/rest.h"

#include "base/json.h"
#include "base/json_read.h"

#include <stdio.h>

static int write_rules(struct http_response *response, const struct fault_rule *rules, size_t n)
{
    response->content_type = "application/json";
    buf_add_str(&response->body, "{\"faults\":[");
    for (size_t i = 0; i < n; i++) {
        buf_add_str(&response->body, i ? ",\n" : "\n");
        fault_rule_write(&response->body, &rules[i]);
    }
    buf_add_str(&response->body, n ? "\n]}\n" : "]}\n");
    return buf_error(&response->body);
}

/* The page shows them. */
static void tell(const struct http_request *request)
{
    if (request->server->feed)
        feed_changed(request->server->feed);
}

/* ---- POST ---- */

/* A number may be written as one; what a field holds is its own matter. */
static int read_field(struct fault_rule *rule, struct span name, const struct json_read *value, char ret_error[FAULT_ERROR_SIZE])
{
    char digits[24];
    struct span text;
    int64_t number;
    if (json_read_number(value, &number)) {
        snprintf(digits, sizeof(digits), "%lld", (long long)number);
        text = span_of(digits);
    } else if (!json_read_text(value, &text)) {
        snprintf(ret_error, FAULT_ERROR_SIZE, "a field is a text or a number, not %s", json_read_kind_name(json_read_kind(value)));
        return 1;
    }
    return fault_rule_set(rule, name, text, ret_error);
}

static int read_rule(const struct json_read *value, struct fault_rule *ret_rule, char ret_error[FAULT_ERROR_SIZE])
{
    void *place = NULL;
    struct span name;
    const struct json_read *member;
    fault_rule_init(ret_rule);
    if (json_read_kind(value) != JSON_IS_OBJECT) {
        snprintf(ret_error, FAULT_ERROR_SIZE, "a fault is an object, not %s", json_read_kind_name(json_read_kind(value)));
        return 1;
    }
    while (json_read_each(value, &place, &name, &member))
        if (read_field(ret_rule, name, member, ret_error))
            return 1;
    return fault_rule_check(ret_rule, ret_error);
}

static int add(struct http_request *request, const struct json_read *root, struct http_response *response)
{
    char error[FAULT_ERROR_SIZE];
    bool many = json_read_kind(root) == JSON_IS_ARRAY;
    size_t n = many ? json_read_count(root) : 1;
    if (n > FAULT_RULES_MAX)
        return rest_error(response, 400, "TooMany", "There can be %d faults at most.", FAULT_RULES_MAX);
    struct fault_rule *rules = arena_array(request->arena, n, sizeof(*rules));
    if (!rules)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        if (read_rule(many ? json_read_at(root, i) : root, &rules[i], error))
            return rest_error(response, 400, "BadFault", "%s", error);
    if (faults_add(request->server->faults, rules, n))
        return rest_error(response, 400, "TooMany", "There can be %d faults at most.", FAULT_RULES_MAX);
    tell(request);
    response->status = 201;
    return write_rules(response, rules, n);
}

static int post(struct http_request *request, struct http_response *response)
{
    CLEANUP(free_ptr_json_read) struct json_read *root = NULL;
    char error[JSON_READ_ERROR_SIZE];
    int r = json_read_parse(buf_span(request->body), &root, error);
    if (r)
        return r > 0 ? rest_error(response, 400, "BadJson", "%s", error) : r;
    return add(request, root, response);
}

/* ---- GET, DELETE ---- */

static int list(struct http_request *request, struct http_response *response)
{
    struct fault_rule *rules;
    size_t n;
    int r = faults_list(request->server->faults, request->arena, &rules, &n);
    return r ? r : write_rules(response, rules, n);
}

static int faults(struct http_request *request, struct http_response *response)
{
    if (rest_is(request, "POST"))
        return post(request, response);
    if (rest_is(request, "DELETE")) {
        faults_clear(request->server->faults);
        tell(request);
    }
    return list(request, response);
}

/* One that is gone is answered by those that are left. */
static int fault(struct http_request *request, struct http_response *response)
{
    uint64_t id;
    if (!rest_part(request->parts[0], &id) || !faults_remove(request->server->faults, id))
        return rest_not_found(response, "fault");
    tell(request);
    return list(request, response);
}

const struct http_route http_route_dev_faults = {
    .path = "/dev/faults", .methods = HTTP_GET | HTTP_POST | HTTP_DELETE, .rest = true, .on = HTTP_ON_DEV,
    .handle = faults
};
const struct http_route http_route_dev_fault = {
    .path = "/dev/faults/*", .methods = HTTP_DELETE, .rest = true, .on = HTTP_ON_DEV, .handle = fault
};
