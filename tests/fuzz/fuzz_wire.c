/*
 * Any bytes from the other end of ewsd.sock: as frames, and as the payloads in
 * them. What is read as a request or an answer is the same bytes when it is
 * written again.
 */
#include "fuzz.h"

#include "base/when.h"
#include "bin/wire.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 10000

static void check_request(struct span payload)
{
    struct wire_request request;
    struct buf out = BUF_INIT(1u << 20);
    int r = wire_get_request(payload, &request);
    FUZZ_CHECK(r == 0 || r == -EPROTO);
    if (r == 0) {
        FUZZ_CHECK(request.words_n <= WIRE_WORDS_MAX);
        wire_put_request(&out, &request);
        FUZZ_CHECK(span_eq(buf_span(&out), payload));
    }
    buf_done(&out);
}

static void check_answer(struct span payload)
{
    struct span error, text;
    struct buf out = BUF_INIT(1u << 20);
    int status, r = wire_get_answer(payload, &status, &error, &text);
    FUZZ_CHECK(r == 0 || r == -EPROTO);
    if (r == 0) {
        wire_put_answer(&out, status, error, text);
        FUZZ_CHECK(span_eq(buf_span(&out), payload));
    }
    buf_done(&out);
}

/* The bytes are all that ever comes, so nobody may wait for more. */
static void check_frames(struct span bytes)
{
    int ends[2];
    FUZZ_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
    struct wire_end end = { .fd = ends[0], .stop = -1, .until = when_monotonic() + PATIENCE_MS };
    ssize_t sent = send(ends[1], bytes.ptr, bytes.len, MSG_NOSIGNAL);
    FUZZ_CHECK(bytes.len == 0 || sent == (ssize_t)bytes.len);
    shutdown(ends[1], SHUT_WR);
    for (int r = 0; r == 0;) {
        struct buf payload = BUF_INIT(WIRE_REQUEST_MAX);
        r = wire_receive(&end, WIRE_REQUEST_MAX, &payload, NULL);
        FUZZ_CHECK(r == 0 || r == 1 || r == -EPROTO || r == -ECONNRESET);
        if (r == 0)
            check_request(buf_span(&payload));
        buf_done(&payload);
    }
    close(ends[0]);
    close(ends[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span bytes = { (const char *)data, size };
    if (size > WIRE_REQUEST_MAX)
        return 0;
    check_request(bytes);
    check_answer(bytes);
    check_frames(bytes);
    return 0;
}
