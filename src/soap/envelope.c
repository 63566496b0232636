/*
 * Requests and answers at the SOAP level. The reader asks this file about
 * every node outside the operation: headers are judged as their nodes arrive,
 * the first child of Body decides what is called and is what the schema is
 * held against.
 */
#include "soap/envelope.h"

#include "soap/soap_check.h"
#include "soap/soap_header.h"
#include "soap/soap_version.h"
#include "soap/xml_flaw.h"
#include "soap/xml_read.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#define POOL_SIZE 64

struct soap {
    struct schema *schema;
    struct soap_rules rules;
    pthread_mutex_t lock; /* over the pool */
    struct xml_reader *pool[POOL_SIZE];
    size_t n_pool;
};

int soap_new(const struct soap_rules *rules, struct soap **ret_soap)
{
    struct soap *soap = calloc(1, sizeof(*soap));
    int r = soap ? schema_new(!rules->strict_order, &soap->schema) : -ENOMEM;

    if (r < 0) {
        free(soap);
        return r;
    }
    soap->rules = *rules;
    pthread_mutex_init(&soap->lock, NULL);
    *ret_soap = soap;
    return 0;
}

void soap_free(struct soap *soap)
{
    if (!soap)
        return;
    for (size_t i = 0; i < soap->n_pool; i++)
        xml_reader_free(soap->pool[i]);
    pthread_mutex_destroy(&soap->lock);
    schema_free(soap->schema);
    free(soap);
}

static int borrow_reader(struct soap *soap, struct xml_reader **ret_reader)
{
    struct xml_reader *reader = NULL;

    pthread_mutex_lock(&soap->lock);
    if (soap->n_pool)
        reader = soap->pool[--soap->n_pool];
    pthread_mutex_unlock(&soap->lock);
    if (!reader)
        return xml_reader_new(soap->schema, soap->rules.limits, ret_reader);
    *ret_reader = reader;
    return 0;
}

static void return_reader(struct soap *soap, struct xml_reader *reader)
{
    if (xml_reader_fresh(reader)) {
        pthread_mutex_lock(&soap->lock);
        if (soap->n_pool < POOL_SIZE) {
            soap->pool[soap->n_pool++] = reader;
            reader = NULL;
        }
        pthread_mutex_unlock(&soap->lock);
    }
    xml_reader_free(reader);
}

struct soap_fault soap_fault_make(const char *code, const char *text)
{
    return (struct soap_fault){ .code = span_of(code), .text = span_of(text) };
}

/* ---- what stands outside the operation ---- */

struct watcher {
    struct soap *soap;
    struct arena *arena;
    struct soap_request *request;
    struct soap_fault *fault;
    void (*told)(void *arg, const struct xml_flaw *flaw); /* or NULL */
    void *told_arg;
    bool out_of_memory;
    bool refused; /* fault is set; nothing more is judged */
    bool foreign; /* the root is no SOAP 1.1 envelope */
};

/* The rest is still read: what is no XML at all is said first. */
static enum xml_verdict refuse(struct watcher *watcher, struct soap_fault fault)
{
    *watcher->fault = fault;
    watcher->refused = true;
    return XML_VERDICT_GO_ON;
}

static enum xml_verdict watch_operation(struct watcher *watcher, const struct xml_node *node)
{
    struct soap_fault fault;

    if (watcher->request->operation)
        return refuse(watcher, soap_fault_make("ErrorInvalidRequest", "The request is invalid."));
    watcher->request->operation = node;
    if (node->ns == XML_NS_M && watcher->soap->rules.served(node->name))
        return XML_VERDICT_VALIDATE;
    fault = soap_fault_make("ErrorInvalidOperation", "");
    watcher->out_of_memory = arena_printf(watcher->arena, &fault.text,
                                          "The operation '%.*s' in namespace '%.*s' is not served here.",
                                          (int)node->name.len, node->name.ptr, (int)node->uri.len,
                                          node->uri.ptr) < 0;
    return refuse(watcher, fault);
}

static enum xml_verdict watch_header(struct watcher *watcher, const struct xml_node *node)
{
    struct soap_fault fault;

    return soap_header_begin(node, watcher->request, &fault) ? refuse(watcher, fault) : XML_VERDICT_GO_ON;
}

/* Called for each node up to the operation. */
static enum xml_verdict watch_node(void *arg, const struct xml_node *node)
{
    struct watcher *watcher = arg;
    const struct xml_node *parent = node->parent;

    if (!parent) {
        watcher->foreign = !xml_is(node, XML_NS_SOAP, "Envelope");
        return XML_VERDICT_GO_ON; /* it may turn out to be no XML at all */
    }
    if (watcher->foreign || watcher->refused)
        return XML_VERDICT_GO_ON;
    if (xml_is(parent, XML_NS_SOAP, "Header") && parent->parent && !parent->parent->parent)
        return watch_header(watcher, node);
    if (xml_is(parent, XML_NS_SOAP, "Body") && parent->parent && !parent->parent->parent)
        return watch_operation(watcher, node);
    return XML_VERDICT_GO_ON;
}

/* ---- the whole request ---- */

