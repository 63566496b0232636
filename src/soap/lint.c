/*
 * See lint.h. Lines are counted in the text as it came, as reading changes the
 * copy that is read.
 */
#include "soap/lint.h"

#include "soap/soap_version.h"
#include "soap/xml_read.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

struct lint {
    struct arena *arena;
    const struct lint_input *input;
    struct lint_finding *findings;
    size_t n;
    int error;
};

void linter_init(struct linter *linter, bool (*served)(struct span name))
{
    *linter = (struct linter){ .served = served };
    pthread_mutex_init(&linter->lock, NULL);
}

void linter_done(struct linter *linter)
{
    soap_free(linter->soap);
    pthread_mutex_destroy(&linter->lock);
}

static int compiled(struct linter *linter, struct soap **ret_soap)
{
    int r = 0;
    pthread_mutex_lock(&linter->lock);
    if (!linter->soap)
        r = soap_new(&(struct soap_rules){ .served = linter->served, .limits = XML_LIMITS_USUAL, .strict_order = true }, &linter->soap);
    *ret_soap = linter->soap;
    pthread_mutex_unlock(&linter->lock);
    return r;
}

/* ---- findings ---- */

static struct lint_finding *add(struct lint *lint, enum lint_severity severity, const char *rule, const char *format, ...)
    ATTR_PRINTF(4, 5);

/* NULL: there are enough, or no memory. */
static struct lint_finding *add(struct lint *lint, enum lint_severity severity, const char *rule, const char *format, ...)
{
    va_list args;
    struct lint_finding *finding = lint->n < LINT_FINDINGS_MAX && !lint->error ? &lint->findings[lint->n] : NULL;
    if (!finding)
        return NULL;
    *finding = (struct lint_finding){ .severity = severity, .rule = rule };
    va_start(args, format);
    lint->error = arena_vprintf(lint->arena, &finding->message, format, args);
    va_end(args);
    lint->n += lint->error == 0;
    return lint->error ? NULL : finding;
}

static void place_at(struct lint *lint, struct lint_finding *finding, size_t offset)
{
    const struct xml_source source = { .text = (char *)(uintptr_t)lint->input->body.ptr, .len = lint->input->body.len };
    if (finding && offset <= source.len)
        xml_locate(&source, offset, &finding->line, &finding->column);
}

/* At the first place where the words stand. */
static void place_word(struct lint *lint, struct lint_finding *finding, const char *word)
{
    struct span body = lint->input->body;
    const char *at = body.len ? memmem(body.ptr, body.len, word, strlen(word)) : NULL;
    if (at)
        place_at(lint, finding, (size_t)(at - body.ptr));
}

static void told(void *arg, const struct xml_flaw *flaw)
{
    struct lint *lint = arg;
    struct lint_finding *finding =
        add(lint, LINT_ERROR, flaw->well_formed ? "schema" : "xml", "%.*s", (int)flaw->text.len, flaw->text.ptr);
    if (finding) {
        finding->line = flaw->line;
        finding->column = flaw->position;
    }
}

/* ---- rules about headers of HTTP ---- */

static bool has_charset(struct span type)
{
    static const char name[] = "charset=";
    for (size_t i = 0; i + sizeof(name) - 1 <= type.len; i++)
        if (span_eq_nocase((struct span){ type.ptr + i, sizeof(name) - 1 }, SPAN("charset=")))
            return true;
    return false;
}

static void check_type(struct lint *lint)
{
    struct span type = lint->input->content_type;
    size_t len = 0;
    while (len < type.len && !strchr("; \t", type.ptr[len]))
        len++;
    if (!type.ptr)
        add(lint, LINT_ERROR, "content-type", "There is no Content-Type: it has to be text/xml; charset=utf-8.");
    else if (!span_eq_nocase((struct span){ type.ptr, len }, SPAN("text/xml")))
        add(lint, LINT_ERROR, "content-type", "Content-Type is %.*s, and has to be text/xml; charset=utf-8: EWS is SOAP 1.1.", (int)type.len,
            type.ptr);
    else if (!has_charset(type))
        add(lint, LINT_NOTE, "content-type", "Content-Type names no charset; text/xml; charset=utf-8 leaves nothing to guess.");
}

