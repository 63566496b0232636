/*
 * The children of a t:Message, or of an item of another kind, into a struct
 * item (protocol.md 3.1). Plain properties go by props.def; what a client may
 * not set is refused with ErrorInvalidPropertySet, naming the element. What
 * only other kinds have is kept as XML. Bcc recipients of the MIME and
 * of the element are merged (clients.md 0.8).
 */
#include "soap/shape_parts.h"

#include <errno.h>

#define DETAIL_MAX (4u << 20)

int shape_read_mime(struct arena *arena, const struct xml_node *node, struct span *ret_mime)
{
    const struct xml_node *mime = xml_child(node, "MimeContent");
    *ret_mime = (struct span){ 0 };
    if (!mime)
        return 0;
    int r = xml_bytes(arena, mime, ret_mime);
    return r > 0 ? CODE_ErrorMimeContentInvalidBase64String : r;
}

/* Somebody meant by the id of a contact or list alone is not a name to look up:
 * the routing type of such says so until it is refused (decisions 9). */
static void take_contact(const struct xml_node *node, struct rcpt *rcpt)
{
    const struct xml_node *id = xml_child(node, "ItemId");
    if (!id || rcpt->address.len)
        return;
    rcpt->routing = SPAN(RCPT_ROUTING_CONTACT);
    if (!rcpt->name.len)
        (void)xml_attr(id, "Id", &rcpt->name);
}

static int read_mailbox(const struct xml_node *node, enum rcpt_type type, struct rcpt *ret_rcpt)
{
    struct rcpt rcpt = { .type = type };
    (void)xml_child_text(node, "Name", &rcpt.name);
    (void)xml_child_text(node, "EmailAddress", &rcpt.address);
    (void)xml_child_text(node, "RoutingType", &rcpt.routing);
    rcpt.address = span_trim(rcpt.address);
    take_contact(node, &rcpt);
    if (span_eq_nocase(rcpt.routing, SPAN("SMTP")))
        rcpt.routing = (struct span){ 0 };
    *ret_rcpt = rcpt;
    return 0;
}

static int read_rcpts(struct arena *arena, const struct xml_node *node, enum rcpt_type type, struct rcpt_list *ret_list)
{
    struct rcpt_list list = { .v = arena_array(arena, xml_count(node) + 1, sizeof(*list.v)) };
    if (!list.v)
        return -ENOMEM;
    for (const struct xml_node *c = node->child; c; c = c->next) {
        int r = read_mailbox(c, type, &list.v[list.n++]);
        if (r)
            return r;
    }
    *ret_list = list;
    return 0;
}

static bool has_rcpt(const struct rcpt_list *list, const struct rcpt *rcpt)
{
    for (size_t i = 0; i < list->n; i++)
        if (rcpt->address.len && span_eq_nocase(list->v[i].address, rcpt->address))
            return true;
    return false;
}

static int merge_rcpts(struct arena *arena, struct rcpt_list *list, const struct rcpt_list *more)
{
    struct rcpt_list merged = { .v = arena_array(arena, list->n + more->n + 1, sizeof(*merged.v)) };
    if (!merged.v)
        return -ENOMEM;
    for (size_t i = 0; i < list->n + more->n; i++) {
        const struct rcpt *rcpt = i < list->n ? &list->v[i] : &more->v[i - list->n];
        if (!has_rcpt(&merged, rcpt))
            merged.v[merged.n++] = *rcpt;
    }
    *list = merged;
    return 0;
}

static int read_strings(struct arena *arena, const struct xml_node *node, struct span_list *ret_list)
{
    struct span_list list = { .v = arena_array(arena, xml_count(node) + 1, sizeof(*list.v)) };
    if (!list.v)
        return -ENOMEM;
    for (const struct xml_node *c = node->child; c; c = c->next)
        list.v[list.n++] = c->text;
    *ret_list = list;
    return 0;
}

