/*
 * Memory that runs short: the n-th allocation of our own code, SQLite or libxml2
 * fails; once, or with all those behind it until it is cleared. Our code is
 * caught by the linker (--wrap, see meson.build), the libraries by their own
 * hooks. What GLib and libc allocate for themselves never fails.
 */
#ifndef EWSD_TESTS_CONTRACT_SHORT_H
#define EWSD_TESTS_CONTRACT_SHORT_H

#include "base/base.h"

/* Before SQLite and libxml2 are used. */
void short_install(void);
void short_arm(unsigned n, bool lasting);
/* How many failed since it was armed. */
unsigned short_clear(void);
bool short_fired(void);

#endif
