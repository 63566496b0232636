/*
 * Any bytes as a message: reading ends with an item or a code; what was read,
 * and the bytes edited as a supplied message, can be written by the rules of
 * the wire, with one From and one Message-ID, which are the item's.
 */
#include "wire_rules.h"

#include "mime/mime.h"

static void write_item(const struct item *item, bool eight_bit)
{
    struct buf out = BUF_INIT(64u << 20);
    struct mime_options options = { .eight_bit = eight_bit };
    if (mime_write(item, &options, &out) == 0) {
        wire_check(buf_span(&out), eight_bit);
        FUZZ_CHECK_TEXT(wire_count(buf_span(&out), "From") == 1 && wire_count(buf_span(&out), "Message-ID") == 1, buf_span(&out));
    }
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    struct span bytes = { (const char *)data, size };
    struct item_header_list headers;
    struct item item;
    if (!ready)
        mime_init();
    ready = true;
    struct arena *arena = fuzz_arena(256u << 20);
    int r = mime_read(bytes, arena, &item);
    FUZZ_CHECK(r >= 0);
    (void)mime_headers(bytes, arena, &headers);
    if (r == 0) {
        item.from = (struct rcpt){ .address = SPAN("alice@example.test") };
        item.sender = (struct rcpt){ 0 };
        item.message_id = SPAN("<0123@example.test>");
        write_item(&item, false);
        item.mime = bytes;
        write_item(&item, false);
        write_item(&item, true);
    }
    arena_free(arena);
    return 0;
}
