/*
 * What every message must be when it leaves, whatever it was made of
 * (decisions 8): read by the fuzz targets that make messages, with eyes of
 * their own, not by the code under test.
 */
#ifndef EWSD_TESTS_FUZZ_WIRE_RULES_H
#define EWSD_TESTS_FUZZ_WIRE_RULES_H

#include "fuzz.h"

/* CRLF lines of at most 998 bytes (the last may lack its CRLF, which SMTP adds),
 * no NUL, no bare CR or LF, 7-bit (or only the header of it, with eight_bit); a
 * header of fields alone; no Bcc. */
void wire_check(struct span message, bool eight_bit);
/* How many fields of that name the header has. */
size_t wire_count(struct span message, const char *name);
/* The next field's name; false at the end of the header. *rest starts as the
 * message. */
bool wire_field(struct span *rest, struct span *ret_name);

#endif
