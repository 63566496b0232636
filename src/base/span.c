/*
 * Questions about borrowed bytes: comparing, trimming, numbers, booleans and
 * whether they are UTF-8. ASCII only, independent of the locale.
 */
#include "base/base.h"

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

bool span_eq_nocase(struct span a, struct span b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.ptr[i]) != lower(b.ptr[i]))
            return false;
    return true;
}

bool span_starts(struct span a, struct span prefix)
{
    return a.len >= prefix.len && (prefix.len == 0 || memcmp(a.ptr, prefix.ptr, prefix.len) == 0);
}

static bool is_xml_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct span span_trim(struct span a)
{
    while (a.len > 0 && is_xml_space(a.ptr[0])) {
        a.ptr++;
        a.len--;
    }
    while (a.len > 0 && is_xml_space(a.ptr[a.len - 1]))
        a.len--;
    return a;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return 99;
}

bool span_int(struct span a, bool allow_hex, int64_t min, int64_t max, int64_t *ret_value)
{
    bool negative = a.len > 0 && a.ptr[0] == '-';
    size_t at = a.len > 0 && (a.ptr[0] == '-' || a.ptr[0] == '+') ? 1 : 0;
    int base = 10;
    int64_t value = 0;

    if (allow_hex && a.len >= at + 2 && a.ptr[at] == '0' && (a.ptr[at + 1] | 0x20) == 'x') {
        base = 16;
        at += 2;
    }
    if (at == a.len)
        return false;
    for (; at < a.len; at++) {
        int digit = digit_value(a.ptr[at]);
        if (digit >= base || __builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, negative ? -digit : digit, &value))
            return false;
    }
    if (value < min || value > max)
        return false;
    *ret_value = value;
    return true;
}

bool span_bool(struct span a, bool *ret_value)
{
    a = span_trim(a);
    if (span_is(a, "true") || span_is(a, "1"))
        *ret_value = true;
    else if (span_is(a, "false") || span_is(a, "0"))
        *ret_value = false;
    else
        return false;
    return true;
}

/* Bytes of the sequence that starts here, 0 when it is none (RFC 3629). */
static size_t utf8_sequence(const unsigned char *p, size_t left)
{
    size_t len = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;

    if (len == 0 || len > left || p[0] == 0)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
        (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return len;
}

/* How many bytes from p on are ASCII without NUL, in eights. */
static size_t ascii_run(const unsigned char *p, size_t len)
{
    const uint64_t high = UINT64_C(0x8080808080808080), ones = UINT64_C(0x0101010101010101);
    size_t at = 0;

    for (uint64_t word; len - at >= sizeof(word); at += sizeof(word)) {
        memcpy(&word, p + at, sizeof(word));
        if ((word | (word - ones)) & high)
            break;
    }
    return at;
}

/* How many bytes from the first on are. */
static size_t utf8_run(struct span a)
{
    const unsigned char *p = (const unsigned char *)a.ptr;

    for (size_t at = 0; at < a.len;) {
        at += ascii_run(p + at, a.len - at);
        if (at == a.len)
            break;
        size_t len = utf8_sequence(p + at, a.len - at);
        if (len == 0)
            return at;
        at += len;
    }
    return a.len;
}

bool span_utf8_ok(struct span a)
{
    return utf8_run(a) == a.len;
}

void utf8_cut(char *text)
{
    text[utf8_run(span_of(text))] = '\0';
}
