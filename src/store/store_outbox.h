/*
 * What leaves: outbox entries with their recipients, leases, the answers kept
 * for replays, marks of local deliveries, and the capture of `ewsd dev`.
 * An entry freezes the item as it is submitted: properties as a copy in the
 * entry, content by reference. Policy (when, how often) is the caller's.
 */
#ifndef EWSD_STORE_STORE_OUTBOX_H
#define EWSD_STORE_STORE_OUTBOX_H

#include "model/item.h"
#include "store/store.h"

enum store_rcpt_state {
    STORE_RCPT_QUEUED,
    STORE_RCPT_SENT,
    STORE_RCPT_FAILED,
    STORE_RCPT_REMOVED, /* by an administrator; in traces only */
};
/* Which way a recipient goes; the outbox decides, the store only keeps it. */
enum store_rcpt_kind { STORE_RCPT_LOCAL, STORE_RCPT_REMOTE, STORE_RCPT_FILE };

struct store_outbox_rcpt {
    uint32_t no;         /* 1.. in the entry */
    struct span address; /* as on the envelope */
    struct span name;
    enum store_rcpt_kind kind;
    enum store_rcpt_state state;
    uint32_t attempts;
    int64_t next_attempt; /* ms; when QUEUED */
    struct span status;   /* last reply or enhanced status, for bounces */
    struct span relay;    /* which one the last attempt was for; empty: none */
    int64_t lease_until;  /* ms; in the future: an attempt is under way, or waits in a lane */
};

struct store_outbox {
    int64_t mailbox_id;
    uint64_t outbox_no;   /* set by insert */
    uint64_t content_no;  /* of the item */
    struct span envelope_sender; /* empty: the null sender */
    struct span message_id;
    int64_t date;         /* the Date header */
    uint64_t boundary_seed;
    int64_t created;
    int64_t expires;
    bool bounce;          /* a report of ours: never bounced again */
    bool held;            /* by an administrator: it is not due until released */
    bool warned;          /* the sender was told that it is late */
    struct store_outbox_rcpt *rcpts;
    size_t rcpts_n;
};

/* item as it is sent: its properties are copied, its content is referred to; an
 * item that is nowhere stored (item_no 0) has its content written here, and
 * content_no set. Sets entry->outbox_no, content_no and the recipients' no. */
int store_outbox_insert(struct store_tx *tx, struct item *item, struct store_outbox *entry);
/* The same for a stored draft, with what becomes of it: item is the draft as
 * it is sent, in item->folder_no, and takes the draft's place under a new
 * number, or nothing does (folder_no 0). draft is as it was read in this job.
 * CODE_ErrorFolderNotFound. CODE_ErrorQuotaExceeded: a copy, in a mailbox that
 * is over its quota. */
int store_outbox_submit(struct store_tx *tx, struct item *item, const struct item *draft, struct store_outbox *entry);

struct store_outbox_key {
    int64_t mailbox_id;
    uint64_t outbox_no;
};
/* Entries with a queued recipient that is due and not leased, oldest first;
 * ret_next is when the next one falls due (WHEN_NONE: none) if fewer than
 * limit came. Nothing is due while the outbox is held (store_keep.h). */
int store_outbox_due(struct store_tx *tx, struct arena *arena, int64_t now, size_t limit, struct store_outbox_key **ret_keys,
                     size_t *ret_n, int64_t *ret_next);
/* Leases the due, unleased recipients of up to limit entries, those that are due
 * longest, to owner until `until`. */
int store_outbox_take(struct store_tx *tx, struct arena *arena, uint64_t owner, int64_t now, int64_t until, size_t limit,
                      struct store_outbox_key **ret_keys, size_t *ret_n);
/* The same in one mailbox, without entries that somebody else is leasing at this
 * moment. Costs more; for stores that nodes share. */
int store_outbox_take_of(struct store_tx *tx, int64_t mailbox_id, uint64_t owner, int64_t now, int64_t until, size_t limit,
                         struct store_outbox_key *ret_keys, size_t *ret_n);
/* Leases one recipient, due or not. 1: it is settled, or another's. */
int store_outbox_hold(struct store_tx *tx, struct store_outbox_key key, uint32_t no, uint64_t owner, int64_t now, int64_t until);
/* Makes what owner still holds of an entry last until `until`. 1: nothing. */
int store_outbox_renew(struct store_tx *tx, struct store_outbox_key key, uint64_t owner, int64_t until);
/* The entry with the recipients that owner holds (owner 0: all), and the item
 * as it was submitted (depth as store_item_get; message_id, sent and
 * boundary_seed are the frozen ones). 1: no such entry. CODE_ErrorItemCorrupt
 * and CODE_ErrorCorruptData as store_item_get. */
int store_outbox_load(struct store_tx *tx, struct arena *arena, struct store_outbox_key key, uint64_t owner, unsigned depth,
                      struct store_outbox *ret_entry, struct item *ret_item);
