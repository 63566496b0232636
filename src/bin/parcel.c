/*
 * See parcel.h. A parcel is its numbers, as this machine has them, and three
 * texts behind.
 */
#include "bin/parcel.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#define LOOK_MS 250 /* between two looks whether it is over */

struct head {
    uint32_t kind, marks;
    int64_t at;
    uint64_t number, done, all;
    uint32_t folder, label;
    uint64_t bytes;
};

static int await(const struct parcel_end *end, short events)
{
    struct pollfd fd = { .fd = end->fd, .events = events };

    for (;;) {
        int n = poll(&fd, 1, LOOK_MS);
        if (n > 0)
            return 0;
        if (n < 0 && errno != EINTR)
            return -errno;
        if (end->is_over && end->is_over(end->arg))
            return -ECANCELED;
    }
}

static int send_all(const struct parcel_end *end, struct span bytes)
{
    while (bytes.len > 0) {
        ssize_t n = send(end->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        int r = n >= 0 || errno == EINTR ? 0 : errno == EAGAIN ? await(end, POLLOUT) : -errno;
        if (r)
            return r;
        if (n > 0)
            bytes = (struct span){ bytes.ptr + n, bytes.len - (size_t)n };
    }
    return 0;
}

int parcel_send(const struct parcel_end *end, const struct parcel *parcel)
{
    const struct head head = { .kind = parcel->kind, .marks = parcel->marks, .at = parcel->at, .number = parcel->number,
                               .done = parcel->done, .all = parcel->all, .folder = (uint32_t)parcel->folder.len,
                               .label = (uint32_t)parcel->label.len, .bytes = parcel->bytes.len };
    const struct span texts[] = { { (const char *)&head, sizeof(head) }, parcel->folder, parcel->label, parcel->bytes };
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(texts); i++)
        r = send_all(end, texts[i]);
    return r;
}

/* 1: it ended before. */
static int receive_all(const struct parcel_end *end, char *into, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t n = recv(end->fd, into + at, len - at, MSG_DONTWAIT);
        if (n == 0)
            return 1;
        int r = n > 0 || errno == EINTR ? 0 : errno == EAGAIN ? await(end, POLLIN) : errno == ECONNRESET ? 1 : -errno;
        if (r)
            return r;
        at += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int skip(const struct parcel_end *end, uint64_t len)
{
    char waste[16384];
    int r = 0;

    while (r == 0 && len > 0) {
        size_t piece = len < sizeof(waste) ? (size_t)len : sizeof(waste);
        r = receive_all(end, waste, piece);
        len -= piece;
    }
    return r;
}

int parcel_receive(const struct parcel_end *end, uint64_t max, struct buf *buf, struct parcel *ret_parcel)
{
    struct head head;
    int r = receive_all(end, (char *)&head, sizeof(head));

    if (r)
        return r;
    if (head.kind >= PARCEL_KINDS || head.folder > PARCEL_TEXT_MAX || head.label > PARCEL_TEXT_MAX)
        return -EPROTO;
    bool whole = head.bytes <= max;
    size_t len = (size_t)head.folder + head.label + (whole ? (size_t)head.bytes : 0);
    buf_clear(buf);
    char *text = buf_reserve(buf, len + 1);
    if (!text)
        return -ENOMEM;
    r = receive_all(end, text, len);
    if (r == 0 && !whole)
        r = skip(end, head.bytes);
    if (r)
        return r;
    buf->len += len;
    const char *bytes = text + head.folder + head.label;
    *ret_parcel = (struct parcel){ .kind = (enum parcel_kind)head.kind, .marks = head.marks, .at = head.at, .number = head.number,
                                   .done = head.done, .all = head.all, .folder = { text, head.folder },
                                   .label = { text + head.folder, head.label },
                                   .bytes = { whole ? bytes : NULL, (size_t)head.bytes } };
    return 0;
}