static int schema_fault(struct arena *arena, const struct xml_flaw *flaw, struct soap_fault *fault)
{
    static const char prefix[] = "The request failed schema validation: ";

    *fault = (struct soap_fault){
        .code = SPAN("ErrorSchemaValidation"),
        .message = SPAN("The request failed schema validation."),
        .violation = flaw->text,
        .line = flaw->line,
        .position = flaw->position,
    };
    return arena_printf(arena, &fault->text, "%s%.*s", prefix, (int)flaw->text.len, flaw->text.ptr);
}

static int schema_fault_at(struct watcher *watcher, const struct xml_source *source, const struct xml_node *node, struct span text)
{
    struct xml_flaw flaw = { .well_formed = true, .text = text };

    xml_locate(source, node->offset, &flaw.line, &flaw.position);
    int r = schema_fault(watcher->arena, &flaw, watcher->fault);
    return r < 0 ? r : SOAP_FAULT;
}

/* The first element that an item holds twice: the lenient schema, which knows no
 * order, cannot forbid that. */
static int check_twice(struct watcher *watcher, const struct xml_source *source)
{
    const struct xml_node *twice = soap_find_twice(watcher->request->operation);
    struct span text;
    int r = twice ? xml_flaw_child(watcher->arena, twice, &text) : 0;

    return r < 0 || !twice ? r : schema_fault_at(watcher, source, twice, text);
}

static int check_version(struct watcher *watcher)
{
    const struct soap_request *request = watcher->request;
    struct soap_newer newer;

    if (!watcher->soap->rules.version_gate || !soap_version_find_newer(request->operation, request->version, &newer))
        return 0;
    *watcher->fault = soap_fault_make("ErrorIncorrectSchemaVersion", "");
    int r = arena_printf(watcher->arena, &watcher->fault->text,
                         "The request has '%.*s', which came with %s, but is made for %.*s: RequestServerVersion must have Version "
                         "%s or a later one.",
                         (int)newer.name.len, newer.name.ptr, newer.since, (int)request->version.len, request->version.ptr,
                         newer.since);
    return r < 0 ? r : SOAP_FAULT;
}

static int take_headers(struct watcher *watcher, const struct xml_node *root, const struct xml_source *source)
{
    const struct xml_node *node;
    struct span text;

    if (!xml_is(root->child, XML_NS_SOAP, "Header"))
        return 0;
    int r = soap_headers_take(watcher->arena, root->child, watcher->request, watcher->fault, &node, &text);
    if (r == SOAP_HEADER_INVALID)
        return schema_fault_at(watcher, source, node, text);
    return r == SOAP_HEADER_FAULT ? SOAP_FAULT : r;
}

/* After a tree that read well: what the schema could not say. */
static int finish(struct watcher *watcher, const struct xml_node *root, const struct xml_source *source)
{
    if (watcher->foreign)
        return schema_fault_at(watcher, source, root, SPAN("The root element is no Envelope of SOAP 1.1."));
    int r = take_headers(watcher, root, source);
    if (r)
        return r;
    if (!watcher->request->operation) {
        *watcher->fault = soap_fault_make("ErrorInvalidRequest", "The request is invalid.");
        return SOAP_FAULT;
    }
    r = check_twice(watcher, source);
    return r ? r : check_version(watcher);
}

static void tell(void *arg, const struct xml_flaw *flaw)
{
    const struct watcher *watcher = arg;

    watcher->told(watcher->told_arg, flaw);
}

static int flawed(const struct watcher *watcher, const struct xml_flaw *flaw)
{
    if (!watcher->told)
        return schema_fault(watcher->arena, flaw, watcher->fault);
    *watcher->fault = (struct soap_fault){ 0 };
    watcher->told(watcher->told_arg, flaw);
    return 0;
}

static int parse(struct watcher *watcher, struct buf *body)
{
    const struct xml_watch watch = { .start = watch_node, .flawed = watcher->told ? tell : NULL, .arg = watcher };
    struct xml_reader *reader;
    struct xml_node *root = NULL;
    struct xml_flaw flaw;

    buf_add_char(body, 0);
    if (buf_error(body))
        return buf_error(body);
    struct xml_source source = { .text = body->ptr, .len = --body->len };
    int r = borrow_reader(watcher->soap, &reader);
    if (r < 0)
        return r;
    *watcher->request = (struct soap_request){ .version = SPAN("Exchange2007_SP1") };
    r = xml_read(reader, &source, watcher->arena, &watch, &root, &flaw);
    return_reader(watcher->soap, reader);
    if (r < 0 || watcher->out_of_memory)
        return r < 0 ? r : -ENOMEM;
    if (r == XML_READ_FLAWED) {
        r = flawed(watcher, &flaw);
        return r < 0 ? r : SOAP_FAULT;
    }
    return watcher->refused ? SOAP_FAULT : finish(watcher, root, &source);
}

int soap_parse(struct soap *soap, struct buf *body, struct arena *arena, struct soap_request *ret_request,
               struct soap_fault *ret_fault)
{
    struct watcher watcher = { .soap = soap, .arena = arena, .request = ret_request, .fault = ret_fault };

    return parse(&watcher, body);
}

int soap_parse_all(struct soap *soap, struct buf *body, struct arena *arena, void (*told)(void *arg, const struct xml_flaw *flaw),
                   void *arg, struct soap_request *ret_request, struct soap_fault *ret_fault)
{
    struct watcher watcher = { .soap = soap, .arena = arena, .request = ret_request, .fault = ret_fault, .told = told, .told_arg = arg };

    return parse(&watcher, body);
}
