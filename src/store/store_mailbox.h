/*
 * The directory: mailboxes and the addresses that lead to them. These tables
 * are not partitioned; everything else begins with a mailbox_id.
 * Addresses are given as they were typed and folded here (ASCII lower case).
 */
#ifndef EWSD_STORE_STORE_MAILBOX_H
#define EWSD_STORE_STORE_MAILBOX_H

#include "store/store.h"

struct store_mailbox {
    int64_t mailbox_id;
    uint8_t guid[STORE_GUID_SIZE];
    struct span address; /* primary, as created */
    struct span display_name;
    struct span password_hash; /* crypt(3) form */
};

/* Makes a mailbox with all of its distinguished folders. display_name may be
 * empty: the address' local part. 1: the address is taken. */
int store_mailbox_create(struct store_tx *tx, struct span address, struct span display_name, struct span password_hash,
                         int64_t *ret_mailbox_id);
/* CODE_ErrorNonExistentMailbox when there is none. by_address takes primary
 * addresses and aliases. */
int store_mailbox_by_address(struct store_tx *tx, struct arena *arena, struct span address, struct store_mailbox *ret_mailbox);
/* The one whose display name is exactly this. CODE_ErrorNonExistentMailbox;
 * CODE_ErrorNameResolutionMultipleResults: there are more. */
int store_mailbox_by_name(struct store_tx *tx, struct arena *arena, struct span name, struct store_mailbox *ret_mailbox);
int store_mailbox_by_guid(struct store_tx *tx, struct arena *arena, const uint8_t guid[STORE_GUID_SIZE],
                          struct store_mailbox *ret_mailbox);
int store_mailbox_by_id(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, struct store_mailbox *ret_mailbox);
/* All, by primary address, in arena memory. */
int store_mailbox_list(struct store_tx *tx, struct arena *arena, struct store_mailbox **ret_mailboxes, size_t *ret_n);
int store_mailbox_set_password(struct store_tx *tx, int64_t mailbox_id, struct span password_hash);
/* Takes the mailbox out of the directory, its grants and its queued mail with
 * it: to every other verb it is gone. What it held goes by
 * store_mailbox_sweep. 1: mail of its own is queued, and discard is false.
 * CODE_ErrorNonExistentMailbox. */
int store_mailbox_remove(struct store_tx *tx, int64_t mailbox_id, bool discard);
/* One bounded step through what removed mailboxes held; a job of its own each.
 * ret_more: call again. */
int store_mailbox_sweep(struct store_tx *tx, bool *ret_more);

/* The sizes of its items together, as quotas count them. */
int store_mailbox_size(struct store_tx *tx, int64_t mailbox_id, uint64_t *ret_size);
#define STORE_QUOTA_DEFAULT (-1)
struct store_quota {
    int64_t own;    /* the mailbox' own; 0: no limit; STORE_QUOTA_DEFAULT: it has none */
    uint64_t bytes; /* what counts: that, or options.quota; 0: no limit */
    uint64_t size;  /* used */
};
/* Both CODE_ErrorNonExistentMailbox. */
int store_mailbox_quota(struct store_tx *tx, int64_t mailbox_id, struct store_quota *ret_quota);
int store_mailbox_set_quota(struct store_tx *tx, int64_t mailbox_id, int64_t own);
/* Whether so many bytes more are within the quota. CODE_ErrorQuotaExceeded,
 * -NonExistentMailbox. */
int store_mailbox_room(struct store_tx *tx, int64_t mailbox_id, uint64_t bytes);
/* Takes leave for one more message at a pace of one each interval (in us), of
 * which up to burst (us) may come at once. 1: not yet, and nothing is written;
 * ret_wait is how long (us). CODE_ErrorNonExistentMailbox. */
int store_mailbox_pace(struct store_tx *tx, int64_t mailbox_id, int64_t now, int64_t interval, int64_t burst, int64_t *ret_wait);

struct store_usage {
    uint64_t folder_no;
    struct span name;
    uint64_t total;  /* without hidden items */
    uint64_t unread;
    uint64_t size;   /* bytes, hidden items too */
};
/* The folders that hold something, by number, in arena memory. Reads a row of
 * each item. */
