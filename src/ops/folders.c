/*
 * See folders.h.
 */
#include "ops/folders.h"

#include "model/sid.h"

#include <stdlib.h>

const struct xml_node *folders_id(const struct op_call *call, const char *element)
{
    const struct xml_node *node = xml_child(call->node, element);
    return node ? node->child : NULL;
}

int folders_target(struct op_call *call, struct store_tx *tx, const struct xml_node *node, int absent, struct target_folder *ret_target)
{
    int r = node ? target_folder(call, tx, node, 0, ret_target) : absent;
    /* In another's mailbox absent and hidden look the same (decisions 6). */
    return r == CODE_ErrorFolderNotFound && !xml_child(node, "Mailbox") ? absent : r;
}

int folders_target_parent(struct op_call *call, struct store_tx *tx, const struct xml_node *node, int absent,
                          struct target_folder *ret_target)
{
    int r = folders_target(call, tx, node, absent, ret_target);
    return r || ret_target->rights & FOLDER_RIGHT_SUBFOLDERS ? r : CODE_ErrorCreateSubfolderAccessDenied;
}

int folders_above(struct op_call *call, struct store_tx *tx, const struct folder *folder, uint64_t asked, struct folders_above *ret_above)
{
    const unsigned limit = (unsigned)call->env->conf->store_max_folder_depth + FOLDER_ROLE_COUNT;
    struct folders_above above = { 0 };
    struct folder at = *folder;
    for (;;) {
        above.within = above.within || at.folder_no == asked;
        above.deleted = above.deleted || at.role == FOLDER_ROLE_deleteditems;
        above.closed = above.closed || at.role == FOLDER_ROLE_recoverableitemsroot ||
                       at.role == FOLDER_ROLE_archiverecoverableitemsroot || at.role == FOLDER_ROLE_searchfolders;
        if (at.parent_no == at.folder_no)
            break;
        if (++above.depth > limit)
            return CODE_ErrorFolderCorrupt;
        int r = store_folder_get(tx, call->arena, folder->mailbox_id, at.parent_no, &at);
        if (r)
            return r == CODE_ErrorFolderNotFound ? CODE_ErrorFolderCorrupt : r;
    }
    *ret_above = above;
    return 0;
}

int folders_room(struct op_call *call, struct store_tx *tx, const struct folder *parent, const struct folders_above *above, size_t n,
                 unsigned height, struct op_result *ret_result)
{
    const uint64_t folders = (uint64_t)call->env->conf->store_max_folders;
    const unsigned depth = (unsigned)call->env->conf->store_max_folder_depth;
    struct span text;
    uint64_t there = 0;
    if (above->closed)
        return CODE_ErrorInvalidParentFolder;
    if (above->depth + height > depth) {
        int r = arena_printf(call->arena, &text, "Folders would be %u deep; the limit is %u.", above->depth + height, depth);
        ret_result->text = text.ptr;
        return r ? r : CODE_ErrorInvalidParentFolder;
    }
    int r = n ? store_folder_number(tx, parent->mailbox_id, &there) : 0;
    if (r || !n || there + n <= folders)
        return r;
    r = arena_printf(call->arena, &text, "The mailbox would have %llu folders; the limit is %llu.", (unsigned long long)(there + n),
                     (unsigned long long)folders);
    ret_result->text = text.ptr;
    return r ? r : CODE_ErrorQuotaExceeded;
}

const struct folder *folders_find(const struct folder *list, size_t n, uint64_t folder_no)
{
    size_t low = 0, high = n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (list[middle].folder_no < folder_no)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && list[low].folder_no == folder_no ? &list[low] : NULL;
}

unsigned folders_height(const struct folder *folder, const struct folder *below, size_t n)
{
    unsigned height = 1;
    for (size_t i = 0; i < n; i++) {
        unsigned up = 1;
        for (const struct folder *at = &below[i]; at && at->folder_no != folder->folder_no && up <= n + 1; up++)
            at = folders_find(below, n, at->parent_no);
        height = up > height ? up : height;
    }
    return height;
}

/* ---- permissions ---- */

