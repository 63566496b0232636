/*
 * A look at a text before the parser sees it: what could hurt the parser is
 * found here, in one cheap pass. A tag may be so many bytes long and hold 64 pairs;
 * DOCTYPE and other declarations are refused (SOAP 1.1 section 3 forbids
 * them); the text must claim no other encoding than UTF-8.
 */
#ifndef EWSD_SOAP_XML_SCAN_H
#define EWSD_SOAP_XML_SCAN_H

#include "base/base.h"

/* NULL when the text may be parsed; else what is wrong, and where. What is
 * not well formed beyond that is left to the parser. */
const char *xml_scan(struct span text, size_t tag_max, size_t *ret_offset);

#endif
