/*
 * The table of properties, from props.def, and looking things up in it.
 */
#include "model/item.h"

static const char *const importance_names[] = { "Low", "Normal", "High" };
static const char *const sensitivity_names[] = { "Normal", "Personal", "Private", "Confidential" };
static const char *const flag_names[] = { "NotFlagged", "Complete", "Flagged" };

const struct prop_names flag_status_names = { flag_names, ARRAY_LEN(flag_names) };

/* The flags of props.def, by their letters. */
enum {
    D = PROP_DEFAULT,
    A = PROP_ALL,
    F = PROP_FIND,
    W = PROP_WRITE,
    U = PROP_UPDATE,
    X = PROP_DELETE,
    P = PROP_APPEND,
    S = PROP_UNSENT,
    M = PROP_MIME,
    V10 = PROP_2010,
    V13 = PROP_2013
};

#define AREA_item false
#define AREA_message true

#define AT_MEMBER(where) .offset = offsetof(struct item, where)
#define AT_TEXT(where) AT_MEMBER(where)
#define AT_BYTES(where) AT_MEMBER(where)
#define AT_TIME(where) AT_MEMBER(where)
#define AT_INT(where) AT_MEMBER(where)
#define AT_SIZE(where) AT_MEMBER(where)
#define AT_RCPT(where) AT_MEMBER(where)
#define AT_RCPTS(where) AT_MEMBER(where)
#define AT_STRINGS(where) AT_MEMBER(where)
#define AT_ENUM(where) AT_MEMBER(where), .names = { where##_names, ARRAY_LEN(where##_names) }
#define AT_FLAG(where) .bit = (where)
#define AT_SPECIAL(where) .offset = 0

const struct prop_info props[PROP_COUNT] = {
#define PROP(name, area, kind, where, set, col, number)                                                           \
    [PROP_ID_##name] = { .uri = #area ":" #name, .qname = "t:" #name, .element = &("t:" #name)[2], .type = PROP_##kind, .flags = (set), .column = (col), \
                         .tag = (number), .message = AREA_##area, AT_##kind(where) },
#include "model/props.def"
#undef PROP
};

const struct prop_info *prop_by_uri(struct span uri)
{
    for (size_t i = 0; i < PROP_COUNT; i++)
        if (span_is(uri, props[i].uri))
            return &props[i];
    return NULL;
}

const struct prop_info *prop_by_element(struct span element)
{
    for (size_t i = 0; i < PROP_COUNT; i++)
        if (span_is(element, props[i].element))
            return &props[i];
    return NULL;
}

const char *prop_enum_name(const struct prop_info *prop, int value)
{
    return prop->names.v[value >= 0 && (size_t)value < prop->names.n ? value : 0];
}

bool prop_enum_value(const struct prop_info *prop, struct span name, int *ret_value)
{
    for (size_t i = 0; i < prop->names.n; i++)
        if (span_is(name, prop->names.v[i])) {
            *ret_value = (int)i;
            return true;
        }
    return false;
}

static bool same_rcpt(const struct rcpt *a, const struct rcpt *b)
{
    return span_eq(a->name, b->name) && span_eq(a->address, b->address) && span_eq(a->routing, b->routing);
}

static bool same_rcpts(const struct rcpt_list *a, const struct rcpt_list *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (!same_rcpt(&a->v[i], &b->v[i]))
            return false;
    return true;
}

static bool same_strings(const struct span_list *a, const struct span_list *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (!span_eq(a->v[i], b->v[i]))
            return false;
    return true;
}

bool prop_same(const struct prop_info *prop, const struct item *a, const struct item *b)
{
    const void *x = prop_member(prop, a), *y = prop_member(prop, b);

    switch (prop->type) {
    case PROP_TEXT:
    case PROP_BYTES:
        return span_eq(*(const struct span *)x, *(const struct span *)y);
    case PROP_FLAG:
        return (a->flags & prop->bit) == (b->flags & prop->bit);
    case PROP_ENUM:
        return *(const int *)x == *(const int *)y;
    case PROP_TIME:
    case PROP_INT:
        return *(const int64_t *)x == *(const int64_t *)y;
    case PROP_SIZE:
        return *(const uint64_t *)x == *(const uint64_t *)y;
    case PROP_RCPT:
        return same_rcpt(x, y);
    case PROP_RCPTS:
        return same_rcpts(x, y);
    case PROP_STRINGS:
        return same_strings(x, y);
    case PROP_SPECIAL:
        break;
    }
    if (prop_id(prop) == PROP_ID_Body)
        return a->body_type == b->body_type && (a->body.ptr != NULL) == (b->body.ptr != NULL) && span_eq(a->body, b->body);
    return prop_id(prop) != PROP_ID_MimeContent || span_eq(a->mime, b->mime);
}

void prop_reset(const struct prop_info *prop, struct item *item)
{
    struct item fresh;
    void *member = prop_member_mut(prop, item);
    const void *initial = prop_member(prop, &fresh);

    item_init(&fresh);
    switch (prop->type) {
    case PROP_TEXT:
    case PROP_BYTES:
        *(struct span *)member = *(const struct span *)initial;
        return;
    case PROP_FLAG:
        item->flags &= ~prop->bit;
        return;
    case PROP_ENUM:
        *(int *)member = *(const int *)initial;
        return;
    case PROP_TIME:
    case PROP_INT:
        *(int64_t *)member = *(const int64_t *)initial;
        return;
    case PROP_SIZE:
        *(uint64_t *)member = *(const uint64_t *)initial;
        return;
    case PROP_RCPT:
        *(struct rcpt *)member = (struct rcpt){ 0 };
        return;
    case PROP_RCPTS:
        *(struct rcpt_list *)member = (struct rcpt_list){ 0 };
        return;
    case PROP_STRINGS:
        *(struct span_list *)member = (struct span_list){ 0 };
        return;
    case PROP_SPECIAL:
        break;
    }
    if (prop_id(prop) == PROP_ID_Body)
        item->body = (struct span){ 0 };
}
