/*
 * RequestServerVersion (protocol.md 1.5, 1.7; decisions 23): which versions
 * there are, and what is newer than one of them.
 */
#ifndef EWSD_SOAP_SOAP_VERSION_H
#define EWSD_SOAP_SOAP_VERSION_H

#include "soap/xml.h"

/* The header's Version, when there is such a version. False: there is not. */
bool soap_version_take(const struct xml_node *header, struct span *ret_version, bool *ret_shape_2007);

/* Something in a request that is newer than the request's version. */
struct soap_newer {
    const struct xml_node *node; /* where */
    struct span name;
    const char *since;           /* the version that it came with */
};
/* The first of them in the operation; false when there is none. version is one
 * that soap_version_take gave. */
bool soap_version_find_newer(const struct xml_node *operation, struct span version, struct soap_newer *ret_newer);
/* The same behind a node of it. */
bool soap_version_next_newer(const struct xml_node *operation, const struct xml_node *after, struct span version,
                             struct soap_newer *ret_newer);

#endif
