/*
 * A disk that fails: an SQLite VFS below the store's that counts what is read,
 * written, synced, cut, opened, deleted and mapped, and lets the n-th of them
 * fail: once, or from then on until the fault is cleared. A write that finds no
 * room leaves half of its bytes there, as a disk does.
 */
#ifndef EWSD_TESTS_CONTRACT_FAULTY_H
#define EWSD_TESTS_CONTRACT_FAULTY_H

#include "base/base.h"

enum faulty_error {
    FAULTY_EIO,    /* anything */
    FAULTY_ENOSPC, /* what takes space: writes, new files, more shared memory */
};

/* Before the first store is opened. */
void faulty_install(void);
/* The n-th from here on, counted from 1, fails, and with all those behind it. */
void faulty_arm(unsigned n, enum faulty_error error, bool lasting);
/* The disk is well again: how many failed since it was armed. */
unsigned faulty_clear(void);
/* Whether one has failed since it was armed. */
bool faulty_fired(void);

#endif
