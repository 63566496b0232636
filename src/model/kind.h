/*
 * What tells the kinds of items apart (kinds.def), and the elements that only
 * some of them have (details.def). A detail that no row of props.def holds is
 * kept as its XML, "<t:NAME...>", in item.details.
 */
#ifndef EWSD_MODEL_KIND_H
#define EWSD_MODEL_KIND_H

#include "model/code.h"
#include "model/folder.h"
#include "model/item.h"

struct kind_info {
    const char *element;      /* "Message" */
    const char *qname;        /* "t:Message" */
    const char *item_class;   /* of a new item that names none */
    enum folder_role folder;  /* for a new item that names none */
    const char *folder_class; /* of the folders it may be created in; "": any */
    enum ews_code misplaced;  /* the answer for others */
};

struct detail_info {
    enum item_kind kind;
    const char *uri;     /* "contacts:GivenName" */
    const char *element; /* "GivenName" */
    const char *qname;   /* "t:GivenName" */
    bool writable;
    const struct prop_info *prop; /* the row of props.def that holds it, or NULL: kept as XML */
};

enum detail {
#define DETAIL(kind, area, element, writable) DETAIL_##kind##_##element,
#include "model/details.def"
#undef DETAIL
    DETAIL_COUNT
};

const struct kind_info *kind_info(enum item_kind kind);
/* The first kind with this element, or 0. */
enum item_kind kind_by_element(struct span element);
/* May a new item of that kind be saved in a folder of this class? 0, or the
 * row's code. */
int kind_check_folder(enum item_kind kind, struct span folder_class);

/* Messages and reports: t:Message, with all of props.def and no details. */
static inline bool kind_is_message(enum item_kind kind)
{
    return kind == ITEM_KIND_MESSAGE || kind == ITEM_KIND_REPORT;
}
/* What can be sent and can be MIME. */
static inline bool kind_is_mail(enum item_kind kind)
{
    return kind_is_message(kind) || kind == ITEM_KIND_POST;
}
/* Do items of that kind have this property? */
bool kind_has_prop(enum item_kind kind, const struct prop_info *prop);

/* In schema order, a kind's rows together. */
const struct detail_info *detail_info(enum detail detail);
/* NULL when items of that kind have no such element of their own. */
const struct detail_info *detail_find(enum item_kind kind, struct span element);
/* The next row with this FieldURI behind `after` (NULL: from the first). */
const struct detail_info *detail_by_uri(struct span uri, const struct detail_info *after);
enum detail detail_id(const struct detail_info *detail);

/* The stored XML of a detail; empty when unset. */
struct span item_detail(const struct item *item, const struct detail_info *detail);
/* Adds or replaces; an empty xml takes it away. The text stays the caller's.
 * -ENOMEM. */
int item_detail_put(struct arena *arena, struct item *item, const struct detail_info *detail, struct span xml);

#endif
