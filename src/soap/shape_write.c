/*
 * One t:Message, or an item of another kind with its own elements behind the
 * common ones, in schema order (protocol.md 4.2, 4.3). Unset properties and
 * empty lists are left out (clients.md 0.3); times are UTC. Which properties:
 * struct shape.
 */
#include "soap/shape_parts.h"

#include "model/rights.h"

#include <errno.h>

void shape_put_mailbox(struct writing *w, const struct rcpt *rcpt)
{
    xw_open(w->xw, "t:Mailbox");
    struct span name = rcpt->name.len ? rcpt->name : rcpt->address;
    if (name.len)
        xw_leaf(w->xw, "t:Name", name);
    if (!w->shape->find && rcpt->address.len) {
        xw_leaf(w->xw, "t:EmailAddress", rcpt->address);
        xw_leaf(w->xw, "t:RoutingType", rcpt->routing.len ? rcpt->routing : SPAN("SMTP"));
        bool own = span_eq_nocase(rcpt_address_domain(rcpt->address), w->ids->own_domain);
        if (w->shape->level >= SHAPE_2010)
            xw_leaf_str(w->xw, "t:MailboxType", own ? "Mailbox" : "OneOff");
    }
    xw_close(w->xw);
}

static void write_rcpts(struct writing *w, const char *element, const struct rcpt_list *list)
{
    if (!list->n)
        return;
    xw_open(w->xw, element);
    for (size_t i = 0; i < list->n; i++)
        shape_put_mailbox(w, &list->v[i]);
    xw_close(w->xw);
}

static void write_plain(struct writing *w, const struct prop_info *prop)
{
    const void *member = prop_member(prop, w->item);
    const struct span_list *strings = member;
    switch (prop->type) {
    case PROP_TEXT:
        if (((const struct span *)member)->len)
            xw_leaf(w->xw, prop->qname, *(const struct span *)member);
        break;
    case PROP_BYTES:
        if (((const struct span *)member)->len) {
            xw_open(w->xw, prop->qname);
            xw_base64(w->xw, *(const struct span *)member);
            xw_close(w->xw);
        }
        break;
    case PROP_FLAG:
        xw_leaf_bool(w->xw, prop->qname, w->item->flags & prop->bit);
        break;
    case PROP_ENUM:
        xw_leaf_str(w->xw, prop->qname, prop_enum_name(prop, *(const int *)member));
        break;
    case PROP_TIME:
        shape_put_time(w->xw, prop->qname, *(const int64_t *)member);
        break;
    case PROP_INT:
        if (*(const int64_t *)member != INT64_MIN)
            xw_leaf_int(w->xw, prop->qname, *(const int64_t *)member);
        break;
    case PROP_SIZE:
        xw_leaf_int(w->xw, prop->qname, (int64_t)*(const uint64_t *)member);
        break;
    case PROP_RCPT:
        if (rcpt_is_set(member)) {
            xw_open(w->xw, prop->qname);
            shape_put_mailbox(w, member);
            xw_close(w->xw);
        }
        break;
    case PROP_RCPTS:
        write_rcpts(w, prop->qname, member);
        break;
    case PROP_STRINGS:
        if (strings->n)
            xw_open(w->xw, prop->qname);
        for (size_t i = 0; i < strings->n; i++)
            xw_leaf(w->xw, "t:String", strings->v[i]);
        if (strings->n)
            xw_close(w->xw);
        break;
    case PROP_SPECIAL:
        break;
    }
}

static void write_attachments(struct writing *w)
{
    const struct attachment_list *list = &w->item->attachments;
    if (!list->n)
        return;
    xw_open(w->xw, "t:Attachments");
    for (size_t i = 0; i < list->n; i++)
        (void)shape_write_attachment(w->xw, w->ids, w->item, &list->v[i], NULL);
    xw_close(w->xw);
}

