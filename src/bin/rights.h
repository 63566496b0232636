/*
 * The rights of rights.def: their names, and how one joins those that are held.
 */
#ifndef EWSD_BIN_RIGHTS_H
#define EWSD_BIN_RIGHTS_H

#include "base/base.h"

/* The bit of send-as, full-access, editor ... false: no such right. */
bool right_by_name(struct span name, uint32_t *ret_right);
/* The name of the lowest bit of *rights, which is taken out; NULL: none is left. */
const char *right_next(uint32_t *rights);
/* held and one more. One folder role at a time: a new one replaces the old;
 * the other rights add up. */
uint32_t rights_add(uint32_t held, uint32_t right);
/* All names, separated by spaces; for messages. */
extern const char rights_names[];

#endif