/* The two halves of it: numbers and recipients alone (none: owner holds none),
 * then, into the same entry, the rest. 1 and codes as above. */
int store_outbox_rcpts(struct store_tx *tx, struct arena *arena, struct store_outbox_key key, uint64_t owner,
                       struct store_outbox *ret_entry);
int store_outbox_message(struct store_tx *tx, struct arena *arena, unsigned depth, struct store_outbox *entry,
                         struct item *ret_item);

/* More recipients for an entry that is there: rcpts, but for those whose address
 * it has already, whatever became of them; so doing it again does nothing, and
 * groups in each other come to an end. Sets the recipients' no (0: not added). */
int store_outbox_add(struct store_tx *tx, struct store_outbox_key key, struct store_outbox_rcpt *rcpts, size_t n);

struct store_settle {
    uint32_t no;
    enum store_rcpt_state state; /* QUEUED: deferred to next_attempt */
    int64_t next_attempt;
    struct span status;
    struct span relay;
    bool untried; /* put off: no attempt was made */
};
/* entry: its numbers (content_no 0: not known), as it was loaded.
 * Records outcomes of recipients that owner holds and ends their lease; counts
 * an attempt each, unless untried. ret_left: recipients of the entry that are
 * still queued; when there are none the entry is over and deleted.
 * 1: owner no longer holds one of them (the caller's job must be undone). */
int store_outbox_settle(struct store_tx *tx, const struct store_outbox *entry, uint64_t owner, const struct store_settle *settles,
                        size_t n, uint32_t *ret_left);
/* The entry is over: its rows go, and content that nothing else refers to. */
int store_outbox_delete(struct store_tx *tx, struct store_outbox_key key);
/* The keys of up to limit entries behind after, by mailbox and number; after
 * starts as zeros. In arena memory. */
int store_outbox_list(struct store_tx *tx, struct arena *arena, struct store_outbox_key after, size_t limit,
                      struct store_outbox_key **ret_keys, size_t *ret_n);
/* Counts entries of a mailbox (0: of all). */
int store_outbox_count(struct store_tx *tx, int64_t mailbox_id, uint64_t *ret_entries);
/* On the writer: whether there are `limit` entries in all. Costs nothing while
 * there are by far fewer; else they are counted, once a second at most. In a
 * store that nodes share a job can't: there it goes by the last recount. */
int store_outbox_full(struct store_tx *tx, uint64_t limit, bool *ret_full);
int store_outbox_recount(struct store_tx *tx);

/* Answers kept for replays. item_no is the draft's (0 for what had none), key
 * a SHA-256 that the caller makes. find: 1 when there is none that is younger
 * than its expiry. */
int store_replay_find(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, uint64_t item_no,
                      const uint8_t key[SHA256_SIZE], int64_t now, struct span *ret_answer);
int store_replay_put(struct store_tx *tx, int64_t mailbox_id, uint64_t item_no, const uint8_t key[SHA256_SIZE], struct span answer,
                     int64_t expires);
/* The same of one that is there. */
int store_replay_change(struct store_tx *tx, int64_t mailbox_id, uint64_t item_no, const uint8_t key[SHA256_SIZE], struct span answer,
                        int64_t expires);
/* One that is kept, without the answer. */
struct store_replay {
    int64_t mailbox_id;
    uint64_t item_no;
    int64_t expires;
    size_t key_len;
    uint8_t key[SHA256_SIZE];
};
/* The next behind `after`, at most limit, in the order of mailboxes; after starts as
 * zeros. In arena memory. */
int store_replays_list(struct store_tx *tx, struct arena *arena, const struct store_replay *after, size_t limit,
                       struct store_replay **ret_replays, size_t *ret_n);
/* Forgets those of one mailbox that are as they were listed. */
int store_replays_forget(struct store_tx *tx, const struct store_replay *replays, size_t n);

/* How many answers are kept: for drafts, and those with item_no 0. */
struct store_replays {
    uint64_t drafts, others;
};
/* Costs nothing: those counted last, and those put by this process since; far
 * more drafts than there can be until they were counted once. */
void store_replays_seen(const struct store *store, struct store_replays *ret_replays);
/* There are so many instead, whereof store_replays_seen said `seen` before they were
 * counted. What was put meanwhile is counted twice at worst. */
void store_replays_correct(struct store *store, const struct store_replays *seen, const struct store_replays *counted);

/* Marks (target mailbox, key) as delivered. 1: it was marked before, so the
 * caller writes nothing. */
int store_delivery_mark(struct store_tx *tx, int64_t mailbox_id, const uint8_t key[SHA256_SIZE], int64_t expires);
/* Forgets expired marks, at most limit; ret_n: how many. */
int store_deliveries_expire(struct store_tx *tx, int64_t now, uint64_t limit, uint64_t *ret_n);

#endif
