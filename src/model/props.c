/*
 * The table of properties, from props.def, and looking things up in it.
 */
#include "model/item.h"

static const char *const importance_names[] = { "Low", "Normal", "High" };
static const char *const sensitivity_names[] = { "Normal", "Personal", "Private", "Confidential" };
static const char *const flag_names[] = { "NotFlagged", "Complete", "Flagged" };

const struct prop_names flag_status_names = { flag_names, ARRAY_LEN(flag_names) };

/* The flags of props.def, by their letters. */
enum { D = PROP_DEFAULT, A = PROP_ALL, F = PROP_FIND, W = PROP_WRITE, V10 = PROP_2010, V13 = PROP_2013 };

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
    [PROP_ID_##name] = { .uri = #area ":" #name, .element = #name, .type = PROP_##kind, .flags = (set), .column = (col), \
                         .tag = (number), AT_##kind(where) },
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
