/*
 * Rules of requests that the schema cannot say.
 */
#ifndef EWSD_SOAP_SOAP_CHECK_H
#define EWSD_SOAP_SOAP_CHECK_H

#include "soap/xml.h"

/* The first element that an item holds twice (the lenient schema allows any
 * order and cannot forbid that), or NULL. */
const struct xml_node *soap_find_twice(const struct xml_node *operation);

#endif
