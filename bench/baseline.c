/*
 * The two figures that every other is compared with: how often the disk of
 * the store makes 4 KB durable, and how many requests an HTTP server answers
 * that reads them and answers with constant bytes.
 */
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096
#define REQUEST_SIZE 16384
#define ANSWER_BODY 690 /* what ewsd answers to a SendItem */

/* ---- the disk ---- */

bool baseline_disk(const char *folder, uint64_t writes, double seconds, struct figures *ret_figures)
{
    char path[4096], page[PAGE];
    snprintf(path, sizeof(path), "%s/bench-disk-%d", folder, (int)getpid());
    memset(page, 'x', sizeof(page));
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        die("%s: %s", path, strerror(errno));
    unlink(path); /* it is gone whatever happens */
    double client = cpu_of(0);
    uint64_t start = now_ns(), end = start + (uint64_t)(seconds * 1e9), now = start;
    for (uint64_t i = 0; i < writes && now < end; i++) {
        if (write(fd, page, PAGE) != PAGE || fdatasync(fd))
            die("%s: %s", path, strerror(errno));
        uint64_t before = now;
        now = now_ns();
        sample_add(&ret_figures->main, now - before);
    }
    close(fd);
    ret_figures->seconds = (double)(now - start) / 1e9;
    ret_figures->client_cpu = cpu_of(0) - client;
    return ret_figures->main.n > 0;
}

/* ---- the network ---- */

struct peer {
    int fd;
    size_t len;
    char in[REQUEST_SIZE + 1];
};

/* The request's length when it is there whole, else 0. */
static size_t whole_request(struct peer *peer)
{
    peer->in[peer->len] = 0;
    const char *end = strstr(peer->in, "\r\n\r\n");
    const char *length = end ? strcasestr(peer->in, "\r\nContent-Length:") : NULL;
    if (!end || !length)
        return 0;
    size_t need = (size_t)(end - peer->in) + 4 + strtoul(length + 17, NULL, 10);
    return need <= peer->len ? need : 0;
}

static void serve_peer(struct peer *peer, const char *answer, size_t len)
{
    ssize_t n = recv(peer->fd, peer->in + peer->len, REQUEST_SIZE - peer->len, 0);
    if (n <= 0) {
        close(peer->fd);
        free(peer);
        return;
    }
    peer->len += (size_t)n;
    if (!whole_request(peer))
        return;
    peer->len = 0;
    if (send(peer->fd, answer, len, MSG_NOSIGNAL) != (ssize_t)len)
        _exit(1);
}

static size_t make_answer(char *text, size_t room)
{
    char body[ANSWER_BODY + 1];
    memset(body, ' ', ANSWER_BODY);
    body[ANSWER_BODY] = 0;
    static const char code[] = "<m:ResponseCode>NoError</m:ResponseCode></s:Envelope>";
    memcpy(body, code, sizeof(code) - 1);
    return (size_t)snprintf(text, room,
                            "HTTP/1.1 200 OK\r\nDate: Wed, 25 Nov 2026 01:31:02 GMT\r\nContent-Type: text/xml; charset=utf-8\r\n"
                            "Cache-Control: private\r\nrequest-id: 63c75614-3f86-5a24-0f42-ceaa6912a010\r\n"
                            "Content-Length: %d\r\n\r\n%s", ANSWER_BODY, body);
}

static void take_peer(int listener, int epoll)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC), on = 1;
    struct peer *peer = fd < 0 ? NULL : calloc(1, sizeof(*peer));
    if (!peer)
        return;
    peer->fd = fd;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &(struct epoll_event){ .events = EPOLLIN, .data.ptr = peer }))
        _exit(1);
}

static void serve(int listener) __attribute__((noreturn));
static void serve(int listener)
{
    char answer[4096];
    size_t len = make_answer(answer, sizeof(answer));
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event events[256] = { { .events = EPOLLIN } };
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &events[0]))
        _exit(1);
    for (;;) {
        int n = epoll_wait(epoll, events, ARRAY_LEN(events), -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr)
                serve_peer(events[i].data.ptr, answer, len);
            else
                take_peer(listener, epoll);
        }
    }
}

bool baseline_echo_start(uint16_t *ret_port, pid_t *ret_pid)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) || listen(fd, 1024) ||
        getsockname(fd, (struct sockaddr *)&address, &len)) {
        fprintf(stderr, "load: the bare server cannot listen: %s\n", strerror(errno));
        return false;
    }
    *ret_port = ntohs(address.sin_port);
    *ret_pid = fork();
    if (*ret_pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(fd);
    }
    close(fd);
    return *ret_pid > 0;
}

void baseline_echo_stop(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}
