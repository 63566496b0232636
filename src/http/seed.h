/*
 * A seed: users, folders and messages as a test wants them, in JSON
 * (schema/openapi.json: Seed). It is made whole, in one job of the store, or not
 * at all.
 */
#ifndef EWSD_HTTP_SEED_H
#define EWSD_HTTP_SEED_H

#include "ops/op.h"

#define SEED_ERROR_SIZE 512

/* Appends what was made to out, as JSON (Seeded). folder: where eml_file is looked
 * for, and below; NULL: nowhere. SEED_WRONG: nothing was made, and ret_error says
 * where the mistake is. */
enum { SEED_WRONG = 1 };
int seed_apply(const struct op_env *env, struct arena *arena, struct span json, const char *folder, struct buf *out,
               char ret_error[SEED_ERROR_SIZE]);
/* The same of a file, with files beside it. */
int seed_apply_file(const struct op_env *env, const char *path, char ret_error[SEED_ERROR_SIZE]);

#endif
