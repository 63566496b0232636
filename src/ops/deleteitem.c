/*
 * DeleteItem (protocol.md 3.4). SoftDelete moves to the recoverable items, where
 * things stay for store.recoverable_days; of what is there already, for good.
 * MoveToDeletedItems of what is in Deleted Items is a SoftDelete. In another's
 * mailbox it takes full access (protocol.md 2.8, D6); delegates use MoveItem.
 * A damaged item can only be deleted for good. Nothing is ever marked as read
 * here, so no receipt is sent, whatever SuppressReadReceipts says.
 */
#include "ops/calendar.h"
#include "ops/items.h"
#include "ops/target.h"

struct deleting {
    const struct op_items *items;
    struct span type;
};

static int check_item(struct op_call *call, const struct item *item, struct op_result *ret_result)
{
    struct span which;
    if (item->kind == ITEM_KIND_TASK && !xml_attr(call->node, "AffectedTaskOccurrences", &which))
        return CODE_ErrorAffectedTaskOccurrencesRequired;
    return calendar_check(call, item, "SendMeetingCancellations", CODE_ErrorSendMeetingCancellationsRequired, ret_result);
}

/* Where the item is to go; 0: nowhere. */
static enum folder_role destination(const struct deleting *d, const struct item *item)
{
    const bool soft = span_is(d->type, "SoftDelete");
    if (span_is(d->type, "HardDelete") || (soft && item->folder_no == FOLDER_ROLE_recoverableitemsdeletions))
        return FOLDER_ROLE_none;
    return soft || item->folder_no == FOLDER_ROLE_deleteditems ? FOLDER_ROLE_recoverableitemsdeletions : FOLDER_ROLE_deleteditems;
}

static int delete_one(struct op_call *call, struct store_tx *tx, size_t index, struct op_result *ret_result, void *arg)
{
    const struct deleting *d = arg;
    struct target_item target;
    struct item item;
    const bool hard = span_is(d->type, "HardDelete");
    int r = target_load(call, tx, d->items->nodes[index], ACCESS_DELETE, hard ? STORE_DAMAGED : STORE_HOT, &target, &item);
    if (r || (r = check_item(call, &item, ret_result)))
        return r;
    if (span_is(d->type, "MoveToDeletedItems") && !target.access->own && !(target.access->held & RIGHT_full_access))
        return CODE_ErrorCannotDeleteObject;
    const enum folder_role role = destination(d, &item);
    return role ? store_item_move(tx, &item, role, true) : store_item_delete(tx, item.mailbox_id, item.item_no);
}

static void answer(struct op_call *call, size_t index ATTR_UNUSED, const struct op_result *result, void *arg ATTR_UNUSED)
{
    op_message_begin(call, "m:DeleteItemResponseMessage", result);
    op_message_end(call);
}

int op_run_DeleteItem(struct op_call *call)
{
    static const struct op_verbs verbs = { delete_one, answer, NULL };
    struct op_items *items;
    struct deleting *d = arena_alloc(call->arena, sizeof(*d));
    int r = d ? items_of(call, "ItemIds", &verbs, d, &items) : -ENOMEM;
    if (r)
        return r;
    d->items = items;
    (void)xml_attr(call->node, "DeleteType", &d->type);
    return items_write(call, items);
}
