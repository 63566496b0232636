/*
 * The one place that decides who may do what in whose mailbox (decisions 6).
 * The owner may do everything; that costs no look into the store. Others have
 * what is granted on the whole mailbox (model/rights.def) and in single
 * folders (model/folder_rights.def): full access is every right in each
 * folder, else the folder's own entry counts, else the role on the mailbox, else
 * what the folder says about everybody.
 * What may not be read answers as if it were not there. The right to send is
 * no right to a folder; outbox/originator.c decides about it.
 */
#ifndef EWSD_OPS_ACCESS_H
#define EWSD_OPS_ACCESS_H

#include "model/folder.h"
#include "model/rights.h"
#include "soap/shape.h"
#include "store/store_mailbox.h"

struct op_call;

/* A mailbox as the acting one may use it. */
struct access {
    struct store_mailbox mailbox;
    bool own;
    uint32_t held;       /* bits of rights.def */
    struct access *next; /* of this request */
};

enum access_need { ACCESS_READ, ACCESS_EDIT, ACCESS_DELETE };

/* CODE_ErrorNonExistentMailbox. by_address: also CODE_ErrorNonPrimarySmtpAddress.
 * The result lives as long as the request; it is right for the transaction. */
int access_by_guid(struct op_call *call, struct store_tx *tx, const uint8_t guid[GUID_SIZE], const struct access **ret_access);
int access_by_address(struct op_call *call, struct store_tx *tx, struct span address, const struct access **ret_access);
/* A new transaction: what others granted is looked up again. */
void access_forget(struct op_call *call);

/* The bits of folder_rights.def that are held in a folder. */
int access_rights(const struct op_call *call, struct store_tx *tx, const struct access *access, uint64_t folder_no,
                  uint32_t *ret_rights);
/* The same for many folders of one mailbox at once, into ret_rights[n]. */
int access_rights_each(const struct op_call *call, struct store_tx *tx, const struct access *access, const struct folder *folders,
                       size_t n, uint32_t *ret_rights);
bool access_sees_folder(uint32_t rights);
/* rights are those in the item's folder; who made the item counts for what is
 * one's own. CODE_ErrorItemNotFound (may not be read), CODE_ErrorAccessDenied. */
int access_item(const struct op_call *call, const struct access *access, uint32_t rights, const struct item *item,
                enum access_need need);
/* Of those rights what counts for this item: no EDIT_OWN nor DELETE_OWN, but
 * EDIT_ALL and DELETE_ALL where it is one's own. */
uint32_t access_item_rights(const struct op_call *call, const struct access *access, uint32_t rights, const struct item *item);

/* Ids of this mailbox. rights are to be set where EffectiveRights may be shown. */
struct shape_ids access_ids(const struct op_call *call, const struct access *access);
/* Who made an item that is made now: for item.creator_id. */
int64_t access_creator(const struct op_call *call, const struct access *access);

#endif
