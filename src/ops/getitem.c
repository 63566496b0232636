/*
 * GetItem (protocol.md 3.3): one message per id; no more is loaded than the
 * shape shows.
 */
#include "mime/mime.h"
#include "ops/target.h"

static unsigned depth_of(const struct shape *shape)
{
    if (shape->want[PROP_ID_MimeContent])
        return STORE_ALL;
    return (shape_wants_recipients(shape) ? STORE_RECIPIENTS : 0u) | (shape_wants_body(shape) ? STORE_BODY : 0u) |
           (shape->want[PROP_ID_Attachments] ? STORE_ATTACHMENTS : 0u);
}

/* Everything that can fail is done before the message is begun. */
static int load(struct op_call *call, struct store_tx *tx, const struct xml_node *node, const struct shape *shape,
                struct target_item *ret_target, struct item *ret_item, struct buf *mime)
{
    int r = target_load(call, tx, node, ACCESS_READ, depth_of(shape), ret_target, ret_item);
    if (r)
        return r;
    if (!shape->want[PROP_ID_MimeContent])
        return 0;
    if (ret_item->mime.len && !ret_item->boundary_seed) { /* never submitted: as the client gave it */
        buf_add_span(mime, ret_item->mime);
        return buf_error(mime);
    }
    const struct mime_options options = { .keep_bcc = true };
    r = mime_write(ret_item, &options, mime);
    return r > 0 ? CODE_ErrorContentConversionFailed : r;
}

static int answer(struct op_call *call, struct store_tx *tx, const struct xml_node *node, const struct shape *shape,
                  struct op_result result)
{
    struct target_item target;
    struct item item;
    struct buf mime = BUF_INIT((size_t)call->env->conf->soap_max_memory);
    int r = 0;
    if (!result.code)
        result.code = load(call, tx, node, shape, &target, &item, &mime);
    if (result.code < 0) {
        buf_done(&mime);
        return result.code;
    }
    op_message_begin(call, "m:GetItemResponseMessage", &result);
    xw_open(call->xw, "m:Items");
    if (!result.code) {
        struct shape_ids ids = access_ids(call, target.access);
        ids.rights = access_item_rights(call, target.access, target.rights, &item);
        r = shape_write_item(call->xw, call->arena, shape, &ids, &item, buf_span(&mime));
    }
    xw_close(call->xw);
    op_message_end(call);
    buf_done(&mime);
    return r;
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
