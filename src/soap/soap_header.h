/*
 * The SOAP headers of a request (protocol.md 1.4): which are known, and what
 * is wrong with one.
 */
#ifndef EWSD_SOAP_SOAP_HEADER_H
#define EWSD_SOAP_SOAP_HEADER_H

#include "soap/envelope.h"

enum { SOAP_HEADER_OK, SOAP_HEADER_FAULT, SOAP_HEADER_INVALID };

/* When the start of a header is read; its content is not there yet. Takes the
 * version into request. SOAP_HEADER_FAULT: ret_fault is set. */
int soap_header_begin(const struct xml_node *node, struct soap_request *request, struct soap_fault *ret_fault);
/* When all is read: takes the others. SOAP_HEADER_FAULT as above.
 * SOAP_HEADER_INVALID: ret_node violates the schema in the way that ret_text
 * says. -ENOMEM. */
int soap_headers_take(struct arena *arena, const struct xml_node *header, struct soap_request *request,
                      struct soap_fault *ret_fault, const struct xml_node **ret_node, struct span *ret_text);

#endif