static int read_recipients(struct arena *arena, const struct xml_node *node, const struct prop_info *prop, struct item *item)
{
    static const struct {
        enum prop prop;
        enum rcpt_type type;
    } types[] = { { PROP_ID_ToRecipients, RCPT_TO }, { PROP_ID_CcRecipients, RCPT_CC }, { PROP_ID_BccRecipients, RCPT_BCC } };
    enum rcpt_type type = RCPT_REPLY_TO;
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (prop_id(prop) == types[i].prop)
            type = types[i].type;
    struct rcpt_list list;
    struct rcpt_list *member = prop_member_mut(prop, item);
    int r = read_rcpts(arena, node, type, &list);
    if (r)
        return r;
    if (type == RCPT_BCC)
        return merge_rcpts(arena, member, &list);
    *member = list;
    return 0;
}

static int read_plain(struct arena *arena, const struct xml_node *node, const struct prop_info *prop, struct item *item)
{
    void *member = prop->type == PROP_FLAG ? NULL : prop_member_mut(prop, item);
    bool flag;
    switch (prop->type) {
    case PROP_TEXT:
        *(struct span *)member = node->text;
        return 0;
    case PROP_BYTES:
        return base64_decode(arena, node->text, member) ? CODE_ErrorInvalidArgument : 0;
    case PROP_FLAG:
        if (!span_bool(span_trim(node->text), &flag))
            return CODE_ErrorInvalidArgument;
        item->flags = flag ? item->flags | prop->bit : item->flags & ~prop->bit;
        return 0;
    case PROP_ENUM:
        return prop_enum_value(prop, node->text, member) ? 0 : CODE_ErrorInvalidArgument;
    case PROP_TIME:
        return when_parse_xs(span_trim(node->text), member) ? 0 : CODE_ErrorInvalidArgument;
    case PROP_INT:
        return span_int(span_trim(node->text), false, INT32_MIN, INT32_MAX, member) ? 0 : CODE_ErrorInvalidArgument;
    case PROP_RCPT:
        return node->child ? read_mailbox(node->child, prop_id(prop) == PROP_ID_From ? RCPT_FROM : RCPT_SENDER, member) : 0;
    case PROP_RCPTS:
        return read_recipients(arena, node, prop, item);
    case PROP_STRINGS:
        return read_strings(arena, node, member);
    case PROP_SIZE:
    case PROP_SPECIAL:
        break;
    }
    return CODE_ErrorInvalidPropertySet;
}

static int read_flag_time(const struct xml_node *node, const char *name, int64_t *ret_at)
{
    struct span text;
    *ret_at = WHEN_NONE;
    if (!xml_child_text(node, name, &text))
        return 0;
    return when_parse_xs(span_trim(text), ret_at) ? 0 : CODE_ErrorInvalidArgument;
}

/* Flagged: start and due or neither, never complete; Complete: no start, no
 * due; NotFlagged: none of the three (protocol.md 3.1). */
static int read_flag(const struct xml_node *node, struct item *item)
{
    struct span status;
    int64_t start, due, complete;
    int r;
    if (!xml_child_text(node, "FlagStatus", &status))
        return CODE_ErrorInvalidArgument;
    if ((r = read_flag_time(node, "StartDate", &start)) || (r = read_flag_time(node, "DueDate", &due)) ||
        (r = read_flag_time(node, "CompleteDate", &complete)))
        return r;
    int value = -1;
    for (size_t i = 0; i < flag_status_names.n; i++)
        if (span_is(status, flag_status_names.v[i]))
            value = (int)i;
    bool has_start = start != WHEN_NONE, has_due = due != WHEN_NONE, has_complete = complete != WHEN_NONE;
    bool ok = value == FLAG_FLAGGED    ? has_start == has_due && !has_complete
              : value == FLAG_COMPLETE ? !has_start && !has_due
                                       : value >= 0 && !has_start && !has_due && !has_complete;
    if (!ok)
        return CODE_ErrorInvalidArgument;
    item->flag_status = value;
    item->flag_start = start;
    item->flag_due = due;
    item->flag_complete = complete;
    return 0;
}

