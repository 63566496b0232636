/*
 * The changes of an UpdateItem (protocol.md 3.2): each names one property by
 * its path and, unless it deletes, holds an item element with that property
 * alone. What may be set, deleted or appended to stands in props.def; the
 * elements of other kinds (details.def) may be set and deleted whole, entries of
 * dictionaries one by one, and attendees and members appended.
 */
#include "soap/shape_parts.h"

#include <errno.h>

enum verb { SET, APPEND, DELETE, VERB_COUNT };

struct update {
    struct arena *arena;
    enum verb verb;
    const struct xml_node *path;
    const struct xml_node *item;  /* t:Message or the like; NULL when deleting */
    const struct xml_node *value; /* its one child */
};

static int refusal(const struct update *u)
{
    static const int codes[VERB_COUNT] = {
        [SET] = CODE_ErrorInvalidPropertySet,
        [APPEND] = CODE_ErrorInvalidPropertyAppend,
        [DELETE] = CODE_ErrorInvalidPropertyDelete,
    };
    return codes[u->verb];
}

/* t:Item stands for any kind; mail programs call posts and notes t:Message. */
static bool element_fits(struct span element, enum item_kind kind)
{
    bool mail = kind_is_message(kind) || kind == ITEM_KIND_POST || kind == ITEM_KIND_NOTE || kind == ITEM_KIND_ACTIVITY;
    return span_is(element, "Item") || span_is(element, kind_info(kind)->element) || (mail && span_is(element, "Message"));
}

static int parse(struct arena *arena, const struct xml_node *node, enum item_kind kind, struct update *ret_update)
{
    struct update u = { .arena = arena, .path = shape_update_path(node) };
    u.verb = xml_is(node, XML_NS_T, "DeleteItemField") ? DELETE : xml_is(node, XML_NS_T, "AppendToItemField") ? APPEND : SET;
    *ret_update = u;
    if (u.verb == DELETE)
        return 0;
    u.item = u.path->next;
    if (!u.item || !element_fits(u.item->name, kind))
        return CODE_ErrorObjectTypeChanged;
    u.value = u.item->child;
    *ret_update = u;
    return u.value && !u.value->next ? 0 : CODE_ErrorIncorrectUpdatePropertyCount;
}

/* ---- values ---- */

static bool is_word(struct span text, size_t at, const char *word)
{
    size_t len = strlen(word);
    return text.len - at >= len && span_eq_nocase((struct span){ text.ptr + at, len }, span_of(word));
}

/* Where more text goes: in front of the last </body> or </html> of an HTML body. */
static size_t end_of_body(const struct item *item)
{
    const char *const tags[] = { "</body", "</html" };
    for (size_t t = 0; item->body_type == BODY_HTML && t < ARRAY_LEN(tags); t++)
        for (size_t i = item->body.len; i > 0; i--)
            if (is_word(item->body, i - 1, tags[t]))
                return i - 1;
    return item->body.len;
}

static int append_body(struct update *u, struct item *item)
{
    const struct span old = item->body;
    struct item more = *item;
    int r = shape_read_property(u->arena, u->value, &more);
    if (r)
        return r;
    if (old.ptr && more.body_type != item->body_type)
        return CODE_ErrorInvalidPropertyAppend;
    size_t at = end_of_body(item);
    char *text = more.body.len < SIZE_MAX - old.len ? arena_alloc(u->arena, old.len + more.body.len + 1) : NULL;
    if (!text)
        return -ENOMEM;
    if (at)
        memcpy(text, old.ptr, at);
    if (more.body.len)
        memcpy(text + at, more.body.ptr, more.body.len);
    if (old.len > at)
        memcpy(text + at + more.body.len, old.ptr + at, old.len - at);
    item->body_type = more.body_type;
    item->body = (struct span){ text, old.len + more.body.len };
    return 0;
}

static bool has_address(const struct rcpt_list *list, struct span address)
{
    for (size_t i = 0; i < list->n; i++)
        if (address.len && span_eq_nocase(list->v[i].address, address))
            return true;
    return false;
}

