/*
 * Frames over a local socket, with a deadline: nobody waits for a peer that
 * does not read or write.
 */
#include "bin/wire.h"

#include "base/when.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define MAGIC "EWSCTL02"
#define MAGIC_NAME 6 /* bytes of it before the version */
#define BACKLOG 16

/* ---- the socket ---- */

/* A folder may be longer than a socket's address: then it is named through a
 * descriptor of the folder, which the caller closes. */
static int make_address(const char *folder, struct sockaddr_un *ret_address, int *ret_dir)
{
    *ret_address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    *ret_dir = -1;
    char *path = ret_address->sun_path;
    if ((size_t)snprintf(path, sizeof(ret_address->sun_path), "%s/ewsd.sock", folder) < sizeof(ret_address->sun_path))
        return 0;
    *ret_dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*ret_dir < 0)
        return -errno;
    snprintf(path, sizeof(ret_address->sun_path), "/proc/self/fd/%d/ewsd.sock", *ret_dir);
    return 0;
}

/* Connects, or binds; fd is the caller's. */
static int attach(int fd, const char *folder, int (*call)(int, const struct sockaddr *, socklen_t))
{
    struct sockaddr_un address;
    int dir;
    int r = make_address(folder, &address, &dir);

    if (r == 0 && call(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
        r = -errno;
    if (dir >= 0)
        close(dir);
    return r;
}

static int call_connect(int fd, const struct sockaddr *address, socklen_t len)
{
    return connect(fd, address, len);
}

/* The mode is the socket's before it has a name, so no other is ever seen. */
static int call_bind(int fd, const struct sockaddr *address, socklen_t len)
{
    if (fchmod(fd, 0600) != 0)
        return -1;
    return bind(fd, address, len);
}

int wire_connect(const char *folder, int *ret_fd)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    int r = attach(fd, folder, call_connect);
    if (r == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
        r = -errno;
    if (r)
        close(fd);
    else
        *ret_fd = fd;
    return r;
}

int wire_listen(const char *folder, int *ret_fd)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -errno;
    wire_unlink(folder);
    int r = attach(fd, folder, call_bind);
    if (r == 0 && listen(fd, BACKLOG) != 0)
        r = -errno;
    if (r)
        close(fd);
    else
        *ret_fd = fd;
    return r;
}

void wire_unlink(const char *folder)
{
    int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (dir < 0)
        return;
    unlinkat(dir, "ewsd.sock", 0);
    close(dir);
}

/* ---- frames ---- */

static int await(const struct wire_end *end, short events)
{
    struct pollfd fds[] = { { .fd = end->fd, .events = events }, { .fd = end->stop, .events = POLLIN } };
    int64_t left = end->until - when_monotonic();

    if (left <= 0)
        return -ETIMEDOUT;
    int n = poll(fds, ARRAY_LEN(fds), left > 60000 ? 60000 : (int)left);
    if (n < 0)
        return errno == EINTR ? 0 : -errno;
    return fds[1].revents ? -ECANCELED : 0;
}

static int send_all(const struct wire_end *end, struct span bytes)
{
    while (bytes.len > 0) {
        ssize_t n = send(end->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return -errno;
        if (n > 0)
            bytes = (struct span){ bytes.ptr + n, bytes.len - (size_t)n };
        int r = n < 0 ? await(end, POLLOUT) : 0;
        if (r)
            return r;
    }
    return 0;
}

union file_room {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int))];
};

/* The first byte of a frame carries the descriptor. */
static int send_first(const struct wire_end *end, const char *byte, int file)
{
    struct iovec part = { (void *)(uintptr_t)byte, 1 };
    union file_room room = { .bytes = { 0 } };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = room.bytes, .msg_controllen = sizeof(room.bytes) };
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);

    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(head), &file, sizeof(int));
    for (;;) {
        ssize_t n = sendmsg(end->fd, &message, MSG_NOSIGNAL);
        if (n == 1)
            return 0;
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return -errno;
        int r = await(end, POLLOUT);
        if (r)
            return r;
    }
}

static int take_file(struct msghdr *message)
{
    struct cmsghdr *head = CMSG_FIRSTHDR(message);
    int file = -1;

    if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS && head->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(&file, CMSG_DATA(head), sizeof(int));
    return file;
}

static int receive_first(const struct wire_end *end, char *byte, int *ret_file)
{
    struct iovec part = { byte, 1 };
    union file_room room;

    for (;;) {
        struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = room.bytes, .msg_controllen = sizeof(room.bytes) };
        ssize_t n = recvmsg(end->fd, &message, MSG_CMSG_CLOEXEC);
        if (n == 1)
            *ret_file = take_file(&message);
        if (n >= 0)
            return n == 1 ? 0 : -ECONNRESET;
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
        int r = await(end, POLLIN);
        if (r)
            return r;
    }
}

