/*
 * A disk that loses power: an SQLite VFS below the store's that writes down
 * every write, truncation and sync while it records, and can then make the
 * folder that a power cut at any of them would have left. What was synced is
 * there; of what was not, the caller chooses: nothing, all, or any part in any
 * order, torn at sectors.
 */
#ifndef EWSD_TESTS_CONTRACT_POWER_H
#define EWSD_TESTS_CONTRACT_POWER_H

#include "base/base.h"

enum power_unsynced { POWER_LOST, POWER_KEPT, POWER_TORN };

/* Before the first store is opened. */
void power_install(void);
/* From here on; what lies in folder now is on the disk. */
void power_record(const char *folder);
/* How much was written down so far: a place to cut at. */
size_t power_now(void);
void power_stop(void);
/* In the middle of writes to one file that no sync parts: a cut here is much
 * like one anywhere else among them. */
bool power_amid(size_t at);
/* Writes the folder as a cut at that place leaves it. */
void power_cut(size_t at, enum power_unsynced unsynced, unsigned seed, const char *folder);
void power_forget(void);

#endif
