/*
 * Giving up rights, for good: another account, no capabilities, no new
 * privileges, no core dumps, and (by Landlock, where the kernel has it) no
 * writing outside one folder and no running of programs. All of it holds for
 * threads that are started afterwards, so nothing may run yet.
 */
#ifndef EWSD_BASE_CONFINE_H
#define EWSD_BASE_CONFINE_H

#include "base/base.h"

#include <sys/types.h>

struct account {
    const char *name; /* borrowed */
    uid_t uid;
    gid_t gid;
};

/* 1: there is no such account. */
int account_find(const char *name, struct account *ret_account);
/* From root to the account with its groups; -EPERM also when the way back is
 * still open. */
int confine_become(const struct account *account);
/* Everything else. folder is where writing stays allowed; NULL: nowhere. ret_landlock: the
 * version of Landlock that is in force, 0 for none. */
int confine_process(const char *folder, int *ret_landlock);

#endif
