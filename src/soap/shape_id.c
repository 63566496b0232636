/*
 * Ids and the names of extended properties as XML: the parts of an item that
 * other answers than GetItem's show too.
 */
#include "soap/shape_parts.h"

#include "model/conversation.h"

#include <stdio.h>

void shape_put_time(struct xml_writer *xw, const char *element, int64_t at)
{
    char text[WHEN_XS_SIZE];
    if (at == WHEN_NONE)
        return;
    when_format_xs(at, text);
    xw_leaf_str(xw, element, text);
}

static void add_id(struct xml_writer *xw, const char *attr, const struct shape_ids *ids, struct ews_id id)
{
    struct buf text = BUF_INIT(4 * ID_TEXT_MAX);
    memcpy(id.mailbox, ids->mailbox, GUID_SIZE);
    id_encode(ids->key, &id, &text);
    xw_attr(xw, attr, buf_span(&text));
    buf_done(&text);
}

static void add_change_key(struct xml_writer *xw, const char *attr, const struct shape_ids *ids, const struct item *item)
{
    struct buf text = BUF_INIT(4 * ID_TEXT_MAX);
    enum change_key_kind kind = item->kind == ITEM_KIND_CALENDAR ? CHANGE_KEY_CALENDAR : CHANGE_KEY_MESSAGE;
    change_key_encode(kind, ids->epoch, item->key_no, &text);
    xw_attr(xw, attr, buf_span(&text));
    buf_done(&text);
}

/* Within an attached item: the attachment's id, a level longer for one of its own. */
void shape_write_id_attr(struct xml_writer *xw, const char *attr, const struct shape_ids *ids, const struct item *item, uint32_t no)
{
    struct ews_id id = { .kind = ID_ITEM, .folder = item->folder_no, .item = item->item_no };
    if (ids->within)
        id = *ids->within;
    if (no && id.levels < ID_LEVELS_MAX) {
        id.kind = ID_ATTACHMENT;
        id.attachment[id.levels++] = no;
    }
    add_id(xw, attr, ids, id);
}

void shape_write_key_attr(struct xml_writer *xw, const char *attr, const struct shape_ids *ids, const struct item *item)
{
    add_change_key(xw, attr, ids, item);
}

void shape_write_item_id_as(struct xml_writer *xw, const char *element, const struct shape_ids *ids, const struct item *item)
{
    xw_open(xw, element);
    shape_write_id_attr(xw, "Id", ids, item, 0);
    add_change_key(xw, "ChangeKey", ids, item);
    xw_close(xw);
}

void shape_write_item_id(struct xml_writer *xw, const struct shape_ids *ids, const struct item *item)
{
    shape_write_item_id_as(xw, "t:ItemId", ids, item);
}

void shape_put_ids(struct writing *w, enum prop prop)
{
    struct ews_id id = { .kind = ID_ITEM, .folder = w->item->folder_no, .item = w->item->item_no };
    uint8_t guid[GUID_SIZE];
    struct buf text = BUF_INIT(4 * ID_TEXT_MAX);
    memcpy(id.mailbox, w->ids->mailbox, GUID_SIZE);
    if (prop == PROP_ID_StoreEntryId) {
        id_encode_entry(w->ids->key, &id, &text);
        xw_leaf(w->xw, "t:StoreEntryId", buf_span(&text));
    } else if (conversation_guid(w->item, guid)) {
        id_encode_conversation(w->ids->mailbox, guid, &text);
        xw_open(w->xw, "t:ConversationId");
        xw_attr(w->xw, "Id", buf_span(&text));
        xw_close(w->xw);
    }
    buf_done(&text);
}

void shape_write_item_ref(struct xml_writer *xw, const struct shape_ids *ids, const struct item *item)
{
    xw_open(xw, kind_info(item->kind)->qname);
    shape_write_item_id(xw, ids, item);
    xw_close(xw);
}

void shape_write_extended_uri(struct xml_writer *xw, const struct xprop *x)
{
    char tag[16];
    xw_open(xw, "t:ExtendedFieldURI");
    if (x->set.len)
        xw_attr(xw, x->set_is_guid ? "PropertySetId" : "DistinguishedPropertySetId", x->set);
    if (x->tag >= 0) {
        (void)snprintf(tag, sizeof(tag), "0x%x", (unsigned)x->tag);
        xw_attr_str(xw, "PropertyTag", tag);
    }
    if (x->name.len)
        xw_attr(xw, "PropertyName", x->name);
    if (x->id >= 0)
        xw_attr_int(xw, "PropertyId", x->id);
    xw_attr(xw, "PropertyType", x->type);
    xw_close(xw);
}
