/*
 * Requests and answers at the SOAP level. The reader asks this file about
 * every node outside the operation: headers are judged as their nodes arrive,
 * the first child of Body decides what is called and is what the schema is
 * held against.
 */
#include "soap/envelope.h"

#include "soap/soap_check.h"
#include "soap/xml_flaw.h"
#include "soap/xml_read.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#define POOL_SIZE 64

struct soap {
    struct schema *schema;
    bool (*served)(struct span name);
    pthread_mutex_t lock; /* over the pool */
    struct xml_reader *pool[POOL_SIZE];
    size_t n_pool;
};

int soap_new(bool (*served)(struct span name), struct soap **ret_soap)
{
    struct soap *soap = calloc(1, sizeof(*soap));
    int r = soap ? schema_new(true, &soap->schema) : -ENOMEM;

    if (r < 0) {
        free(soap);
        return r;
    }
    soap->served = served;
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
        return xml_reader_new(soap->schema, ret_reader);
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
    if (node->ns == XML_NS_M && watcher->soap->served(node->name))
        return XML_VERDICT_VALIDATE;
    fault = soap_fault_make("ErrorInvalidOperation", "");
    watcher->out_of_memory = arena_printf(watcher->arena, &fault.text,
                                          "The operation '%.*s' in namespace '%.*s' is not served here.",
                                          (int)node->name.len, node->name.ptr, (int)node->uri.len,
                                          node->uri.ptr) < 0;
    return refuse(watcher, fault);
}

static bool is_known_header(const struct xml_node *node)
{
    static const char *const known[] = { "RequestServerVersion", "MailboxCulture",    "ExchangeImpersonation",
                                         "TimeZoneContext",      "DateTimePrecision", "ManagementRole" };

    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (xml_is(node, XML_NS_T, known[i]))
            return true;
    return false;
}

static enum xml_verdict watch_header(struct watcher *watcher, const struct xml_node *node)
{
    struct span must;

    if (!is_known_header(node)) {
        for (size_t i = 0; i < node->n_attrs; i++) {
            must = span_trim(node->attrs[i].value);
            if (node->attrs[i].ns == XML_NS_SOAP && span_is(node->attrs[i].name, "mustUnderstand") &&
                (span_is(must, "1") || span_is(must, "true")))
                return refuse(watcher, (struct soap_fault){ .code = SPAN("MustUnderstand"),
                                                            .text = SPAN("A header that must be understood is not "
                                                                         "known here.") });
        }
        return XML_VERDICT_GO_ON;
    }
    for (const struct xml_node *other = node->parent->child; other != node; other = other->next)
        if (other->ns == node->ns && span_eq(other->name, node->name))
            return refuse(watcher, soap_fault_make("ErrorDuplicateSOAPHeader",
                                                   "A SOAP header was given more than once."));
    if (span_is(node->name, "RequestServerVersion") &&
        !soap_version_take(node, &watcher->request->version, &watcher->request->shape_2007))
        return refuse(watcher,
                      soap_fault_make("ErrorInvalidServerVersion", "The specified server version is invalid."));
    return XML_VERDICT_GO_ON;
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

static void take_headers(const struct xml_node *root, struct soap_request *request)
{
    const struct xml_node *header = root->child;
    const struct xml_node *precision;

    if (!xml_is(header, XML_NS_SOAP, "Header"))
        return;
    request->impersonation = xml_child(header, "ExchangeImpersonation");
    request->time_zone = xml_child(header, "TimeZoneContext");
    if (!xml_child_text(header, "MailboxCulture", &request->culture))
        request->culture = (struct span){ "", 0 };
    request->culture = span_trim(request->culture);
    precision = xml_child(header, "DateTimePrecision");
    request->milliseconds = precision && span_is(span_trim(precision->text), "Milliseconds");
}

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

/* After a tree that read well: what the schema could not say. */
static int finish(struct watcher *watcher, const struct xml_node *root, const struct xml_source *source)
{
    const struct xml_node *twice = NULL;
    struct xml_flaw flaw = { .well_formed = true };

    if (watcher->foreign) {
        flaw.text = SPAN("The root element is no Envelope of SOAP 1.1.");
        xml_locate(source, root->offset, &flaw.line, &flaw.position);
        int r = schema_fault(watcher->arena, &flaw, watcher->fault);
        return r < 0 ? r : SOAP_FAULT;
    }
    take_headers(root, watcher->request);
    if (!watcher->request->operation) {
        *watcher->fault = soap_fault_make("ErrorInvalidRequest", "The request is invalid.");
        return SOAP_FAULT;
    }
    twice = soap_find_twice(watcher->request->operation);
    if (!twice)
        return 0;
    xml_locate(source, twice->offset, &flaw.line, &flaw.position);
    int r = xml_flaw_child(watcher->arena, twice, &flaw.text);

    if (r == 0)
        r = schema_fault(watcher->arena, &flaw, watcher->fault);
    return r < 0 ? r : SOAP_FAULT;
}

int soap_parse(struct soap *soap, struct buf *body, struct arena *arena, struct soap_request *ret_request,
               struct soap_fault *ret_fault)
{
    struct watcher watcher = { .soap = soap, .arena = arena, .request = ret_request, .fault = ret_fault };
    struct xml_watch watch = { watch_node, &watcher };
    struct xml_reader *reader;
    struct xml_node *root = NULL;
    struct xml_flaw flaw;

    buf_add_char(body, 0);
    if (buf_error(body))
        return buf_error(body);
    struct xml_source source = { .text = body->ptr, .len = --body->len };
    int r = borrow_reader(soap, &reader);
    if (r < 0)
        return r;
    *ret_request = (struct soap_request){ .version = SPAN("Exchange2007_SP1") };
    r = xml_read(reader, &source, arena, &watch, &root, &flaw);
    return_reader(soap, reader);
    if (r < 0 || watcher.out_of_memory)
        return r < 0 ? r : -ENOMEM;
    if (r == XML_READ_FLAWED) {
        r = schema_fault(arena, &flaw, ret_fault);
        return r < 0 ? r : SOAP_FAULT;
    }
    return watcher.refused ? SOAP_FAULT : finish(&watcher, root, &source);
}