static int receive_all(const struct wire_end *end, char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = recv(end->fd, bytes, len, 0);
        if (n == 0)
            return -ECONNRESET;
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return -errno;
        if (n > 0) {
            bytes += n;
            len -= (size_t)n;
        }
        int r = n < 0 ? await(end, POLLIN) : 0;
        if (r)
            return r;
    }
    return 0;
}

struct frame_head {
    char magic[sizeof(MAGIC) - 1];
    uint32_t len; /* big-endian */
};
_Static_assert(sizeof(struct frame_head) == 12, "as it is on the wire");

int wire_send(const struct wire_end *end, struct span payload, int file)
{
    struct frame_head head = { .len = htonl((uint32_t)payload.len) };
    struct span rest = { (const char *)&head, sizeof(head) };

    memcpy(head.magic, MAGIC, sizeof(head.magic));
    int r = file >= 0 ? send_first(end, rest.ptr, file) : 0;
    if (file >= 0)
        rest = (struct span){ rest.ptr + 1, rest.len - 1 };
    if (r == 0)
        r = send_all(end, rest);
    return r ? r : send_all(end, payload);
}

static int receive_frame(const struct wire_end *end, size_t max, struct buf *ret_payload, int *ret_file)
{
    struct frame_head head;
    char *first = (char *)&head;
    int r = receive_first(end, first, ret_file);

    if (r == 0)
        r = receive_all(end, first + 1, sizeof(head) - 1);
    if (r)
        return r;
    if (memcmp(head.magic, MAGIC, MAGIC_NAME) != 0)
        return -EPROTO;
    if (memcmp(head.magic, MAGIC, sizeof(head.magic)) != 0)
        return 1;
    size_t len = ntohl(head.len);
    if (len > max)
        return -EPROTO;
    char *bytes = buf_reserve(ret_payload, len);
    r = bytes ? receive_all(end, bytes, len) : -ENOMEM;
    if (r == 0)
        ret_payload->len += len;
    return r;
}

int wire_receive(const struct wire_end *end, size_t max, struct buf *ret_payload, int *ret_file)
{
    int file = -1;
    int r = receive_frame(end, max, ret_payload, &file);

    if (file >= 0 && (r || !ret_file)) {
        close(file);
        file = -1;
    }
    if (ret_file)
        *ret_file = file;
    return r;
}

/* ---- payloads ---- */

static void put_string(struct buf *out, struct span text)
{
    buf_add_span(out, text);
    buf_add_char(out, 0);
}

void wire_put_request(struct buf *out, const struct wire_request *request)
{
    put_string(out, request->json ? SPAN("json") : SPAN("text"));
    put_string(out, request->password);
    for (size_t i = 0; i < request->words_n; i++)
        put_string(out, span_of(request->words[i]));
}

static bool next_string(struct span *rest, struct span *ret_text)
{
    const char *nul = rest->len ? memchr(rest->ptr, 0, rest->len) : NULL;

    if (!nul)
        return false;
    *ret_text = (struct span){ rest->ptr, (size_t)(nul - rest->ptr) };
    *rest = (struct span){ nul + 1, rest->len - ret_text->len - 1 };
    return true;
}

int wire_get_request(struct span payload, struct wire_request *ret_request)
{
    struct wire_request request = { 0 };
    struct span mode, word;

    if (!next_string(&payload, &mode) || !next_string(&payload, &request.password))
        return -EPROTO;
    request.json = span_is(mode, "json");
    while (request.words_n < WIRE_WORDS_MAX && next_string(&payload, &word))
        request.words[request.words_n++] = word.ptr;
    if (payload.len > 0 || (!request.json && !span_is(mode, "text")))
        return -EPROTO;
    *ret_request = request;
    return 0;
}

void wire_put_answer(struct buf *out, int status, struct span error, struct span text)
{
    const uint32_t numbers[] = { htonl((uint32_t)status), htonl((uint32_t)error.len) };

    buf_add(out, numbers, sizeof(numbers));
    buf_add_span(out, error);
    buf_add_span(out, text);
}

int wire_get_answer(struct span payload, int *ret_status, struct span *ret_error, struct span *ret_text)
{
    uint32_t numbers[2];

    if (payload.len < sizeof(numbers))
        return -EPROTO;
    memcpy(numbers, payload.ptr, sizeof(numbers));
    size_t error_len = ntohl(numbers[1]);
    struct span rest = { payload.ptr + sizeof(numbers), payload.len - sizeof(numbers) };
    if (ntohl(numbers[0]) > WIRE_PROGRESS || error_len > rest.len)
        return -EPROTO;
    *ret_status = (int)ntohl(numbers[0]);
    *ret_error = (struct span){ rest.ptr, error_len };
    *ret_text = (struct span){ rest.ptr + error_len, rest.len - error_len };
    return 0;
}
