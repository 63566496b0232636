/*
 * Rules of faults on demand, from text and back (faults.h). A rule is made of
 * fields, which are the same on a command line and in JSON.
 */
#include "http/faults.h"

#include "base/json.h"
#include "model/code.h"
#include "model/rcpt.h"

#include <ctype.h>
#include <stdio.h>

enum argument { ARG_NONE, ARG_NUMBER, ARG_CODE };

#define FAULT(name, argument, unit, minimum, maximum, fallback, effect, meaning)                    \
    static struct fault_effect effect_of_##name(int64_t n ATTR_UNUSED, int code ATTR_UNUSED) \
    {                                                                                        \
        return effect;                                                                       \
    }
#include "http/faults.def"
#undef FAULT

static const struct kind {
    const char *name, *unit, *meaning;
    enum argument argument;
    int64_t min, max, fallback;
    struct fault_effect (*make)(int64_t n, int code);
} kinds[] = {
#define FAULT(name, argument, unit, minimum, maximum, fallback, effect, meaning) \
    { #name, unit, meaning, ARG_##argument, minimum, maximum, fallback, effect_of_##name },
#include "http/faults.def"
#undef FAULT
};

static int wrong(char ret_error[FAULT_ERROR_SIZE], const char *format, ...) ATTR_PRINTF(2, 3);

static int wrong(char ret_error[FAULT_ERROR_SIZE], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(ret_error, FAULT_ERROR_SIZE, format, args);
    va_end(args);
    utf8_cut(ret_error);
    return 1;
}

/* Of what somebody sent, as much as an error quotes. */
#define QUOTED(text) (int)((text).len < 60 ? (text).len : 60), (text).ptr ? (text).ptr : ""

static bool put(char *to, size_t size, struct span value)
{
    if (value.len >= size || memchr(value.ptr ? value.ptr : "", 0, value.len) || !span_utf8_ok(value))
        return false;
    memcpy(to, value.ptr ? value.ptr : "", value.len);
    to[value.len] = 0;
    return true;
}

/* ---- do ---- */

static const struct kind *kind_of(struct span name)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (span_is(name, kinds[i].name))
            return &kinds[i];
    return NULL;
}

static int code_of(struct span name)
{
    for (int code = CODE_NoError + 1; code < CODE_COUNT; code++)
        if (span_is(name, code_name(code)))
            return code;
    return 0;
}

static int read_number(const struct kind *kind, struct span argument, int64_t *ret_n, char ret_error[FAULT_ERROR_SIZE])
{
    if (!argument.len && kind->fallback >= kind->min) {
        *ret_n = kind->fallback;
        return 0;
    }
    if (span_int(argument, false, kind->min, kind->max, ret_n))
        return 0;
    return wrong(ret_error, "do: %s:N is %s, %lld to %lld, not \"%.*s\"", kind->name, kind->unit, (long long)kind->min,
                 (long long)kind->max, QUOTED(argument));
}

static int set_do(struct fault_rule *rule, struct span value, char ret_error[FAULT_ERROR_SIZE])
{
    const char *colon = value.len ? memchr(value.ptr, ':', value.len) : NULL;
    struct span name = { value.ptr, colon ? (size_t)(colon - value.ptr) : value.len }, argument = { 0 };
    if (colon)
        argument = (struct span){ colon + 1, value.len - name.len - 1 };
    const struct kind *kind = kind_of(name);
    int64_t n = 0;
    int code = 0;
    if (!kind)
        return wrong(ret_error, "do: there is no fault \"%.*s\"", QUOTED(name));
    if (kind->argument == ARG_NONE && colon)
        return wrong(ret_error, "do: %s has nothing behind it", kind->name);
    if (kind->argument == ARG_CODE && !(code = code_of(argument)))
        return wrong(ret_error, "do: there is no ResponseCode \"%.*s\"", QUOTED(argument));
    if (kind->argument == ARG_NUMBER && read_number(kind, argument, &n, ret_error))
        return 1;
    if (!put(rule->kind, sizeof(rule->kind), value))
        return wrong(ret_error, "do: too long");
    rule->effect = kind->make(n, code);
    return 0;
}

/* ---- the other fields ---- */

static int set_op(struct fault_rule *rule, struct span value, char ret_error[FAULT_ERROR_SIZE])
{
    if (span_is(value, "any"))
        value.len = 0;
    else if (!op_is_served(value))
        return wrong(ret_error, "op: there is no operation \"%.*s\" here", QUOTED(value));
    return put(rule->op, sizeof(rule->op), value) ? 0 : wrong(ret_error, "op: too long");
}

