/*
 * What one running operation has at hand, and the answers it writes: one
 * response message per item, in request order (protocol.md 1.9). An operation
 * collects a struct op_result per item (inside the store job), and writes the
 * answers afterwards, since a job may run twice.
 */
#ifndef EWSD_OPS_CALL_H
#define EWSD_OPS_CALL_H

#include "ops/access.h"
#include "ops/op.h"
#include "soap/envelope.h"
#include "soap/shape.h"
#include "soap/xml.h"
#include "store/store_mail.h"

struct op_call;
/* Writes the answer's content between m:OPResponse tags. Positive: a code, the
 * whole request is answered by a fault. */
typedef int op_run(struct op_call *call);
/* The rest of an answer, with the result of what it waited for. */
typedef int op_then(struct op_call *call, int r, void *arg);

/* A row of ops.def. */
struct op {
    const char *name;
    const char *answer, *message; /* elements */
    const char *list, *payload;   /* "": none */
    op_run *run;
};

struct op_call {
    const struct op_request *asked;
    const struct op *op; /* or NULL */
    const struct op_env *env;
    const struct store_mailbox *caller;  /* who authenticated: for logs, and to know a replay */
    const struct store_mailbox *mailbox; /* the acting one (the caller's, or the one impersonated): whose rights
                                            hold; and the default mailbox */
    struct access own;                   /* to it */
    struct access *others;               /* those looked up, in this transaction */
    struct arena *arena;
    const struct soap_request *request;
    const struct xml_node *node; /* the operation */
    struct xml_writer *xw;
    struct xml_writer writer; /* what xw is, but for parts that are written apart */
    struct buf *body;
    struct shape_ids ids;
    enum shape_level level;
    struct op_reply *reply;
    size_t uncopied; /* sent without the copy that was asked for (protocol.md 2.8, D1 and D2) */
    size_t unfiled;  /* copies for another mailbox that the runner has to write */
    struct op_once *once;      /* the Idempotency-Key of the request; or NULL */
    const char *fault_text;    /* of the fault, instead of the code's own; or NULL */
    int64_t fault_back_off_ms; /* with ErrorServerBusy */
    struct store_pending pending; /* the job that the answer waits for */
    op_then *then;
    void *then_arg;
};

/* An Idempotency-Key, and what ops/once.c knows of it. */
struct op_once {
    struct span key;
    uint8_t body[SHA256_SIZE]; /* hash of the request, byte by byte */
    struct span *messages;     /* per item, its response message when it stands in the record */
    bool refused;
};

/* Outcome for one item; code 0 is success. */
struct op_result {
    int code;
    const char *text;               /* instead of the code's own; or NULL */
    const struct xml_node *culprit; /* element of the request for MessageXml; or NULL */
    int64_t back_off_ms;            /* with ErrorServerBusy, for MessageXml; or 0 */
    bool warning;                   /* of an answer that is there all the same */
    bool keep;                      /* what was written stands all the same */
    bool kept;                      /* done by an earlier request with the same Idempotency-Key */
    bool undo;                      /* with more: what this job wrote of it goes again */
    bool more;                      /* a part of it is done: it goes on in the next job */
    const void *progress;           /* how far it came, as the item's verb wrote it down when it said more; or NULL */
};

#define OP(name, file, list, payload) op_run op_run_##name;
#include "ops/ops.def"
#undef OP

/* m:ResponseMessages around, m:OPResponseMessage with its first children. */
void op_messages_begin(struct op_call *call);
void op_messages_end(struct op_call *call);
void op_message_begin(struct op_call *call, const char *element, const struct op_result *result);
void op_message_end(struct op_call *call);
/* An empty payload element, as errors carry it. */
void op_empty(struct op_call *call, const char *element);

/* Turns a fatal store result into each item's outcome. */
int op_code_of(int r);

/* One store job, for which no thread waits where that can be: then(call, the
 * result, arg) is what the operation returns in the end, and what this returns
 * unless it is OP_LATER. The memory of all of it is the arena's. */
int op_write_then(struct op_call *call, store_job *job, void *job_arg, op_then *then, void *arg);

#endif
