/*
 * A store that requests are played against, the same before every input: alice
 * calls; bob's mailbox is closed to her; of carol's she may read everything
 * and send on her behalf; as dave she may act. It lies in memory (/dev/shm)
 * and is put back to its beginning whenever something was written.
 */
#ifndef EWSD_TESTS_FUZZ_EWS_WORLD_H
#define EWSD_TESTS_FUZZ_EWS_WORLD_H

#include "fuzz.h"

#include "ops/op.h"
#include "soap/envelope.h"

/* Stands in every text of bob's that alice must not see. */
#define BOBS_MARK "Zq7x-of-bob-alone"

struct ews_world {
    struct store *store;
    struct conf conf;
    struct op_env ops;
    struct soap *soap;
    struct caller alice;
    int64_t mailboxes[4]; /* alice, bob, carol, dave */
};

/* One for the program. */
struct ews_world *ews_world(void);
/* Whatever an input wrote is undone. */
void ews_world_reset(struct ews_world *world);
/* What was sent is delivered or captured. */
void ews_world_deliver(struct ews_world *world);
/* Counts of folders agree with what is in them, in each mailbox; what was
 * captured keeps the rules of the wire, and is from alice or carol. */
void ews_world_check(struct ews_world *world);
/* text with {{id:NAME}}, {{changekey:NAME}}, {{folder:NAME}}, {{folderkey:NAME}},
 * {{attachment:NAME}} and {{rootkey:NAME}} of the golden tests filled in: the
 * names foreign, shared and acting are of bob, carol and dave, sent is in
 * alice's Sent Items, other names are drafts of hers. */
void ews_world_fill(struct ews_world *world, struct span text, struct buf *out);

#endif