static int named_by(struct op_call *call, struct store_tx *tx, const struct folder_grant *grant, struct store_mailbox *ret_mailbox)
{
    uint8_t guid[GUID_SIZE];
    struct store_mailbox other;
    int r = 0;
    if (grant->sid.len && !sid_parse(grant->sid, guid))
        return CODE_ErrorInvalidUserInfo;
    if (grant->sid.len)
        r = store_mailbox_by_guid(tx, call->arena, guid, ret_mailbox);
    else if (grant->address.len)
        r = store_mailbox_by_address(tx, call->arena, grant->address, ret_mailbox);
    else
        r = store_mailbox_by_name(tx, call->arena, grant->name, ret_mailbox);
    if (r == 0 && grant->sid.len && grant->address.len) {
        r = store_mailbox_by_address(tx, call->arena, grant->address, &other);
        if (r == 0 && other.mailbox_id != ret_mailbox->mailbox_id)
            return CODE_ErrorInvalidUserInfo;
    }
    return r > 0 ? CODE_ErrorInvalidUserInfo : r;
}

/* The owner has all rights, whatever is said, so nothing is. */
static int grantee_of(struct op_call *call, struct store_tx *tx, const struct access *access, const struct folder_grant *grant,
                      int64_t *ret_grantee)
{
    struct store_mailbox mailbox = { 0 };
    if (grant->who != GRANT_USER) {
        *ret_grantee = grant->who == GRANT_DEFAULT ? STORE_GRANTEE_DEFAULT : STORE_GRANTEE_ANONYMOUS;
        return 0;
    }
    int r = named_by(call, tx, grant, &mailbox);
    if (r == 0 && mailbox.mailbox_id == access->mailbox.mailbox_id)
        return CODE_ErrorInvalidUserInfo;
    *ret_grantee = mailbox.mailbox_id;
    return r;
}

int folders_grant(struct op_call *call, struct store_tx *tx, const struct access *access, const struct folder *folder,
                  const struct folder_grants *grants)
{
    int64_t *grantees = arena_array(call->arena, grants->n + 1, sizeof(*grantees));
    int r = grantees ? store_permission_drop(tx, folder->mailbox_id, folder->folder_no) : -ENOMEM;
    for (size_t i = 0; r == 0 && i < grants->n; i++) {
        r = grantee_of(call, tx, access, &grants->v[i], &grantees[i]);
        for (size_t k = 0; r == 0 && k < i; k++)
            if (grantees[k] == grantees[i])
                r = CODE_ErrorDuplicateUserIdsSpecified;
        if (r == 0 && (grantees[i] > 0 || grants->v[i].rights))
            r = store_permission_set(tx, folder->mailbox_id, folder->folder_no, grantees[i], grants->v[i].rights);
    }
    return r;
}

static int take_entry(struct op_call *call, const struct store_entry *entry, struct folder_grant *ret_grant)
{
    struct folder_grant grant = { .address = entry->address, .name = entry->display_name, .rights = entry->rights };
    char sid[SID_TEXT_SIZE];
    grant.who = entry->grantee_id == STORE_GRANTEE_DEFAULT ? GRANT_DEFAULT : entry->grantee_id < 0 ? GRANT_ANONYMOUS : GRANT_USER;
    *ret_grant = grant;
    if (!entry->guid)
        return 0;
    sid_format(entry->guid, sid);
    return arena_copy(call->arena, span_of(sid), &ret_grant->sid);
}

int folders_granted(struct op_call *call, struct store_tx *tx, const struct folder *folder, uint32_t rights,
                    struct folder_grants **ret_grants)
{
    struct store_entry *entries = NULL;
    size_t n = 0;
    *ret_grants = NULL;
    if (!(rights & FOLDER_RIGHT_OWN))
        return 0;
    int r = store_permission_of_folder(tx, call->arena, folder->mailbox_id, folder->folder_no, &entries, &n);
    struct folder_grants *grants = arena_alloc(call->arena, sizeof(*grants));
    struct folder_grant *v = arena_array(call->arena, n + 1, sizeof(*v));
    if (r || !grants || !v)
        return r ? r : -ENOMEM;
    for (size_t i = 0; r == 0 && i < n; i++)
        r = take_entry(call, &entries[i], &v[i]);
    *grants = (struct folder_grants){ v, n };
    *ret_grants = grants;
    return r;
}

/* ---- answers ---- */

void folders_answer(struct op_call *call, const char *element, const struct op_result *result, const struct access *access,
                    const struct folder *folder)
{
    op_message_begin(call, element, result);
    xw_open(call->xw, "m:Folders");
    if (!result->code) {
        struct shape_ids ids = access_ids(call, access);
        shape_write_folder_ref(call->xw, &ids, folder);
    }
    xw_close(call->xw);
    op_message_end(call);
}
