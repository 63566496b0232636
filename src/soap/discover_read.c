/*
 * The questions of discover.h. The reader of requests reads them, so what is
 * hostile as XML is refused as there; names of elements count together with
 * their namespaces, prefixes are free.
 */
#include "soap/discover.h"
#include "soap/xml_read.h"

#include <errno.h>

#define NS_POX_REQUEST "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"
#define NS_POX_ANSWER "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
#define NS_DISCOVER "http://schemas.microsoft.com/exchange/2010/Autodiscover"

static const struct xml_limits limits = { .depth = 16, .tag = 4096 };

/* 1: it is no XML. */
static int read_xml(struct arena *arena, struct buf *body, struct xml_node **ret_root)
{
    struct xml_reader *reader;
    struct xml_flaw flaw;
    buf_add_char(body, 0);
    int r = buf_error(body);
    if (r == 0)
        r = xml_reader_new(NULL, limits, &reader);
    if (r)
        return r;
    struct xml_source source = { .text = body->ptr, .len = body->len - 1 };
    r = xml_read(reader, &source, arena, NULL, ret_root, &flaw);
    xml_reader_free(reader);
    return r;
}

static bool is(const struct xml_node *node, const char *uri, const char *name)
{
    return node && span_is(node->name, name) && span_is(node->uri, uri);
}

static const struct xml_node *child(const struct xml_node *node, const char *uri, const char *name)
{
    for (const struct xml_node *c = node ? node->child : NULL; c; c = c->next)
        if (is(c, uri, name))
            return c;
    return NULL;
}

int discover_pox_read(struct arena *arena, struct buf *body, struct span *ret_address)
{
    struct xml_node *root;
    int r = read_xml(arena, body, &root);
    if (r)
        return r > 0 ? DISCOVER_INVALID : r;
    const struct xml_node *request = is(root, NS_POX_REQUEST, "Autodiscover") ? child(root, NS_POX_REQUEST, "Request") : NULL;
    const struct xml_node *address = child(request, NS_POX_REQUEST, "EMailAddress");
    const struct xml_node *schema = child(request, NS_POX_REQUEST, "AcceptableResponseSchema");
    if (!address || !schema)
        return DISCOVER_INVALID;
    if (!span_is(span_trim(schema->text), NS_POX_ANSWER))
        return DISCOVER_NO_PROVIDER;
    *ret_address = span_trim(address->text);
    return 0;
}

/* ---- SOAP ---- */

static const struct question {
    const char *request, *list, *one, *name; /* elements; name is NULL where one has the text itself */
} questions[] = {
    [DISCOVER_USER_SETTINGS] = { "GetUserSettingsRequestMessage", "Users", "User", "Mailbox" },
    [DISCOVER_DOMAIN_SETTINGS] = { "GetDomainSettingsRequestMessage", "Domains", "Domain", NULL },
};

/* Texts of the children of a list, at most max. */
static int read_list(struct arena *arena, const struct xml_node *list, const char *one, const char *name, size_t max,
                     struct span **ret_texts, size_t *ret_n, bool *too_many)
{
    struct span *texts = arena_array(arena, max, sizeof(*texts));
    size_t n = 0;
    if (!texts)
        return -ENOMEM;
    for (const struct xml_node *c = list ? list->child : NULL; c; c = c->next) {
        const struct xml_node *node = !is(c, NS_DISCOVER, one) ? NULL : name ? child(c, NS_DISCOVER, name) : c;
        if (node && n == max)
            *too_many = true;
        else if (node)
            texts[n++] = span_trim(node->text);
    }
    *ret_texts = texts;
    *ret_n = n;
    return 0;
}

static int read_question(struct arena *arena, const struct xml_node *message, enum discover_question which,
                         struct discover_request *ret_request)
{
    const struct question *question = &questions[which];
    const struct xml_node *request = child(message, NS_DISCOVER, "Request");
    struct discover_request read = { .question = which };
    int r = read_list(arena, child(request, NS_DISCOVER, question->list), question->one, question->name, DISCOVER_USERS_MAX, &read.asked,
                      &read.asked_n, &read.too_many);
    if (r == 0)
        r = read_list(arena, child(request, NS_DISCOVER, "RequestedSettings"), "Setting", NULL, DISCOVER_SETTINGS_MAX, &read.settings,
                      &read.settings_n, &read.too_many);
    if (r == 0)
        *ret_request = read;
    return r;
}

int discover_soap_read(struct arena *arena, struct buf *body, struct discover_request *ret_request, struct soap_fault *ret_fault)
{
    struct xml_node *root;
    int r = read_xml(arena, body, &root);
    if (r < 0)
        return r;
    const struct xml_node *soap_body = r == 0 && is(root, NS_SOAP, "Envelope") ? child(root, NS_SOAP, "Body") : NULL;
    if (!soap_body || !soap_body->child) {
        *ret_fault = soap_fault_make("ErrorSchemaValidation", "The request is no SOAP 1.1 envelope with a message in its body.");
        return DISCOVER_FAULT;
    }
    for (size_t i = 0; i < ARRAY_LEN(questions); i++)
        if (is(soap_body->child, NS_DISCOVER, questions[i].request))
            return read_question(arena, soap_body->child, (enum discover_question)i, ret_request);
    *ret_fault = soap_fault_make("ErrorInvalidOperation", "");
    r = arena_printf(arena, &ret_fault->text, "The operation '%.*s' is not served here.", (int)soap_body->child->name.len,
                     soap_body->child->name.ptr);
    return r ? r : DISCOVER_FAULT;
}
