/*
 * Ids to items and folders; see target.h.
 */
#include "ops/target.h"

#include "base/log.h"

static int decode(const struct op_call *call, const struct xml_node *node, enum id_kind kind, struct ews_id *ret_id)
{
    struct span text = { 0 };
    struct ews_id id;
    (void)xml_attr(node, "Id", &text);
    int r = id_decode(&call->env->id_key, text, &id);
    if (!r)
        r = id_expect(&id, kind);
    if (r)
        return r;
    *ret_id = id;
    return 0;
}

static bool is_own(const struct op_call *call, const struct ews_id *id)
{
    return memcmp(id->mailbox, call->mailbox->guid, GUID_SIZE) == 0;
}

/* ---- items ---- */

static int decode_item(const struct op_call *call, const struct xml_node *node, struct target_item *t)
{
    struct span key;
    if (xml_is(node, XML_NS_T, "OccurrenceItemId"))
        return CODE_ErrorCalendarCannotUseIdForOccurrenceId;
    if (!xml_is(node, XML_NS_T, "ItemId") && !xml_is(node, XML_NS_M, "ParentItemId") &&
        !xml_is(node, XML_NS_T, "ReferenceItemId"))
        return CODE_ErrorCalendarCannotUseIdForRecurringMasterId;
    int r = decode(call, node, ID_ITEM, &t->id);
    if (r)
        return r;
    t->has_key = xml_attr(node, "ChangeKey", &key);
    return t->has_key ? change_key_decode(key, call->ids.epoch, &t->key) : 0;
}

/* Its mailbox and what is held in its folder. */
static int reach_item(struct op_call *call, struct store_tx *tx, struct target_item *t)
{
    int r = access_by_guid(call, tx, t->id.mailbox, &t->access);
    if (r || (r = access_rights(call, tx, t->access, t->id.folder, &t->rights)))
        return r;
    return t->rights & FOLDER_RIGHT_READ ? 0 : CODE_ErrorItemNotFound;
}

int target_item(struct op_call *call, struct store_tx *tx, const struct xml_node *node, struct target_item *ret_target)
{
    struct target_item t = { .key = TARGET_NO_KEY };
    int r = decode_item(call, node, &t);
    if (r || (r = reach_item(call, tx, &t)))
        return r;
    *ret_target = t;
    return 0;
}

int target_told(const struct target_item *target, int r)
{
    if (r == CODE_ErrorItemCorrupt || r == CODE_ErrorCorruptData || r == CODE_ErrorCannotOpenFileAttachment)
        log_event(LOG_ERROR_LEVEL, "stored item cannot be read", LOG_N("mailbox", target->access->mailbox.mailbox_id),
                  LOG_N("item", target->id.item), LOG_S("code", code_name(r)));
    return r;
}

/* Where the item is counts before what state it is in. */
int target_read(struct op_call *call, struct store_tx *tx, const struct target_item *target, unsigned depth, struct item *ret_item)
{
    int r = store_item_get(tx, call->arena, target->access->mailbox.mailbox_id, target->id.item, depth | STORE_DAMAGED, ret_item);
    if (r == 0 && ret_item->folder_no != target->id.folder)
        r = CODE_ErrorItemNotFound;
    else if (r == 0 && ret_item->damaged && !(depth & STORE_DAMAGED))
        r = CODE_ErrorItemCorrupt;
    return target_told(target, r);
}

int target_load(struct op_call *call, struct store_tx *tx, const struct xml_node *node, enum access_need need, unsigned depth,
                struct target_item *ret_target, struct item *ret_item)
{
    struct target_item t;
    struct item item;
    int r = target_item(call, tx, node, &t);
    if (r || (r = target_read(call, tx, &t, depth, &item)) ||
        (r = access_item(call, t.access, t.rights, &item, need)))
        return r;
    *ret_target = t;
    *ret_item = item;
    return 0;
}

int target_attachment(struct op_call *call, struct store_tx *tx, const struct xml_node *node, struct target_item *ret_target,
                      struct item *ret_item)
{
    struct target_item t = { .key = TARGET_NO_KEY };
    int r = decode(call, node, ID_ATTACHMENT, &t.id);
    if (r || (r = reach_item(call, tx, &t)))
        return r;
    *ret_target = t;
    return target_read(call, tx, &t, STORE_HOT, ret_item);
}

/* ---- folders ---- */

