/*
 * One t:Message, or an item of another kind with its own elements behind the
 * common ones, in schema order (protocol.md 4.2, 4.3). Unset properties and
 * empty lists are left out (clients.md 0.3); times are UTC. Which properties:
 * struct shape.
 */
#include "soap/html.h"
#include "soap/shape.h"

#include "model/rights.h"

#include <errno.h>

#define PREVIEW_MAX 255
#define BODY_MAX (1u << 28)

struct writing {
    struct xml_writer *xw;
    struct arena *arena;
    const struct shape *shape;
    const struct shape_ids *ids;
    const struct item *item;
    const struct shape_mime *mime;
    int error, mime_error;
};

static void write_time(struct xml_writer *xw, const char *element, int64_t at)
{
    char text[WHEN_XS_SIZE];
    if (at == WHEN_NONE)
        return;
    when_format_xs(at, text);
    xw_leaf_str(xw, element, text);
}

static void write_mailbox(struct writing *w, const struct rcpt *rcpt)
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
        write_mailbox(w, &list->v[i]);
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
        write_time(w->xw, prop->qname, *(const int64_t *)member);
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
            write_mailbox(w, member);
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

/* The body as type, converted when it is stored as the other one. */
static void write_body(struct writing *w, const char *element, enum body_type type, bool attr, size_t max)
{
    struct buf text = BUF_INIT(BODY_MAX);
    struct span body = w->item->body;
    if (type != w->item->body_type) {
        if (type == BODY_TEXT)
            w->error = html_to_text(body, &text);
        else
            text_to_html(body, &text);
        if (!w->error)
            w->error = buf_error(&text);
        body = buf_span(&text);
    }
    if (body.len > max) {
        body.len = max;
        while (body.len && ((unsigned char)body.ptr[body.len] & 0xc0) == 0x80)
            body.len--;
    }
    xw_open(w->xw, element);
    if (attr)
        xw_attr_str(w->xw, "BodyType", type == BODY_HTML ? "HTML" : "Text");
    xw_text(w->xw, body);
    xw_close(w->xw);
    buf_done(&text);
}

