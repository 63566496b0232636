/*
 * Faults on demand (`ewsd dev`): rules that say which requests go wrong, and
 * how. A rule is a plain value. The table that holds them is the program's and
 * is handed down in struct http_options; `ewsd serve` has none. Which request a
 * rule strikes depends on the requests before it and on nothing else.
 */
#ifndef EWSD_HTTP_FAULTS_H
#define EWSD_HTTP_FAULTS_H

#include "http/http.h"

#define FAULT_RULES_MAX 256
#define FAULT_OP_SIZE 64
#define FAULT_USER_SIZE 256
#define FAULT_DO_SIZE 128
#define FAULT_TEXT_SIZE 512
#define FAULT_HEADER_SIZE 256
#define FAULT_ERROR_SIZE 320

/* What is done to a request; all zero: nothing. */
struct fault_effect {
    int code;            /* it is answered with this one */
    bool each;           /* in a response message per item, else in a SOAP fault */
    int64_t back_off_ms; /* which the answer tells */
    bool stale;          /* its items are changed before it */
    int64_t rate;        /* messages a minute; 0: as configured */
    int status;          /* of HTTP, instead of an answer; 0: none */
    bool nothing;        /* is done */
    struct http_pace pace;
};

/* Which of the requests that fit it a rule strikes. */
enum fault_when { FAULT_ALWAYS, FAULT_CALL, FAULT_EVERY, FAULT_FIRST };

struct fault_rule {
    uint64_t id;
    char op[FAULT_OP_SIZE];     /* "": any operation */
    char user[FAULT_USER_SIZE]; /* the address of who called; "": anybody */
    enum fault_when when;
    int64_t n;
    char kind[FAULT_DO_SIZE]; /* as it was said: "code:ErrorItemNotFound" */
    struct fault_effect effect;
    char text[FAULT_TEXT_SIZE];     /* instead of the one that belongs to it */
    char header[FAULT_HEADER_SIZE]; /* "Name: value" of an HTTP answer; or "" */
    int64_t retry_after;            /* seconds; -1: not said */
    int64_t delay_ms;               /* before the answer, besides its effect */
    uint64_t calls;                 /* requests that fitted it */
    uint64_t matched;               /* those that it struck */
};

/* ---- reading rules ---- */

void fault_rule_init(struct fault_rule *ret_rule);
/* One field of a rule, as text. 1: ret_error says what is wrong. */
int fault_rule_set(struct fault_rule *rule, struct span field, struct span value, char ret_error[FAULT_ERROR_SIZE]);
/* Once all are set. 1: one is missing, or two don't go together. */
int fault_rule_check(const struct fault_rule *rule, char ret_error[FAULT_ERROR_SIZE]);
/* "op=SendItem,call=3,do=busy"; text= takes all that follows it. 1 as above. */
int fault_rule_read(struct span spec, struct fault_rule *ret_rule, char ret_error[FAULT_ERROR_SIZE]);
/* What there is, for --help: the fields and the kinds. */
void fault_help(struct buf *out);
/* As JSON. */
void fault_rule_write(struct buf *out, const struct fault_rule *rule);

/* ---- the table; thread-safe ---- */

struct faults;

int faults_new(struct faults **ret_faults); /* -ENOMEM */
void faults_free(struct faults *faults);
/* All of them or none; sets their ids. FAULTS_FULL: over FAULT_RULES_MAX. */
enum { FAULTS_FULL = 1 };
int faults_add(struct faults *faults, struct fault_rule *rules, size_t n);
/* false: there is none with this id. */
bool faults_remove(struct faults *faults, uint64_t id);
void faults_clear(struct faults *faults);
/* A copy of the rules, in the order in which they are looked at. -ENOMEM. */
int faults_list(struct faults *faults, struct arena *arena, struct fault_rule **ret_rules, size_t *ret_n);
/* Counts a request of the user, and whether a rule strikes it: the first of those
 * whose turn it is. */
bool faults_strike(struct faults *faults, struct span op, struct span user, struct fault_rule *ret_rule);

/* ---- a request meets its fault ---- */

/* 0: it goes on, with the response prepared, and with ret_env and ret_fault for
 * the operation if they had to be other than the server's (else untouched).
 * FAULT_ANSWERED: response is the answer. -ENOMEM. */
enum { FAULT_ANSWERED = 2 };
int fault_meet(const struct http_request *request, struct span op, struct http_response *response, const struct op_env **ret_env,
               const struct op_fault **ret_fault);

#endif