/* Address headers are left out: Thunderbird would show them twice (clients.md 2). */
static bool header_shown(struct span name)
{
    static const char *const hidden[] = { "To", "From", "Cc", "Bcc", "Reply-To", "Sender" };
    for (size_t i = 0; i < ARRAY_LEN(hidden); i++)
        if (span_eq_nocase(name, span_of(hidden[i])))
            return false;
    return true;
}

/* A draft's is not shown unasked: it has none yet. */
struct item_header_list shape_headers(struct writing *w)
{
    const struct item *item = w->item;
    const bool mail = kind_is_message(item->kind) || item->kind == ITEM_KIND_POST;
    if (item->headers.n || w->has_headers)
        return item->headers.n ? item->headers : w->headers;
    w->has_headers = true;
    if (!mail || !w->mime || !w->mime->headers || (item->flags & ITEM_DRAFT && !w->shape->headers))
        return w->headers;
    int r = w->mime->headers(item, w->arena, &w->headers);
    w->mime_error = w->mime_error ? w->mime_error : r;
    return w->headers;
}

static bool header_wanted(const struct shape *shape, struct span name)
{
    for (size_t i = 0; i < shape->header_names_n; i++)
        if (span_eq_nocase(name, shape->header_names[i]))
            return true;
    return !shape->header_names_n;
}

static void write_headers(struct writing *w)
{
    const struct item_header_list list = shape_headers(w);
    bool open = false;
    for (size_t i = 0; i < list.n; i++) {
        const struct item_header *header = &list.v[i];
        if (!header_shown(header->name) || !header_wanted(w->shape, header->name))
            continue;
        if (!open)
            xw_open(w->xw, "t:InternetMessageHeaders");
        open = true;
        xw_open(w->xw, "t:InternetMessageHeader");
        xw_attr(w->xw, "HeaderName", header->name);
        xw_text(w->xw, header->value);
        xw_close(w->xw);
    }
    if (open)
        xw_close(w->xw);
}

/* What may be answered, and how (protocol.md 3.1): not a draft. A receipt is
 * pending as long as what asks for it is unread, and nobody suppressed it. */
static void write_response_objects(struct writing *w)
{
    static const char *const objects[] = { "t:ReplyToItem", "t:ReplyAllToItem", "t:ForwardItem", "t:SuppressReadReceipt" };
    const uint32_t flags = w->item->flags;
    const bool pending = flags & ITEM_READ_RECEIPT && !(flags & (ITEM_READ | ITEM_FROM_ME | ITEM_RECEIPT_SETTLED));
    if (flags & ITEM_DRAFT)
        return;
    xw_open(w->xw, "t:ResponseObjects");
    for (size_t i = 0; i < ARRAY_LEN(objects) - (pending ? 0 : 1); i++) {
        xw_open(w->xw, objects[i]);
        xw_close(w->xw);
    }
    xw_close(w->xw);
}

static void write_display(struct writing *w, const char *element, const struct rcpt_list *list)
{
    struct span text = { 0 };
    if (!w->error)
        w->error = rcpt_list_display(w->arena, list, &text);
    xw_leaf(w->xw, element, text);
}

static void write_rights(struct writing *w)
{
    const uint32_t rights = w->ids->rights;
    xw_open(w->xw, "t:EffectiveRights");
    xw_leaf_bool(w->xw, "t:CreateAssociated", false);
    xw_leaf_bool(w->xw, "t:CreateContents", false);
    xw_leaf_bool(w->xw, "t:CreateHierarchy", false);
    xw_leaf_bool(w->xw, "t:Delete", rights & FOLDER_RIGHT_DELETE_ALL);
    xw_leaf_bool(w->xw, "t:Modify", rights & FOLDER_RIGHT_EDIT_ALL);
    xw_leaf_bool(w->xw, "t:Read", rights & FOLDER_RIGHT_READ);
    if (w->shape->level >= SHAPE_2010)
        xw_leaf_bool(w->xw, "t:ViewPrivateItems", rights & FOLDER_RIGHT_OWN);
    xw_close(w->xw);
}

