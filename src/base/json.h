/*
 * Writing JSON: strings, and the members of objects, which put a comma where
 * one belongs.
 */
#ifndef EWSD_BASE_JSON_H
#define EWSD_BASE_JSON_H

#include "base/buf.h"

/* Quoted. Control characters and what means something to HTML are escaped;
 * bytes that are not UTF-8 become U+FFFD. */
void json_add_string(struct buf *out, struct span text);
/* A comma, unless an object or array has just begun. */
void json_add_comma(struct buf *out);
/* "name": and what follows; name NULL: an element of an array. */
void json_add_key(struct buf *out, const char *name);
void json_add_text(struct buf *out, const char *name, struct span text);
void json_add_number(struct buf *out, const char *name, uint64_t value);
void json_add_bool(struct buf *out, const char *name, bool value);
void json_add_null(struct buf *out, const char *name);
/* xs:dateTime; null when it is not set. */
void json_add_time(struct buf *out, const char *name, int64_t at);
/* What opens, '{' or '['; the caller closes it. */
void json_add_open(struct buf *out, const char *name, char open);

#endif
