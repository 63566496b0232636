/*
 * See fault.h.
 */
#include "ops/fault.h"

#include "ops/target.h"

/* ---- answered with a code ---- */

static void write_message(struct op_call *call, const struct op_result *result)
{
    op_message_begin(call, call->op->message, result);
    if (call->op->payload[0])
        op_empty(call, call->op->payload);
    op_message_end(call);
}

/* A message for each thing that the request names, as when the operation had
 * met the code at the first of them. */
static int write_messages(struct op_call *call, const struct op_fault *fault)
{
    const struct op_result failed = { .code = fault->code, .text = fault->text, .back_off_ms = fault->back_off_ms };
    const struct op_result stopped = { .code = CODE_ErrorBatchProcessingStopped };
    size_t n = call->op->list[0] ? xml_count(xml_child(call->node, call->op->list)) : 1;
    op_messages_begin(call);
    for (size_t i = 0; i < n; i++)
        write_message(call, i > 0 && code_stops_batch(fault->code) ? &stopped : &failed);
    op_messages_end(call);
    return 0;
}

static int write_fault(struct op_call *call, const struct op_fault *fault)
{
    call->fault_text = fault->text;
    call->fault_back_off_ms = fault->back_off_ms;
    return fault->code;
}

/* ---- stale ---- */

/* A new ChangeKey for the item at node, if there is one that the caller may
 * change; what else is wrong with it the operation will say. */
static int touch(struct op_call *call, struct store_tx *tx, const struct xml_node *node)
{
    struct target_item target;
    struct item item;
    if (!node)
        return 0;
    int r = target_load(call, tx, node, ACCESS_EDIT, STORE_HOT, &target, &item);
    if (r == 0)
        r = store_item_update(tx, &item, true);
    return r < 0 ? r : 0;
}

static int touch_all(struct store_tx *tx, void *arg)
{
    struct op_call *call = arg;
    const struct xml_node *list = xml_child(call->node, call->op->list);
    access_forget(call);
    int r = touch(call, tx, xml_child(call->node, "ParentItemId"));
    for (const struct xml_node *c = list ? list->child : NULL; r == 0 && c; c = c->next)
        r = touch(call, tx, xml_is(c, XML_NS_T, "ItemId") ? c : xml_child(c, "ItemId"));
    return r;
}

static int run_after(struct op_call *call, int r, void *arg ATTR_UNUSED)
{
    access_forget(call);
    return r ? r : call->op->run(call);
}

int fault_run(struct op_call *call, const struct op_fault *fault)
{
    if (fault->code)
        return fault->each ? write_messages(call, fault) : write_fault(call, fault);
    return fault->stale ? op_write_then(call, touch_all, call, run_after, NULL) : call->op->run(call);
}
