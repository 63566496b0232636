/*
 * Submission and delivery. outbox_submit is the one verb that sends
 * (decisions 1): it runs inside the caller's store job, checks everything
 * again there, and writes the outbox entry, the fate of the draft and the
 * replay row together. The runner then delivers what was committed.
 */
#ifndef EWSD_OUTBOX_OUTBOX_H
#define EWSD_OUTBOX_OUTBOX_H

#include "base/conf_live.h"
#include "model/code.h"
#include "model/item.h"
#include "store/store_mailbox.h"
#include "store/store_outbox.h"

/* One SendItem of one item. The rights to read the draft, to take it out of its
 * folder and to put a copy into save_folder are the caller's to check, in the
 * same job; the right to send as From is judged here. */
struct outbox_submit {
    const struct conf *conf;
    struct arena *arena;
    const struct store_mailbox *caller;  /* who authenticated: part of the replay key */
    const struct store_mailbox *sender;  /* the caller, or whom it impersonates */
    const struct store_mailbox *mailbox; /* where the draft is: the sender's, or a principal's */
    struct span id_text;                 /* ItemId/@Id as it came: part of the replay key */
    uint64_t folder_no;                 /* from the id */
    uint64_t item_no;
    uint64_t key_no;                    /* counter of the ChangeKey that came */
    uint64_t save_folder;               /* 0: the draft is deleted */
    const struct store_mailbox *save_mailbox; /* where save_folder is */
    bool edited; /* UpdateItem wrote it in this very job: no replay; and without recipients ErrorInvalidRecipients */
};

struct outbox_sent {
    uint64_t folder_no; /* of the sent copy; 0 when none is kept */
    uint64_t item_no;
    bool submitted;
    bool replayed;      /* an earlier success was answered; nothing was sent */
    bool uncopied;      /* sent, but without the copy that was asked for: the draft stays (protocol.md 2.8) */
    struct span culprit; /* an address that was refused; else empty */
    struct span refusal; /* ErrorSendAsDenied: who lacks which right for which From */
    struct store_outbox_key filing;  /* the entry that puts the copy into another mailbox; outbox_no 0: none */
    uint8_t replay_key[SHA256_SIZE]; /* with filing: where the copy's numbers belong */
    uint64_t draft_no;
    struct item_answers answers; /* with submitted: what the draft answered */
    uint64_t amount;     /* bytes or recipients, where they are too many */
    int64_t back_off_ms; /* with ErrorServerBusy */
};

/* 0: submitted, or replayed. Positive, nothing written: ErrorItemNotFound,
 * ErrorInvalidItemForOperationSendItem, ErrorIrresolvableConflict,
 * ErrorMessageSizeExceeded, ErrorMissingRecipients, ErrorInvalidRecipients,
 * ErrorExceededMaxRecipientLimit, ErrorSavedItemFolderNotFound,
 * ErrorSendAsDenied, ErrorServerBusy (send.rate, outbox.max_entries),
 * ErrorQuotaExceeded (a copy).
 * A copy asked for in another mailbox than the draft's: senditem.delegate_copy
 * says what happens (decisions 5). */
int outbox_submit(struct store_tx *tx, const struct outbox_submit *submit, struct outbox_sent *ret_sent);

/* From what is kept for a replay. -EBADMSG: it is something else. */
int outbox_sent_read(struct span bytes, struct outbox_sent *ret_sent);

/* Whether outbox_submit leaves the draft where it is: the copy is asked for in
 * another mailbox, and senditem.delegate_copy is documented. */
bool outbox_leaves_draft(const struct outbox_submit *submit);

/* CreateItem SendOnly (save_folder 0) and SendAndSaveCopy: item was never
 * stored; it is completed (From, Date, Message-ID, flags) and sent, from and
 * into submit->mailbox. Codes as above, but no recipients is
 * ErrorInvalidRecipients (protocol.md 2.4). Of submit the people, save_folder,
 * conf and arena count. */
