/*
 * A linter for clients of EWS: what is wrong with a request, or may not do what
 * is meant, also where the server took it. The schema is held against it in its
 * strict form, whatever soap.item_order says, and to the end.
 */
#ifndef EWSD_SOAP_LINT_H
#define EWSD_SOAP_LINT_H

#include "soap/envelope.h"

#include <pthread.h>

#define LINT_FINDINGS_MAX 50

enum lint_severity { LINT_ERROR, LINT_WARNING, LINT_NOTE };

struct lint_finding {
    uint32_t line, column; /* from 1, in characters; 0: it is about a header of HTTP, or about what is missing */
    enum lint_severity severity;
    const char *rule; /* a word for programs */
    struct span message;
};

/* The strict schema, compiled when it is first needed. Thread-safe. */
struct linter {
    pthread_mutex_t lock;
    struct soap *soap;
    bool (*served)(struct span name);
};
void linter_init(struct linter *linter, bool (*served)(struct span name));
void linter_done(struct linter *linter);

/* As they came; ptr NULL: the header is missing. */
struct lint_input {
    struct span body; /* not changed */
    struct span content_type, action;
};
/* Findings by line, in arena memory, at most LINT_FINDINGS_MAX. */
int lint_request(struct linter *linter, struct arena *arena, const struct lint_input *input, struct lint_finding **ret_findings,
                 size_t *ret_n);
/* What the headers alone tell. */
int lint_headers(struct arena *arena, const struct lint_input *input, struct lint_finding **ret_findings, size_t *ret_n);

#endif
