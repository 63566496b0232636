/*
 * Changes to a document by whole elements, since nearly everything that
 * changes single bytes is refused for being no XML: one is taken away,
 * doubled, put elsewhere, or put in the place of another. In some of the
 * calls the fuzzer's own changes, by bytes and words, are made instead.
 */
#ifndef EWSD_TESTS_FUZZ_XML_MUTATE_H
#define EWSD_TESTS_FUZZ_XML_MUTATE_H

#include <stddef.h>
#include <stdint.h>

/* As LLVMFuzzerCustomMutator; and as LLVMFuzzerCustomCrossOver, for an element
 * of another document. */
size_t xml_mutate(uint8_t *data, size_t size, size_t max, unsigned seed);
size_t xml_cross(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *out, size_t max, unsigned seed);

#endif