/* The address that a DistinguishedFolderId names; empty: one's own mailbox. */
static struct span mailbox_named(const struct xml_node *node)
{
    struct span address = { 0 };
    const struct xml_node *named = xml_child(node, "Mailbox");
    return named && xml_child_text(named, "EmailAddress", &address) ? span_trim(address) : (struct span){ 0 };
}

/* Where a folder is: its mailbox and number. */
static int locate(struct op_call *call, struct store_tx *tx, const struct xml_node *node, const struct access **ret_access,
                  uint64_t *ret_folder_no)
{
    struct span text = { 0 }, address = mailbox_named(node);
    struct ews_id id;
    int r;
    if (xml_is(node, XML_NS_T, "DistinguishedFolderId")) {
        (void)xml_attr(node, "Id", &text);
        *ret_folder_no = folder_role_by_id(text);
        *ret_access = &call->own;
        r = address.len ? access_by_address(call, tx, address, ret_access) : 0;
        return r || *ret_folder_no ? r : CODE_ErrorFolderNotFound;
    }
    if (!xml_is(node, XML_NS_T, "FolderId"))
        return CODE_ErrorInvalidFolderId;
    if ((r = decode(call, node, ID_FOLDER, &id)))
        return r;
    *ret_folder_no = id.folder;
    return access_by_guid(call, tx, id.mailbox, ret_access);
}

int target_folder(struct op_call *call, struct store_tx *tx, const struct xml_node *node, uint32_t need,
                  struct target_folder *ret_target)
{
    struct target_folder t;
    struct span text;
    uint64_t counter, folder_no;
    int r = xml_attr(node, "ChangeKey", &text) ? change_key_decode(text, call->ids.epoch, &counter) : 0;
    if (r || (r = locate(call, tx, node, &t.access, &folder_no)) || (r = access_rights(call, tx, t.access, folder_no, &t.rights)))
        return r;
    if (!access_sees_folder(t.rights))
        return CODE_ErrorFolderNotFound;
    if ((r = store_folder_get(tx, call->arena, t.access->mailbox.mailbox_id, folder_no, &t.folder)))
        return r;
    if ((t.rights & need) != need)
        return CODE_ErrorAccessDenied;
    *ret_target = t;
    return 0;
}

void target_own_folder(struct op_call *call, enum folder_role role, struct target_folder *ret_target)
{
    *ret_target = (struct target_folder){ .access = &call->own, .rights = FOLDER_RIGHTS_ALL };
    ret_target->folder.mailbox_id = call->mailbox->mailbox_id;
    ret_target->folder.folder_no = role;
    ret_target->folder.role = role;
    ret_target->folder.class = span_of(folder_role_info(role)->class);
}

const struct xml_node *target_saved_folder(const struct op_call *call)
{
    const struct xml_node *node = xml_child(call->node, "SavedItemFolderId");
    return node ? node->child : NULL;
}

/* ---- ahead of the job ---- */

int target_item_ahead(struct op_call *call, const struct xml_node *node, enum access_need need, const struct access **ret_access)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    struct target_item t = { .key = TARGET_NO_KEY };
    struct item item;
    int r = decode_item(call, node, &t);
    if (r)
        return r;
    *ret_access = &call->own;
    if (is_own(call, &t.id))
        return 0;
    access_forget(call);
    if ((r = store_read_begin(call->env->store, &tx)) || (r = target_load(call, tx, node, need, STORE_HOT, &t, &item)))
        return r;
    *ret_access = t.access;
    return 0;
}

static bool names_own(const struct op_call *call, const struct xml_node *node)
{
    struct span address;
    struct ews_id id;
    if (!node)
        return true;
    if (xml_is(node, XML_NS_T, "FolderId"))
        return decode(call, node, ID_FOLDER, &id) == 0 && is_own(call, &id);
    address = mailbox_named(node);
    return !address.len || span_eq_nocase(address, call->mailbox->address);
}

int target_folder_ahead(struct op_call *call, const struct xml_node *node, uint32_t need, const struct access **ret_access)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    struct target_folder t;
    *ret_access = &call->own;
    if (names_own(call, node))
        return 0;
    access_forget(call);
    int r = store_read_begin(call->env->store, &tx);
    if (r || (r = target_folder(call, tx, node, need, &t)))
        return r;
    *ret_access = t.access;
    return 0;
}
