/*
 * A disk that fails: an SQLite VFS below the store's that counts what is read,
 * written, synced, cut, opened, deleted and mapped, and lets the n-th of them
 * fail (nth.h). A write that finds no
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
/* As nth_arm. */
void faulty_arm(unsigned n, enum faulty_error error, bool lasting);

#endif
