/*
 * The description of the service (WSDL 1.1): the operations of ops.def and no
 * others, over the schema files beside it. It names no address: clients put in
 * the one that they got it from.
 */
#ifndef EWSD_OPS_WSDL_H
#define EWSD_OPS_WSDL_H

#include "base/buf.h"

void wsdl_write(struct buf *out);

#endif
