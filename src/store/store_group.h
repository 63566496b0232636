/*
 * Groups and the address book. A group is an address of ours whose mail goes to
 * each of its members: mailboxes, other groups, and addresses anywhere. It
 * takes its address from the same names as mailboxes and aliases do. The
 * address book holds every mailbox and every group.
 */
#ifndef EWSD_STORE_STORE_GROUP_H
#define EWSD_STORE_STORE_GROUP_H

#include "store/store.h"

enum store_entry_kind {
    STORE_ENTRY_OTHER, /* an address that is not in the address book */
    STORE_ENTRY_MAILBOX,
    STORE_ENTRY_GROUP,
};

struct store_listing {
    enum store_entry_kind kind;
    struct span address; /* primary; of OTHER as it was given */
    struct span name;    /* empty for OTHER */
};

struct store_group {
    struct span address, name;
    uint64_t members;
};

/* What the job reads of groups from here on is still so when it writes; those that
 * write see to it by themselves. */
int store_group_hold(struct store_tx *tx);
/* name may be empty: the address' local part. 1: the address is taken. */
int store_group_create(struct store_tx *tx, struct span address, struct span name);
/* 1: there is no such group. It is taken out of the groups that it is in. */
int store_group_remove(struct store_tx *tx, struct span address);
/* 1: there is no such group. */
int store_group_get(struct store_tx *tx, struct arena *arena, struct span address, struct store_group *ret_group);
/* The one whose name, or the local part of whose address, is exactly this; ASCII
 * case is free. 1: none. CODE_ErrorNameResolutionMultipleResults: there are more. */
int store_group_by_name(struct store_tx *tx, struct arena *arena, struct span name, struct store_group *ret_group);
/* All, by address, in arena memory. */
int store_group_list(struct store_tx *tx, struct arena *arena, struct store_group **ret_groups, size_t *ret_n);
/* The group is there. 1: that is a member already; or none. */
int store_group_add_member(struct store_tx *tx, struct span group, struct span member);
int store_group_remove_member(struct store_tx *tx, struct span group, struct span member);
/* Of a group (of none: nobody), by address, in arena memory. Not of groups in it. */
int store_group_members(struct store_tx *tx, struct arena *arena, struct span group, struct store_listing **ret_members, size_t *ret_n);

/* Entries of the address book whose address, an alias of it, their name or a
 * word of their name begins with text, each once, at most limit; one whose
 * address or alias is text stands alone. ASCII case is free. */
int store_entry_find(struct store_tx *tx, struct arena *arena, struct span text, size_t limit, struct store_listing **ret_entries,
                     size_t *ret_n);

#endif
