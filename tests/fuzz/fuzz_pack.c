/*
 * Any bytes as the blob of an item's rare properties: unpacking ends with an
 * item or -EBADMSG; an item packed, unpacked and packed again is the same
 * bytes.
 */
#include "fuzz.h"

#include "model/item.h"

#include <errno.h>

static int unpack(struct arena *arena, struct span blob, struct item *ret_item)
{
    item_init(ret_item);
    return item_unpack(arena, blob, ret_item);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = fuzz_arena(256u << 20);
    struct buf once = BUF_INIT(64u << 20), twice = BUF_INIT(64u << 20);
    struct item item;
    int r = unpack(arena, (struct span){ (const char *)data, size }, &item);
    FUZZ_CHECK(r == 0 || r == -EBADMSG);
    if (r == 0) {
        item_pack(&item, &once);
        FUZZ_CHECK(buf_error(&once) == 0);
        FUZZ_CHECK(unpack(arena, buf_span(&once), &item) == 0);
        item_pack(&item, &twice);
        FUZZ_CHECK(span_eq(buf_span(&once), buf_span(&twice)));
    }
    buf_done(&once);
    buf_done(&twice);
    arena_free(arena);
    return 0;
}
