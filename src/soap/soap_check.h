/*
 * Rules of requests that the schema cannot say.
 */
#ifndef EWSD_SOAP_SOAP_CHECK_H
#define EWSD_SOAP_SOAP_CHECK_H

#include "soap/xml.h"

/* The header's Version, when it is one of protocol.md 1.5 (or V20...).
 * false: it is not. */
bool soap_version_take(const struct xml_node *header, struct span *ret_version, bool *ret_shape_2007);
/* The first element that an item holds twice (the lenient schema allows any
 * order and cannot forbid that), or NULL. */
const struct xml_node *soap_find_twice(const struct xml_node *operation);

#endif
