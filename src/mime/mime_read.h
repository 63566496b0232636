/*
 * The two halves of mime_read: header and content. Inside src/mime only.
 */
#ifndef EWSD_MIME_MIME_READ_H
#define EWSD_MIME_MIME_READ_H

#include "mime/mime.h"
#include "mime/mime_gmime.h"

/* -ENOMEM. */
int mime_read_head(GMimeMessage *message, struct arena *arena, struct item *item);

#endif
