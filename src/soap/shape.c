/*
 * Which properties a request asks for: ItemShape and ExtendedFieldURI
 * (protocol.md 3.3). FieldURIs that messages do not have are skipped, since
 * clients ask for the fields of all kinds of items at once (clients.md 2).
 */
#include "soap/shape.h"

#include <errno.h>

enum shape_level shape_level_of(struct span version)
{
    if (span_starts(version, SPAN("Exchange2007")))
        return SHAPE_2007;
    if (span_is(version, "Exchange2009") || span_starts(version, SPAN("Exchange2010")))
        return SHAPE_2010;
    return SHAPE_2013;
}

static bool type_known(struct span type, bool *ret_array)
{
    static const char *const types[] = { "ApplicationTime", "Binary", "Boolean", "CLSID", "Currency", "Double", "Float", "Integer",
                                         "Long",            "Short",  "SystemTime", "String" };
    *ret_array = type.len > 5 && memcmp(type.ptr + type.len - 5, "Array", 5) == 0;
    if (*ret_array)
        type.len -= 5;
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (span_is(type, types[i]))
            return true;
    return false;
}

int shape_parse_xprop(struct arena *arena, const struct xml_node *node, struct xprop *ret_xprop)
{
    (void)arena;
    struct xprop x = { .tag = -1, .id = -1 };
    struct span text;
    int64_t number;
    bool by_name = xml_attr(node, "DistinguishedPropertySetId", &x.set);
    if (xml_attr(node, "PropertySetId", &text)) {
        if (by_name)
            return CODE_ErrorInvalidExtendedProperty;
        x.set = text;
        x.set_is_guid = by_name = true;
    }
    if (xml_attr(node, "PropertyTag", &text)) {
        if (!span_int(text, true, 0, 0xffff, &number))
            return CODE_ErrorInvalidExtendedProperty;
        if (number >= 0x8000)
            return CODE_ErrorNoPropertyTagForCustomProperties;
        x.tag = (int32_t)number;
    }
    bool has_name = xml_attr(node, "PropertyName", &x.name);
    bool has_id = xml_attr(node, "PropertyId", &text);
    if (has_id) {
        if (!span_int(text, true, 0, INT32_MAX, &number))
            return CODE_ErrorInvalidExtendedProperty;
        x.id = (int32_t)number;
    }
    bool legal = x.tag >= 0 ? !by_name && !has_name && !has_id : by_name && has_name != has_id;
    if (!legal || !xml_attr(node, "PropertyType", &x.type))
        return CODE_ErrorInvalidExtendedProperty;
    if (!type_known(x.type, &x.is_array))
        return CODE_ErrorUnsupportedMapiPropertyType;
    *ret_xprop = x;
    return 0;
}

static int parse_xprops(struct arena *arena, const struct xml_node *list, const struct xprop **ret_v, size_t *ret_n,
                        const struct xml_node **ret_culprit)
{
    struct xprop *v = arena_array(arena, xml_count(list) + 1, sizeof(*v));
    size_t n = 0;
    if (!v)
        return -ENOMEM;
    for (const struct xml_node *c = list->child; c; c = c->next) {
        if (!xml_is(c, XML_NS_T, "ExtendedFieldURI"))
            continue;
        int r = shape_parse_xprop(arena, c, &v[n]);
        if (r) {
            *ret_culprit = c;
            return r;
        }
        n++;
    }
    *ret_v = v;
    *ret_n = n;
    return 0;
}

static enum shape_base parse_base(const struct xml_node *node)
{
    struct span text;
    if (xml_is(node, XML_NS_M, "AttachmentShape"))
        return SHAPE_ALL;
    if (!xml_child_text(node, "BaseShape", &text))
        return SHAPE_ID_ONLY;
    return span_is(text, "AllProperties") ? SHAPE_ALL : span_is(text, "Default") ? SHAPE_DEFAULT : SHAPE_ID_ONLY;
}

static void want_base(struct shape *shape)
{
    for (size_t i = 0; i < PROP_COUNT; i++) {
        uint32_t flags = props[i].flags;
        if (shape->find && !(flags & PROP_FIND))
            continue;
        if ((flags & PROP_2010 && shape->level < SHAPE_2010) || (flags & PROP_2013 && shape->level < SHAPE_2013))
            continue;
        shape->want[i] = (shape->base == SHAPE_DEFAULT && flags & PROP_DEFAULT) || (shape->base == SHAPE_ALL && flags & PROP_ALL);
    }
    shape->want[PROP_ID_ItemId] = true;
    for (size_t i = 0; i < DETAIL_COUNT; i++)
        shape->want_detail[i] = shape->base != SHAPE_ID_ONLY;
}

