/*
 * Submission and delivery. outbox_submit is the one verb that sends
 * (decisions 1): it runs inside the caller's store job, checks everything
 * again there, and writes the outbox entry, the fate of the draft and the
 * replay row together. The runner then delivers what was committed.
 */
#ifndef EWSD_OUTBOX_OUTBOX_H
#define EWSD_OUTBOX_OUTBOX_H

#include "base/conf.h"
#include "model/code.h"
#include "model/item.h"
#include "store/store_mailbox.h"
#include "store/store_outbox.h"

/* One SendItem of one item. */
struct outbox_submit {
    const struct conf *conf;
    struct arena *arena;
    const struct store_mailbox *caller; /* whose item it is, too */
    struct span id_text;                /* ItemId/@Id as it came: part of the replay key */
    uint64_t folder_no;                 /* from the id */
    uint64_t item_no;
    uint64_t key_no;                    /* counter of the ChangeKey that came */
    uint64_t save_folder;               /* 0: the draft is deleted */
    bool edited; /* UpdateItem wrote it in this very job: no replay; and without recipients ErrorInvalidRecipients */
};

struct outbox_sent {
    uint64_t folder_no; /* of the sent copy; 0 when none is kept */
    uint64_t item_no;
    bool submitted;
    bool replayed;      /* an earlier success was answered; nothing was sent */
    struct span culprit; /* an address that was refused; else empty */
    uint64_t amount;     /* bytes or recipients, where they are too many */
    int64_t back_off_ms; /* with ErrorServerBusy */
};

/* 0: submitted, or replayed. Positive, nothing written: ErrorItemNotFound,
 * ErrorInvalidItemForOperationSendItem, ErrorIrresolvableConflict,
 * ErrorMessageSizeExceeded, ErrorMissingRecipients, ErrorInvalidRecipients,
 * ErrorExceededMaxRecipientLimit, ErrorSavedItemFolderNotFound,
 * ErrorSendAsDenied, ErrorServerBusy (send.rate), ErrorQuotaExceeded (a copy). */
int outbox_submit(struct store_tx *tx, const struct outbox_submit *submit, struct outbox_sent *ret_sent);

/* CreateItem SendOnly (save_folder 0) and SendAndSaveCopy: item was never
 * stored; it is completed (From, Date, Message-ID, flags) and sent. Codes as
 * above, but no recipients is ErrorInvalidRecipients (protocol.md 2.4). */
int outbox_submit_new(struct store_tx *tx, const struct conf *conf, struct arena *arena, const struct store_mailbox *caller,
                      struct item *item, uint64_t save_folder, struct outbox_sent *ret_sent);

/* ---- the runner ---- */

struct outbox;

struct outbox_options {
    struct store *store;
    const struct conf *conf;
    bool capture; /* mail for other domains is captured instead of relayed */
};

/* Whether the [relay] sections are in order, with the files that they name. 1:
 * no, and ret_error says what is wrong. */
int outbox_check(const struct conf *conf, char ret_error[CONF_ERROR_SIZE]);
/* Starts the delivery threads: conf outbox.workers, and each relay's unless
 * capture. Options are copied, what they point at outlives the outbox. -EINVAL:
 * outbox_check would say why. */
int outbox_start(const struct outbox_options *options, struct outbox **ret_outbox);
/* Gives up what is under way (a message that a relay has whole waits for its
 * reply, 10 seconds at most) and joins the threads. What is not settled is
 * tried after the next start. */
void outbox_stop(struct outbox *outbox);
/* Something was committed that is due. NULL is fine. */
void outbox_wake(struct outbox *outbox);

#endif
