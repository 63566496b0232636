/*
 * Counts what may fail, and lets the n-th of it fail: once, or with all those
 * behind it until that is over. Who waits for what comes of it is woken by each
 * failure, and by whatever the test calls an event.
 */
#ifndef EWSD_TESTS_CONTRACT_NTH_H
#define EWSD_TESTS_CONTRACT_NTH_H

#include "base/base.h"

/* Counted from 1, from here on. */
void nth_arm(unsigned n, bool lasting);
/* One of what is counted: whether it fails. */
bool nth_fails(void);
/* Nothing fails any more: how many did since it was armed. */
unsigned nth_clear(void);
unsigned nth_failed(void);

/* Something happened: a commit, say. */
void nth_event(void *arg);
/* Until a failure or an event, or for ms; true: for ms. */
bool nth_wait(unsigned ms);

#endif
