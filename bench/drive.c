/*
 * The client: connections that each have one request under way, driven by one
 * epoll loop. It parses as little of an answer as shows that it is the right
 * one, since it shares the machine with the server that is measured.
 */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define ANSWER_MAX ((size_t)256 << 20)
#define READ_SIZE 16384
#define PATIENCE_NS UINT64_C(60000000000) /* for what is under way when time is up */
#define ERRORS_SHOWN 3

struct conn {
    int fd;
    const struct load_op *op;
    struct sample *sample;
    struct request request;
    size_t written;
    bool waits_to_write, background; /* the large ones that go on all the while */
    struct buf in;
    uint64_t started;
};

struct drive {
    struct load *load;
    const struct phase *phase;
    struct figures *figures;
    int epoll_fd;
    struct conn *conns;
    unsigned conns_n, busy, busy_large;
    uint64_t begun, end;
};

/* ---- answers ---- */

/* The chunks of body are moved together at its start. 1: not all there yet;
 * -1: malformed. */
static int join_chunks(char *body, size_t len, size_t *ret_len)
{
    size_t at = 0, out = 0;
    for (;;) {
        char *end = memmem(body + at, len - at, "\r\n", 2);
        if (!end)
            return 1;
        char *stop;
        unsigned long size = strtoul(body + at, &stop, 16);
        if (stop == body + at || size > ANSWER_MAX)
            return -1;
        at = (size_t)(end - body) + 2;
        if (len - at < size + 2)
            return 1;
        if (size == 0) {
            *ret_len = out;
            return 0;
        }
        memmove(body + out, body + at, size);
        out += size;
        at += size + 2;
    }
}

static const char *field(const char *head, const char *name)
{
    const char *found = strcasestr(head, name);
    return found ? found + strlen(name) : NULL;
}

/* 1: more must be read; -1: not HTTP, or a form of it that is not expected. */
static int parse_answer(struct buf *in, struct answer *ret_answer)
{
    char *end = in->len ? memmem(in->ptr, in->len, "\r\n\r\n", 4) : NULL;
    if (!end)
        return 1;
    if (in->len < 12 || memcmp(in->ptr, "HTTP/1.1 ", 9) != 0)
        return -1;
    size_t head = (size_t)(end - in->ptr) + 4, have = in->len - head;
    end[2] = 0; /* the head is text of its own from here on */
    const char *length = field(in->ptr, "\r\nContent-Length:");
    const char *coding = length ? NULL : field(in->ptr, "\r\nTransfer-Encoding: chunked");
    end[2] = '\r';
    ret_answer->status = atoi(in->ptr + 9);
    size_t len = length ? strtoul(length, NULL, 10) : 0;
    if (!length && !coding)
        return -1;
    if (coding && join_chunks(in->ptr + head, have, &len))
        return 1; /* also when malformed: the phase's patience ends it */
    if (len > have)
        return 1;
    ret_answer->body = (struct span){ in->ptr + head, len };
    return 0;
}

/* ---- connections ---- */

