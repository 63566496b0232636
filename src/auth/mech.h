/*
 * What a mechanism does: it checks one login name with one password. It keeps
 * no memory of what it answered; that is auth.c's.
 */
#ifndef EWSD_AUTH_MECH_H
#define EWSD_AUTH_MECH_H

#include "auth/auth.h"

struct auth_mech {
    const char *name;
    /* 0 with the mailbox in arena memory; 1: refused; negative: cannot tell. */
    int (*verify)(struct store *store, const struct conf *conf, struct arena *arena, struct span user, struct span password,
                  struct store_mailbox *ret_mailbox);
};

#define MECH(name) extern const struct auth_mech auth_mech_##name;
#include "auth/mechs.def"
#undef MECH

#endif