/* Behind those that are there; an address that is there stays as it was. */
static int append_rcpts(struct update *u, const struct prop_info *prop, struct item *item)
{
    struct rcpt_list *list = prop_member_mut(prop, item);
    const struct rcpt_list old = *list;
    *list = (struct rcpt_list){ 0 };
    int r = shape_read_property(u->arena, u->value, item);
    if (r)
        return r;
    struct rcpt_list all = { .v = arena_array(u->arena, old.n + list->n + 1, sizeof(*all.v)) };
    if (!all.v)
        return -ENOMEM;
    for (; all.n < old.n; all.n++)
        all.v[all.n] = old.v[all.n];
    for (size_t i = 0; i < list->n; i++)
        if (!has_address(&all, list->v[i].address))
            all.v[all.n++] = list->v[i];
    *list = all;
    return 0;
}

static int set_class(struct update *u, struct item *item)
{
    int r = shape_read_property(u->arena, u->value, item);
    if (r)
        return r;
    enum item_kind kind = item_kind_of_class(item->item_class);
    bool same = item->item_class.len && strcmp(kind_info(kind)->element, kind_info(item->kind)->element) == 0;
    return same ? 0 : CODE_ErrorObjectTypeChanged;
}

/* ---- paths ---- */

static int update_prop(struct update *u, const struct prop_info *prop, struct item *item)
{
    static const uint32_t allowed[VERB_COUNT] = { [SET] = PROP_UPDATE, [APPEND] = PROP_APPEND, [DELETE] = PROP_DELETE };
    if (u->value && !span_is(u->value->name, prop->element))
        return CODE_ErrorUpdatePropertyMismatch;
    if (!(prop->flags & allowed[u->verb]))
        return refusal(u);
    if (prop->flags & PROP_UNSENT && !(item->flags & ITEM_DRAFT))
        return CODE_ErrorInvalidPropertyUpdateSentMessage;
    if (prop_id(prop) == PROP_ID_MimeContent)
        return item->kind == ITEM_KIND_POST || kind_is_message(item->kind) ? 0 : CODE_ErrorUnsupportedMimeConversion;
    if (prop_id(prop) == PROP_ID_ItemClass)
        return set_class(u, item);
    if (u->verb == APPEND)
        return prop_id(prop) == PROP_ID_Body ? append_body(u, item) : append_rcpts(u, prop, item);
    if (u->verb == DELETE || prop->type == PROP_RCPTS)
        prop_reset(prop, item);
    return u->verb == DELETE ? 0 : shape_read_property(u->arena, u->value, item);
}

static bool detail_appends(const struct detail_info *detail)
{
    static const enum detail lists[] = { DETAIL_CALENDAR_RequiredAttendees, DETAIL_CALENDAR_OptionalAttendees,
                                         DETAIL_CALENDAR_Resources, DETAIL_DISTLIST_Members };
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        if (detail_id(detail) == lists[i])
            return true;
    return false;
}

static int update_detail(struct update *u, const struct detail_info *detail, struct item *item)
{
    if (u->value && !span_is(u->value->name, detail->element))
        return CODE_ErrorUpdatePropertyMismatch;
    if ((u->verb == APPEND && !detail_appends(detail)) || !detail->writable)
        return refusal(u);
    if (u->verb == APPEND)
        return shape_detail_append(u->arena, detail, u->value, item);
    return u->verb == SET ? shape_read_property(u->arena, u->value, item)
                          : item_detail_put(u->arena, item, detail, (struct span){ 0 });
}

/* Properties of every item that we don't have can't be written; those of
 * other kinds don't belong here at all. */
