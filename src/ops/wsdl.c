/*
 * See wsdl.h. Headers are messages of their own, as the published description
 * has them, so that tools let them be set.
 */
#include "ops/wsdl.h"

#include "soap/xml.h"

#define NS_WSDL "http://schemas.xmlsoap.org/wsdl/"
#define NS_WSDL_SOAP "http://schemas.xmlsoap.org/wsdl/soap/"
#define NS_SCHEMA "http://www.w3.org/2001/XMLSchema"

static const struct op_names {
    const char *name, *in, *out, *in_type, *out_type, *in_element, *out_element, *action;
} ops[] = {
#define OP(name, file, list, payload) \
    { #name, #name "SoapIn", #name "SoapOut", "tns:" #name "SoapIn", "tns:" #name "SoapOut", "tns:" #name, "tns:" #name "Response", \
      NS_MESSAGES "/" #name },
#include "ops/ops.def"
#undef OP
};

static const struct header {
    const char *part, *element;
} headers[] = {
    { "Impersonation", "t:ExchangeImpersonation" },     { "MailboxCulture", "t:MailboxCulture" },
    { "RequestVersion", "t:RequestServerVersion" },     { "TimeZoneContext", "t:TimeZoneContext" },
    { "DateTimePrecision", "t:DateTimePrecision" },     { "ServerVersion", "t:ServerVersionInfo" },
};
#define HEADERS_IN (ARRAY_LEN(headers) - 1) /* the last is of answers */

static void write_leaf(struct xml_writer *xw, const char *element, const char *name, const char *value)
{
    xw_open(xw, element);
    xw_attr_str(xw, name, value);
    xw_close(xw);
}

static void write_types(struct xml_writer *xw)
{
    static const struct {
        const char *ns, *file;
    } files[] = { { NS_MESSAGES, "messages.xsd" }, { NS_TYPES, "types.xsd" } };
    xw_open(xw, "wsdl:types");
    xw_open(xw, "xs:schema");
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        xw_open(xw, "xs:import");
        xw_attr_str(xw, "namespace", files[i].ns);
        xw_attr_str(xw, "schemaLocation", files[i].file);
        xw_close(xw);
    }
    xw_close(xw);
    xw_close(xw);
}

static void write_part(struct xml_writer *xw, const char *name, const char *element)
{
    xw_open(xw, "wsdl:part");
    xw_attr_str(xw, "name", name);
    xw_attr_str(xw, "element", element);
    xw_close(xw);
}

static void write_message(struct xml_writer *xw, const char *name, const char *part, const char *element)
{
    xw_open(xw, "wsdl:message");
    xw_attr_str(xw, "name", name);
    write_part(xw, part, element);
    xw_close(xw);
}

static void write_port(struct xml_writer *xw)
{
    xw_open(xw, "wsdl:portType");
    xw_attr_str(xw, "name", "ExchangeServicePortType");
    for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
        xw_open(xw, "wsdl:operation");
        xw_attr_str(xw, "name", ops[i].name);
        write_leaf(xw, "wsdl:input", "message", ops[i].in_type);
        write_leaf(xw, "wsdl:output", "message", ops[i].out_type);
        xw_close(xw);
    }
    xw_close(xw);
}

static void write_header(struct xml_writer *xw, const struct header *header)
{
    xw_open(xw, "soap:header");
    xw_attr_str(xw, "message", "tns:Headers");
    xw_attr_str(xw, "part", header->part);
    xw_attr_str(xw, "use", "literal");
    xw_close(xw);
}

static void write_bound(struct xml_writer *xw, const struct op_names *op)
{
    xw_open(xw, "wsdl:operation");
    xw_attr_str(xw, "name", op->name);
    write_leaf(xw, "soap:operation", "soapAction", op->action);
    xw_open(xw, "wsdl:input");
    for (size_t i = 0; i < HEADERS_IN; i++)
        write_header(xw, &headers[i]);
    xw_open(xw, "soap:body");
    xw_attr_str(xw, "parts", "request");
    xw_attr_str(xw, "use", "literal");
    xw_close(xw);
    xw_close(xw);
    xw_open(xw, "wsdl:output");
    xw_open(xw, "soap:body");
    xw_attr_str(xw, "parts", op->name);
    xw_attr_str(xw, "use", "literal");
    xw_close(xw);
    write_header(xw, &headers[HEADERS_IN]);
    xw_close(xw);
    xw_close(xw);
}

static void write_binding(struct xml_writer *xw)
{
    xw_open(xw, "wsdl:binding");
    xw_attr_str(xw, "name", "ExchangeServiceBinding");
    xw_attr_str(xw, "type", "tns:ExchangeServicePortType");
    xw_open(xw, "soap:binding");
    xw_attr_str(xw, "style", "document");
    xw_attr_str(xw, "transport", "http://schemas.xmlsoap.org/soap/http");
    xw_close(xw);
    for (size_t i = 0; i < ARRAY_LEN(ops); i++)
        write_bound(xw, &ops[i]);
    xw_close(xw);
}

void wsdl_write(struct buf *out)
{
    struct xml_writer xw;
    xw_init(&xw, out);
    buf_add_str(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?>");
    xw_open(&xw, "wsdl:definitions");
    xw_attr_str(&xw, "xmlns:wsdl", NS_WSDL);
    xw_attr_str(&xw, "xmlns:soap", NS_WSDL_SOAP);
    xw_attr_str(&xw, "xmlns:xs", NS_SCHEMA);
    xw_attr_str(&xw, "xmlns:t", NS_TYPES);
    xw_attr_str(&xw, "xmlns:tns", NS_MESSAGES);
    xw_attr_str(&xw, "targetNamespace", NS_MESSAGES);
    write_types(&xw);
    xw_open(&xw, "wsdl:message");
    xw_attr_str(&xw, "name", "Headers");
    for (size_t i = 0; i < ARRAY_LEN(headers); i++)
        write_part(&xw, headers[i].part, headers[i].element);
    xw_close(&xw);
    for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
        write_message(&xw, ops[i].in, "request", ops[i].in_element);
        write_message(&xw, ops[i].out, ops[i].name, ops[i].out_element);
    }
    write_port(&xw);
    write_binding(&xw);
    xw_close(&xw);
}
