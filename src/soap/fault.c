/*
 * What is written around answers: the envelope with its one header, and the
 * two shapes of a fault (protocol.md 1.6 and 1.8).
 */
#include "soap/envelope.h"

#define DECLARATION "<?xml version=\"1.0\" encoding=\"utf-8\"?>"

static void write_server(struct xml_writer *xw, const struct soap_server *server)
{
    xw_open(xw, "s:Header");
    xw_open(xw, "h:ServerVersionInfo");
    xw_attr_int(xw, "MajorVersion", server->major);
    xw_attr_int(xw, "MinorVersion", server->minor);
    xw_attr_int(xw, "MajorBuildNumber", server->major_build);
    xw_attr_int(xw, "MinorBuildNumber", server->minor_build);
    if (server->version.len)
        xw_attr(xw, "Version", server->version);
    xw_attr_str(xw, "xmlns:h", NS_TYPES);
    xw_close(xw);
    xw_close(xw);
}

void soap_envelope_begin(struct xml_writer *xw, const struct soap_server *server)
{
    xw_raw(xw, SPAN(DECLARATION));
    xw_open(xw, "s:Envelope");
    xw_attr_str(xw, "xmlns:s", NS_SOAP);
    xw_attr_str(xw, "xmlns:m", NS_MESSAGES);
    xw_attr_str(xw, "xmlns:t", NS_TYPES);
    write_server(xw, server);
    xw_open(xw, "s:Body");
}

void soap_envelope_end(struct xml_writer *xw)
{
    xw_close(xw);
    xw_close(xw);
}

/* MustUnderstand is SOAP's own code, not one of EWS. */
static bool is_soap_code(const struct soap_fault *fault)
{
    return span_is(fault->code, "MustUnderstand");
}

static void write_faultcode(struct xml_writer *xw, bool shape_2007, const struct soap_fault *fault)
{
    xw_open(xw, "faultcode");
    if (is_soap_code(fault)) {
        xw_text(xw, SPAN("s:"));
        xw_text(xw, fault->code);
    } else if (shape_2007) {
        xw_attr_str(xw, "xmlns:soap11", NS_SOAP);
        xw_text(xw, SPAN("soap11:Client"));
    } else {
        xw_attr_str(xw, "xmlns:a", NS_TYPES);
        xw_text(xw, SPAN("a:"));
        xw_text(xw, fault->code);
    }
    xw_close(xw);
}

static void error_leaf(struct xml_writer *xw, const char *name, struct span text)
{
    xw_open(xw, name);
    xw_attr_str(xw, "xmlns:e", NS_ERRORS);
    xw_text(xw, text);
    xw_close(xw);
}

static void write_message_xml(struct xml_writer *xw, const struct soap_fault *fault)
{
    if (!fault->line && fault->back_off_ms <= 0)
        return;
    xw_open(xw, "t:MessageXml");
    xw_attr_str(xw, "xmlns:t", NS_TYPES);
    if (fault->line) {
        xw_leaf_int(xw, "t:LineNumber", fault->line);
        xw_leaf_int(xw, "t:LinePosition", fault->position);
        xw_leaf(xw, "t:Violation", fault->violation);
    }
    if (fault->back_off_ms > 0) {
        struct buf number = BUF_INIT(24);

        xw_open(xw, "t:Value");
        xw_attr_str(xw, "Name", "BackOffMilliseconds");
        buf_add_u64(&number, (uint64_t)fault->back_off_ms);
        xw_text(xw, buf_span(&number));
        buf_done(&number);
        xw_close(xw);
    }
    xw_close(xw);
}

static void error_number(struct xml_writer *xw, const char *name, uint32_t number)
{
    struct buf text = BUF_INIT(24);

    buf_add_u64(&text, number);
    error_leaf(xw, name, buf_span(&text));
    buf_done(&text);
}

static void write_detail(struct xml_writer *xw, bool shape_2007, const struct soap_fault *fault)
{
    xw_open(xw, "detail");
    error_leaf(xw, "e:ResponseCode", is_soap_code(fault) ? SPAN("ErrorInvalidRequest") : fault->code);
    error_leaf(xw, "e:Message", fault->message.len ? fault->message : fault->text);
    if (!shape_2007) {
        write_message_xml(xw, fault);
    } else if (fault->line) {
        error_number(xw, "e:Line", fault->line);
        error_number(xw, "e:Position", fault->position);
    }
    xw_close(xw);
}

void soap_fault_write(struct buf *out, const struct soap_server *server, bool shape_2007, const struct soap_fault *fault)
{
    struct xml_writer xw;

    xw_init(&xw, out);
    xw_raw(&xw, SPAN(DECLARATION));
    xw_open(&xw, "s:Envelope");
    xw_attr_str(&xw, "xmlns:s", NS_SOAP);
    if (shape_2007)
        write_server(&xw, server);
    xw_open(&xw, "s:Body");
    xw_open(&xw, "s:Fault");
    write_faultcode(&xw, shape_2007, fault);
    xw_open(&xw, "faultstring");
    if (!shape_2007)
        xw_attr_str(&xw, "xml:lang", "en-US");
    xw_text(&xw, fault->text);
    xw_close(&xw);
    write_detail(&xw, shape_2007, fault);
    xw_close(&xw);
    soap_envelope_end(&xw);
}