static void write_flag(struct writing *w)
{
    size_t status = (size_t)w->item->flag_status;
    xw_open(w->xw, "t:Flag");
    xw_leaf_str(w->xw, "t:FlagStatus", flag_status_names.v[status < flag_status_names.n ? status : 0]);
    shape_put_time(w->xw, "t:StartDate", w->item->flag_start);
    shape_put_time(w->xw, "t:DueDate", w->item->flag_due);
    shape_put_time(w->xw, "t:CompleteDate", w->item->flag_complete);
    xw_close(w->xw);
}

static void write_instance_key(struct writing *w)
{
    char bytes[8];
    for (size_t i = 0; i < 8; i++)
        bytes[i] = (char)(w->item->item_no >> (56 - 8 * i));
    xw_open(w->xw, "t:InstanceKey");
    xw_base64(w->xw, (struct span){ bytes, 8 });
    xw_close(w->xw);
}

/* IconIndex by its number (protocol.md 4.2; PR_ICON_INDEX); of a kind of item when
 * nobody set one. */
static const struct {
    int64_t icon;
    const char *name;
} icons[] = {
    { -1, "Default" },           { 1, "PostItem" },          { 256, "MailRead" },          { 257, "MailUnread" },
    { 261, "MailReplied" },      { 262, "MailForwarded" },   { 272, "MailEncrypted" },     { 273, "MailSmimeSigned" },
    { 512, "OutlookDefaultForContacts" }, { 1024, "AppointmentItem" }, { 1025, "AppointmentRecur" }, { 1026, "AppointmentMeet" },
    { 1280, "TaskItem" },        { 1281, "TaskRecur" },
};

static int64_t icon_of(const struct item *item)
{
    static const int64_t usual[ITEM_KIND_COUNT] = { [ITEM_KIND_POST] = 1,      [ITEM_KIND_CALENDAR] = 1024, [ITEM_KIND_CONTACT] = 512,
                                                    [ITEM_KIND_DISTLIST] = 512, [ITEM_KIND_TASK] = 1280 };
    if (item->icon_index != INT64_MIN)
        return item->icon_index;
    return kind_is_message(item->kind) ? (item->flags & ITEM_READ ? 256 : 257) : usual[item->kind] ? usual[item->kind] : -1;
}

static void write_icon(struct writing *w)
{
    const char *name = icons[0].name;
    for (size_t i = 0; i < ARRAY_LEN(icons); i++)
        if (icons[i].icon == icon_of(w->item))
            name = icons[i].name;
    xw_leaf_str(w->xw, "t:IconIndex", name);
}

static void write_mime(struct writing *w, enum prop prop)
{
    xw_open(w->xw, props[prop].qname);
    if (prop == PROP_ID_MimeContent)
        xw_attr_str(w->xw, "CharacterSet", "UTF-8");
    size_t begin = xw_base64_begin(w->xw);
    int r = w->mime && w->mime->write ? w->mime->write(w->item, w->mime->arg, w->xw->out) : 0;
    w->mime_error = w->mime_error ? w->mime_error : r;
    xw_base64_end(w->xw, begin);
    xw_close(w->xw);
}

static void write_special_more(struct writing *w, enum prop prop)
{
    if (prop == PROP_ID_Flag)
        write_flag(w);
    else if (prop == PROP_ID_InstanceKey)
        write_instance_key(w);
    else if (prop == PROP_ID_ConversationId || prop == PROP_ID_StoreEntryId)
        shape_put_ids(w, prop);
    else if (prop == PROP_ID_IconIndex)
        write_icon(w);
    else if (prop == PROP_ID_HasBlockedImages)
        xw_leaf_bool(w->xw, "t:HasBlockedImages", w->blocked);
    else if ((prop == PROP_ID_UniqueBody || prop == PROP_ID_NormalizedBody || prop == PROP_ID_TextBody || prop == PROP_ID_Preview) &&
             w->item->body.len)
        shape_put_body(w, prop);
}

