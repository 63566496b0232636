/*
 * What the parts of the load generator share: a run against one server, the
 * phases it is made of, and the operations a phase may consist of.
 */
#ifndef EWSD_BENCH_LOAD_H
#define EWSD_BENCH_LOAD_H

#include "base/buf.h"

#include <sys/types.h>

#define LOAD_USERS_MAX 64
#define LOAD_CONNECTIONS_MAX 4096
#define LOAD_ID_SIZE 256

/* The answer of a server, within the connection's buffer. */
struct answer {
    int status;
    struct span body;
};

/* A saved message that waits to be sent, or was. */
struct draft {
    unsigned user;
    char id[LOAD_ID_SIZE];
    char change_key[LOAD_ID_SIZE];
};

struct user {
    const char *address;
    struct buf head; /* of its requests, up to the number of Content-Length */
};

/* One request of a connection: written by an operation's compose. */
struct request {
    struct buf bytes;   /* headers and body, but for: */
    struct span shared; /* the end of the body where it is too large to copy */
    struct draft draft; /* whom it concerns */
};

struct load {
    const char *host;
    uint16_t port;
    pid_t pid;          /* of the server */
    const char *folder; /* on the disk of its store */
    struct user users[LOAD_USERS_MAX];
    unsigned users_n;
    struct draft *drafts; /* those from drafts_sent on are still drafts */
    size_t drafts_n, drafts_room, drafts_sent;
    uint64_t turn;   /* counts requests, so that users take turns */
    uint64_t sent;   /* SendItem answered with NoError in this run */
    struct buf body; /* of the request being composed */
    size_t large_size;
    struct buf large; /* the end of a large message's body, made when first needed */
};

/* An operation of the load. compose: false when there is nothing more to ask
 * for. accept: NULL when the answer is the wanted one, else what is wrong. */
struct load_op {
    const char *name;
    bool (*compose)(struct load *load, struct request *request);
    const char *(*accept)(struct load *load, const struct request *request, const struct answer *answer);
};

extern const struct load_op load_create, load_send, load_get, load_large, load_echo;

struct phase {
    const struct load_op *op;
    unsigned connections;
    uint64_t requests; /* at most */
    double seconds;    /* at most; requests under way are still awaited */
    unsigned large;    /* connections that save large messages all the while */
    uint16_t port;     /* 0: the server's */
    pid_t pid;         /* whose CPU is counted */
};

/* Latencies of one kind, in nanoseconds. */
struct sample {
    uint64_t *values;
    size_t n, room;
    uint64_t errors;
};

struct figures {
    struct sample main, large;
    double seconds;
    double server_cpu, client_cpu; /* seconds */
};

/* drive.c. False: nothing could be measured; said on standard error. */
bool drive_phase(struct load *load, const struct phase *phase, struct figures *ret_figures);
/* One GET, on a connection of its own; false: no answer with status 200. */
bool drive_get(const struct load *load, const char *path, struct buf *ret_body);

/* ews.c */
void ews_init(struct load *load);
void ews_add_user(struct load *load, const char *pair); /* ADDRESS:PASSWORD */
void ews_done(struct load *load);

/* baseline.c: what the disk and the network allow on their own. */
bool baseline_disk(const char *folder, uint64_t writes, double seconds, struct figures *ret_figures);
/* An HTTP server that does nothing, as a process of its own. */
bool baseline_echo_start(uint16_t *ret_port, pid_t *ret_pid);
void baseline_echo_stop(pid_t pid);

/* load.c */
uint64_t now_ns(void);
double cpu_of(pid_t pid); /* seconds of all its threads; 0: this process */
void sample_add(struct sample *sample, uint64_t value);
void die(const char *format, ...) ATTR_PRINTF(1, 2) __attribute__((noreturn));

#endif
