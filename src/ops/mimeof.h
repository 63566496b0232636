/*
 * The MimeContent of an item, for struct shape_mime: as the client gave it, or
 * as it would be sent.
 */
#ifndef EWSD_OPS_MIMEOF_H
#define EWSD_OPS_MIMEOF_H

#include "base/buf.h"
#include "model/item.h"

/* Straight into the answer, which has room for it: a long message is not in
 * memory besides. CODE_ErrorContentConversionFailed. */
int mime_of_item(const struct item *item, void *unused, struct buf *out);
/* The header of that. CODE_ErrorContentConversionFailed. */
int mime_headers_of_item(const struct item *item, struct arena *arena, struct item_header_list *ret_headers);

#endif
