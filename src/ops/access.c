/*
 * See access.h.
 */
#include "ops/access.h"

#include "ops/call.h"

static int found(struct op_call *call, struct store_tx *tx, const struct store_mailbox *mailbox, const struct access **ret_access)
{
    struct access *access = arena_alloc(call->arena, sizeof(*access));
    if (!access)
        return -ENOMEM;
    *access = (struct access){ .mailbox = *mailbox, .next = call->others };
    int r = store_grant_get(tx, mailbox->mailbox_id, call->mailbox->mailbox_id, &access->held);
    if (r)
        return r;
    call->others = access;
    *ret_access = access;
    return 0;
}

int access_by_guid(struct op_call *call, struct store_tx *tx, const uint8_t guid[GUID_SIZE], const struct access **ret_access)
{
    struct store_mailbox mailbox;
    if (memcmp(guid, call->mailbox->guid, GUID_SIZE) == 0) {
        *ret_access = &call->own;
        return 0;
    }
    for (const struct access *a = call->others; a; a = a->next)
        if (memcmp(guid, a->mailbox.guid, GUID_SIZE) == 0) {
            *ret_access = a;
            return 0;
        }
    int r = store_mailbox_by_guid(tx, call->arena, guid, &mailbox);
    return r ? r : found(call, tx, &mailbox, ret_access);
}

int access_by_address(struct op_call *call, struct store_tx *tx, struct span address, const struct access **ret_access)
{
    struct store_mailbox mailbox;
    if (span_eq_nocase(address, call->mailbox->address)) {
        *ret_access = &call->own;
        return 0;
    }
    for (const struct access *a = call->others; a; a = a->next)
        if (span_eq_nocase(address, a->mailbox.address)) {
            *ret_access = a;
            return 0;
        }
    int r = store_mailbox_by_address(tx, call->arena, address, &mailbox);
    if (r)
        return r;
    if (!span_eq_nocase(address, mailbox.address))
        return CODE_ErrorNonPrimarySmtpAddress;
    return found(call, tx, &mailbox, ret_access);
}

void access_forget(struct op_call *call)
{
    call->others = NULL;
}

static bool has_all(const struct access *access)
{
    return access->own || access->held & RIGHT_full_access;
}

int access_rights(const struct op_call *call, struct store_tx *tx, const struct access *access, uint64_t folder_no,
                  uint32_t *ret_rights)
{
    const uint32_t role = rights_in_folders(access->held);
    bool named = false;
    if (has_all(access)) {
        *ret_rights = FOLDER_RIGHTS_ALL;
        return 0;
    }
    int r = store_permission_effective(tx, access->mailbox.mailbox_id, folder_no, call->mailbox->mailbox_id, ret_rights, &named);
    if (r < 0)
        return r;
    if (r > 0 || (!named && role))
        *ret_rights = role;
    return 0;
}

int access_rights_each(const struct op_call *call, struct store_tx *tx, const struct access *access, const struct folder *folders,
                       size_t n, uint32_t *ret_rights)
{
    const uint32_t role = has_all(access) ? FOLDER_RIGHTS_ALL : rights_in_folders(access->held);
    struct store_entry *entries = NULL;
    size_t entries_n = 0;
    int r = has_all(access) ? 0
                            : store_permission_of_grantee(tx, call->arena, access->mailbox.mailbox_id, call->mailbox->mailbox_id,
                                                          &entries, &entries_n);
    if (r)
        return r;
    for (size_t i = 0; i < n; i++) {
        size_t low = 0, high = entries_n;
        while (low < high) { /* the first entry of the folder */
            const size_t middle = low + (high - low) / 2;
            if (entries[middle].folder_no < folders[i].folder_no)
                low = middle + 1;
            else
                high = middle;
        }
        ret_rights[i] = role;
        for (; low < entries_n && entries[low].folder_no == folders[i].folder_no; low++)
            if (entries[low].grantee_id != STORE_GRANTEE_DEFAULT || !role)
                ret_rights[i] = entries[low].rights;
    }
    return 0;
}

bool access_sees_folder(uint32_t rights)
{
    return rights & (FOLDER_RIGHT_VISIBLE | FOLDER_RIGHT_READ | FOLDER_RIGHT_OWN);
}

uint32_t access_item_rights(const struct op_call *call, const struct access *access, uint32_t rights, const struct item *item)
{
    bool made_it = access->own || item->creator_id == call->mailbox->mailbox_id;
    if (made_it && rights & FOLDER_RIGHT_EDIT_OWN)
        rights |= FOLDER_RIGHT_EDIT_ALL;
    if (made_it && rights & FOLDER_RIGHT_DELETE_OWN)
        rights |= FOLDER_RIGHT_DELETE_ALL;
    return rights & ~(uint32_t)(FOLDER_RIGHT_EDIT_OWN | FOLDER_RIGHT_DELETE_OWN);
}

int access_item(const struct op_call *call, const struct access *access, uint32_t rights, const struct item *item,
                enum access_need need)
{
    static const uint32_t needed[] = { [ACCESS_READ] = FOLDER_RIGHT_READ, [ACCESS_EDIT] = FOLDER_RIGHT_EDIT_ALL,
                                       [ACCESS_DELETE] = FOLDER_RIGHT_DELETE_ALL };
    if (!(rights & FOLDER_RIGHT_READ))
        return CODE_ErrorItemNotFound;
    return access_item_rights(call, access, rights, item) & needed[need] ? 0 : CODE_ErrorAccessDenied;
}

struct shape_ids access_ids(const struct op_call *call, const struct access *access)
{
    struct shape_ids ids = call->ids;
    ids.mailbox = access->mailbox.guid;
    ids.rights = access->own ? FOLDER_RIGHTS_ALL : 0;
    return ids;
}

int64_t access_creator(const struct op_call *call, const struct access *access)
{
    return access->own ? 0 : call->mailbox->mailbox_id;
}
