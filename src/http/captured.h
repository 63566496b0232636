/*
 * Captured messages (store_capture.h) as the routes of /dev/messages look for
 * them and show them.
 */
#ifndef EWSD_HTTP_CAPTURED_H
#define EWSD_HTTP_CAPTURED_H

#include "http/rest.h"
#include "store/store_capture.h"

#include <errno.h>

/* What is looked for, folded; empty: anything. */
struct captured_query {
    struct span text, from, to, subject;
};
/* q, from, to and subject. False: response says what is wrong. */
bool captured_read_query(const struct http_request *request, struct captured_query *ret_query, struct http_response *response);

struct captured_range {
    uint64_t after, before; /* 0: no bound */
    bool newest;            /* first */
    uint64_t *ret_last;     /* the last that was looked at, when there was one; or NULL */
};
/* Each entry that fits; CAPTURED_ENOUGH ends it, and is returned. Entries are gone
 * when this returns. */
enum { CAPTURED_ENOUGH = 1 };
typedef int captured_visit(void *arg, const struct store_capture *entry);
int captured_each(struct store_tx *tx, const struct captured_query *query, const struct captured_range *range, captured_visit *visit,
                  void *arg);

/* Members of a JSON object. */
void captured_add(struct buf *out, const struct store_capture *entry);
/* The whole message as JSON; 404 when it is gone. */
int captured_answer(struct http_request *request, uint64_t capture_no, struct http_response *response);

/* In jobs of some entries each. */
struct captured_deleted {
    struct arena *arena;
    size_t last; /* in the last job */
};
int captured_delete_all(struct store *store, struct arena *arena, uint64_t *ret_n);

#endif