/* What an attached item has not. */
static bool only_in_folders(enum prop prop)
{
    return prop == PROP_ID_ParentFolderId || prop == PROP_ID_ResponseObjects || prop == PROP_ID_InstanceKey ||
           prop == PROP_ID_StoreEntryId;
}

static void write_special(struct writing *w, enum prop prop)
{
    const struct folder folder = { .folder_no = w->item->folder_no };
    if (prop == PROP_ID_MimeContent || prop == PROP_ID_MimeContentUTF8)
        write_mime(w, prop);
    else if (prop == PROP_ID_ItemId)
        shape_write_item_id(w->xw, w->ids, w->item);
    else if (w->ids->within && only_in_folders(prop))
        return;
    else if (prop == PROP_ID_ParentFolderId)
        shape_write_folder_id(w->xw, "t:ParentFolderId", w->ids, &folder);
    else if (prop == PROP_ID_Body && w->item->body.ptr)
        shape_put_body(w, prop);
    else if (prop == PROP_ID_Attachments)
        write_attachments(w);
    else if (prop == PROP_ID_InternetMessageHeaders)
        write_headers(w);
    else if (prop == PROP_ID_ResponseObjects && kind_is_message(w->item->kind))
        write_response_objects(w);
    else if (prop == PROP_ID_DisplayTo)
        write_display(w, "t:DisplayTo", &w->item->to);
    else if (prop == PROP_ID_DisplayCc)
        write_display(w, "t:DisplayCc", &w->item->cc);
    else if (prop == PROP_ID_DisplayBcc)
        write_display(w, "t:DisplayBcc", &w->item->bcc);
    else if (prop == PROP_ID_EffectiveRights)
        write_rights(w);
    else
        write_special_more(w, prop);
}

/* Default shows less of what is no mail. */
static bool is_wanted(const struct writing *w, enum prop prop)
{
    const bool mail = kind_is_message(w->item->kind) || w->item->kind == ITEM_KIND_POST;
    if (!w->shape->want[prop] || mail || w->shape->base != SHAPE_DEFAULT || w->shape->asked[prop])
        return w->shape->want[prop];
    return prop == PROP_ID_ItemId || prop == PROP_ID_Subject || prop == PROP_ID_HasAttachments || prop == PROP_ID_IsAssociated;
}

static void write_prop(struct writing *w, enum prop prop)
{
    if (!is_wanted(w, prop))
        return;
    if (props[prop].type == PROP_SPECIAL) {
        write_special(w, prop);
        return;
    }
    write_plain(w, &props[prop]);
}

static void write_details(struct writing *w)
{
    for (size_t i = 0; i < DETAIL_COUNT; i++) {
        const struct detail_info *detail = detail_info((enum detail)i);
        if (detail->kind != w->item->kind)
            continue;
        if (detail->prop)
            write_prop(w, prop_id(detail->prop));
        else if (w->shape->want_detail[i])
            shape_put_detail(w, (enum detail)i);
        else if (w->shape->entries_n)
            shape_put_entries(w, (enum detail)i, item_detail(w->item, detail));
    }
}

int shape_write_item(struct xml_writer *xw, struct arena *arena, const struct shape *shape, const struct shape_ids *ids,
                     const struct item *item, const struct shape_mime *mime)
{
    struct writing w = { .xw = xw, .arena = arena, .shape = shape, .ids = ids, .item = item, .mime = mime };
    bool message = kind_is_message(item->kind);
    xw_open(xw, kind_info(item->kind)->qname);
    for (size_t i = 0; i < PROP_COUNT; i++) {
        if (message || !props[i].message)
            write_prop(&w, (enum prop)i);
        for (size_t k = 0; i == PROP_ID_HasAttachments && k < shape->xprops_n; k++)
            shape_put_xprop(&w, &shape->xprops[k], shape->mapi[k]);
    }
    if (!message)
        write_details(&w);
    xw_close(xw);
    return w.error ? w.error : w.mime_error;
}
