/*
 * Internationalised addresses on their way out: domains as A-labels (IDNA
 * 2008), and whether what is left needs SMTPUTF8 (RFC 6531).
 */
#ifndef EWSD_OUTBOX_IDNA_H
#define EWSD_OUTBOX_IDNA_H

#include "base/arena.h"

/* Whether it is a name of a host: letters, digits and hyphens in labels (RFC 5321
 * 2.3.5), no longer than DNS has them. */
bool idna_is_domain(struct span text);
/* In ASCII lower case, NUL-terminated arena memory. 1: no IDNA
 * name; what is ASCII is taken as it is. -ENOMEM. */
int idna_domain(struct arena *arena, struct span domain, struct span *ret_ascii);
/* The address with such a domain. ret_utf8: its local part is not ASCII. 1, -ENOMEM
 * as above. */
int idna_address(struct arena *arena, struct span address, struct span *ret_address, bool *ret_utf8);

#endif
