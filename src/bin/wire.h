/*
 * What ewsctl and a running ewsd say to each other over ewsd.sock in the folder
 * of the store: one request and one answer per connection, each a frame. A
 * frame is "EWSCTL", two digits of the protocol's version, four bytes of length
 * (big-endian) and that many bytes.
 *   request: strings, each ended by a NUL: "text" or "json", the password
 *            (empty when there is none), the words of the command; with it, for
 *            commands that write a file, a descriptor of that
 *   answer:  exit status and length of the error (four bytes each), the error,
 *            what is printed; before it, from long commands, any number with
 *            WIRE_PROGRESS as the status, whose error says how far it is
 */
#ifndef EWSD_BIN_WIRE_H
#define EWSD_BIN_WIRE_H

#include "base/buf.h"

#define WIRE_REQUEST_MAX 65536
#define WIRE_ANSWER_MAX (96u << 20)
#define WIRE_WORDS_MAX 64
#define WIRE_PROGRESS 256 /* no exit status */

/* Both give a non-blocking descriptor, the caller's to close. -ENOENT,
 * -ECONNREFUSED: no server is there. */
int wire_connect(const char *folder, int *ret_fd);
/* Makes the socket, mode 0600, in place of a stale one: the caller holds the
 * lock of the store. */
int wire_listen(const char *folder, int *ret_fd);
void wire_unlink(const char *folder);

struct wire_end {
    int fd;
    int stop;      /* gives up when this becomes readable; -1: never */
    int64_t until; /* monotonic ms */
};

/* file: a descriptor that goes along, -1 for none. -ETIMEDOUT, -ECANCELED
 * (stop), -EPIPE and the like. */
int wire_send(const struct wire_end *end, struct span payload, int file);
/* ret_file: the descriptor that came along, the caller's to close, or -1; NULL:
 * none is taken. 1: another version of the protocol. -EPROTO: no frame, or
 * longer than max; -ECONNRESET: it ended early; and as wire_send. */
int wire_receive(const struct wire_end *end, size_t max, struct buf *ret_payload, int *ret_file);

struct wire_request {
    bool json;
    struct span password;
    const char *words[WIRE_WORDS_MAX];
    size_t words_n;
};

void wire_put_request(struct buf *out, const struct wire_request *request);
/* Spans and words point into payload. -EPROTO. */
int wire_get_request(struct span payload, struct wire_request *ret_request);
void wire_put_answer(struct buf *out, int status, struct span error, struct span text);
int wire_get_answer(struct span payload, int *ret_status, struct span *ret_error, struct span *ret_text);

#endif
