/*
 * What `ewsd dev` puts into its store before it answers: the mailboxes and
 * rights of the command line, and the temporary folder when there is none.
 */
#ifndef EWSD_BIN_DEV_STORE_H
#define EWSD_BIN_DEV_STORE_H

#include "bin/dev_options.h"
#include "store/store.h"

#include <limits.h>

/* A fresh folder under $TMPDIR (else /tmp). -errno. */
int dev_store_make_temporary(char ret_path[PATH_MAX]);
/* Removes the folder and all in it. */
void dev_store_remove(const char *path);

/* Creates users or sets their passwords, then sets the grants. Without users
 * alice@example.test and bob@example.test are made where they are missing.
 * 1: a grant names no mailbox, and ret_error says which. */
int dev_store_fill(struct store *store, const struct dev_options *options, char ret_error[DEV_ERROR_SIZE]);

#endif
