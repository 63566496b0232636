/*
 * Text without case, to compare names by: folded once and compared as bytes, so
 * that no engine's rules count. One character becomes one; what has no simple
 * small letter stays as it is.
 */
#ifndef EWSD_BASE_FOLD_H
#define EWSD_BASE_FOLD_H

#include "base/arena.h"

/* Small letters of the Latin, Greek, Cyrillic, Armenian and full-width scripts;
 * as long as text, in the arena. Bytes that are not UTF-8 stay. -ENOMEM. */
int fold_text(struct arena *arena, struct span text, struct span *ret_folded);
/* Characters of well-formed UTF-8. */
size_t fold_characters(struct span text);

#endif
