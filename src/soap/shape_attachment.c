/*
 * Attachments as XML, both ways (protocol.md 3.5). An attached item is written
 * as GetItem would write it; reading one is for the operations, since it may
 * come as MIME.
 */
#include "soap/shape.h"

static const char *element_of(const struct attachment *attachment)
{
    return attachment->kind == ATTACHMENT_ITEM ? "t:ItemAttachment" : "t:FileAttachment";
}

static int add_piece(void *arg, struct span piece)
{
    buf_add_span(arg, piece);
    return buf_error(arg);
}

static int write_content(struct xml_writer *xw, const struct attachment *attachment)
{
    xw_open(xw, "t:Content");
    size_t begin = xw_base64_begin(xw);
    int r = source_each(attachment->source, attachment->data, add_piece, xw->out);
    xw_base64_end(xw, begin);
    xw_close(xw);
    return r;
}

/* The item has no ids of its own: it is named by those of the attachment. */
static int write_item(struct xml_writer *xw, const struct shape_ids *ids, const struct item *root, const struct attachment *attachment,
                      const struct shape_attached *attached)
{
    struct item item = *attachment->item;
    struct ews_id within = { .kind = ID_ATTACHMENT, .folder = root->folder_no, .item = root->item_no };
    struct shape_ids inner = *ids;
    if (ids->within)
        within = *ids->within;
    if (within.levels < ID_LEVELS_MAX)
        within.attachment[within.levels++] = attachment->no;
    inner.within = &within;
    item.key_no = root->key_no;
    return shape_write_item(xw, attached->arena, attached->shape, &inner, &item, attached->mime);
}

static void write_texts(struct xml_writer *xw, const struct attachment *attachment)
{
    char text[WHEN_XS_SIZE];
    xw_leaf(xw, "t:Name", attachment->name);
    if (attachment->content_type.len)
        xw_leaf(xw, "t:ContentType", attachment->content_type);
    if (attachment->content_id.len)
        xw_leaf(xw, "t:ContentId", attachment->content_id);
    if (attachment->content_location.len)
        xw_leaf(xw, "t:ContentLocation", attachment->content_location);
    xw_leaf_int(xw, "t:Size", (int64_t)attachment->size);
    if (attachment->modified != WHEN_NONE) {
        when_format_xs(attachment->modified, text);
        xw_leaf_str(xw, "t:LastModifiedTime", text);
    }
    xw_leaf_bool(xw, "t:IsInline", attachment->is_inline);
    if (attachment->kind == ATTACHMENT_PHOTO)
        xw_leaf_bool(xw, "t:IsContactPhoto", true);
}

int shape_write_attachment(struct xml_writer *xw, const struct shape_ids *ids, const struct item *item,
                           const struct attachment *attachment, const struct shape_attached *attached)
{
    int r = 0;
    xw_open(xw, element_of(attachment));
    xw_open(xw, "t:AttachmentId");
    shape_write_id_attr(xw, "Id", ids, item, attachment->no);
    xw_close(xw);
    write_texts(xw, attachment);
    if (attached && attachment->kind == ATTACHMENT_ITEM)
        r = write_item(xw, ids, item, attachment, attached);
    else if (attached)
        r = write_content(xw, attachment);
    xw_close(xw);
    return r;
}

void shape_write_attachment_ref(struct xml_writer *xw, const struct shape_ids *ids, const struct item *item,
                                const struct attachment *attachment)
{
    xw_open(xw, element_of(attachment));
    xw_open(xw, "t:AttachmentId");
    shape_write_id_attr(xw, "Id", ids, item, attachment->no);
    shape_root_id_attrs(xw, ids, item);
    xw_close(xw);
    xw_close(xw);
}

void shape_write_item_attached_ref(struct xml_writer *xw, const struct shape_ids *ids, const struct item *item)
{
    xw_open(xw, kind_info(item->kind)->qname);
    shape_write_item_id(xw, ids, item);
    xw_open(xw, "t:Attachments");
    for (size_t i = 0; i < item->attachments.n; i++) {
        xw_open(xw, element_of(&item->attachments.v[i]));
        xw_open(xw, "t:AttachmentId");
        shape_write_id_attr(xw, "Id", ids, item, item->attachments.v[i].no);
        xw_close(xw);
        xw_close(xw);
    }
    xw_close(xw);
    xw_close(xw);
}

void shape_root_id_attrs(struct xml_writer *xw, const struct shape_ids *ids, const struct item *item)
{
    shape_write_id_attr(xw, "RootItemId", ids, item, 0);
    shape_write_key_attr(xw, "RootItemChangeKey", ids, item);
}

/* ---- reading ---- */

static bool is_true(const struct xml_node *node, const char *name)
{
    struct span text;
    bool value = false;
    if (xml_child_text(node, name, &text))
        (void)span_bool(span_trim(text), &value);
    return value;
}

static int read_content(struct arena *arena, const struct xml_node *node, struct attachment *attachment)
{
    const struct xml_node *content = xml_child(node, "Content");
    int r = content ? xml_bytes(arena, content, &attachment->data) : 0;
    if (r)
        return r > 0 ? CODE_ErrorInvalidArgument : r;
    if (!attachment->data.ptr)
        attachment->data.ptr = "";
    attachment->size = attachment->data.len;
    return 0;
}

int shape_read_attachment(struct arena *arena, const struct xml_node *node, int64_t now, struct attachment *ret_attachment)
{
    struct attachment a = { .modified = now };
    if (!xml_child_text(node, "Name", &a.name) || !a.name.len)
        return CODE_ErrorRequiredPropertyMissing;
    (void)xml_child_text(node, "ContentType", &a.content_type);
    (void)xml_child_text(node, "ContentId", &a.content_id);
    (void)xml_child_text(node, "ContentLocation", &a.content_location);
    a.is_inline = is_true(node, "IsInline");
    if (xml_is(node, XML_NS_T, "ItemAttachment"))
        a.kind = ATTACHMENT_ITEM;
    else if (is_true(node, "IsContactPhoto"))
        a.kind = ATTACHMENT_PHOTO;
    int r = a.kind == ATTACHMENT_ITEM ? 0 : read_content(arena, node, &a);
    if (r == 0)
        *ret_attachment = a;
    return r;
}

const struct xml_node *shape_attached_node(const struct xml_node *node)
{
    static const char *const texts[] = { "AttachmentId", "Name", "ContentType", "ContentId", "ContentLocation", "Size",
                                         "LastModifiedTime", "IsInline" };
    for (const struct xml_node *c = node->child; c; c = c->next) {
        bool text = false;
        for (size_t i = 0; i < ARRAY_LEN(texts); i++)
            text = text || span_is(c->name, texts[i]);
        if (!text)
            return c;
    }
    return NULL;
}