static int update_field(struct update *u, struct item *item)
{
    struct span uri = { 0 };
    (void)xml_attr(u->path, "FieldURI", &uri);
    const struct prop_info *prop = prop_by_uri(uri);
    if (prop)
        return kind_has_prop(item->kind, prop) ? update_prop(u, prop, item) : CODE_ErrorInvalidPropertyRequest;
    const struct detail_info *detail = NULL;
    while ((detail = detail_by_uri(uri, detail)))
        if (detail->kind == item->kind)
            return update_detail(u, detail, item);
    bool ours = span_starts(uri, SPAN("item:")) || (span_starts(uri, SPAN("message:")) && kind_is_message(item->kind));
    return ours ? refusal(u) : CODE_ErrorInvalidPropertyRequest;
}

/* Headers of a message can't be written. */
static int update_indexed(struct update *u, struct item *item)
{
    struct span uri = { 0 };
    struct shape_entry entry;
    (void)xml_attr(u->path, "FieldURI", &uri);
    if (span_is(uri, "item:InternetMessageHeader"))
        return refusal(u);
    if (!shape_entry_parse(u->path, item->kind, &entry))
        return CODE_ErrorInvalidPropertyRequest;
    if (u->verb == APPEND)
        return refusal(u);
    if (u->value && !span_is(u->value->name, detail_info(entry.detail)->element))
        return CODE_ErrorUpdatePropertyMismatch;
    return shape_entry_set(u->arena, &entry, u->value, item);
}

/* May what an extended property says be changed? As the property that it stands
 * for; flags and marks always. */
static int check_mapi(const struct update *u, const struct mapi_info *info, const struct item *item)
{
    const struct prop_info *prop = &props[info->prop];
    const bool mark = prop->type == PROP_SPECIAL && info->prop != PROP_ID_Body;
    const uint32_t need = u->verb == SET ? PROP_UPDATE : PROP_DELETE;
    if (u->verb == APPEND || !info->writable || (u->verb == DELETE && info->value == MAPI_message_flags))
        return refusal(u);
    if (info->value == MAPI_message_flags || mark)
        return 0;
    if (!kind_has_prop(item->kind, prop))
        return CODE_ErrorInvalidPropertyRequest;
    if (!(prop->flags & need))
        return refusal(u);
    return prop->flags & PROP_UNSENT && !(item->flags & ITEM_DRAFT) ? CODE_ErrorInvalidPropertyUpdateSentMessage : 0;
}

/* PR_MESSAGE_FLAGS can change, but whether it is a draft is settled when the
 * item is first saved (MS-OXCMSG 2.2.1.6). */
static int update_extended(struct update *u, struct item *item)
{
    struct xprop x, other;
    const uint32_t draft = item->flags & ITEM_DRAFT;
    int r = shape_parse_xprop(u->arena, u->path, &x);
    if (r)
        return r;
    const struct mapi_info *info = mapi_find(&x);
    r = info ? check_mapi(u, info, item) : u->verb == APPEND ? refusal(u) : 0;
    if (r)
        return r;
    if (u->verb == DELETE)
        return info ? shape_reset_mapi(u->arena, info, &x, item) : item_xprop_remove(u->arena, item, &x);
    const struct xml_node *named = xml_is(u->value, XML_NS_T, "ExtendedProperty") ? xml_child(u->value, "ExtendedFieldURI") : NULL;
    if (!named || shape_parse_xprop(u->arena, named, &other) || !xprop_same(&x, &other))
        return CODE_ErrorUpdatePropertyMismatch;
    r = shape_read_property(u->arena, u->value, item);
    return r ? r : (item->flags & ITEM_DRAFT) == draft ? 0 : CODE_ErrorInvalidPropertySet;
}

int shape_update(struct arena *arena, const struct xml_node *node, struct item *item, const struct xml_node **ret_culprit)
{
    struct update u;
    int r = parse(arena, node, item->kind, &u);
    if (!r && xml_is(u.path, XML_NS_T, "FieldURI"))
        r = update_field(&u, item);
    else if (!r && xml_is(u.path, XML_NS_T, "ExtendedFieldURI"))
        r = update_extended(&u, item);
    else if (!r)
        r = update_indexed(&u, item);
    *ret_culprit = r > 0 ? u.path : NULL;
    return r;
}
