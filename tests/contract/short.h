/*
 * Memory that runs short: the n-th allocation of our own code, SQLite or libxml2
 * fails (nth.h). Our code is caught by the linker (--wrap, see meson.build), the libraries by their own
 * hooks. What GLib and libc allocate for themselves never fails.
 */
#ifndef EWSD_TESTS_CONTRACT_SHORT_H
#define EWSD_TESTS_CONTRACT_SHORT_H

/* Before SQLite and libxml2 are used. */
void short_install(void);

#endif
