/*
 * The content of one part of a message in memory, without GMime's streams,
 * which copy: decoded where it is asked for, and long content by the piece.
 */
#include "mime/mime.h"
#include "mime/mime_gmime.h"

#include <errno.h>

#define STEP 65536 /* of encoded text at once */

struct encoded {
    struct source source; /* first */
    struct span text;
    GMimeContentEncoding encoding;
    /* where reading has come to: */
    uint64_t at;
    size_t taken; /* of text */
    GMimeEncoding state;
    char *piece;
    size_t len; /* of piece */
    char rest[STEP + 16]; /* decoded behind the piece */
    size_t rest_len;
};

static void rewind_to_start(struct encoded *encoded)
{
    g_mime_encoding_init_decode(&encoded->state, encoded->encoding);
    encoded->at = encoded->taken = encoded->len = encoded->rest_len = 0;
}

/* A step more, into rest. False: the end. */
static bool decode_step(struct encoded *encoded)
{
    size_t n = encoded->text.len - encoded->taken;

    if (n == 0)
        return false;
    n = n < STEP ? n : STEP;
    encoded->rest_len = g_mime_encoding_step(&encoded->state, encoded->text.ptr + encoded->taken, n, encoded->rest);
    encoded->taken += n;
    if (encoded->taken == encoded->text.len)
        encoded->rest_len += g_mime_encoding_flush(&encoded->state, "", 0, encoded->rest + encoded->rest_len);
    return true;
}

static void fill_piece(struct encoded *encoded)
{
    encoded->len = 0;
    do {
        size_t room = SOURCE_PIECE - encoded->len;
        size_t n = encoded->rest_len < room ? encoded->rest_len : room;
        memcpy(encoded->piece + encoded->len, encoded->rest, n);
        memmove(encoded->rest, encoded->rest + n, encoded->rest_len - n);
        encoded->len += n;
        encoded->rest_len -= n;
    } while (encoded->len < SOURCE_PIECE && decode_step(encoded));
}

static int read_piece(struct source *source, uint64_t at, struct span *ret_piece)
{
    struct encoded *encoded = (struct encoded *)source;

    if (at == 0)
        rewind_to_start(encoded);
    if (at != encoded->at)
        return -EINVAL;
    fill_piece(encoded);
    encoded->at += encoded->len;
    *ret_piece = (struct span){ encoded->piece, encoded->len };
    return 0;
}

/* Decodes it once to know its length. */
static int encoded_source(struct arena *arena, struct span text, GMimeContentEncoding encoding, struct source **ret_source)
{
    struct encoded *encoded = arena_alloc(arena, sizeof(*encoded));
    char *piece = arena_alloc(arena, SOURCE_PIECE);

    if (!encoded || !piece)
        return -ENOMEM;
    *encoded = (struct encoded){ .source = { .read = read_piece }, .text = text, .encoding = encoding, .piece = piece };
    rewind_to_start(encoded);
    while (decode_step(encoded))
        encoded->source.len += encoded->rest_len;
    *ret_source = &encoded->source;
    return 0;
}

static int decode_whole(struct arena *arena, struct span text, GMimeContentEncoding encoding, struct span *ret_bytes)
{
    GMimeEncoding state;

    g_mime_encoding_init_decode(&state, encoding);
    char *bytes = arena_alloc(arena, g_mime_encoding_outlen(&state, text.len) + 1);
    if (!bytes)
        return -ENOMEM;
    *ret_bytes = (struct span){ bytes, g_mime_encoding_flush(&state, text.ptr, text.len, bytes) };
    return 0;
}

/* Where the part's text stands in the message. False: it does not. */
static bool find_text(struct span message, GMimePart *part, struct span *ret_text)
{
    GMimeStream *stream = g_mime_data_wrapper_get_stream(g_mime_part_get_content(part));
    gint64 from = stream->bound_start, to = stream->bound_end;

    if (!GMIME_IS_STREAM_MEM(stream) || from < 0 || to < from || (uint64_t)to > message.len)
        return false;
    if ((const char *)g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream))->data != message.ptr)
        return false;
    *ret_text = (struct span){ message.ptr + from, (size_t)(to - from) };
    return true;
}

/* By GMime's own filters, which know where uuencoded text begins. */
static int filter(struct arena *arena, GMimePart *part, struct span *ret_bytes)
{
    CLEANUP(free_ptr_stream) GMimeStream *bytes = mime_part_bytes(part, true);

    return arena_copy(arena, bytes ? mime_stream_span(bytes) : SPAN(""), ret_bytes);
}

int mime_part_read(struct arena *arena, struct span message, GMimePart *part, struct source **ret_source, struct span *ret_bytes)
{
    GMimeContentEncoding encoding = g_mime_part_get_content_encoding(part);
    bool packed = encoding == GMIME_CONTENT_ENCODING_BASE64 || encoding == GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE;
    struct span text;

    if (!g_mime_part_get_content(part) || encoding == GMIME_CONTENT_ENCODING_UUENCODE || !find_text(message, part, &text))
        return filter(arena, part, ret_bytes);
    if (!packed && text.len >= MIME_LONG) {
        *ret_bytes = text;
        return 0;
    }
    if (!packed)
        return arena_copy(arena, text, ret_bytes);
    if (ret_source && text.len >= 2 * MIME_LONG) /* at least MIME_LONG of it, if it is base64 */
        return encoded_source(arena, text, encoding, ret_source);
    return decode_whole(arena, text, encoding, ret_bytes);
}
