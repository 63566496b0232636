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

/* ewsctl ready. ask_server asks the server that has the store in a folder, once.
 * EX_TEMPFAIL: it is not ready. EX_CONFIG: it cannot be asked. */
typedef int ewsctl_ask(struct ctl_call *call, const char *const *words, size_t n);
int ewsctl_ready(struct ctl_call *call, ewsctl_ask *ask_server, const char *const *words, size_t n);

/* The file that a command writes (CTL_SAVES) or reads (CTL_LOADS), opened with
 * the rights of whoever started ewsctl. One that is written has another name
 * until it is whole; what ends early leaves nothing behind. */
struct ctl_file {
    const char *path; /* the operand; NULL: the command has no file */
    char *part;       /* what is written; NULL when one is read */
    bool force;
};

/* Sets call->file. An exit status. */
int ctl_file_open(struct ctl_call *call, struct ctl_file *ret_file);
/* status: of the command. What was written gets its name, or goes. */
int ctl_file_close(struct ctl_call *call, struct ctl_file *file, int status);

#endif
