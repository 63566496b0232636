/*
 * The contract: our types.xsd and messages.xsd, compiled once and shared by
 * all threads. From one text come two schemas: strict (what clients are
 * served) and lenient (an item's content in any order). soap.item_order says
 * which of them requests are held against. What the lenient one cannot forbid,
 * an element that an item holds twice, envelope.c looks for.
 */
#ifndef EWSD_SOAP_SCHEMA_H
#define EWSD_SOAP_SCHEMA_H

#include "base/arena.h"
#include "base/base.h"

struct schema;

enum schema_file { SCHEMA_TYPES, SCHEMA_MESSAGES, SCHEMA_SOAP, SCHEMA_FILE_COUNT };

/* The text that was compiled into the program. */
struct span schema_file_text(enum schema_file file);
/* Compiles. -EINVAL: our own files are wrong (a build fault). */
int schema_new(bool lenient, struct schema **ret_schema);
void schema_free(struct schema *schema);

/* ---- for the reader: one check is one run over one element ---- */

struct schema_check;

/* strings handed to a check must live until the element is ended */
int schema_check_new(const struct schema *schema, struct schema_check **ret_check);
void schema_check_free(struct schema_check *check);
int schema_check_begin(struct schema_check *check);
/* The arguments of libxml2's startElementNs, passed through. */
void schema_check_start(struct schema_check *check, const unsigned char *name, const unsigned char *prefix,
                        const unsigned char *uri, int n_namespaces, const unsigned char **namespaces, int n_attrs,
                        int n_defaulted, const unsigned char **attrs);
void schema_check_text(struct schema_check *check, const unsigned char *text, int len);
void schema_check_end(struct schema_check *check, const unsigned char *name, const unsigned char *prefix,
                      const unsigned char *uri);
void schema_check_finish(struct schema_check *check);
/* The first violation since begin, in libxml2's words; NULL when there is none. */
const char *schema_check_violation(const struct schema_check *check);
/* The violation was told: what is found from now on is the first again. */
void schema_check_forgive(struct schema_check *check);
/* The validator itself failed, for want of memory: it must not be called again. */
bool schema_check_failed(const struct schema_check *check);
/* libxml2's number of that violation. */
int schema_check_code(const struct schema_check *check);

#endif
