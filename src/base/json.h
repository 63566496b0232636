/*
 * The one thing that writing JSON needs a function for: strings.
 */
#ifndef EWSD_BASE_JSON_H
#define EWSD_BASE_JSON_H

#include "base/buf.h"

/* Quoted. Control characters and what means something to HTML are escaped;
 * bytes that are not UTF-8 become U+FFFD. */
void json_add_string(struct buf *out, struct span text);

#endif
