/*
 * A growing byte string that is born with a maximum. An append that does not
 * fit, or that memory fails, marks the buffer as failed; later appends do
 * nothing. So writers append without looking and ask buf_error() once.
 */
#ifndef EWSD_BASE_BUF_H
#define EWSD_BASE_BUF_H

#include "base/base.h"

#include <stdarg.h>

struct buf {
    char *ptr;
    size_t len;
    size_t room; /* allocated */
    size_t max;
    int error;   /* 0, -ENOMEM, or -EFBIG when max was reached */
};

#define BUF_INIT(maximum) ((struct buf){ .max = (maximum) })

void buf_done(struct buf *buf); /* frees; the buffer is empty and usable again */
void buf_clear(struct buf *buf); /* len = 0 and no error; keeps memory */
void buf_add_growing(struct buf *buf, const void *bytes, size_t len); /* what buf_add does when there is no room */
static inline void buf_add(struct buf *buf, const void *bytes, size_t len)
{
    if (buf->error || buf->room - buf->len < len || len == 0) {
        buf_add_growing(buf, bytes, len);
        return;
    }
    memcpy(buf->ptr + buf->len, bytes, len);
    buf->len += len;
}
void buf_add_span(struct buf *buf, struct span text);
void buf_add_str(struct buf *buf, const char *cstr);
static inline void buf_add_char(struct buf *buf, char c)
{
    buf_add(buf, &c, 1);
}
void buf_add_u64(struct buf *buf, uint64_t value);
void buf_printf(struct buf *buf, const char *format, ...) ATTR_PRINTF(2, 3);
/* Room for len more bytes at the end, uninitialised, or NULL (failed). The
 * caller then adds what it used to buf->len. */
char *buf_reserve(struct buf *buf, size_t len);
static inline int buf_error(const struct buf *buf)
{
    return buf->error;
}
static inline struct span buf_span(const struct buf *buf)
{
    return (struct span){ buf->ptr, buf->len };
}

#endif
