/*
 * See mimeof.h.
 */
#include "ops/mimeof.h"

#include "mime/mime.h"

static int add_piece(void *arg, struct span piece)
{
    buf_add_span(arg, piece);
    return buf_error(arg);
}

int mime_of_item(const struct item *item, void *unused ATTR_UNUSED, struct buf *out)
{
    const struct mime_options options = { .keep_bcc = true };
    if (item->mime.len && !item->boundary_seed) /* never submitted: as the client gave it */
        return source_each(item->mime_source, item->mime, add_piece, out);
    int r = mime_write(item, &options, out);
    return r > 0 ? CODE_ErrorContentConversionFailed : r;
}

int mime_headers_of_item(const struct item *item, struct arena *arena, struct item_header_list *ret_headers)
{
    int r = mime_item_headers(item, arena, ret_headers);
    return r > 0 ? CODE_ErrorContentConversionFailed : r;
}
