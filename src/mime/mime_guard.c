/*
 * A look at a message before the parser, whose work grows with the square of
 * nesting and of fields: one pass over the lines, with a small stack of open
 * boundaries, tells how deep and how many parts are. LF alone ends a line, as
 * for the parser.
 */
#include "mime/mime.h"
#include "mime/mime_gmime.h"
#include "mime/mime_text.h"

#define BOUNDARY_MAX 256
#define FIELDS_MAX 5000      /* of one header */
#define TYPE_MAX 65536       /* bytes of one Content-Type */

struct guard {
    char boundary[MIME_DEPTH_MAX][BOUNDARY_MAX]; /* empty: a message within */
    size_t depth;
    size_t parts;
    size_t fields;
    bool in_header;
    bool is_message; /* the header being read announces a message */
};

static struct span line_of(struct span rest)
{
    const char *end = rest.len ? memchr(rest.ptr, '\n', rest.len) : NULL;
    return (struct span){ rest.ptr, end ? (size_t)(end - rest.ptr) + 1 : rest.len };
}

static struct span field_of(struct span rest)
{
    struct span field = line_of(rest);

    while (field.len < rest.len && (rest.ptr[field.len] == ' ' || rest.ptr[field.len] == '\t'))
        field.len += line_of((struct span){ rest.ptr + field.len, rest.len - field.len }).len;
    return field;
}

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
    GMimeContentType *type = g_mime_content_type_parse(NULL, g_strdelimit(text, "\r\n", ' '));
    const char *boundary = type ? g_mime_content_type_get_parameter(type, "boundary") : NULL;
    bool good = true;

    if (type && g_mime_content_type_is_type(type, "multipart", "*") && boundary)
        good = push(guard, boundary);
    else if (type && g_mime_content_type_is_type(type, "message", "*"))
        guard->is_message = true;
    mime_unref(type);
    g_free(text);
    return good;
}

static bool note_field(struct guard *guard, struct span field)
{
    const char *colon = memchr(field.ptr, ':', field.len);

    if (++guard->fields > FIELDS_MAX)
        return false;
    if (!colon || !span_eq_nocase(span_trim((struct span){ field.ptr, (size_t)(colon - field.ptr) }), SPAN("Content-Type")))
        return true;
    if (field.len > TYPE_MAX)
        return false;
    return note_type(guard, (struct span){ colon + 1, field.len - (size_t)(colon + 1 - field.ptr) });
}

/* Behind a header stands a body, or the header of the message within. */
static bool end_header(struct guard *guard)
{
    guard->in_header = guard->is_message;
    guard->fields = 0;
    if (!guard->is_message)
        return true;
    guard->is_message = false;
    return push(guard, "");
}

/* Is the line an open boundary? Closes what it closes. */
static bool take_boundary(struct guard *guard, struct span line)
{
    for (size_t i = guard->depth; i-- > 0;) {
        struct span wanted = span_of(guard->boundary[i]);
        struct span rest = { line.ptr + 2 + wanted.len, line.len < wanted.len + 2 ? 0 : line.len - wanted.len - 2 };
        if (wanted.len == 0 || line.len < wanted.len + 2 || memcmp(line.ptr + 2, wanted.ptr, wanted.len) != 0)
            continue;
        bool closes = span_starts(rest, SPAN("--"));
        if (!closes && span_trim(rest).len > 0)
            continue;
        guard->depth = closes ? i : i + 1;
        guard->in_header = !closes;
        guard->is_message = false;
        guard->fields = 0;
        guard->parts += closes ? 0 : 1;
        return true;
    }
    return false;
}

bool mime_structure_sane(struct span bytes)
{
    struct guard guard = { .in_header = true };
    bool good = true;

    while (good && bytes.len > 0) {
        struct span line = line_of(bytes);
        if (span_starts(line, SPAN("--")) && take_boundary(&guard, line)) {
            good = guard.parts <= MIME_PARTS_MAX;
        } else if (guard.in_header && span_trim(line).len == 0) {
            good = end_header(&guard);
        } else if (guard.in_header) {
            line = field_of(bytes);
            good = note_field(&guard, line);
        }
        bytes = (struct span){ bytes.ptr + line.len, bytes.len - line.len };
    }
    return good;
}
