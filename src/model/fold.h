/*
 * Texts as they are searched: without regard to case, and to accents, and cut
 * into words. Texts are UTF-8; bytes that are not are kept as they are. The same
 * words make the full-text index and answer a query, so what the index says and
 * what is seen by reading an item never differ.
 */
#ifndef EWSD_MODEL_FOLD_H
#define EWSD_MODEL_FOLD_H

#include "base/arena.h"
#include "base/buf.h"

enum fold {
    FOLD_CASE = 1,
    FOLD_ACCENTS = 2, /* what stands over and under letters does not count */
};

enum { WORD_MAX = 64 }; /* bytes of a word; longer ones are as long as that */

/* Arena memory; the text itself when how is 0. -ENOMEM. */
int fold_text(struct arena *arena, struct span text, unsigned how, struct span *ret_folded);

/* Characters of well-formed UTF-8. */
size_t fold_characters(struct span text);

/* A text that is gone through word by word. */
struct words {
    struct span rest;
    char word[WORD_MAX + 8];
};

/* The next word, folded whichever way FOLD_ has; it stands until the next call.
 * Letters and digits make words; a CJK sign is one of its own. False: the end. */
bool words_next(struct words *words, struct span *ret_word);
/* Whether a word begins, or ends, between the byte before at and that at it. */
bool words_edge(struct span text, size_t at);

/* Appends the text that an HTML body shows, for searching only: what is marked
 * up within a word stays one word. buf_error tells. */
void fold_html(struct span html, struct buf *out);

#endif