static int set_user(struct fault_rule *rule, struct span value, char ret_error[FAULT_ERROR_SIZE])
{
    if (span_is(value, "any"))
        value.len = 0;
    else if (!rcpt_address_ok(value))
        return wrong(ret_error, "user: not a mail address: \"%.*s\"", QUOTED(value));
    return put(rule->user, sizeof(rule->user), value) ? 0 : wrong(ret_error, "user: too long");
}

static int set_when(struct fault_rule *rule, enum fault_when when, const char *name, struct span value,
                    char ret_error[FAULT_ERROR_SIZE])
{
    if (rule->when != FAULT_ALWAYS)
        return wrong(ret_error, "one of call, every and first, not two");
    rule->when = when;
    return span_int(value, false, 1, 1000000000, &rule->n) ? 0 : wrong(ret_error, "%s: a number from 1, not \"%.*s\"", name, QUOTED(value));
}

static int set_call(struct fault_rule *rule, struct span value, char ret_error[FAULT_ERROR_SIZE])
{
    return set_when(rule, FAULT_CALL, "call", value, ret_error);
}

static int set_every(struct fault_rule *rule, struct span value, char ret_error[FAULT_ERROR_SIZE])
{
    return set_when(rule, FAULT_EVERY, "every", value, ret_error);
}

static int set_first(struct fault_rule *rule, struct span value, char ret_error[FAULT_ERROR_SIZE])
{
    return set_when(rule, FAULT_FIRST, "first", value, ret_error);
}

static int set_text(struct fault_rule *rule, struct span value, char ret_error[FAULT_ERROR_SIZE])
{
    for (size_t i = 0; i < value.len; i++)
        if ((unsigned char)value.ptr[i] < ' ')
            return wrong(ret_error, "text: no control characters");
    return put(rule->text, sizeof(rule->text), value) ? 0 : wrong(ret_error, "text: UTF-8 of at most %d bytes", FAULT_TEXT_SIZE - 1);
}

/* What the listener itself says of every answer. */
static bool is_own_header(struct span name)
{
    static const char *const own[] = { "Content-Length", "Transfer-Encoding", "Connection", "Content-Type", "Date" };
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        if (span_eq_nocase(name, span_of(own[i])))
            return true;
    return false;
}

static int set_header(struct fault_rule *rule, struct span value, char ret_error[FAULT_ERROR_SIZE])
{
    size_t name = 0;
    while (name < value.len && (isalnum((unsigned char)value.ptr[name]) || value.ptr[name] == '-'))
        name++;
    if (!name || name == value.len || value.ptr[name] != ':')
        return wrong(ret_error, "header: \"Name: value\", not \"%.*s\"", QUOTED(value));
    for (size_t i = name; i < value.len; i++)
        if (value.ptr[i] < ' ' || value.ptr[i] > '~')
            return wrong(ret_error, "header: printable ASCII only");
    if (is_own_header((struct span){ value.ptr, name }))
        return wrong(ret_error, "header: %.*s is not to be chosen", (int)name, value.ptr);
    return put(rule->header, sizeof(rule->header), value) ? 0 : wrong(ret_error, "header: at most %d bytes", FAULT_HEADER_SIZE - 1);
}

static int set_retry_after(struct fault_rule *rule, struct span value, char ret_error[FAULT_ERROR_SIZE])
{
    return span_int(value, false, 0, 86400, &rule->retry_after) ? 0 : wrong(ret_error, "retry_after: seconds, 0 to 86400");
}

static int set_delay(struct fault_rule *rule, struct span value, char ret_error[FAULT_ERROR_SIZE])
{
    return span_int(value, false, 0, 600000, &rule->delay_ms) ? 0 : wrong(ret_error, "delay: milliseconds, 0 to 600000");
}

static const struct field {
    const char *name, *value, *meaning;
    int (*set)(struct fault_rule *rule, struct span value, char ret_error[FAULT_ERROR_SIZE]);
} fields[] = {
    { "op", "OPERATION", "of these requests; without: of all", set_op },
    { "user", "ADDRESS", "of those whom this user sends; without: everybody", set_user },
    { "call", "N", "the Nth", set_call },
    { "every", "N", "every Nth", set_every },
    { "first", "N", "the first N; without any of these: all, until the rule is deleted", set_first },
    { "do", "FAULT", "what happens, as below", set_do },
    { "delay", "MILLISECONDS", "the answer comes so much later, too", set_delay },
    { "retry_after", "SECONDS", "with http: the header Retry-After", set_retry_after },
    { "header", "NAME: VALUE", "with http: one more header", set_header },
    { "text", "TEXT", "what the answer says, instead of what is usual; on a command line the last of all", set_text },
};