static enum body_type body_wanted(const struct writing *w)
{
    switch (w->shape->body) {
    case SHAPE_BODY_HTML:
        return BODY_HTML;
    case SHAPE_BODY_TEXT:
        return BODY_TEXT;
    case SHAPE_BODY_STORED:
        break;
    }
    return w->item->body_type;
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

static void write_headers(struct writing *w)
{
    bool open = false;
    for (size_t i = 0; i < w->item->headers.n; i++) {
        const struct item_header *header = &w->item->headers.v[i];
        if (!header_shown(header->name))
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

static void write_response_objects(struct writing *w)
{
    static const char *const objects[] = { "t:ReplyToItem", "t:ReplyAllToItem", "t:ForwardItem" };
    xw_open(w->xw, "t:ResponseObjects");
    for (size_t i = w->item->flags & ITEM_DRAFT ? 2 : 0; i < ARRAY_LEN(objects); i++) {
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
    write_time(w->xw, "t:StartDate", w->item->flag_start);
    write_time(w->xw, "t:DueDate", w->item->flag_due);
    write_time(w->xw, "t:CompleteDate", w->item->flag_complete);
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

static void write_special_more(struct writing *w, enum prop prop)
{
    if (prop == PROP_ID_Flag)
        write_flag(w);
    else if (prop == PROP_ID_InstanceKey)
        write_instance_key(w);
    else if (prop == PROP_ID_UniqueBody && w->item->body.len)
        write_body(w, "t:UniqueBody", body_wanted(w), true, SIZE_MAX);
    else if (prop == PROP_ID_NormalizedBody && w->item->body.len)
        write_body(w, "t:NormalizedBody", body_wanted(w), true, SIZE_MAX);
    else if (prop == PROP_ID_TextBody && w->item->body.len)
        write_body(w, "t:TextBody", BODY_TEXT, true, SIZE_MAX);
    else if (prop == PROP_ID_Preview && w->item->body.len)
        write_body(w, "t:Preview", BODY_TEXT, false, PREVIEW_MAX);
    else if (prop == PROP_ID_IconIndex && w->item->icon_index > 0)
        xw_leaf_int(w->xw, "t:IconIndex", w->item->icon_index);
}

/* What an attached item has not. */
static bool only_in_folders(enum prop prop)
{
    return prop == PROP_ID_ParentFolderId || prop == PROP_ID_ResponseObjects || prop == PROP_ID_InstanceKey;
}

static void write_special(struct writing *w, enum prop prop)
{
    const struct folder folder = { .folder_no = w->item->folder_no };
    if (prop == PROP_ID_MimeContent) {
        xw_open(w->xw, "t:MimeContent");
        xw_attr_str(w->xw, "CharacterSet", "UTF-8");
        size_t begin = xw_base64_begin(w->xw);
        w->mime_error = w->mime->write(w->item, w->mime->arg, w->xw->out);
        xw_base64_end(w->xw, begin);
        xw_close(w->xw);
    } else if (prop == PROP_ID_ItemId)
        shape_write_item_id(w->xw, w->ids, w->item);
    else if (w->ids->within && only_in_folders(prop))
        return;
    else if (prop == PROP_ID_ParentFolderId)
        shape_write_folder_id(w->xw, "t:ParentFolderId", w->ids, &folder);
    else if (prop == PROP_ID_Body && w->item->body.ptr)
        write_body(w, "t:Body", body_wanted(w), true, SIZE_MAX);
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
    else if (prop == PROP_ID_EffectiveRights)
        write_rights(w);
    else
        write_special_more(w, prop);
}

/* Transport headers as one text, PR_TRANSPORT_MESSAGE_HEADERS. */
static bool write_transport_headers(struct writing *w, const struct xprop *x)
{
    if (!w->item->headers.n)
        return false;
    xw_open(w->xw, "t:ExtendedProperty");
    shape_write_extended_uri(w->xw, x);
    xw_open(w->xw, "t:Value");
    for (size_t i = 0; i < w->item->headers.n; i++) {
        xw_text(w->xw, w->item->headers.v[i].name);
        xw_text(w->xw, SPAN(": "));
        xw_text(w->xw, w->item->headers.v[i].value);
        xw_text(w->xw, SPAN("\r\n"));
    }
    xw_close(w->xw);
    xw_close(w->xw);
    return true;
}

/* Properties that are not stored as such: flags, size, the number that
 * DavMail uses as its UID (0x0e23). */
static bool computed_number(const struct item *item, const struct xprop *x, int64_t *ret_number)
{
    if (x->tag == 0x0e07)
        *ret_number = shape_mapi_flags(item);
    else if (x->tag == 0x0e08)
        *ret_number = (int64_t)item->size;
    else if (x->tag == 0x0e23)
        *ret_number = (int64_t)item->item_no;
    else
        return false;
    return true;
}

static void write_xprop(struct writing *w, const struct xprop *wanted)
{
    int64_t number;
    const struct xprop *stored = NULL;
    bool computed = computed_number(w->item, wanted, &number);
    if (wanted->tag == 0x007d && write_transport_headers(w, wanted))
        return;
    if (!computed && !(stored = item_xprop_find(w->item, wanted)))
        return;
    xw_open(w->xw, "t:ExtendedProperty");
    shape_write_extended_uri(w->xw, wanted);
    if (stored && stored->is_array)
        xw_open(w->xw, "t:Values");
    for (size_t i = 0; stored && i < stored->values.n; i++)
        xw_leaf(w->xw, "t:Value", stored->values.v[i]);
    if (stored && stored->is_array)
        xw_close(w->xw);
    if (!stored)
        xw_leaf_int(w->xw, "t:Value", number);
    xw_close(w->xw);
}

static void write_prop(struct writing *w, enum prop prop)
{
    if (!w->shape->want[prop])
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
        else if (w->shape->want_detail[i] && i == DETAIL_POST_PostedTime)
            write_time(w->xw, "t:PostedTime", w->item->created);
        else if (w->shape->want_detail[i])
            xw_raw(w->xw, item_detail(w->item, detail));
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
            write_xprop(&w, &shape->xprops[k]);
    }
    if (!message)
        write_details(&w);
    xw_close(xw);
    return w.error ? w.error : w.mime_error;
}
