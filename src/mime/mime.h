/*
 * Items and RFC 5322 messages, both ways. <gmime/...> is included only in this
 * folder. What mime_write makes depends on the item alone: equal items give
 * equal bytes, so every attempt of the outbox sends the same message
 * (decisions 3, 7, 8).
 */
#ifndef EWSD_MIME_MIME_H
#define EWSD_MIME_MIME_H

#include "model/code.h"
#include "model/item.h"

#define MIME_DEPTH_MAX 32
#define MIME_PARTS_MAX 1000

/* Once per program, before any thread. */
void mime_init(void);

/* Fills ret_item (as item_init leaves it) from a message, which outlives it: subject, originators,
 * recipients (Bcc too), message ids, importance, receipts, headers, body,
 * attachments with data, messages within as attached items. item.mime is not set. Texts become UTF-8; bytes that
 * are none become U+FFFD. CODE_ErrorMimeContentInvalid; -ENOMEM. */
int mime_read(struct span bytes, struct arena *arena, struct item *ret_item);

struct mime_options {
    bool keep_bcc;  /* the sender's own copy; never for what is transmitted */
    bool attached;  /* within another: addresses that could forge headers are left out */
    bool eight_bit; /* bodies may stay 8-bit (the relay has 8BITMIME); headers never do */
};

/* The item as a message: CRLF lines of at most 998 bytes, 7-bit. Date is
 * item.sent (created when unset), Message-ID, From, Sender and boundary_seed
 * are the item's. With item.mime its body bytes are kept and the headers are
 * edited only (Bcc dropped, what is missing added). Attachments need their data
 * loaded. CODE_ErrorInvalidRecipients: an address that could forge headers or
 * commands; -ENOMEM, -EFBIG. */
int mime_write(const struct item *item, const struct mime_options *options, struct buf *out);

/* The message's own headers, unfolded and decoded, without those that hold
 * addresses. CODE_ErrorMimeContentInvalid; -ENOMEM. */
int mime_headers(struct span bytes, struct arena *arena, struct item_header_list *ret_headers);
/* The same of the message that a structured item would be written as, without the
 * fields of its content. CODE_ErrorInvalidRecipients; -ENOMEM. */
int mime_item_headers(const struct item *item, struct arena *arena, struct item_header_list *ret_headers);
/* All fields of a message's header as they stand there, in order, decoded. -ENOMEM. */
int mime_fields(struct span bytes, struct arena *arena, struct item_header_list *ret_headers);

#endif