void fault_rule_init(struct fault_rule *ret_rule)
{
    *ret_rule = (struct fault_rule){ .retry_after = -1 };
}

int fault_rule_set(struct fault_rule *rule, struct span field, struct span value, char ret_error[FAULT_ERROR_SIZE])
{
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (span_is(field, fields[i].name))
            return fields[i].set(rule, value, ret_error);
    return wrong(ret_error, "a fault has no field \"%.*s\"", QUOTED(field));
}

int fault_rule_check(const struct fault_rule *rule, char ret_error[FAULT_ERROR_SIZE])
{
    if (!rule->kind[0])
        return wrong(ret_error, "a fault needs do");
    if (!rule->effect.status && (rule->header[0] || rule->retry_after >= 0))
        return wrong(ret_error, "header and retry_after go with do=http:STATUS");
    if (!rule->effect.status && !rule->effect.code && rule->text[0])
        return wrong(ret_error, "text goes with a fault that has one, not with do=%s", rule->kind);
    return 0;
}

int fault_rule_read(struct span spec, struct fault_rule *ret_rule, char ret_error[FAULT_ERROR_SIZE])
{
    struct fault_rule rule;
    fault_rule_init(&rule);
    while (spec.len) {
        const char *comma = span_starts(spec, SPAN("text=")) ? NULL : memchr(spec.ptr, ',', spec.len);
        struct span word = { spec.ptr, comma ? (size_t)(comma - spec.ptr) : spec.len };
        const char *equals = memchr(word.ptr, '=', word.len);
        if (!equals)
            return wrong(ret_error, "FIELD=VALUE,..., not \"%.*s\"", QUOTED(word));
        struct span field = { word.ptr, (size_t)(equals - word.ptr) };
        struct span value = { equals + 1, word.len - field.len - 1 };
        if (fault_rule_set(&rule, field, value, ret_error))
            return 1;
        spec.ptr += word.len + (comma != NULL);
        spec.len -= word.len + (comma != NULL);
    }
    if (fault_rule_check(&rule, ret_error))
        return 1;
    *ret_rule = rule;
    return 0;
}

/* ---- writing ---- */

void fault_help(struct buf *out)
{
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        buf_printf(out, "  %s=%s\n        %s\n", fields[i].name, fields[i].value, fields[i].meaning);
    buf_add_str(out, "\nFAULT is one of\n");
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const struct kind *kind = &kinds[i];
        bool optional = kind->argument == ARG_NUMBER && kind->fallback >= kind->min;
        buf_printf(out, "  %s", kind->name);
        if (kind->argument != ARG_NONE)
            buf_printf(out, optional ? "[:%s]" : ":%s", kind->unit);
        if (optional)
            buf_printf(out, " (%lld)", (long long)kind->fallback);
        buf_printf(out, "\n        %s\n", kind->meaning);
    }
}

static void write_text(struct buf *out, const char *name, const char *value)
{
    if (!value[0])
        return;
    buf_printf(out, ",\"%s\":", name);
    json_add_string(out, span_of(value));
}

void fault_rule_write(struct buf *out, const struct fault_rule *rule)
{
    static const char *const whens[] = { [FAULT_CALL] = "call", [FAULT_EVERY] = "every", [FAULT_FIRST] = "first" };
    buf_printf(out, "{\"id\":%llu", (unsigned long long)rule->id);
    write_text(out, "op", rule->op);
    write_text(out, "user", rule->user);
    if (rule->when != FAULT_ALWAYS)
        buf_printf(out, ",\"%s\":%lld", whens[rule->when], (long long)rule->n);
    write_text(out, "do", rule->kind);
    if (rule->delay_ms)
        buf_printf(out, ",\"delay\":%lld", (long long)rule->delay_ms);
    if (rule->retry_after >= 0)
        buf_printf(out, ",\"retry_after\":%lld", (long long)rule->retry_after);
    write_text(out, "header", rule->header);
    write_text(out, "text", rule->text);
    buf_printf(out, ",\"calls\":%llu,\"matched\":%llu}", (unsigned long long)rule->calls, (unsigned long long)rule->matched);
}
