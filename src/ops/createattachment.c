/*
 * CreateAttachment (protocol.md 3.5): files and items. Each answer carries the
 * root's ChangeKey as it is after that attachment.
 */
#include "ops/items.h"
#include "ops/limits.h"
#include "ops/reading.h"
#include "ops/target.h"
#include "store/store_content.h"

struct attaching {
    const struct xml_node *parent;
    const struct access *access; /* to its mailbox */
    struct attachment *read; /* from the request; then as stored */
    struct item *items;      /* the item after each attachment */
};

/* What the request gives, with long data in the store already. */
static int read_one(struct op_call *call, const struct attaching *a, const struct xml_node *node, struct attachment *attachment,
                    struct op_result *ret_result)
{
    int r = reading_attachment(call, node, attachment, ret_result);
    if (r || (r = limits_size(call, attachment->size, ret_result)))
        return r;
    return op_code_of(store_stage_attachment(call->env->store, a->access->mailbox.mailbox_id, attachment));
}

static int attach_one(struct op_call *call, struct store_tx *tx, size_t index, struct op_result *ret_result, void *arg)
{
    struct attaching *a = arg;
    struct attachment *attachment = &a->read[index];
    struct target_item target;
    struct item item;
    int r = target_load(call, tx, a->parent, ACCESS_EDIT, STORE_HOT, &target, &item);
    if (r)
        return r;
    uint64_t held;
    if ((r = limits_size(call, item.size + attachment->size, ret_result)) || (r = store_attachment_count(tx, &item, &held)) ||
        (r = limits_attachments(call, held + 1, ret_result)))
        return r;
    item.flags &= ~ITEM_UNMODIFIED;
    if ((r = store_attachment_add(tx, &item, attachment)))
        return r;
    a->items[index] = item;
    return 0;
}

static void answer(struct op_call *call, size_t index, const struct op_result *result, void *arg)
{
    const struct attaching *a = arg;
    struct shape_ids ids = access_ids(call, a->access);
    op_message_begin(call, "m:CreateAttachmentResponseMessage", result);
    xw_open(call->xw, "m:Attachments");
    if (!result->code)
        shape_write_attachment_ref(call->xw, &ids, &a->items[index], &a->read[index]);
    xw_close(call->xw);
    op_message_end(call);
}

static int finish(struct op_call *call, int r, struct op_items *items)
{
    const struct attaching *a = items->arg;
    if (r)
        return r;
    for (size_t i = 0; i < items->n; i++) {
        struct item holder = { .mailbox_id = a->access->mailbox.mailbox_id, .attachments = { &a->read[i], 1 } };
        if (items->results[i].code)
            (void)store_stage_discard(call->env->store, &holder); /* in vain: an hour later */
    }
    return items_answer(call, items);
}

int op_run_CreateAttachment(struct op_call *call)
{
    static const struct op_verbs verbs = { attach_one, answer, finish };
    struct op_items *items;
    struct attaching *a = arena_alloc(call->arena, sizeof(*a));
    int r = a ? items_of(call, "Attachments", &verbs, a, &items) : -ENOMEM;
    if (r)
        return r;
    *a = (struct attaching){ .parent = xml_child(call->node, "ParentItemId"), .access = &call->own,
                             .read = arena_array(call->arena, items->n + 1, sizeof(*a->read)),
                             .items = arena_array(call->arena, items->n + 1, sizeof(*a->items)) };
    if (!a->read || !a->items)
        return -ENOMEM;
    int bad = a->parent ? target_item_ahead(call, a->parent, ACCESS_EDIT, &a->access) : CODE_ErrorInvalidIdEmpty;
    bad = bad ? bad : limits_room(call);
    if (bad < 0)
        return bad;
    for (size_t i = 0; i < items->n; i++) {
        struct op_result *result = &items->results[i];
        result->code = bad ? bad : read_one(call, a, items->nodes[i], &a->read[i], result);
        if (result->code < 0)
            return result->code;
    }
    return items_write(call, items);
}