static bool value_fits(struct span type, struct span value)
{
    int64_t number;
    bool flag;
    value = span_trim(value);
    if (span_starts(type, SPAN("Integer")))
        return span_int(value, false, INT32_MIN, UINT32_MAX, &number);
    if (span_starts(type, SPAN("Short")))
        return span_int(value, false, INT16_MIN, UINT16_MAX, &number);
    if (span_starts(type, SPAN("Long")))
        return span_int(value, false, INT64_MIN, INT64_MAX, &number);
    if (span_starts(type, SPAN("Boolean")))
        return span_bool(value, &flag);
    if (span_starts(type, SPAN("SystemTime")))
        return when_parse_xs(value, &number);
    return true;
}

static int read_xprop_values(struct arena *arena, const struct xml_node *node, struct xprop *x)
{
    const struct xml_node *values = xml_child(node, "Values");
    const struct xml_node *single = xml_child(node, "Value");
    if (x->is_array != (values != NULL) || (!values && !single))
        return CODE_ErrorInvalidExtendedPropertyValue;
    x->values.v = arena_array(arena, (values ? xml_count(values) : 1) + 1, sizeof(*x->values.v));
    if (!x->values.v)
        return -ENOMEM;
    for (const struct xml_node *v = values ? values->child : single; v; v = values ? v->next : NULL) {
        if (!value_fits(x->type, v->text))
            return CODE_ErrorInvalidExtendedPropertyValue;
        x->values.v[x->values.n++] = v->text;
    }
    return 0;
}

int shape_read_xprop(struct arena *arena, const struct xml_node *node, struct xprop *ret_xprop)
{
    struct xprop x;
    const struct xml_node *uri = xml_child(node, "ExtendedFieldURI");
    if (!uri)
        return CODE_ErrorInvalidExtendedProperty;
    int r = shape_parse_xprop(arena, uri, &x);
    if (!r)
        r = read_xprop_values(arena, node, &x);
    if (!r)
        *ret_xprop = x;
    return r;
}

static int read_xprop(struct arena *arena, const struct xml_node *node, struct item *item)
{
    struct xprop x;
    int r = shape_read_xprop(arena, node, &x);
    if (r)
        return r;
    const struct mapi_info *info = mapi_find(&x);
    return info ? shape_read_mapi(arena, info, &x, item) : item_xprop_put(arena, item, &x);
}

static int read_body(const struct xml_node *node, struct item *item)
{
    struct span type;
    item->body_type = xml_attr(node, "BodyType", &type) && span_is(type, "HTML") ? BODY_HTML : BODY_TEXT;
    item->body = node->text.ptr ? node->text : SPAN("");
    return 0;
}

/* xs:boolean is read as 0 and 1, too, but written as words (protocol.md 4.4). */
static bool is_boolean(const struct detail_info *detail)
{
    static const enum detail booleans[] = { DETAIL_CALENDAR_IsAllDayEvent, DETAIL_CALENDAR_IsResponseRequested,
                                            DETAIL_CALENDAR_AllowNewTimeProposal, DETAIL_CALENDAR_IsOnlineMeeting };
    for (size_t i = 0; i < ARRAY_LEN(booleans); i++)
        if (detail_id(detail) == booleans[i])
            return true;
    return false;
}

static int read_boolean(struct arena *arena, const struct xml_node *node, const struct detail_info *detail, struct item *item)
{
    bool value;
    struct span xml;
    if (!span_bool(span_trim(node->text), &value))
        return CODE_ErrorInvalidArgument;
    int r = arena_printf(arena, &xml, "<%s>%s</%s>", detail->qname, value ? "true" : "false", detail->qname);
    return r ? r : item_detail_put(arena, item, detail, xml);
}

