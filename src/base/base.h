/*
 * What every file of ewsd may rely on: attributes, the borrowed byte range
 * `struct span`, and automatic clean-up of handles.
 *
 * Errors, everywhere: 0 is success; a positive value is a documented, expected
 * condition that the caller must handle; a negative value (-errno) is fatal to
 * the work at hand and is passed up untouched. Outs are named ret_x, stand last
 * and are set only on success.
 */
#ifndef EWSD_BASE_BASE_H
#define EWSD_BASE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ATTR_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define ATTR_UNUSED __attribute__((unused))
#define ATTR_NODISCARD __attribute__((warn_unused_result))
#define CLEANUP(fn) __attribute__((cleanup(fn)))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Defines free_ptr_NAME for use as CLEANUP(free_ptr_NAME); FN takes NULL. */
#define DEFINE_CLEANUP(NAME, TYPE, FN)                   \
    static inline ATTR_UNUSED void free_ptr_##NAME(TYPE *p) \
    {                                                    \
        FN(*p);                                          \
    }

/* Borrowed bytes. ptr may be NULL only when len is 0. Not NUL-terminated
 * unless the function that gives it says so. */
struct span {
    const char *ptr;
    size_t len;
};

#define SPAN(literal) ((struct span){ (literal), sizeof(literal) - 1 })

static inline struct span span_of(const char *cstr)
{
    return (struct span){ cstr, cstr ? strlen(cstr) : 0 };
}

static inline bool span_eq(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool span_is(struct span a, const char *cstr)
{
    return span_eq(a, span_of(cstr));
}

bool span_eq_nocase(struct span a, struct span b); /* ASCII only */
bool span_starts(struct span a, struct span prefix);
struct span span_trim(struct span a);              /* XML white space */
/* Whole span is a decimal (or 0x hex when allow_hex) number within
 * [min, max]; returns false otherwise. */
bool span_int(struct span a, bool allow_hex, int64_t min, int64_t max, int64_t *ret_value);
/* xs:boolean: true, false, 1, 0. */
bool span_bool(struct span a, bool *ret_value);
/* Bytes that form well-formed UTF-8 without NUL. */
bool span_utf8_ok(struct span a);
/* Ends text before the first byte that is not well-formed UTF-8: what a buffer too
 * small for a message that quotes somebody left of a letter. */
void utf8_cut(char *text);

#endif
