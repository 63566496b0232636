/*
 * SOAP 1.1 around EWS (protocol.md 1.3 to 1.9): a request's headers and its
 * operation, the envelope of an answer, and faults.
 * Every answer that is no fault carries exactly one header, ServerVersionInfo.
 */
#ifndef EWSD_SOAP_ENVELOPE_H
#define EWSD_SOAP_ENVELOPE_H

#include "soap/xml.h"

/* Everything shared: the schema and a pool of readers. Thread-safe. */
struct soap;

struct soap_rules {
    bool (*served)(struct span name); /* is this an operation (local name in the messages namespace)? */
    struct xml_limits limits;
    bool strict_order;                /* an item's elements stand in the order of the schema, too (decisions 22) */
    bool version_gate;                /* nothing may be newer than the request's version (decisions 23) */
};

int soap_new(const struct soap_rules *rules, struct soap **ret_soap);
void soap_free(struct soap *soap);

struct soap_request {
    struct span version;                  /* RequestServerVersion; Exchange2007_SP1 when absent */
    bool shape_2007;                      /* the literal Exchange2007: faults have the 2007 shape */
    struct span culture;                  /* MailboxCulture, or empty */
    bool milliseconds;                    /* DateTimePrecision Milliseconds */
    const struct xml_node *impersonation; /* t:ExchangeImpersonation, or NULL */
    const struct xml_node *time_zone;     /* t:TimeZoneContext, or NULL */
    const struct xml_node *operation;     /* first child of Body, valid against the schema */
};

/* Spans live in the request's arena or are static. */
struct soap_fault {
    struct span code;      /* ErrorSchemaValidation ...: also the faultcode, as a:CODE */
    struct span text;      /* faultstring */
    struct span message;   /* e:Message; empty: the same as text */
    struct span violation; /* t:Violation; with it line and position are written */
    uint32_t line;
    uint32_t position;
    int64_t back_off_ms;   /* > 0: t:Value BackOffMilliseconds (ErrorServerBusy) */
};

enum { SOAP_FAULT = 1 };

struct xml_flaw;

/* The request refers to body, which is written to (long base64 is decoded where
 * it stands) and must outlive it.
 * SOAP_FAULT: ret_fault is set, and in ret_request version and shape_2007, so
 * that the fault can be written. -ENOMEM when the arena is full. */
int soap_parse(struct soap *soap, struct buf *body, struct arena *arena, struct soap_request *ret_request,
               struct soap_fault *ret_fault);

/* The same, for who wants to know all that is wrong: each violation of the schema is
 * told and does not end it, as does what is no XML, which is told and is a
 * SOAP_FAULT without a code. */
int soap_parse_all(struct soap *soap, struct buf *body, struct arena *arena, void (*told)(void *arg, const struct xml_flaw *flaw),
                   void *arg, struct soap_request *ret_request, struct soap_fault *ret_fault);

/* What ServerVersionInfo says. */
struct soap_server {
    int64_t major, minor, major_build, minor_build;
    struct span version; /* "Exchange2013_SP1" */
};

/* XML declaration, s:Envelope, s:Header, s:Body open; the operation's answer
 * follows in between. Prefixes s, m and t are declared. */
void soap_envelope_begin(struct xml_writer *xw, const struct soap_server *server);
void soap_envelope_end(struct xml_writer *xw);

/* A whole fault, declaration included. The 2007 shape carries the version
 * header, the later one no header at all (1.8). */
void soap_fault_write(struct buf *out, const struct soap_server *server, bool shape_2007, const struct soap_fault *fault);
/* A fault with a static code and text. */
struct soap_fault soap_fault_make(const char *code, const char *text);

#endif
