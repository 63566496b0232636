/*
 * GetItem (protocol.md 3.3): one message per id; no more is loaded than the
 * shape shows.
 */
#include "ops/mimeof.h"
#include "ops/target.h"

static unsigned depth_of(const struct shape *shape)
{
    if (shape_wants_mime(shape))
        return STORE_ALL | STORE_LAZY | (shape_wants_body(shape) ? 0u : STORE_LAZY_BODY);
    return (shape_wants_recipients(shape) ? STORE_RECIPIENTS : 0u) | (shape_wants_body(shape) ? STORE_BODY : 0u) |
           (shape->want[PROP_ID_Attachments] ? STORE_ATTACHMENTS : 0u);
}

/* item: NULL when the result is an error. */
static int write_answer(struct op_call *call, const struct op_result *result, const struct shape *shape,
                        const struct target_item *target, const struct item *item)
{
    const struct shape_mime mime = { .write = mime_of_item, .headers = mime_headers_of_item };
    int r = 0;
    op_message_begin(call, "m:GetItemResponseMessage", result);
    xw_open(call->xw, "m:Items");
    if (item) {
        struct shape_ids ids = access_ids(call, target->access);
        ids.rights = access_item_rights(call, target->access, target->rights, item);
        r = shape_write_item(call->xw, call->arena, shape, &ids, item, &mime);
    }
    xw_close(call->xw);
    op_message_end(call);
    return r;
}

static int answer(struct op_call *call, struct store_tx *tx, const struct xml_node *node, const struct shape *shape,
                  struct op_result result)
{
    struct target_item target;
    struct item item;
    const struct xml_writer before = *call->xw;
    const size_t len = call->xw->out->len;
    if (!result.code)
        result.code = target_load(call, tx, node, ACCESS_READ, depth_of(shape), &target, &item);
    if (result.code < 0)
        return result.code;
    int r = write_answer(call, &result, shape, &target, result.code ? NULL : &item);
    if (r == -EUCLEAN)
        r = target_told(&target, CODE_ErrorItemCorrupt);
    if (r <= 0)
        return r;
    *call->xw = before; /* what was written of the item is taken back */
    call->xw->out->len = len;
    result.code = r;
    return write_answer(call, &result, shape, &target, NULL);
}

int op_run_GetItem(struct op_call *call)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    struct shape shape = { 0 };
    struct op_result bad = { 0 };
    bad.code = shape_parse(call->arena, xml_child(call->node, "ItemShape"), call->level, false, &shape, &bad.culprit);
    int r = bad.code < 0 ? bad.code : store_read_begin(call->env->store, &tx);
    if (r)
        return r;
    op_messages_begin(call);
    const struct xml_node *list = xml_child(call->node, "ItemIds");
    for (const struct xml_node *c = list ? list->child : NULL; c; c = c->next)
        if ((r = answer(call, tx, c, &shape, bad)))
            return r;
    op_messages_end(call);
    return 0;
}
