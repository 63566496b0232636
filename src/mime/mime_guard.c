/*
 * A look at a message before the parser, which descends into parts by calling
 * itself: one pass over the lines with a small stack of open boundaries tells
 * how deep and how many they are.
 */
#include "mime/mime_util.h"

#include <gmime/gmime.h>

#define BOUNDARY_MAX 256
#define HEADERS_MAX 5000u
#define COLONS_MAX 10000u

struct guard {
    char boundary[MIME_DEPTH_MAX][BOUNDARY_MAX]; /* empty: message/rfc822 */
    size_t depth;
    size_t parts;
    bool is_message; /* the header being read announces a message */
};

static bool push(struct guard *guard, const char *boundary)
{
    if (guard->depth == MIME_DEPTH_MAX || strlen(boundary) >= BOUNDARY_MAX)
        return false;
    memcpy(guard->boundary[guard->depth++], boundary, strlen(boundary) + 1);
    return true;
}

static bool note_type(struct guard *guard, struct span value)
{
    char *text = g_strndup(value.ptr, value.len);
    GMimeContentType *type = value.len > 65536 ? NULL : g_mime_content_type_parse(NULL, text);
    const char *boundary = type ? g_mime_content_type_get_parameter(type, "boundary") : NULL;
    bool ok = type != NULL;

    if (type && g_mime_content_type_is_type(type, "multipart", "*") && boundary)
        ok = push(guard, boundary);
    else if (type && g_mime_content_type_is_type(type, "message", "*"))
        guard->is_message = true;
    if (type)
        g_object_unref(type);
    g_free(text);
    return ok;
}

/* A header from rest on; with that of a message, also that message's header. */
static bool read_header(struct guard *guard, struct span *rest)
{
    do {
        struct mime_field field;
        size_t n = 0;

        guard->is_message = false;
        while (mime_field_next(rest, &field)) {
            if (++n > HEADERS_MAX)
                return false;
            if (span_eq_nocase(field.name, SPAN("Content-Type")) && !note_type(guard, field.value))
                return false;
        }
        if (guard->is_message && !push(guard, ""))
            return false;
    } while (guard->is_message && rest->len);
    return true;
}

/* Is the line a boundary? Closes what it closes. */
static bool take_boundary(struct guard *guard, struct span line, bool *ret_open)
{
    for (size_t i = guard->depth; i-- > 0;) {
        struct span wanted = span_of(guard->boundary[i]);
        if (wanted.len == 0 || line.len < wanted.len + 2 || memcmp(line.ptr + 2, wanted.ptr, wanted.len) != 0)
            continue;
        line.ptr += wanted.len + 2;
        line.len -= wanted.len + 2;
        *ret_open = !span_starts(line, SPAN("--"));
        if (*ret_open && span_trim(line).len)
            return false;
        guard->depth = *ret_open ? i + 1 : i;
        return true;
    }
    return false;
}

static bool has_header(struct span message)
{
    struct mime_field field;

    while (mime_field_next(&message, &field))
        if (field.name.len)
            return true;
    return false;
}

static bool addresses_ok(struct span message)
{
    struct mime_field field;

    while (mime_field_next(&message, &field)) {
        size_t colons = 0;
        for (size_t i = 0; i < field.value.len; i++)
            colons += field.value.ptr[i] == ':' || field.value.ptr[i] == '(';
        if (colons > COLONS_MAX)
            return false;
    }
    return true;
}

bool mime_guard(struct span message)
{
    struct guard guard = { .depth = 0 };
    struct span rest = message;

    if (message.len > INT32_MAX || !has_header(message) || !addresses_ok(message) || !read_header(&guard, &rest))
        return false;
    while (rest.len) {
        const char *end = memchr(rest.ptr, '\n', rest.len);
        struct span line = { rest.ptr, end ? (size_t)(end - rest.ptr) + 1 : rest.len };
        bool open = false;

        rest.ptr += line.len;
        rest.len -= line.len;
        if (!span_starts(line, SPAN("--")) || !take_boundary(&guard, line, &open) || !open)
            continue;
        if (++guard.parts > MIME_PARTS_MAX || !read_header(&guard, &rest))
            return false;
    }
    return true;
}