/* "http://.../messages/SendItem", with or without quotation marks. */
static void check_action(struct lint *lint, const struct xml_node *operation)
{
    struct span action = span_trim(lint->input->action), name;
    if (action.len >= 2 && action.ptr[0] == '"' && action.ptr[action.len - 1] == '"')
        action = (struct span){ action.ptr + 1, action.len - 2 };
    size_t at = action.len;
    while (at > 0 && action.ptr[at - 1] != '/')
        at--;
    name = (struct span){ action.ptr + at, action.len - at };
    if (action.len && !span_eq(name, operation->name))
        add(lint, LINT_WARNING, "soapaction", "SOAPAction says %.*s, and the body has %.*s.", (int)action.len, action.ptr,
            (int)operation->name.len, operation->name.ptr);
}

/* ---- rules about the request ---- */

static void check_version(struct lint *lint, const struct soap_request *request)
{
    struct soap_newer newer;
    struct span body = lint->input->body;
    bool found = soap_version_find_newer(request->operation, request->version, &newer);
    if (!memmem(body.ptr, body.len, "RequestServerVersion", 20))
        add(lint, LINT_WARNING, "version-missing",
            "There is no RequestServerVersion: Exchange takes the request for one of Exchange2007_SP1, and answers as it did.");
    for (; found; found = soap_version_next_newer(request->operation, newer.node, request->version, &newer))
        place_at(lint,
                 add(lint, LINT_WARNING, "version-newer", "%.*s came with %s, and the request is made for %.*s: Exchange may refuse it.",
                     (int)newer.name.len, newer.name.ptr, newer.since, (int)request->version.len, request->version.ptr),
                 newer.node->offset);
}

/* A fault of what the schema does not say. */
static void add_fault(struct lint *lint, const struct soap_request *request, const struct soap_fault *fault)
{
    struct lint_finding *finding;
    if (fault->violation.len) {
        told(lint, &(struct xml_flaw){ true, fault->line, fault->position, fault->violation });
    } else if (span_is(fault->code, "ErrorInvalidServerVersion")) {
        finding = add(lint, LINT_ERROR, "version-unknown", "RequestServerVersion names no version of Exchange that is known here.");
        place_word(lint, finding, "RequestServerVersion");
    } else if (span_is(fault->code, "ErrorInvalidOperation")) {
        finding = add(lint, LINT_ERROR, "operation-unserved", "%.*s", (int)fault->text.len, fault->text.ptr);
        place_at(lint, finding, request->operation ? request->operation->offset : 0);
    } else if (fault->code.len) {
        finding = add(lint, LINT_ERROR, "fault", "%.*s: %.*s", (int)fault->code.len, fault->code.ptr, (int)fault->text.len, fault->text.ptr);
        place_at(lint, finding, 0);
    }
}

static int check_body(struct lint *lint, struct soap *soap)
{
    struct buf body = BUF_INIT(lint->input->body.len + 1);
    struct soap_request request = { 0 };
    struct soap_fault fault = { 0 };
    buf_add_span(&body, lint->input->body);
    int r = buf_error(&body);
    if (r == 0)
        r = soap_parse_all(soap, &body, lint->arena, told, lint, &request, &fault);
    if (r == SOAP_FAULT)
        add_fault(lint, &request, &fault);
    if (r == 0)
        check_version(lint, &request);
    if (r >= 0 && request.operation)
        check_action(lint, request.operation);
    buf_done(&body); /* all that is kept was copied */
    return r < 0 ? r : 0;
}

/* ---- both ---- */

static int by_place(const void *left, const void *right)
{
    const struct lint_finding *a = left, *b = right;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    return a->column < b->column ? -1 : a->column > b->column;
}

static int run(struct linter *linter, struct arena *arena, const struct lint_input *input, struct lint_finding **ret_findings,
               size_t *ret_n)
{
    struct lint lint = { .arena = arena, .input = input, .findings = arena_array(arena, LINT_FINDINGS_MAX, sizeof(*lint.findings)) };
    struct soap *soap;
    int r = lint.findings ? 0 : -ENOMEM;
    if (r == 0)
        check_type(&lint);
    if (r == 0 && linter)
        r = compiled(linter, &soap);
    if (r == 0 && linter)
        r = check_body(&lint, soap);
    if (r || lint.error)
        return r ? r : lint.error;
    qsort(lint.findings, lint.n, sizeof(*lint.findings), by_place);
    *ret_findings = lint.findings;
    *ret_n = lint.n;
    return 0;
}

int lint_request(struct linter *linter, struct arena *arena, const struct lint_input *input, struct lint_finding **ret_findings,
                 size_t *ret_n)
{
    return run(linter, arena, input, ret_findings, ret_n);
}

int lint_headers(struct arena *arena, const struct lint_input *input, struct lint_finding **ret_findings, size_t *ret_n)
{
    return run(NULL, arena, input, ret_findings, ret_n);
}
