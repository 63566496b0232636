/*
 * JSON strings (RFC 8259), escaped so that they may also stand inside HTML.
 */
#include "base/json.h"

#include "base/when.h"

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

void json_add_comma(struct buf *out)
{
    char last = out->len ? out->ptr[out->len - 1] : '[';

    if (last != '{' && last != '[' && last != ':')
        buf_add_char(out, ',');
}

void json_add_key(struct buf *out, const char *name)
{
    json_add_comma(out);
    if (!name)
        return;
    json_add_string(out, span_of(name));
    buf_add_char(out, ':');
}

void json_add_text(struct buf *out, const char *name, struct span text)
{
    json_add_key(out, name);
    json_add_string(out, text);
}

void json_add_number(struct buf *out, const char *name, uint64_t value)
{
    json_add_key(out, name);
    buf_add_u64(out, value);
}

void json_add_bool(struct buf *out, const char *name, bool value)
{
    json_add_key(out, name);
    buf_add_str(out, value ? "true" : "false");
}

void json_add_null(struct buf *out, const char *name)
{
    json_add_key(out, name);
    buf_add_str(out, "null");
}

void json_add_time(struct buf *out, const char *name, int64_t at)
{
    char text[WHEN_XS_SIZE];

    if (at == WHEN_NONE) {
        json_add_null(out, name);
        return;
    }
    when_format_xs(at, text);
    json_add_text(out, name, span_of(text));
}

void json_add_open(struct buf *out, const char *name, char open)
{
    json_add_key(out, name);
    buf_add_char(out, open);
}
