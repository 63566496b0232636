/*
 * The one include of GMime, and what its two users share. Inside src/mime only.
 */
#ifndef EWSD_MIME_MIME_GMIME_H
#define EWSD_MIME_MIME_GMIME_H

#include "base/arena.h"
#include "base/source.h"

#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpedantic"
#endif
#include <gmime/gmime.h>
#ifdef __clang__
#pragma clang diagnostic pop
#endif

static inline void mime_unref(void *object)
{
    if (object)
        g_object_unref(object);
}
DEFINE_CLEANUP(message, GMimeMessage *, mime_unref)
DEFINE_CLEANUP(stream, GMimeStream *, mime_unref)

/* NULL when it begins with no field, or nests too deep to be parsed safely. The
 * message refers to bytes. */
GMimeMessage *mime_parse(struct span bytes);
/* Nesting, parts and fields within the limits? (mime_guard.c) */
bool mime_structure_sane(struct span bytes);
/* Neighbouring encoded words as one, which GMime needs; NULL: nothing to do.
 * Freed by g_free. And in the fields of a message or part. (mime_words.c) */
char *mime_join_words(const char *text);
void mime_join_fields(GMimeObject *object);
/* What a part says, decoded: as a source when it is long, encoded, and one is
 * asked for; else as a span, of message where it stands there as it is, or in
 * the arena. message is what the part was parsed from. (mime_part.c) -ENOMEM. */
#define MIME_LONG 1048576
int mime_part_read(struct arena *arena, struct span message, GMimePart *part, struct source **ret_source, struct span *ret_bytes);
/* Decoded (or raw) bytes of a part, in a memory stream; NULL when there are none. */
GMimeStream *mime_part_bytes(GMimePart *part, bool decoded);
static inline struct span mime_stream_span(GMimeStream *stream)
{
    GByteArray *array = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
    return (struct span){ (const char *)array->data, array->len };
}

#endif
