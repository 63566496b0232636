/*
 * The tables of kinds and of their own elements, from kinds.def and
 * details.def.
 */
#include "model/kind.h"

#include <errno.h>

static const struct kind_info kinds[ITEM_KIND_COUNT] = {
#define KIND(name, element, item_class, folder, folder_class, code) \
    [ITEM_KIND_##name] = { element, "t:" element, item_class, FOLDER_ROLE_##folder, folder_class, CODE_##code },
#include "model/kinds.def"
#undef KIND
};

/* Rows of area message are properties of messages, too. */
#define PROP_message(element) &props[PROP_ID_##element]
#define PROP_postitem(element) NULL
#define PROP_calendar(element) NULL
#define PROP_contacts(element) NULL
#define PROP_distributionlist(element) NULL
#define PROP_task(element) NULL

static const struct detail_info details[DETAIL_COUNT] = {
#define DETAIL(kind, area, element, writable) \
    [DETAIL_##kind##_##element] = { ITEM_KIND_##kind, #area ":" #element, #element, "t:" #element, writable, PROP_##area(element) },
#include "model/details.def"
#undef DETAIL
};

const struct kind_info *kind_info(enum item_kind kind)
{
    return &kinds[kinds[kind].element ? kind : ITEM_KIND_MESSAGE];
}

enum item_kind kind_by_element(struct span element)
{
    for (size_t i = 1; i < ITEM_KIND_COUNT; i++)
        if (span_is(element, kinds[i].element))
            return (enum item_kind)i;
    return ITEM_KIND_NONE;
}

enum item_kind item_kind_of_class(struct span item_class)
{
    for (size_t i = 1; i < ITEM_KIND_COUNT; i++)
        if (item_class_is(item_class, kinds[i].item_class))
            return (enum item_kind)i;
    return ITEM_KIND_MESSAGE;
}

int kind_check_folder(enum item_kind kind, struct span folder_class)
{
    const struct kind_info *info = kind_info(kind);
    return !info->folder_class[0] || item_class_is(folder_class, info->folder_class) ? 0 : (int)info->misplaced;
}

bool kind_has_prop(enum item_kind kind, const struct prop_info *prop)
{
    const struct detail_info *detail;
    if (!prop->message || kind_is_message(kind))
        return true;
    detail = detail_find(kind, span_of(prop->element));
    return detail && detail->prop;
}

const struct detail_info *detail_info(enum detail detail)
{
    return &details[detail];
}

enum detail detail_id(const struct detail_info *detail)
{
    return (enum detail)(detail - details);
}

const struct detail_info *detail_find(enum item_kind kind, struct span element)
{
    for (size_t i = 0; i < DETAIL_COUNT; i++)
        if (details[i].kind == kind && span_is(element, details[i].element))
            return &details[i];
    return NULL;
}

const struct detail_info *detail_by_uri(struct span uri, const struct detail_info *after)
{
    for (size_t i = after ? detail_id(after) + 1 : 0; i < DETAIL_COUNT; i++)
        if (uri.len && uri.ptr[0] == details[i].uri[0] && span_is(uri, details[i].uri))
            return &details[i];
    return NULL;
}

/* "<t:NAME" and then no more of a name. */
static bool xml_is_detail(struct span xml, const struct detail_info *detail)
{
    size_t len = strlen(detail->element);
    if (xml.len < len + 4 || memcmp(xml.ptr + 3, detail->element, len) != 0)
        return false;
    return strchr(" />", xml.ptr[len + 3]) != NULL;
}

static size_t place(const struct item *item, const struct detail_info *detail)
{
    size_t i = 0;
    while (i < item->details.n && !xml_is_detail(item->details.v[i], detail))
        i++;
    return i;
}

struct span item_detail(const struct item *item, const struct detail_info *detail)
{
    size_t i = place(item, detail);
    return i < item->details.n ? item->details.v[i] : (struct span){ 0 };
}

/* A list of its own each time: items are copied shallow before they change. */
int item_detail_put(struct arena *arena, struct item *item, const struct detail_info *detail, struct span xml)
{
    size_t at = place(item, detail);
    struct span_list list = { .v = arena_array(arena, item->details.n + 1, sizeof(*list.v)) };
    if (!list.v)
        return -ENOMEM;
    for (size_t i = 0; i < item->details.n; i++)
        if (i != at)
            list.v[list.n++] = item->details.v[i];
    if (xml.len)
        list.v[list.n++] = xml;
    item->details = list;
    return 0;
}
