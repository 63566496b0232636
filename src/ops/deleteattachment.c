/*
 * DeleteAttachment (protocol.md 3.5), also of what is attached to an attached
 * item. Each answer carries the root's ChangeKey as it is afterwards.
 */
#include "ops/items.h"
#include "ops/target.h"
#include "store/store_content.h"

struct detaching {
    const struct op_items *items;
    struct item *roots; /* after each */
    const struct access **accesses;
};

static int detach_one(struct op_call *call, struct store_tx *tx, size_t index, struct op_result *ret_result ATTR_UNUSED, void *arg)
{
    struct detaching *d = arg;
    struct target_item target;
    struct item item;
    int r = target_attachment(call, tx, d->items->nodes[index], &target, &item);
    if (r || (r = access_item(call, target.access, target.rights, &item, ACCESS_EDIT)))
        return r;
    const struct attachment_path path = { target.id.attachment, target.id.levels };
    item.flags &= ~ITEM_UNMODIFIED;
    if ((r = store_attachment_delete(tx, &item, &path)))
        return r == 1 ? CODE_ErrorInvalidAttachmentId : target_told(&target, r);
    d->roots[index] = item;
    d->accesses[index] = target.access;
    return 0;
}

static void answer(struct op_call *call, size_t index, const struct op_result *result, void *arg)
{
    const struct detaching *d = arg;
    op_message_begin(call, "m:DeleteAttachmentResponseMessage", result);
    if (!result->code) {
        struct shape_ids ids = access_ids(call, d->accesses[index]);
        xw_open(call->xw, "m:RootItemId");
        shape_root_id_attrs(call->xw, &ids, &d->roots[index]);
        xw_close(call->xw);
    }
    op_message_end(call);
}

int op_run_DeleteAttachment(struct op_call *call)
{
    static const struct op_verbs verbs = { detach_one, answer, NULL };
    struct op_items *items;
    struct detaching *d = arena_alloc(call->arena, sizeof(*d));
    int r = d ? items_of(call, "AttachmentIds", &verbs, d, &items) : -ENOMEM;
    if (r)
        return r;
    *d = (struct detaching){ .items = items, .roots = arena_array(call->arena, items->n + 1, sizeof(*d->roots)),
                             .accesses = arena_array(call->arena, items->n + 1, sizeof(*d->accesses)) };
    if (!d->roots || !d->accesses)
        return -ENOMEM;
    return items_write(call, items);
}
