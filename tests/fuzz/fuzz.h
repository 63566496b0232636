/*
 * What the fuzz targets share. A target is a file fuzz_NAME.c with this one
 * function; what must hold for every input it says with FUZZ_CHECK, so that a
 * wrong result is found as a crash is. The same input gives the same result:
 * nothing of one run reaches the next.
 */
#ifndef EWSD_TESTS_FUZZ_FUZZ_H
#define EWSD_TESTS_FUZZ_FUZZ_H

#include "base/arena.h"
#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Prints and aborts when it doesn't hold. */
#define FUZZ_CHECK(condition) ((condition) ? (void)0 : fuzz_failed(__FILE__, __LINE__, #condition, (struct span){ 0 }))
/* The same, and shows the text (an answer, say) that broke it. */
#define FUZZ_CHECK_TEXT(condition, text) ((condition) ? (void)0 : fuzz_failed(__FILE__, __LINE__, #condition, text))
_Noreturn void fuzz_failed(const char *file, int line, const char *condition, struct span text);

/* An arena; the end of the program when there is no memory. */
struct arena *fuzz_arena(size_t cap);
/* The next piece of *rest before separator, or all of it; false at the end. */
bool fuzz_next(struct span *rest, char separator, struct span *ret_piece);
/* A number from text, whatever it holds. */
uint64_t fuzz_number(struct span text);
bool fuzz_contains(struct span text, struct span wanted);
/* UTF-8 without control characters, white space not at its ends. */
bool fuzz_is_plain(struct span text);

#endif
