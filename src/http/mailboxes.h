/*
 * What the routes under /api/mailboxes/ADDRESS have in common: the mailbox that
 * the path names, folders and items by their numbers, and how those are shown.
 */
#ifndef EWSD_HTTP_MAILBOXES_H
#define EWSD_HTTP_MAILBOXES_H

#include "http/rest.h"
#include "store/store_mail.h"

/* A mailbox, with what ids of EWS in it are made from. */
struct mailbox_view {
    struct store_mailbox mailbox;
    const struct mac_key *key;
    const uint8_t *epoch;
};
void mailbox_view_init(struct mailbox_view *view, const struct op_env *env, const struct store_mailbox *mailbox);

/* Begins to read, and finds the mailbox of the path. 1: response says that there
 * is none. */
int mailbox_open(struct http_request *request, struct store_tx **ret_tx, struct mailbox_view *ret_view, struct http_response *response);
/* The folder that the path names, by number or distinguished id. 1: as above. */
int mailbox_folder(struct store_tx *tx, struct http_request *request, const struct mailbox_view *view, struct folder *ret_folder,
                   struct http_response *response);

/* A number as a text: more than 2^53 is no number to many readers of JSON. */
void mailbox_add_number(struct buf *out, const char *name, uint64_t number);
/* "id" and "ews_id". */
void mailbox_add_folder_id(struct buf *out, const struct mailbox_view *view, uint64_t folder_no);
void mailbox_add_item_id(struct buf *out, const struct mailbox_view *view, const struct item *item);
/* "change_key" */
void mailbox_add_change_key(struct buf *out, const struct mailbox_view *view, const struct item *item);
/* What a list shows of an item, and details too. */
void mailbox_add_item_line(struct buf *out, const struct item *item);

#endif
