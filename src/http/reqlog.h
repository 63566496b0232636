/*
 * The request log of `ewsd dev`: the last requests to EWS with their answers, in
 * memory, as many as fit into dev.request_log bytes. What a linter says of one is
 * worked out when it is read. Thread-safe.
 */
#ifndef EWSD_HTTP_REQLOG_H
#define EWSD_HTTP_REQLOG_H

#include "base/arena.h"
#include "model/item.h"

#define REQLOG_BODY_MAX 262144 /* bytes of a body that are kept */
#define REQLOG_CODES_MAX 16

struct reqlog;
struct feed;
struct linter;

/* What is known of a request; for reqlog_add all texts are the caller's. */
struct reqlog_entry {
    uint64_t id; /* rising; set by add */
    int64_t at, ms;
    int status;
    struct span request_id, user, op, method, path;
    struct span codes[REQLOG_CODES_MAX]; /* in the answer, each once */
    size_t codes_n;
    struct span request_headers, answer_headers; /* "Name: value\n", each */
    struct span request, answer;                 /* their begins */
    uint64_t request_size, answer_size;
};

int reqlog_new(uint64_t bytes, struct feed *feed, struct reqlog **ret_log);
void reqlog_free(struct reqlog *log);
/* The bodies are cut here. What there is no memory for is not logged. */
void reqlog_add(struct reqlog *log, const struct reqlog_entry *entry);
/* Of an answer: what stands in its elements ResponseCode. */
void reqlog_find_codes(struct span answer, struct reqlog_entry *entry);
struct linter *reqlog_linter(struct reqlog *log);

/* How many were added, and how many of these are gone. */
void reqlog_counts(struct reqlog *log, uint64_t *ret_last, uint64_t *ret_dropped);
/* With the entries behind after, or (newest) before `before` (0: all), until it
 * returns false; the log is locked meanwhile. */
typedef bool reqlog_visit(void *arg, const struct reqlog_entry *entry);
void reqlog_each(struct reqlog *log, uint64_t after, uint64_t before, bool newest, reqlog_visit *visit, void *arg);
/* A copy. 1: there is none. */
int reqlog_get(struct reqlog *log, struct arena *arena, uint64_t id, struct reqlog_entry *ret_entry);
/* Forgets all; how many that were. */
uint64_t reqlog_clear(struct reqlog *log);

#endif
