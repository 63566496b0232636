/*
 * GetAttachment (protocol.md 3.5): a file with its content, an attached item
 * with all its properties and what AttachmentShape asks for besides. No more is
 * loaded than is shown.
 */
#include "ops/mimeof.h"
#include "ops/target.h"
#include "store/store_content.h"

struct getting {
    struct shape shape; /* of attached items */
    unsigned depth;
    struct op_result bad; /* what is wrong with it */
};

struct got {
    struct target_item target;
    struct item item; /* the root */
    struct attachment attachment;
};

static int load(struct op_call *call, struct store_tx *tx, const struct xml_node *node, const struct getting *g, struct got *ret_got)
{
    int r = target_attachment(call, tx, node, &ret_got->target, &ret_got->item);
    if (r)
        return r;
    const struct attachment_path path = { ret_got->target.id.attachment, ret_got->target.id.levels };
    r = store_attachment_get(tx, call->arena, ret_got->item.mailbox_id, ret_got->item.item_no, &path, g->depth, &ret_got->attachment);
    return r == 1 ? CODE_ErrorInvalidAttachmentId : target_told(&ret_got->target, r);
}

/* got: NULL when the result is an error. */
static int write_answer(struct op_call *call, const struct op_result *result, const struct getting *g, const struct got *got)
{
    const struct shape_mime mime = { .write = mime_of_item, .headers = mime_headers_of_item };
    const struct shape_attached attached = { call->arena, &g->shape, &mime };
    int r = 0;
    op_message_begin(call, "m:GetAttachmentResponseMessage", result);
    xw_open(call->xw, "m:Attachments");
    if (got) {
        struct shape_ids ids = access_ids(call, got->target.access);
        struct ews_id within = got->target.id;
        within.levels--;
        ids.within = within.levels ? &within : NULL;
        ids.rights = access_item_rights(call, got->target.access, got->target.rights, &got->item);
        r = shape_write_attachment(call->xw, &ids, &got->item, &got->attachment, &attached);
    }
    xw_close(call->xw);
    op_message_end(call);
    return r;
}

static int answer(struct op_call *call, struct store_tx *tx, const struct xml_node *node, const struct getting *g)
{
    struct got got;
    struct op_result result = g->bad;
    const struct xml_writer before = *call->xw;
    const size_t len = call->xw->out->len;
    if (!result.code)
        result.code = load(call, tx, node, g, &got);
    if (result.code < 0)
        return result.code;
    int r = write_answer(call, &result, g, result.code ? NULL : &got);
    if (r == -EUCLEAN)
        r = target_told(&got.target, got.attachment.kind == ATTACHMENT_ITEM ? CODE_ErrorItemCorrupt : CODE_ErrorCannotOpenFileAttachment);
    if (r <= 0)
        return r;
    *call->xw = before; /* what was written of it is taken back */
    call->xw->out->len = len;
    result.code = r;
    return write_answer(call, &result, g, NULL);
}

/* Files are always shown whole. */
static int parse(struct op_call *call, struct getting *ret_getting)
{
    static const struct xml_node empty = { .ns = XML_NS_M, .name = { "AttachmentShape", sizeof("AttachmentShape") - 1 } };
    const struct xml_node *node = xml_child(call->node, "AttachmentShape");
    struct getting g = { 0 };
    g.bad.code = shape_parse(call->arena, node ? node : &empty, call->level, false, &g.shape, &g.bad.culprit);
    g.depth = STORE_RECIPIENTS | STORE_BODY | STORE_ATTACHMENTS | STORE_DATA | STORE_LAZY |
              (shape_wants_mime(&g.shape) ? (unsigned)STORE_MIME : 0u);
    *ret_getting = g;
    return g.bad.code < 0 ? g.bad.code : 0;
}

int op_run_GetAttachment(struct op_call *call)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    struct getting g;
    int r = parse(call, &g);
    if (r || (r = store_read_begin(call->env->store, &tx)))
        return r;
    op_messages_begin(call);
    const struct xml_node *list = xml_child(call->node, "AttachmentIds");
    for (const struct xml_node *c = list ? list->child : NULL; c; c = c->next)
        if ((r = answer(call, tx, c, &g)))
            return r;
    op_messages_end(call);
    return 0;
}
