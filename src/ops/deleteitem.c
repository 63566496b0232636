/*
 * DeleteItem (protocol.md 3.4). SoftDelete moves to the recoverable items;
 * MoveToDeletedItems of what is there already does the same. In another's
 * mailbox it takes full access (protocol.md 2.8, D6); delegates use MoveItem.
 * A damaged item can only be deleted for good.
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

static int delete_one(struct op_call *call, struct store_tx *tx, size_t index, struct op_result *ret_result, void *arg)
{
    const struct deleting *d = arg;
    struct target_item target;
    struct item item;
    struct folder folder;
    const bool hard = span_is(d->type, "HardDelete");
    int r = target_load(call, tx, d->items->nodes[index], ACCESS_DELETE, hard ? STORE_DAMAGED : STORE_HOT, &target, &item);
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
