/*
 * Ids to items and folders; see target.h.
 */
#include "ops/target.h"

static bool own_mailbox(const struct op_call *call, const struct ews_id *id)
{
    return memcmp(id->mailbox, call->mailbox->guid, GUID_SIZE) == 0;
}

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

int target_item(const struct op_call *call, const struct xml_node *node, struct target_item *ret_target)
{
    struct target_item t = { .key = TARGET_NO_KEY };
    struct span key;
    if (xml_is(node, XML_NS_T, "OccurrenceItemId"))
        return CODE_ErrorCalendarCannotUseIdForOccurrenceId;
    if (!xml_is(node, XML_NS_T, "ItemId") && !xml_is(node, XML_NS_M, "ParentItemId"))
        return CODE_ErrorCalendarCannotUseIdForRecurringMasterId;
    int r = decode(call, node, ID_ITEM, &t.id);
    if (r)
        return r;
    t.has_key = xml_attr(node, "ChangeKey", &key);
    if (t.has_key && (r = change_key_decode(key, call->ids.epoch, &t.key)))
        return r;
    if (!own_mailbox(call, &t.id))
        return CODE_ErrorItemNotFound;
    *ret_target = t;
    return 0;
}

int target_attachment(const struct op_call *call, const struct xml_node *node, struct ews_id *ret_id)
{
    struct ews_id id;
    int r = decode(call, node, ID_ATTACHMENT, &id);
    if (r)
        return r;
    if (!own_mailbox(call, &id))
        return CODE_ErrorItemNotFound;
    *ret_id = id;
    return 0;
}

/* The mailbox that a DistinguishedFolderId names; only one's own is reachable. */
static int check_mailbox(const struct op_call *call, struct store_tx *tx, const struct xml_node *node)
{
    struct span address;
    struct store_mailbox mailbox;
    const struct xml_node *named = xml_child(node, "Mailbox");
    if (!named || !xml_child_text(named, "EmailAddress", &address))
        return 0;
    address = span_trim(address);
    if (span_eq_nocase(address, call->mailbox->address))
        return 0;
    int r = store_mailbox_by_address(tx, call->arena, address, &mailbox);
    if (r)
        return r;
    if (!span_eq_nocase(address, mailbox.address))
        return CODE_ErrorNonPrimarySmtpAddress;
    return mailbox.mailbox_id == call->mailbox->mailbox_id ? 0 : CODE_ErrorFolderNotFound;
}

int target_folder(const struct op_call *call, struct store_tx *tx, const struct xml_node *node, struct folder *ret_folder)
{
    struct span text = { 0 };
    struct ews_id id;
    uint64_t counter;
    int r;
    if (xml_attr(node, "ChangeKey", &text) && (r = change_key_decode(text, call->ids.epoch, &counter)))
        return r;
    if (xml_is(node, XML_NS_T, "DistinguishedFolderId")) {
        (void)xml_attr(node, "Id", &text);
        enum folder_role role = folder_role_by_id(text);
        if ((r = check_mailbox(call, tx, node)))
            return r;
        if (role == FOLDER_ROLE_none)
            return CODE_ErrorFolderNotFound;
        return store_folder_by_role(tx, call->arena, call->mailbox->mailbox_id, role, ret_folder);
    }
    if (!xml_is(node, XML_NS_T, "FolderId"))
        return CODE_ErrorInvalidFolderId;
    if ((r = decode(call, node, ID_FOLDER, &id)))
        return r;
    if (!own_mailbox(call, &id))
        return CODE_ErrorFolderNotFound;
    return store_folder_get(tx, call->arena, call->mailbox->mailbox_id, id.folder, ret_folder);
}

const struct xml_node *target_saved_folder(const struct op_call *call)
{
    const struct xml_node *node = xml_child(call->node, "SavedItemFolderId");
    return node ? node->child : NULL;
}
