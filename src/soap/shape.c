/*
 * Which properties a request asks for: ItemShape and ExtendedFieldURI
 * (protocol.md 3.3). FieldURIs that messages do not have are skipped, since
 * clients ask for the fields of all kinds of items at once (clients.md 2).
 */
#include "soap/shape_parts.h"

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

/* What the extended properties say is taken from other properties, which then
 * have to be loaded. */
static int need_mapi(struct arena *arena, struct shape *shape)
{
    shape->mapi = arena_array(arena, shape->xprops_n + 1, sizeof(*shape->mapi));
    if (!shape->mapi)
        return -ENOMEM;
    for (size_t i = 0; i < shape->xprops_n; i++) {
        shape->mapi[i] = mapi_find(&shape->xprops[i]);
        if (shape->mapi[i])
            shape->need[shape->mapi[i]->prop] = true;
        if (shape->mapi[i] && shape->mapi[i]->prop == PROP_ID_InternetMessageHeaders)
            shape->headers = true;
    }
    return 0;
}

const struct prop_info *shape_path_prop(const struct xml_node *path)
{
    struct span uri;
    struct xprop x;
    if (xml_is(path, XML_NS_T, "FieldURI"))
        return xml_attr(path, "FieldURI", &uri) ? prop_by_uri(uri) : NULL;
    if (!xml_is(path, XML_NS_T, "ExtendedFieldURI") || shape_parse_xprop(NULL, path, &x))
        return NULL;
    const struct mapi_info *info = mapi_find(&x);
    return info ? &props[info->prop] : NULL;
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
    static const enum detail defaults[] = {
#define DEFAULT(kind, element) DETAIL_##kind##_##element,
#include "model/defaults.def"
#undef DEFAULT
    };
    for (size_t i = 0; i < DETAIL_COUNT; i++) {
        const bool post = detail_info((enum detail)i)->kind == ITEM_KIND_POST;
        shape->want_detail[i] = shape->base == SHAPE_ALL || (shape->base == SHAPE_DEFAULT && post);
    }
    for (size_t i = 0; shape->base == SHAPE_DEFAULT && i < ARRAY_LEN(defaults); i++)
        shape->want_detail[defaults[i]] = true;
}

static void want_uri(struct shape *shape, struct span uri)
{
    const struct prop_info *prop = prop_by_uri(uri);
    const struct detail_info *detail = NULL;
    if (prop && (!shape->find || prop->flags & PROP_FIND))
        shape->want[prop_id(prop)] = shape->asked[prop_id(prop)] = true;
    if (prop && prop_id(prop) == PROP_ID_InternetMessageHeaders)
        shape->headers = true;
    while (!prop && (detail = detail_by_uri(uri, detail)))
        shape->want_detail[detail_id(detail)] = true;
}

/* Single headers, and entries of the dictionaries of any kind of item. */
struct parts {
    struct shape_entry *entries;
    struct span *names;
    size_t entries_n, names_n;
};

static void want_part(const struct shape *shape, const struct xml_node *path, struct parts *parts)
{
    struct span uri = { 0 };
    struct shape_entry *entry = &parts->entries[parts->entries_n];
    (void)xml_attr(path, "FieldURI", &uri);
    if (span_is(uri, "item:InternetMessageHeader")) {
        if (!shape->find && xml_attr(path, "FieldIndex", &parts->names[parts->names_n]))
            parts->names_n++;
        return;
    }
    if (shape_entry_parse(path, ITEM_KIND_CONTACT, entry) || shape_entry_parse(path, ITEM_KIND_DISTLIST, entry))
        parts->entries_n++;
}

