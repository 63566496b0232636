/*
 * Response objects in CreateItem (protocol.md 3.1): ReplyToItem, ReplyAllToItem,
 * ForwardItem and PostReplyItem make a new item out of another, which then is
 * saved or sent like any other; SuppressReadReceipt only settles one. The
 * answer is composed before the store job; inside it the original must still
 * be there to be read.
 */
#ifndef EWSD_OPS_RESPOND_H
#define EWSD_OPS_RESPOND_H

#include "ops/target.h"

struct respond_info;

struct response {
    const struct respond_info *info;
    const struct xml_node *reference; /* ReferenceItemId */
    int64_t mailbox_id;               /* of the original */
    uint64_t folder_no;               /* where it was */
};

/* NULL: it is no response object. */
const struct respond_info *respond_find(const struct xml_node *node);
/* Must its request say MessageDisposition? */
bool respond_needs_disposition(const struct respond_info *info);
/* Is it one that makes an item? */
bool respond_creates(const struct respond_info *info);
/* The folder that it goes into unless the request names one: of a reply to a
 * post, where that is. 0: the usual one. */
uint64_t respond_folder(const struct op_call *call, const struct response *response);
/* What it makes, to be stored in a mailbox; attachments share content with the
 * original where that is of the same. CODE_ErrorInvalidReferenceItem, those of
 * target_load, shape_read_property and limits.h. */
int respond_compose(struct op_call *call, const struct xml_node *node, int64_t mailbox_id, struct response *ret_response,
                    struct item *ret_item, struct op_result *ret_result);
/* In the job: may the original still be read? Codes of target_load. */
int respond_check(struct op_call *call, struct store_tx *tx, const struct response *response);
/* After it was sent: the original says so, as far as it is in that mailbox and
 * may be changed. */
int respond_mark(struct op_call *call, struct store_tx *tx, const struct response *response, int64_t mailbox_id);
/* The same for an answer that was saved, and now sent from the mailbox of access. */
int respond_mark_later(struct op_call *call, struct store_tx *tx, const struct access *access, const struct item_answers *answers);
/* SuppressReadReceipt. CODE_ErrorReadReceiptNotPending, -InvalidReferenceItem. */
int respond_suppress(struct op_call *call, struct store_tx *tx, const struct response *response);

#endif
