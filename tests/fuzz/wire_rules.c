/*
 * See wire_rules.h.
 */
#include "wire_rules.h"

#define LINE_MAX_BYTES 998

static struct span take_line(struct span *rest)
{
    const char *end = rest->len ? memchr(rest->ptr, '\n', rest->len) : NULL;
    size_t len = end ? (size_t)(end - rest->ptr) + 1 : rest->len;
    struct span line = { rest->ptr, len };
    *rest = (struct span){ rest->ptr + len, rest->len - len };
    return line;
}

static void check_line(struct span message, struct span line, bool eight_bit)
{
    bool ended = line.ptr[line.len - 1] == '\n';
    FUZZ_CHECK_TEXT(!ended || (line.len >= 2 && line.ptr[line.len - 2] == '\r'), message);
    size_t len = ended ? line.len - 2 : line.len;
    FUZZ_CHECK_TEXT(len <= LINE_MAX_BYTES, message);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)line.ptr[i];
        FUZZ_CHECK_TEXT(c != 0 && c != '\r' && (c < 0x80 || eight_bit), message);
    }
}

static bool is_folded(struct span line)
{
    return line.ptr[0] == ' ' || line.ptr[0] == '\t';
}

static bool is_end(struct span line)
{
    return line.len == 2 && line.ptr[0] == '\r';
}

bool wire_field(struct span *rest, struct span *ret_name)
{
    struct span line = take_line(rest);
    while (line.len && !is_end(line) && is_folded(line))
        line = take_line(rest);
    if (line.len == 0 || is_end(line))
        return false;
    const char *colon = memchr(line.ptr, ':', line.len);
    *ret_name = (struct span){ line.ptr, colon ? (size_t)(colon - line.ptr) : 0 };
    return true;
}

static void check_field_name(struct span message, struct span name)
{
    FUZZ_CHECK_TEXT(name.len > 0, message);
    for (size_t i = 0; i < name.len; i++)
        FUZZ_CHECK_TEXT(name.ptr[i] > ' ' && name.ptr[i] <= '~', message);
    FUZZ_CHECK_TEXT(!span_eq_nocase(name, SPAN("Bcc")) && !span_eq_nocase(name, SPAN("Resent-Bcc")), message);
}

void wire_check(struct span message, bool eight_bit)
{
    struct span rest = message, name;
    bool head = true;
    while (rest.len) {
        struct span line = take_line(&rest);
        check_line(message, line, eight_bit && !head);
        head = head && !is_end(line);
    }
    FUZZ_CHECK_TEXT(!head, message);
    rest = message;
    FUZZ_CHECK_TEXT(!is_folded(message), message);
    while (wire_field(&rest, &name))
        check_field_name(message, name);
}

size_t wire_count(struct span message, const char *name)
{
    struct span rest = message, found;
    size_t n = 0;
    while (wire_field(&rest, &found))
        n += span_eq_nocase(found, span_of(name)) ? 1 : 0;
    return n;
}