static int want_additional(struct arena *arena, struct shape *shape, const struct xml_node *list)
{
    const size_t n = xml_count(list);
    struct parts parts = { .entries = arena_array(arena, n + 1, sizeof(*parts.entries)),
                           .names = arena_array(arena, n + 1, sizeof(*parts.names)) };
    if (!parts.entries || !parts.names)
        return -ENOMEM;
    for (const struct xml_node *c = list->child; c; c = c->next) {
        struct span uri;
        if (xml_is(c, XML_NS_T, "IndexedFieldURI"))
            want_part(shape, c, &parts);
        else if (xml_is(c, XML_NS_T, "FieldURI") && xml_attr(c, "FieldURI", &uri))
            want_uri(shape, uri);
    }
    shape->entries = parts.entries;
    shape->entries_n = parts.entries_n;
    if (parts.names_n && !shape->want[PROP_ID_InternetMessageHeaders]) {
        shape->header_names = parts.names;
        shape->header_names_n = parts.names_n;
        shape->want[PROP_ID_InternetMessageHeaders] = shape->headers = true;
        shape->asked[PROP_ID_InternetMessageHeaders] = true;
    }
    return 0;
}

static enum shape_body body_type(const struct xml_node *node, const char *name, enum shape_body otherwise)
{
    struct span text;
    if (!xml_child_text(node, name, &text))
        return otherwise;
    return span_is(text, "Text") ? SHAPE_BODY_TEXT : span_is(text, "HTML") ? SHAPE_BODY_HTML : SHAPE_BODY_STORED;
}

static bool child_bool(const struct xml_node *node, const char *name)
{
    struct span text;
    bool value;
    return xml_child_text(node, name, &text) && span_bool(span_trim(text), &value) && value;
}

/* MaximumBodySize counts kilobytes. */
static void parse_bodies(const struct xml_node *node, struct shape *shape)
{
    struct span text;
    int64_t max;
    shape->body = body_type(node, "BodyType", SHAPE_BODY_STORED);
    shape->unique_body = body_type(node, "UniqueBodyType", shape->body);
    shape->normalized_body = body_type(node, "NormalizedBodyType", shape->body);
    shape->rules.filter = child_bool(node, "FilterHtmlContent");
    shape->rules.block_images = child_bool(node, "BlockExternalImages");
    shape->rules.blank_target = child_bool(node, "AddBlankTargetToLinks");
    shape->rules.utf8 = child_bool(node, "ConvertHtmlCodePageToUTF8");
    shape->body_max = SIZE_MAX;
    if (xml_child_text(node, "MaximumBodySize", &text) && span_int(span_trim(text), false, 0, INT32_MAX, &max))
        shape->body_max = (size_t)max * 1024;
}

int shape_parse(struct arena *arena, const struct xml_node *node, enum shape_level level, bool find, struct shape *ret_shape,
                const struct xml_node **ret_culprit)
{
    struct shape shape = { .base = parse_base(node), .level = level, .find = find };
    want_base(&shape);
    if (!find && child_bool(node, "IncludeMimeContent"))
        shape.want[PROP_ID_MimeContent] = shape.asked[PROP_ID_MimeContent] = true;
    parse_bodies(node, &shape);
    const struct xml_node *list = xml_child(node, "AdditionalProperties");
    if (list) {
        int r = want_additional(arena, &shape, list);
        if (!r)
            r = parse_xprops(arena, list, &shape.xprops, &shape.xprops_n, ret_culprit);
        if (!r)
            r = need_mapi(arena, &shape);
        if (r)
            return r;
    }
    *ret_shape = shape;
    return 0;
}

static bool wants(const struct shape *shape, enum prop prop)
{
    return shape->want[prop] || shape->need[prop];
}

bool shape_wants_recipients(const struct shape *shape)
{
    return wants(shape, PROP_ID_ToRecipients) || wants(shape, PROP_ID_CcRecipients) || wants(shape, PROP_ID_BccRecipients) ||
           wants(shape, PROP_ID_ReplyTo) || wants(shape, PROP_ID_DisplayTo) || wants(shape, PROP_ID_DisplayCc) ||
           wants(shape, PROP_ID_DisplayBcc);
}

bool shape_wants_body(const struct shape *shape)
{
    return wants(shape, PROP_ID_Body) || wants(shape, PROP_ID_UniqueBody) || wants(shape, PROP_ID_NormalizedBody) ||
           wants(shape, PROP_ID_TextBody) || wants(shape, PROP_ID_Preview);
}

bool shape_wants_mime(const struct shape *shape)
{
    return wants(shape, PROP_ID_MimeContent) || wants(shape, PROP_ID_MimeContentUTF8);
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
