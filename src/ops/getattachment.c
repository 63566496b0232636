/*
 * GetAttachment for file attachments (protocol.md 3.5).
 */
#include "ops/target.h"
#include "store/store_content.h"

static int load(struct op_call *call, struct store_tx *tx, const struct xml_node *node, struct target_item *ret_target,
                struct item *ret_item, struct attachment *ret_attachment)
{
    int r = target_attachment(call, tx, node, ret_target, ret_item);
    if (r)
        return r;
    r = store_attachment_get(tx, call->arena, ret_item->mailbox_id, ret_item->item_no, ret_target->id.attachment,
                             STORE_DATA | STORE_LAZY, ret_attachment);
    return r == 1 ? CODE_ErrorInvalidAttachmentId : target_told(ret_target, r);
}

/* attachment: NULL when the result is an error. */
static int write_answer(struct op_call *call, const struct op_result *result, const struct target_item *target, const struct item *item,
                        const struct attachment *attachment)
{
    int r = 0;
    op_message_begin(call, "m:GetAttachmentResponseMessage", result);
    xw_open(call->xw, "m:Attachments");
    if (attachment) {
        struct shape_ids ids = access_ids(call, target->access);
        r = shape_write_attachment(call->xw, &ids, item, attachment, true);
    }
    xw_close(call->xw);
    op_message_end(call);
    return r;
}

static int answer(struct op_call *call, struct store_tx *tx, const struct xml_node *node)
{
    struct target_item target;
    struct item item;
    struct attachment attachment;
    const struct xml_writer before = *call->xw;
    const size_t len = call->xw->out->len;
    struct op_result result = { .code = load(call, tx, node, &target, &item, &attachment) };
    if (result.code < 0)
        return result.code;
    int r = write_answer(call, &result, &target, &item, result.code ? NULL : &attachment);
    if (r != -EUCLEAN)
        return r;
    *call->xw = before; /* what was written of it is taken back */
    call->xw->out->len = len;
    result.code = target_told(&target, CODE_ErrorItemCorrupt);
    return write_answer(call, &result, &target, &item, NULL);
}

int op_run_GetAttachment(struct op_call *call)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    int r = store_read_begin(call->env->store, &tx);
    if (r)
        return r;
    op_messages_begin(call);
    const struct xml_node *list = xml_child(call->node, "AttachmentIds");
    for (const struct xml_node *c = list ? list->child : NULL; c; c = c->next)
        if ((r = answer(call, tx, c)))
            return r;
    op_messages_end(call);
    return 0;
}
