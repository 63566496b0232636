/*
 * Any bytes as a message: reading ends with an item or a code; what was read,
 * and the bytes edited as a supplied message, can be written as CRLF lines of
 * 7-bit text.
 */
#include "mime/mime.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_wire(struct span text)
{
    size_t column = 0;

    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c >= 0x80 || c == 0 || (c == '\r' && (i + 1 == text.len || text.ptr[i + 1] != '\n')) ||
            (c == '\n' && (i == 0 || text.ptr[i - 1] != '\r')))
            abort();
        column = c == '\n' ? 0 : column + 1;
        if (column > 999)
            abort();
    }
}

static void write_item(const struct item *item)
{
    struct buf out = BUF_INIT(64u << 20);
    struct mime_options options = { .keep_bcc = false };

    if (mime_write(item, &options, &out) == 0)
        check_wire(buf_span(&out));
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    struct span bytes = { (const char *)data, size };
    struct arena *arena;
    struct item item;

    if (!ready)
        mime_init();
    ready = true;
    if (arena_new(256u << 20, &arena) != 0)
        abort();
    if (mime_read(bytes, arena, &item) == 0) {
        write_item(&item);
        item.mime = bytes;
        write_item(&item);
    }
    arena_free(arena);
    return 0;
}
