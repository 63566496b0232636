/*
 * DeleteItem (protocol.md 3.4). SoftDelete moves to the recoverable items;
 * MoveToDeletedItems of what is there already does the same. In another's
 * mailbox it takes full access (protocol.md 2.8, D6); delegates use MoveItem.
 * A damaged item can only be deleted for good.
 */
#include "ops/calendar.h"
#include "ops/target.h"

struct deleting {
    const struct xml_node **ids;
    struct span type;
};

static int check_item(struct op_call *call, const struct item *item, struct op_result *ret_result)
{
    struct span which;
    if (item->kind == ITEM_KIND_TASK && !xml_attr(call->node, "AffectedTaskOccurrences", &which))
        return CODE_ErrorAffectedTaskOccurrencesRequired;
    return calendar_check(call, item, "SendMeetingCancellations", CODE_ErrorSendMeetingCancellationsRequired, ret_result);
}

static int delete_one(struct op_call *call, struct store_tx *tx, size_t index, struct op_result *ret_result, void *arg)
{
    const struct deleting *d = arg;
    struct target_item target;
    struct item item;
    struct folder folder;
    const bool hard = span_is(d->type, "HardDelete");
    int r = target_load(call, tx, d->ids[index], ACCESS_DELETE, hard ? STORE_DAMAGED : STORE_HOT, &target, &item);
    if (r || (r = check_item(call, &item, ret_result)))
        return r;
    const int64_t mailbox_id = item.mailbox_id;
    if (hard)
        return store_item_delete(tx, mailbox_id, item.item_no);
    enum folder_role role = span_is(d->type, "SoftDelete") ? FOLDER_ROLE_recoverableitemsdeletions : FOLDER_ROLE_deleteditems;
    if (role == FOLDER_ROLE_deleteditems && !target.access->own && !(target.access->held & RIGHT_full_access))
        return CODE_ErrorCannotDeleteObject;
    if ((r = store_folder_by_role(tx, call->arena, mailbox_id, role, &folder)))
        return r;
    if (role == FOLDER_ROLE_deleteditems && folder.folder_no == item.folder_no &&
        (r = store_folder_by_role(tx, call->arena, mailbox_id, FOLDER_ROLE_recoverableitemsdeletions, &folder)))
        return r;
    return store_item_move(tx, &item, folder.folder_no, true);
}

int op_run_DeleteItem(struct op_call *call)
{
    const struct xml_node *list = xml_child(call->node, "ItemIds");
    size_t n = list ? xml_count(list) : 0, i = 0;
    struct op_result *results = arena_array(call->arena, n + 1, sizeof(*results));
    struct deleting d = { .ids = arena_array(call->arena, n + 1, sizeof(*d.ids)) };
    if (!results || !d.ids)
        return -ENOMEM;
    (void)xml_attr(call->node, "DeleteType", &d.type);
    for (const struct xml_node *c = list ? list->child : NULL; c; c = c->next)
        d.ids[i++] = c;
    int r = op_write_items(call, n, results, delete_one, &d);
    if (r)
        return r;
    op_messages_begin(call);
    for (i = 0; i < n; i++) {
        op_message_begin(call, "m:DeleteItemResponseMessage", &results[i]);
        op_message_end(call);
    }
    op_messages_end(call);
    return 0;
}