/* The element that an IndexedFieldURI names a part of; it is shown whole. */
static struct span indexed_whole(struct span uri)
{
    static const struct {
        const char *part, *whole;
    } parts[] = {
        { "contacts:EmailAddress", "contacts:EmailAddresses" },
        { "contacts:ImAddress", "contacts:ImAddresses" },
        { "contacts:PhoneNumber", "contacts:PhoneNumbers" },
        { "contacts:PhysicalAddress:", "contacts:PhysicalAddresses" },
        { "distributionlist:Members:", "distributionlist:Members" },
    };
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (span_starts(uri, span_of(parts[i].part)))
            return span_of(parts[i].whole);
    return uri;
}

static void want_uri(struct shape *shape, struct span uri)
{
    const struct prop_info *prop = prop_by_uri(uri);
    const struct detail_info *detail = NULL;
    if (prop && (!shape->find || prop->flags & PROP_FIND))
        shape->want[prop_id(prop)] = true;
    while (!prop && (detail = detail_by_uri(uri, detail)))
        shape->want_detail[detail_id(detail)] = true;
}

static void want_additional(struct shape *shape, const struct xml_node *list)
{
    for (const struct xml_node *c = list->child; c; c = c->next) {
        struct span uri;
        bool indexed = xml_is(c, XML_NS_T, "IndexedFieldURI");
        if ((!indexed && !xml_is(c, XML_NS_T, "FieldURI")) || !xml_attr(c, "FieldURI", &uri))
            continue;
        if (indexed && span_is(uri, "item:InternetMessageHeader"))
            shape->want[PROP_ID_InternetMessageHeaders] = !shape->find;
        want_uri(shape, indexed ? indexed_whole(uri) : uri);
    }
}

int shape_parse(struct arena *arena, const struct xml_node *node, enum shape_level level, bool find, struct shape *ret_shape,
                const struct xml_node **ret_culprit)
{
    struct shape shape = { .base = parse_base(node), .level = level, .find = find };
    struct span text;
    bool mime;
    want_base(&shape);
    if (!find && xml_child_text(node, "IncludeMimeContent", &text) && span_bool(span_trim(text), &mime) && mime)
        shape.want[PROP_ID_MimeContent] = true;
    if (xml_child_text(node, "BodyType", &text))
        shape.body = span_is(text, "Text") ? SHAPE_BODY_TEXT : span_is(text, "HTML") ? SHAPE_BODY_HTML : SHAPE_BODY_STORED;
    const struct xml_node *list = xml_child(node, "AdditionalProperties");
    if (list) {
        want_additional(&shape, list);
        int r = parse_xprops(arena, list, &shape.xprops, &shape.xprops_n, ret_culprit);
        if (r)
            return r;
    }
    *ret_shape = shape;
    return 0;
}

bool shape_wants_recipients(const struct shape *shape)
{
    return shape->want[PROP_ID_ToRecipients] || shape->want[PROP_ID_CcRecipients] || shape->want[PROP_ID_BccRecipients] ||
           shape->want[PROP_ID_ReplyTo] || shape->want[PROP_ID_DisplayTo] || shape->want[PROP_ID_DisplayCc];
}

bool shape_wants_body(const struct shape *shape)
{
    return shape->want[PROP_ID_Body] || shape->want[PROP_ID_UniqueBody] || shape->want[PROP_ID_NormalizedBody] ||
           shape->want[PROP_ID_TextBody] || shape->want[PROP_ID_Preview];
}

int folder_shape_parse(struct arena *arena, const struct xml_node *node, enum shape_level level, struct folder_shape *ret_shape,
                       const struct xml_node **ret_culprit)
{
    struct folder_shape shape = { .base = parse_base(node), .level = level, .want = folder_shape_base(parse_base(node), level) };
    const struct xml_node *list = xml_child(node, "AdditionalProperties");
    for (const struct xml_node *c = list ? list->child : NULL; c; c = c->next) {
        struct span uri;
        if (xml_is(c, XML_NS_T, "FieldURI") && xml_attr(c, "FieldURI", &uri))
            shape.want |= folder_shape_bit(uri);
    }
    if (list) {
        int r = parse_xprops(arena, list, &shape.xprops, &shape.xprops_n, ret_culprit);
        if (r)
            return r;
    }
    *ret_shape = shape;
    return 0;
}
