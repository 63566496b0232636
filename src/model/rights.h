/*
 * Who may do what in whose mailbox, as plain values: the rights on a whole
 * mailbox (rights.def) and those in one of its folders (folder_rights.def).
 * What is done with them is decided in ops/access.c and, for sending, in
 * outbox/originator.c.
 */
#ifndef EWSD_MODEL_RIGHTS_H
#define EWSD_MODEL_RIGHTS_H

#include "base/base.h"

#define FOLDER_RIGHTS_ALL UINT32_C(0x5fb)

enum right {
#define RIGHT(name, bit, word, folder) RIGHT_##name = 1 << (bit),
#include "model/rights.def"
#undef RIGHT
};

enum folder_right {
#define FOLDER_RIGHT(name, bits, word) FOLDER_RIGHT_##name = (bits),
#include "model/folder_rights.def"
#undef FOLDER_RIGHT
};

/* The bit of send-as, full-access, editor ... false: no such right. */
bool right_by_name(struct span name, uint32_t *ret_right);
/* The name of the lowest bit of *rights, which is taken out; NULL: none is left. */
const char *right_next(uint32_t *rights);
/* held and one more. One folder role at a time: a new one replaces the old;
 * the other rights add up. */
uint32_t rights_add(uint32_t held, uint32_t right);
/* All names, separated by spaces; for messages. */
extern const char rights_names[];
/* What rights on a mailbox give in each of its folders. */
uint32_t rights_in_folders(uint32_t held);

/* The rights that a word gives in a folder: a role of rights.def (its whole
 * set), "none", or a word of folder_rights.def. ret_role: it takes the place
 * of what is held. false: no such word. */
bool folder_right_by_name(struct span name, uint32_t *ret_rights, bool *ret_role);
/* The name of the role that is just this set, "none" for 0; else NULL. */
const char *folder_role_name(uint32_t rights);
/* The name of the lowest right in *rights, which is taken out; NULL: none is left. */
const char *folder_right_next(uint32_t *rights);
/* All names, separated by spaces; for messages. */
extern const char folder_rights_names[];

#endif
