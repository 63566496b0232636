/*
 * Files that hold a secret of the outbox: read once, at the start.
 */
#ifndef EWSD_OUTBOX_SECRET_H
#define EWSD_OUTBOX_SECRET_H

#include "base/arena.h"

#define SECRET_FILE_MAX 1048576
#define SECRET_WHY_SIZE 128

/* A whole file in arena memory, with a NUL behind it; secret_wipe it. 1: it is
 * not there, not readable, too large, or others may use it; ret_why says so.
 * -ENOMEM. */
int secret_read(struct arena *arena, const char *path, struct span *ret_text, char ret_why[SECRET_WHY_SIZE]);
void secret_wipe(struct span text);

#endif
