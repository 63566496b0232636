/*
 * The program ewsctl: ewsctl.c reads the command line and the password,
 * ewsctl_run.c has the command carried out.
 */
#ifndef EWSD_BIN_EWSCTL_H
#define EWSD_BIN_EWSCTL_H

#include "bin/ctl.h"

/* By the server that has the store in call->folder, else by this program, which
 * takes the lock then. The call was parsed from these words. An exit status;
 * call->out and call->error are filled either way. */
int ewsctl_run(struct ctl_call *call, const char *const *words, size_t n);

#endif
