/*
 * JSON strings (RFC 8259), escaped so that they may also stand inside HTML.
 */
#include "base/json.h"

static void add_char(struct buf *out, unsigned char c)
{
    if (c == '"' || c == '\\') {
        buf_add_char(out, '\\');
        buf_add_char(out, (char)c);
    } else if (c < 0x20 || c == 0x7f || c == '<' || c == '>' || c == '&') {
        buf_printf(out, "\\u%04x", c);
    } else {
        buf_add_char(out, (char)c);
    }
}

void json_add_string(struct buf *out, struct span text)
{
    bool utf8 = span_utf8_ok(text);

    buf_add_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c >= 0x80 && !utf8)
            buf_add_str(out, "\\ufffd");
        else
            add_char(out, c);
    }
    buf_add_char(out, '"');
}