int outbox_submit_new(struct store_tx *tx, const struct outbox_submit *submit, struct item *item, struct outbox_sent *ret_sent);
/* After the commit, before the answer: puts the copies of those with filing
 * into their mailbox, once each, and sets folder_no and item_no. -errno: what
 * was not done now the runner does a little later. */
int outbox_file(struct store *store, const struct conf *conf, struct outbox_sent *const *sent, size_t n);

/* ---- administration ---- */

/* Fails the queued recipients of an entry that no attempt is under way for, and
 * tells the sender so, as if they had expired. ret_left: those under way. 1:
 * nothing was done. CODE_ErrorItemCorrupt: what would be told cannot be read. */
int outbox_give_up(struct store_tx *tx, const struct conf *conf, struct arena *arena, struct store_outbox_key key, size_t *ret_left);
/* Takes an entry away; nobody is told. An attempt that is under way may still
 * deliver it. 1: there is none. */
int outbox_remove(struct store_tx *tx, const struct conf *conf, struct arena *arena, struct store_outbox_key key);

/* ---- the runner ---- */

struct outbox;

struct outbox_options {
    struct store *store;
    const struct conf *conf; /* at the start */
    struct conf_live *live;  /* that it is held in, for outbox_reload; NULL: it never changes */
    bool capture; /* mail for other domains is captured instead of relayed */
    unsigned pause_ms; /* after the store refused work, before it is tried again; 0 is a second */
    unsigned beat_ms;  /* in a store that nodes share: how often each says that it lives; 0 is five seconds */
};

/* Whether the sections [relay] and [dkim] are in order, with the files that they
 * name. 1: no, and everything that is wrong was reported. */
int outbox_check(const struct conf *conf, struct conf_report *report);
/* Looks whether the relays can be connected, without a message. One after the
 * other, to found. 1: as outbox_check. */
struct outbox_probed {
    const char *name, *host; /* of the relay */
    int64_t port;
    bool works, tls, auth;   /* auth: it was logged in to */
    const char *status;      /* why it doesn't work: an enhanced status and words */
};
int outbox_probe(const struct conf *conf, void (*found)(void *arg, const struct outbox_probed *probed), void *arg,
                 struct conf_report *report);
/* Starts the delivery threads: conf outbox.workers, and each relay's unless
 * capture. Options are copied, what they point at outlives the outbox. -EINVAL:
 * outbox_check would say why. */
int outbox_start(const struct outbox_options *options, struct outbox **ret_outbox);
/* Relays, secrets, signatures and limits as conf, which the caller holds, has
 * them. Mail that waits for a relay goes where the settings now say; what is
 * being transmitted goes on as it began. 1: refused, everything that is wrong
 * was reported, and nothing changed. -errno: the same. */
int outbox_reload(struct outbox *outbox, const struct conf *conf, struct conf_report *report);
/* Nothing more is begun; what is under way goes on. */
void outbox_close(struct outbox *outbox);
/* After outbox_close: waits for what is under way, until this monotonic time.
 * False: something is still. */
bool outbox_finish(struct outbox *outbox, int64_t until);
/* Gives up what is under way (a message that a relay has whole waits for its
 * reply, 10 seconds at most) and joins the threads. What is not settled is
 * tried after the next start, or at once by another node. */
void outbox_stop(struct outbox *outbox);
/* Whether it is at work: it is not stopping, and its last look at what is due did
 * not fail. NULL: no. */
bool outbox_runs(const struct outbox *outbox);
/* Something was committed that is due. NULL is fine. */
void outbox_wake(struct outbox *outbox);
/* The same, and relays that seemed dead are tried again at once. NULL is fine. */
void outbox_hurry(struct outbox *outbox);
/* A node has come or gone: looks now who is there. NULL is fine. */
void outbox_look_around(struct outbox *outbox);

#endif
