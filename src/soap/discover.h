/*
 * Autodiscover (protocol.md 5): how a client that knows an address asks where
 * its mailbox is served. Three ways to ask, one answer: the URL of EWS. Here are
 * what is read and what is written; who may know what is the caller's.
 */
#ifndef EWSD_SOAP_DISCOVER_H
#define EWSD_SOAP_DISCOVER_H

#include "soap/envelope.h"

#define DISCOVER_USERS_MAX 100    /* addresses or domains in a request */
#define DISCOVER_SETTINGS_MAX 200 /* settings asked for */

/* What is told of a mailbox. */
struct discover_user {
    struct span asked;   /* the address or the domain, as it was asked for */
    bool known;          /* else only asked is set */
    struct span address; /* primary */
    struct span name;
    struct span id;      /* GUID as text */
};

/* Where. */
struct discover_place {
    struct span url;  /* of EWS */
    struct span host; /* in it */
    bool https;
    const struct soap_server *server;
};

/* ---- POX ---- */

/* Of the errors that are answered: <ErrorCode>. */
enum discover_error {
    DISCOVER_NO_USER = 500,
    DISCOVER_INVALID = 600,
    DISCOVER_NO_PROVIDER = 601,
    DISCOVER_FAILED = 603,
};

/* body is written to. 0: the address, or one of the errors. -ENOMEM. */
int discover_pox_read(struct arena *arena, struct buf *body, struct span *ret_address);
void discover_pox_write(struct buf *out, const struct discover_place *place, const struct discover_user *user);
void discover_pox_write_error(struct buf *out, enum discover_error error, int64_t now);

/* ---- SOAP ---- */

enum discover_question { DISCOVER_USER_SETTINGS, DISCOVER_DOMAIN_SETTINGS };

struct discover_request {
    enum discover_question question;
    struct span *asked; /* addresses or domains */
    size_t asked_n;
    struct span *settings;
    size_t settings_n;
    bool too_many; /* of either: what is there is not all */
};

enum { DISCOVER_FAULT = 1 };

/* body is written to. DISCOVER_FAULT: it is no question that is known here, and
 * ret_fault says so. -ENOMEM. */
int discover_soap_read(struct arena *arena, struct buf *body, struct discover_request *ret_request, struct soap_fault *ret_fault);
/* users are those asked for, in their order. */
void discover_soap_write(struct buf *out, const struct discover_place *place, const struct discover_request *request,
                         const struct discover_user *users);

#endif