static int connect_to(const char *host, uint16_t port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    if (fd < 0 || inet_pton(AF_INET, host, &address.sin_addr) != 1 ||
        connect(fd, (struct sockaddr *)&address, sizeof(address)))
        die("cannot connect to %s:%u: %s", host, port, strerror(errno));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

static void retire(struct drive *drive, struct conn *conn)
{
    if (conn->fd < 0)
        return;
    close(conn->fd);
    conn->fd = -1;
    if (conn->background)
        drive->busy_large--;
    else
        drive->busy--;
}

static void note_error(struct drive *drive, struct conn *conn, const char *what, const struct answer *answer)
{
    if (conn->sample->errors++ < ERRORS_SHOWN)
        fprintf(stderr, "load: %s: %s%s%.*s\n", conn->op->name, what, answer ? ": " : "",
                answer ? (int)(answer->body.len < 2000 ? answer->body.len : 2000) : 0, answer ? answer->body.ptr : "");
    if (!answer)
        retire(drive, conn);
}

static void watch(struct drive *drive, struct conn *conn, bool write)
{
    if (conn->waits_to_write == write)
        return;
    conn->waits_to_write = write;
    struct epoll_event event = { .events = write ? EPOLLOUT : EPOLLIN, .data.ptr = conn };
    if (epoll_ctl(drive->epoll_fd, EPOLL_CTL_MOD, conn->fd, &event))
        die("epoll: %s", strerror(errno));
}

static void write_on(struct drive *drive, struct conn *conn)
{
    const struct request *request = &conn->request;
    size_t whole = request->bytes.len + request->shared.len;
    while (conn->written < whole) {
        struct iovec parts[2];
        int n = 0;
        size_t skip = conn->written;
        if (skip < request->bytes.len) {
            parts[n++] = (struct iovec){ request->bytes.ptr + skip, request->bytes.len - skip };
            skip = 0;
        } else {
            skip -= request->bytes.len;
        }
        if (skip < request->shared.len)
            parts[n++] = (struct iovec){ (char *)request->shared.ptr + skip, request->shared.len - skip };
        struct msghdr message = { .msg_iov = parts, .msg_iovlen = (size_t)n };
        ssize_t done = sendmsg(conn->fd, &message, MSG_NOSIGNAL);
        if (done < 0 && errno == EAGAIN) {
            watch(drive, conn, true);
            return;
        }
        if (done < 0) {
            note_error(drive, conn, strerror(errno), NULL);
            return;
        }
        conn->written += (size_t)done;
    }
    watch(drive, conn, false);
}

/* The next request of the connection, or its end. */
static void next(struct drive *drive, struct conn *conn, uint64_t now)
{
    bool over = now >= drive->end || (conn->background ? drive->busy == 0 : drive->begun == drive->phase->requests);
    buf_clear(&conn->request.bytes);
    buf_clear(&conn->in);
    conn->request.shared = (struct span){ 0 };
    conn->written = 0;
    if (over || !conn->op->compose(drive->load, &conn->request)) {
        retire(drive, conn);
        return;
    }
    if (buf_error(&conn->request.bytes))
        die("no memory for a request");
    drive->begun += !conn->background;
    conn->started = now;
    write_on(drive, conn);
}

static void read_on(struct drive *drive, struct conn *conn)
{
    struct answer answer;
    char *room = buf_reserve(&conn->in, READ_SIZE);
    if (!room)
        die("no memory for an answer");
    ssize_t n = recv(conn->fd, room, READ_SIZE, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        note_error(drive, conn, n ? strerror(errno) : "the connection was closed", NULL);
        return;
    }
    conn->in.len += (size_t)n;
    int r = parse_answer(&conn->in, &answer);
    if (r < 0)
        note_error(drive, conn, "not an answer of HTTP/1.1", NULL);
    if (r)
        return;
    uint64_t now = now_ns();
    sample_add(conn->sample, now - conn->started);
    const char *wrong = conn->op->accept(drive->load, &conn->request, &answer);
    if (wrong)
        note_error(drive, conn, wrong, &answer);
    next(drive, conn, now);
}

/* ---- a phase ---- */

static void open_conns(struct drive *drive)
{
    const struct phase *phase = drive->phase;
    drive->conns_n = phase->connections + phase->large;
    drive->conns = calloc(drive->conns_n, sizeof(*drive->conns));
    drive->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (!drive->conns || drive->epoll_fd < 0)
        die("cannot begin a phase: %s", strerror(errno));
    for (unsigned i = 0; i < drive->conns_n; i++) {
        struct conn *conn = &drive->conns[i];
        bool large = i >= phase->connections;
        *conn = (struct conn){ .fd = connect_to(drive->load->host, phase->port ? phase->port : drive->load->port),
                               .op = large ? &load_large : phase->op, .background = large,
                               .sample = large ? &drive->figures->large : &drive->figures->main,
                               .request.bytes = BUF_INIT(ANSWER_MAX), .in = BUF_INIT(ANSWER_MAX) };
        fcntl(conn->fd, F_SETFL, fcntl(conn->fd, F_GETFL) | O_NONBLOCK);
        if (epoll_ctl(drive->epoll_fd, EPOLL_CTL_ADD, conn->fd, &(struct epoll_event){ .events = EPOLLIN, .data.ptr = conn }))
            die("epoll: %s", strerror(errno));
    }
    drive->busy = phase->connections;
    drive->busy_large = phase->large;
}

static void close_conns(struct drive *drive)
{
    for (unsigned i = 0; i < drive->conns_n; i++) {
        if (drive->conns[i].fd >= 0)
            note_error(drive, &drive->conns[i], "no answer in time", NULL);
        buf_done(&drive->conns[i].request.bytes);
        buf_done(&drive->conns[i].in);
    }
    close(drive->epoll_fd);
    free(drive->conns);
}

/* Serves events until the connections counted by *busy are all at their end,
 * or patience is. */
static void loop(struct drive *drive, const unsigned *busy)
{
    struct epoll_event events[256];
    while (*busy && now_ns() < drive->end + PATIENCE_NS) {
        int n = epoll_wait(drive->epoll_fd, events, ARRAY_LEN(events), 1000);
        for (int i = 0; i < n; i++) {
            struct conn *conn = events[i].data.ptr;
            if (conn->fd < 0)
                continue;
            if (conn->waits_to_write && events[i].events & EPOLLOUT)
                write_on(drive, conn);
            else
                read_on(drive, conn);
        }
    }
}

bool drive_phase(struct load *load, const struct phase *phase, struct figures *ret_figures)
{
    struct drive drive = { .load = load, .phase = phase, .figures = ret_figures };
    open_conns(&drive);
    double server = cpu_of(phase->pid), client = cpu_of(0);
    uint64_t start = now_ns();
    drive.end = start + (uint64_t)(phase->seconds * 1e9);
    for (unsigned i = drive.conns_n; i-- > 0;) /* the large ones first */
        next(&drive, &drive.conns[i], now_ns());
    loop(&drive, &drive.busy);
    ret_figures->seconds = (double)(now_ns() - start) / 1e9;
    ret_figures->server_cpu = cpu_of(phase->pid) - server;
    ret_figures->client_cpu = cpu_of(0) - client;
    loop(&drive, &drive.busy_large);
    close_conns(&drive);
    if (ret_figures->main.n == 0)
        fprintf(stderr, "load: %s: nothing was answered\n", phase->op->name);
    return ret_figures->main.n > 0;
}

bool drive_get(const struct load *load, const char *path, struct buf *ret_body)
{
    struct buf in = BUF_INIT(ANSWER_MAX);
    struct answer answer = { 0 };
    char text[512];
    int fd = connect_to(load->host, load->port), r = 1;
    snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: %s:%u\r\n\r\n", path, load->host, load->port);
    if (send(fd, text, strlen(text), MSG_NOSIGNAL) != (ssize_t)strlen(text))
        r = -1;
    while (r > 0) {
        char *room = buf_reserve(&in, READ_SIZE);
        ssize_t n = room ? recv(fd, room, READ_SIZE, 0) : -1;
        in.len += n > 0 ? (size_t)n : 0;
        r = n > 0 ? parse_answer(&in, &answer) : -1;
    }
    close(fd);
    if (r == 0)
        buf_add_span(ret_body, answer.body);
    buf_done(&in);
    return r == 0 && answer.status == 200;
}
