/*
 * Growing byte string: doubles, never beyond its maximum, and remembers the
 * first failure instead of reporting each append.
 */
#include "base/buf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define ROOM_MIN 256u

void buf_done(struct buf *buf)
{
    free(buf->ptr);
    *buf = BUF_INIT(buf->max);
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    buf->error = 0;
}

static bool grow(struct buf *buf, size_t need)
{
    size_t room = buf->room < ROOM_MIN ? ROOM_MIN : buf->room;
    char *ptr;

    while (room < need && room <= SIZE_MAX / 2)
        room *= 2;
    if (room > buf->max)
        room = buf->max;
    ptr = realloc(buf->ptr, room);
    if (!ptr) {
        buf->error = -ENOMEM;
        return false;
    }
    buf->ptr = ptr;
    buf->room = room;
    return true;
}

char *buf_reserve(struct buf *buf, size_t len)
{
    size_t need;

    if (buf->error)
        return NULL;
    if (__builtin_add_overflow(buf->len, len, &need) || need > buf->max) {
        buf->error = -EFBIG;
        return NULL;
    }
    if ((need > buf->room || !buf->ptr) && !grow(buf, need))
        return NULL;
    return buf->ptr + buf->len;
}

void buf_add_growing(struct buf *buf, const void *bytes, size_t len)
{
    char *at;

    if (len == 0)
        return;
    at = buf_reserve(buf, len);
    if (!at)
        return;
    memcpy(at, bytes, len);
    buf->len += len;
}

void buf_add_span(struct buf *buf, struct span text)
{
    buf_add(buf, text.ptr, text.len);
}

void buf_add_str(struct buf *buf, const char *cstr)
{
    buf_add(buf, cstr, strlen(cstr));
}

void buf_add_u64(struct buf *buf, uint64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    buf_add(buf, digits + at, sizeof(digits) - at);
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;
    size_t room = buf->error ? 0 : buf->room - buf->len;
    char *at;
    int len;

    va_start(args, format);
    len = vsnprintf(room ? buf->ptr + buf->len : NULL, room, format, args);
    va_end(args);
    if (len < 0) {
        buf->error = buf->error ? buf->error : -ENOMEM;
        return;
    }
    if ((size_t)len < room) {
        buf->len += (size_t)len;
        return;
    }
    /* vsnprintf writes a NUL behind the text: take room for it, not length. */
    at = buf_reserve(buf, (size_t)len + 1);
    if (!at)
        return;
    va_start(args, format);
    vsnprintf(at, (size_t)len + 1, format, args);
    va_end(args);
    buf->len += (size_t)len;
}
