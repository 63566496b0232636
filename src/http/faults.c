/*
 * The table of faults on demand, and what a rule does to a request (faults.h).
 */
#include "http/faults.h"

#include "base/conf.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct faults {
    pthread_mutex_t lock;
    uint64_t last_id;
    size_t n;
    struct fault_rule v[FAULT_RULES_MAX];
};

int faults_new(struct faults **ret_faults)
{
    struct faults *faults = calloc(1, sizeof(*faults));
    if (!faults)
        return -ENOMEM;
    pthread_mutex_init(&faults->lock, NULL);
    *ret_faults = faults;
    return 0;
}

void faults_free(struct faults *faults)
{
    if (!faults)
        return;
    pthread_mutex_destroy(&faults->lock);
    free(faults);
}

int faults_add(struct faults *faults, struct fault_rule *rules, size_t n)
{
    pthread_mutex_lock(&faults->lock);
    bool room = n <= FAULT_RULES_MAX - faults->n;
    for (size_t i = 0; room && i < n; i++) {
        rules[i].id = ++faults->last_id;
        faults->v[faults->n++] = rules[i];
    }
    pthread_mutex_unlock(&faults->lock);
    return room ? 0 : FAULTS_FULL;
}

bool faults_remove(struct faults *faults, uint64_t id)
{
    size_t i = 0;
    pthread_mutex_lock(&faults->lock);
    while (i < faults->n && faults->v[i].id != id)
        i++;
    bool found = i < faults->n;
    if (found) {
        faults->n--;
        memmove(&faults->v[i], &faults->v[i + 1], (faults->n - i) * sizeof(faults->v[0]));
    }
    pthread_mutex_unlock(&faults->lock);
    return found;
}

void faults_clear(struct faults *faults)
{
    pthread_mutex_lock(&faults->lock);
    faults->n = 0;
    pthread_mutex_unlock(&faults->lock);
}

int faults_list(struct faults *faults, struct arena *arena, struct fault_rule **ret_rules, size_t *ret_n)
{
    pthread_mutex_lock(&faults->lock);
    size_t n = faults->n;
    struct fault_rule *rules = arena_array(arena, n, sizeof(*rules));
    if (rules)
        memcpy(rules, faults->v, n * sizeof(*rules));
    pthread_mutex_unlock(&faults->lock);
    if (!rules)
        return -ENOMEM;
    *ret_rules = rules;
    *ret_n = n;
    return 0;
}

static bool fits(const struct fault_rule *rule, struct span op, struct span user)
{
    return (!rule->op[0] || span_is(op, rule->op)) && (!rule->user[0] || span_eq_nocase(user, span_of(rule->user)));
}

/* Whether it is this call's turn, which is counted already. */
static bool is_due(const struct fault_rule *rule)
{
    const uint64_t n = (uint64_t)rule->n;
    switch (rule->when) {
    case FAULT_CALL:
        return rule->calls == n;
    case FAULT_EVERY:
        return rule->calls % n == 0;
    case FAULT_FIRST:
        return rule->calls <= n;
    case FAULT_ALWAYS:
        break;
    }
    return true;
}

bool faults_strike(struct faults *faults, struct span op, struct span user, struct fault_rule *ret_rule)
{
    bool struck = false;
    pthread_mutex_lock(&faults->lock);
    for (size_t i = 0; i < faults->n; i++) {
        struct fault_rule *rule = &faults->v[i];
        if (!fits(rule, op, user))
            continue;
        rule->calls++;
        if (struck || !is_due(rule))
            continue;
        rule->matched++;
        *ret_rule = *rule;
        struck = true;
    }
    pthread_mutex_unlock(&faults->lock);
    return struck;
}

/* ---- a request meets its fault ---- */

/* What a web server in front of Exchange says where EWS says nothing. */
static const char *page_of(int status)
{
    switch (status) {
    case 401:
        return "401 - Unauthorized: Access is denied due to invalid credentials.";
    case 403:
        return "403 - Forbidden: Access is denied.";
    case 456:
        return "The referenced account is currently locked out.";
    case 500:
        return "Server Error in '/EWS' Application.";
    case 503:
        return "Service Unavailable";
    default:
        return "The request was not answered.";
    }
}

/* "Name: value", as fault_rule_set took it. */
static int add_header(const struct http_request *request, const struct fault_rule *rule, struct http_response *response)
{
    struct span copy;
    int r = arena_copy(request->arena, span_of(rule->header), &copy);
    if (r)
        return r;
    char *colon = strchr((char *)(uintptr_t)copy.ptr, ':');
    if (!colon)
        return 0;
    *colon = 0;
    http_response_add(response, copy.ptr, span_trim(span_of(colon + 1)));
    return 0;
}

static int answer_status(const struct http_request *request, const struct fault_rule *rule, struct http_response *response)
{
    struct span seconds;
    response->status = rule->effect.status;
    response->content_type = rule->text[0] ? "text/plain; charset=utf-8" : "text/html; charset=utf-8";
    if (rule->text[0])
        buf_add_str(&response->body, rule->text);
    else
        buf_printf(&response->body, "<html><body><h1>%s</h1></body></html>\n", page_of(rule->effect.status));
    int r = rule->header[0] ? add_header(request, rule, response) : 0;
    if (r == 0 && rule->retry_after >= 0 &&
        (r = arena_printf(request->arena, &seconds, "%lld", (long long)rule->retry_after)) == 0)
        http_response_add(response, "Retry-After", seconds);
    return r ? r : FAULT_ANSWERED;
}

/* The server with another limit, for this request alone. */
static int limit_rate(const struct http_request *request, int64_t rate, const struct op_env **ret_env)
{
    struct op_env *env = arena_alloc(request->arena, sizeof(*env));
    struct conf *conf = arena_alloc(request->arena, sizeof(*conf));
    if (!env || !conf)
        return -ENOMEM;
    *conf = *request->server->ops->conf;
    conf->send_rate = rate;
    *env = *request->server->ops;
    env->conf = conf;
    *ret_env = env;
    return 0;
}

static int give_fault(const struct http_request *request, const struct fault_rule *rule, const struct op_fault **ret_fault)
{
    const struct fault_effect *effect = &rule->effect;
    struct op_fault *fault = arena_alloc(request->arena, sizeof(*fault));
    struct span text;
    if (!fault || arena_copy(request->arena, span_of(rule->text), &text))
        return -ENOMEM;
    *fault = (struct op_fault){ .code = effect->code, .each = effect->each, .back_off_ms = effect->back_off_ms,
                                .stale = effect->stale, .text = text.len ? text.ptr : NULL };
    *ret_fault = fault;
    return 0;
}

int fault_meet(const struct http_request *request, struct span op, struct http_response *response, const struct op_env **ret_env,
               const struct op_fault **ret_fault)
{
    struct fault_rule rule;
    struct span id;
    if (!faults_strike(request->server->faults, op, request->caller.address, &rule))
        return 0;
    const struct fault_effect *effect = &rule.effect;
    int r = arena_printf(request->arena, &id, "%llu", (unsigned long long)rule.id);
    if (r)
        return r;
    response->pace = effect->pace;
    response->pace.hold_ms += rule.delay_ms;
    http_response_add(response, "X-Ewsd-Fault", id);
    response->detail = op_name(op);
    if (effect->status)
        return answer_status(request, &rule, response);
    if (effect->nothing)
        return FAULT_ANSWERED;
    if (effect->rate)
        r = limit_rate(request, effect->rate, ret_env);
    if (r == 0 && (effect->code || effect->stale))
        r = give_fault(request, &rule, ret_fault);
    return r;
}
