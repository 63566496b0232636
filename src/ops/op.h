/*
 * The frame around operations: finds the operation by the name of the first
 * child of Body, runs it, and gives back the whole SOAP answer. One file and
 * one row of ops.def per operation. Every write of a request is one store job
 * with a savepoint per item, so one bad item never spoils its neighbours.
 * Who may do what is decided in access.c alone.
 */
#ifndef EWSD_OPS_OP_H
#define EWSD_OPS_OP_H

#include "base/conf.h"
#include "base/err.h"
#include "model/id.h"
#include "store/store_mailbox.h"

#include <errno.h>

struct op_call;
struct op_once;
struct outbox;
struct soap_request;

#define OP_HEADERS_MAX 4

/* What all requests share; the program owns it. */
struct op_env {
    struct store *store;
    const struct conf *conf;
    struct outbox *outbox; /* woken after a submit; NULL in tests */
    struct mac_key id_key;
};

/* Who is calling, as authentication found it. */
struct caller {
    struct store_mailbox mailbox;
};

/* One more response header. The value is printable ASCII, static or the arena's. */
struct op_header {
    const char *name, *value;
};

#define OP_CODES_MAX 8

/* Response codes, and how often each was answered. */
struct op_codes {
    struct {
        int code;
        unsigned n;
    } v[OP_CODES_MAX];
    unsigned n;
    unsigned others; /* answers with further codes */
};

struct op_reply {
    int status;           /* HTTP status: 200, or 500 with a SOAP fault */
    const char *op;       /* for logs, as what follows; "" when there is none */
    unsigned number;      /* of the operation, for what is counted; 0: none */
    struct span acting;   /* who is impersonated; or empty */
    unsigned items;       /* response messages */
    struct op_codes codes;
    struct op_header headers[OP_HEADERS_MAX];
    unsigned headers_n;
};

/* One more; each name once, and OP_HEADERS_MAX at most. */
void op_reply_add(struct op_reply *reply, const char *name, const char *value);

/* "NoError:3,ErrorItemNotFound:1", into out. */
void op_codes_write(const struct op_codes *codes, struct buf *out);

/* Keys the ids by the store's secret, and names what is counted by operation. */
void op_env_init(struct op_env *env, struct store *store, const struct conf *conf, struct outbox *outbox);

/* To be called with the body as it came, since parsing changes it: what makes a
 * request safe to repeat, from its Idempotency-Key (once.h). NULL: -ENOMEM. */
struct op_once *op_once_new(struct arena *arena, struct span key, struct span body);

/* What goes wrong with a request on purpose (`ewsd dev`). */
struct op_fault {
    int code;             /* answers it, and nothing is done; 0: it is done */
    bool each;            /* as a response message per item, else as a SOAP fault */
    const char *text;     /* instead of the code's own; or NULL */
    int64_t back_off_ms;  /* or 0 */
    bool stale;           /* the items that it names are changed before it */
};

/* A request that passed the schema. All of it outlives the answer. */
struct op_request {
    const struct op_env *env;
    const struct caller *caller;
    struct arena *arena;
    const struct soap_request *soap;
    struct op_once *once; /* or NULL */
    const struct op_fault *fault; /* or NULL */
    struct span id;       /* for logs */
    /* Called once, by any thread, when op_dispatch returned OP_LATER and the
     * answer can go on. NULL: op_dispatch waits by itself. */
    void (*go_on)(void *arg);
    void *arg;
};

enum { OP_LATER = -EINPROGRESS };

/* Answers: body holds the whole SOAP envelope (an answer or a fault). Only
 * -ENOMEM, -EFBIG (the answer does not fit into body) and OP_LATER are
 * returned; all else became an answer. ret_call is for op_go_on, after OP_LATER. */
int op_dispatch(const struct op_request *request, struct buf *body, struct op_reply *ret_reply, struct op_call **ret_call);
/* The same for a request that waited; it may have to wait again. */
int op_go_on(struct op_call *call);

/* Counts a request that is answered with a fault which op_dispatch did not write;
 * operation as in op_reply.number. */
void op_count_fault(unsigned operation, struct span code);

/* The name as a row of ops.def has it, static; NULL: no row has. */
const char *op_name(struct span name);
bool op_is_served(struct span name);

#endif