/* The element as it came, names with the prefix that all answers declare. */
static int read_detail(struct arena *arena, const struct xml_node *node, const struct detail_info *detail, struct item *item)
{
    struct buf text = BUF_INIT(DETAIL_MAX);
    struct xml_writer xw;
    struct span xml;
    if (!detail->writable)
        return CODE_ErrorInvalidPropertySet;
    if (is_boolean(detail))
        return read_boolean(arena, node, detail, item);
    xw_init(&xw, &text);
    xw_node(&xw, node);
    int r = xw_error(&xw);
    if (!r)
        r = arena_copy(arena, buf_span(&text), &xml);
    buf_done(&text);
    return r == -EFBIG ? CODE_ErrorDataSizeLimitExceeded : r ? r : item_detail_put(arena, item, detail, xml);
}

static int read_prop(struct arena *arena, const struct xml_node *node, const struct prop_info *prop, struct item *item)
{
    if (prop->type != PROP_SPECIAL)
        return read_plain(arena, node, prop, item);
    if (prop_id(prop) == PROP_ID_Body)
        return read_body(node, item);
    if (prop_id(prop) == PROP_ID_Attachments)
        return 0; /* what is attached may be MIME */
    if (prop_id(prop) == PROP_ID_Flag)
        return read_flag(node, item);
    return CODE_ErrorInvalidPropertySet;
}

int shape_read_property(struct arena *arena, const struct xml_node *node, struct item *item)
{
    if (xml_is(node, XML_NS_T, "MimeContent"))
        return 0;
    if (xml_is(node, XML_NS_T, "ExtendedProperty"))
        return read_xprop(arena, node, item);
    const struct detail_info *detail = kind_is_message(item->kind) ? NULL : detail_find(item->kind, node->name);
    if (detail && !detail->prop)
        return read_detail(arena, node, detail, item);
    const struct prop_info *prop = detail ? detail->prop : prop_by_element(node->name);
    if (!prop || !(prop->flags & PROP_WRITE) || !kind_has_prop(item->kind, prop))
        return CODE_ErrorInvalidPropertySet;
    return read_prop(arena, node, prop, item);
}

/* Does the MIME, if there is one, still say what the item says? Flags,
 * categories, recipients, originators and message ids stand beside it or are
 * edited into its header when it is written; a text or a level matters when it
 * changed. */
static bool leaves_mime(const struct xml_node *node, const struct item *before, const struct item *after)
{
    const struct xml_node *path = xml_is(node, XML_NS_T, "ExtendedProperty") ? xml_child(node, "ExtendedFieldURI") : NULL;
    const struct prop_info *prop = path ? shape_path_prop(path) : prop_by_element(node->name);
    if (!prop)
        return true;
    const enum prop id = prop_id(prop);
    if (id == PROP_ID_Body || id == PROP_ID_Attachments || id == PROP_ID_ReplyTo)
        return false;
    bool said = prop->type == PROP_ENUM || id == PROP_ID_Subject || id == PROP_ID_InReplyTo || id == PROP_ID_References;
    return !said || prop_same(prop, before, after);
}

int shape_read_item(struct arena *arena, const struct xml_node *node, struct item *item, bool *ret_structured,
                    const struct xml_node **ret_culprit)
{
    *ret_structured = false;
    *ret_culprit = NULL;
    for (const struct xml_node *c = node->child; c; c = c->next) {
        const struct item before = *item;
        int r = shape_read_property(arena, c, item);
        if (r) {
            *ret_culprit = r > 0 ? c : NULL;
            return r;
        }
        *ret_structured = *ret_structured || !leaves_mime(c, &before, item);
    }
    enum item_kind kind = item_kind_of_class(item->item_class);
    if (!span_is(node->name, kind_info(kind)->element) && !(kind == ITEM_KIND_MESSAGE && xml_is(node, XML_NS_T, "Item")))
        return CODE_ErrorObjectTypeChanged;
    item->kind = kind;
    return 0;
}
