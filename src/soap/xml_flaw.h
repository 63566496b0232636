/*
 * The words for what is wrong with a request (protocol.md 1.8): libxml2's
 * findings said as EWS says them.
 */
#ifndef EWSD_SOAP_XML_FLAW_H
#define EWSD_SOAP_XML_FLAW_H

#include "soap/xml.h"

/* code and words are libxml2's, node is where it happened, text the whole
 * request. ret_offset is the start of the node's tag, or of the attribute. */
int xml_flaw_describe(struct arena *arena, int code, const char *words, const struct xml_node *node, struct span text,
                      struct span *ret_text, size_t *ret_offset);
int xml_flaw_malformed(struct arena *arena, int code, const char *words, uint32_t line, uint32_t position,
                       struct span *ret_text);
/* An element that stands where it must not; list may be empty. */
int xml_flaw_child(struct arena *arena, const struct xml_node *node, struct span *ret_text);

#endif
