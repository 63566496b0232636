/*
 * What the tests of failing disks and failing memory do to a store, and what
 * must be found afterwards: deeds that a client or the runner does, each with
 * its place in a ledger. A store that they work on has alice and bob, and a
 * draft of alice's ("draft", to bob and to carol elsewhere, with an attachment).
 */
#ifndef EWSD_TESTS_CONTRACT_DEEDS_H
#define EWSD_TESTS_CONTRACT_DEEDS_H

#include "outbox/outbox.h"
#include "store/store_mail.h"
#include "store/store_mailbox.h"

struct deeds {
    char path[64];
    struct conf conf;
    struct store *store;
    struct arena *arena; /* until the store is closed */
    struct arena *kept;  /* what people know from before */
    struct store_mailbox alice, bob;
    struct item draft; /* without content */
    char *bytes; /* of a long attachment */
};

#define DEEDS_SHORT 5000
#define DEEDS_LONG (STORE_STAGE_MIN + 300000)

/* What stands in a store: items by folder and the parts that delivery has in it. */
struct ledger {
    size_t drafts, edited, created, longs; /* in Drafts: "draft" as it was and with another body, "short", "long" */
    size_t sent, inbox, captured, reports, queued;
};

/* A folder in memory where that can be had: what counts is that things fail. */
void deeds_make_folder(char path[64]);
void deeds_remove_folder(const char *path);
/* Into a closed store. */
void deeds_prepare(struct deeds *deeds);
int deeds_open(struct deeds *deeds);
void deeds_close(struct deeds *deeds);
void deeds_done(struct deeds *deeds);

/* Each returns what the store said. */
int deeds_create(struct deeds *deeds);      /* "short", with an attachment */
int deeds_create_long(struct deeds *deeds); /* "long", whose attachment goes ahead of it */
int deeds_update(struct deeds *deeds);      /* another body for the draft */
int deeds_send(struct deeds *deeds);        /* the draft, with a copy */
int deeds_send_lost(struct deeds *deeds);   /* a message to nobody of a local domain: it will bounce */
struct outbox *deeds_start(struct deeds *deeds);
/* What became of recipients so far, as the runner counts them. */
uint64_t deeds_outcomes(void);
/* Until something failed, or there are so many outcomes; a fault that lasts is
 * met a few times. */
void deeds_wait_for_fault(uint64_t outcomes, bool lasting);
/* Until nothing is queued. */
void deeds_wait(struct deeds *deeds, struct outbox *outbox);
/* Counts, and finds every item whole and every folder's counts right. */
struct ledger deeds_count(struct deeds *deeds);
/* What went ahead and is nobody's is swept, and nothing else is left. */
void deeds_check_chunks(struct deeds *deeds);

#endif
