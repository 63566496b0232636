/*
 * The sent copy that goes into another mailbox than the draft's (decisions 2,
 * 5). It is a recipient of kind `file` of the message's own entry, so that it
 * is promised in the transaction that submits, and written in another one, in
 * the target's mailbox, once by (target, entry): at once by outbox_file, or by
 * the runner if the program ended in between.
 */
#ifndef EWSD_OUTBOX_FILING_H
#define EWSD_OUTBOX_FILING_H

#include "outbox/outbox.h"

/* What a replayed SendItem is answered with. */
struct sent_record {
    uint64_t folder_no, item_no;
    uint64_t uncopied;
};

struct sent_record sent_to_record(const struct outbox_sent *sent);
/* One recipient more, for which entry->rcpts has room. */
int filing_add(const struct outbox_submit *submit, struct store_outbox *entry);
/* Writes the copy, unless it was written before (then ret_copy has no numbers).
 * item: the message with everything loaded, as it is sent. 1: the mailbox is
 * not there any more. */
int filing_write(struct store_tx *tx, struct arena *arena, const struct store_outbox *entry, const struct item *item,
                 const struct store_outbox_rcpt *rcpt, struct item *ret_copy);

#endif
