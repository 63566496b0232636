/*
 * Headers are judged by hand: the schema sees the operation alone. A culture
 * may be any language tag, since all texts are English; what is no tag at all
 * is refused, as it can only be a mistake.
 */
#include "soap/soap_header.h"

#include "soap/soap_version.h"

#define TAG_MAX 64

static bool is_known(const struct xml_node *node)
{
    static const char *const known[] = { "RequestServerVersion", "MailboxCulture",    "ExchangeImpersonation",
                                         "TimeZoneContext",      "DateTimePrecision", "ManagementRole" };

    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (xml_is(node, XML_NS_T, known[i]))
            return true;
    return false;
}

static bool must_be_understood(const struct xml_node *node)
{
    for (size_t i = 0; i < node->n_attrs; i++) {
        struct span must = span_trim(node->attrs[i].value);

        if (node->attrs[i].ns == XML_NS_SOAP && span_is(node->attrs[i].name, "mustUnderstand") &&
            (span_is(must, "1") || span_is(must, "true")))
            return true;
    }
    return false;
}

int soap_header_begin(const struct xml_node *node, struct soap_request *request, struct soap_fault *ret_fault)
{
    if (!is_known(node)) {
        *ret_fault = soap_fault_make("MustUnderstand", "A header that must be understood is not known here.");
        return must_be_understood(node) ? SOAP_HEADER_FAULT : SOAP_HEADER_OK;
    }
    *ret_fault = soap_fault_make("ErrorDuplicateSOAPHeader", "A SOAP header was given more than once.");
    for (const struct xml_node *other = node->parent->child; other != node; other = other->next)
        if (other->ns == node->ns && span_eq(other->name, node->name))
            return SOAP_HEADER_FAULT;
    *ret_fault = soap_fault_make("ErrorInvalidServerVersion", "The specified server version is invalid.");
    if (span_is(node->name, "RequestServerVersion") && !soap_version_take(node, &request->version, &request->shape_2007))
        return SOAP_HEADER_FAULT;
    return SOAP_HEADER_OK;
}

/* RFC 3066: letters, then letters and digits, in parts of 1 to 8 behind hyphens. */
static bool is_language_tag(struct span tag)
{
    size_t part = 0, parts = 0;

    for (size_t i = 0; i <= tag.len; i++) {
        char c = i < tag.len ? tag.ptr[i] : '-';
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

        if (c == '-') {
            if (part == 0 || part > 8)
                return false;
            part = 0;
            parts++;
        } else if (letter || (parts > 0 && c >= '0' && c <= '9')) {
            part++;
        } else {
            return false;
        }
    }
    return tag.len <= TAG_MAX;
}

static int take_culture(const struct xml_node *header, struct soap_request *request, struct soap_fault *ret_fault)
{
    struct span culture = { "", 0 };

    (void)xml_child_text(header, "MailboxCulture", &culture);
    request->culture = span_trim(culture);
    *ret_fault = soap_fault_make("ErrorUnsupportedCulture", "The MailboxCulture is not a language tag.");
    return request->culture.len == 0 || is_language_tag(request->culture) ? SOAP_HEADER_OK : SOAP_HEADER_FAULT;
}

static int take_precision(struct arena *arena, const struct xml_node *header, struct soap_request *request,
                          const struct xml_node **ret_node, struct span *ret_text)
{
    const struct xml_node *node = xml_child(header, "DateTimePrecision");
    struct span value = node ? span_trim(node->text) : SPAN("Seconds");

    request->milliseconds = span_is(value, "Milliseconds");
    if (request->milliseconds || span_is(value, "Seconds"))
        return SOAP_HEADER_OK;
    *ret_node = node;
    int r = arena_printf(arena, ret_text,
                         "The '" NS_TYPES ":DateTimePrecision' element is invalid - The value '%.*s' is invalid according to its "
                         "datatype '" NS_TYPES ":DateTimePrecisionType' - The Enumeration constraint failed.",
                         (int)(value.len < 200 ? value.len : 200), value.ptr);
    return r ? r : SOAP_HEADER_INVALID;
}

int soap_headers_take(struct arena *arena, const struct xml_node *header, struct soap_request *request,
                      struct soap_fault *ret_fault, const struct xml_node **ret_node, struct span *ret_text)
{
    request->impersonation = xml_child(header, "ExchangeImpersonation");
    request->time_zone = xml_child(header, "TimeZoneContext");
    int r = take_culture(header, request, ret_fault);

    return r ? r : take_precision(arena, header, request, ret_node, ret_text);
}