int store_mailbox_usage(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, struct store_usage **ret_folders,
                        size_t *ret_n);

/* An alias. 1: the address is taken. */
int store_address_add(struct store_tx *tx, int64_t mailbox_id, struct span address);
/* 1: there is no such address. The caller sees to it that it is no primary one. */
int store_address_remove(struct store_tx *tx, struct span address);

struct store_address {
    struct span address; /* folded */
    struct span mailbox; /* primary address of the mailbox it leads to */
};
/* Primary addresses and aliases of a mailbox (0: of all), by address. */
int store_address_list(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, struct store_address **ret_addresses,
                       size_t *ret_n);
/* Whether any mailbox or alias is in the domain: then it is ours. */
int store_domain_is_local(struct store_tx *tx, struct span domain, bool *ret_local);
/* For DOMAIN\user and bare user logins: the mailbox whose local part is user
 * and, when label is not empty, whose domain is label or begins with "label.".
 * CODE_ErrorNonExistentMailbox: none, or more than one. */
int store_mailbox_by_login(struct store_tx *tx, struct arena *arena, struct span label, struct span user,
                           struct store_mailbox *ret_mailbox);

/* Rights of a grantee on a mailbox.
 * rights is a bit set that the caller defines; 0 removes the row. */
int store_grant_set(struct store_tx *tx, int64_t mailbox_id, int64_t grantee_id, uint32_t rights);
int store_grant_get(struct store_tx *tx, int64_t mailbox_id, int64_t grantee_id, uint32_t *ret_rights);

struct store_grant {
    int64_t mailbox_id, grantee_id;
    struct span mailbox, grantee; /* primary addresses */
    uint32_t rights;
};
/* Those on mailbox_id (0: on any) that grantee_id (0: anybody) holds. */
int store_grant_list(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, int64_t grantee_id,
                     struct store_grant **ret_grants, size_t *ret_n);

/* Rights of a grantee in one folder (bits of model/folder_rights.def), in place
 * of what a role on the whole mailbox gives there; 0 is a right, too: none.
 * get: 1 when the folder says nothing about the grantee. */
int store_permission_set(struct store_tx *tx, int64_t mailbox_id, uint64_t folder_no, int64_t grantee_id, uint32_t rights);
int store_permission_clear(struct store_tx *tx, int64_t mailbox_id, uint64_t folder_no, int64_t grantee_id);
int store_permission_get(struct store_tx *tx, int64_t mailbox_id, uint64_t folder_no, int64_t grantee_id, uint32_t *ret_rights);

/* Grantees that are no mailbox: everybody who is not named, and who is not known. */
enum { STORE_GRANTEE_DEFAULT = 0, STORE_GRANTEE_ANONYMOUS = -1 };

/* What the folder says about the grantee (ret_named), or else about everybody.
 * 1: about neither. */
int store_permission_effective(struct store_tx *tx, int64_t mailbox_id, uint64_t folder_no, int64_t grantee_id,
                               uint32_t *ret_rights, bool *ret_named);

/* What one folder says, about whom. */
struct store_entry {
    uint64_t folder_no;
    int64_t grantee_id;
    uint32_t rights;
    const uint8_t *guid; /* of the grantee; NULL: it is no mailbox */
    struct span address, display_name;
};
/* About the grantee and about everybody, in each folder of the mailbox that says
 * something, by folder_no; without names. */
int store_permission_of_grantee(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, int64_t grantee_id,
                                struct store_entry **ret_entries, size_t *ret_n);
/* All that a folder says, by grantee. */
int store_permission_of_folder(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, uint64_t folder_no,
                               struct store_entry **ret_entries, size_t *ret_n);
/* The folder says nothing any more. */
int store_permission_drop(struct store_tx *tx, int64_t mailbox_id, uint64_t folder_no);

struct store_permission {
    uint64_t folder_no;
    int role;                     /* enum folder_role of the folder */
    struct span name;             /* of the folder */
    struct span mailbox, grantee; /* primary addresses */
    uint32_t rights;
};
/* As store_grant_list, by mailbox and folder. */
int store_permission_list(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, int64_t grantee_id,
                          struct store_permission **ret_permissions, size_t *ret_n);

#endif
