/*
 * Fields: paths to values, and values that are compared; see field.h.
 */
#include "model/field.h"

#include "base/codec.h"
#include "model/fold.h"

#include <errno.h>

static bool type_of_special(enum prop prop, enum value_type *ret_type)
{
    *ret_type = prop == PROP_ID_IconIndex ? VALUE_NUMBER : VALUE_TEXT;
    return prop == PROP_ID_Body || prop == PROP_ID_TextBody || prop == PROP_ID_DisplayTo || prop == PROP_ID_DisplayCc ||
           prop == PROP_ID_IconIndex;
}

static bool type_of_prop(const struct prop_info *prop, enum value_type *ret_type)
{
    switch (prop->type) {
    case PROP_FLAG:
    case PROP_ENUM:
    case PROP_INT:
    case PROP_SIZE:
        *ret_type = VALUE_NUMBER;
        return true;
    case PROP_TIME:
        *ret_type = VALUE_TIME;
        return true;
    case PROP_BYTES:
        *ret_type = VALUE_BYTES;
        return true;
    case PROP_TEXT:
    case PROP_RCPT:
    case PROP_RCPTS:
    case PROP_STRINGS:
        *ret_type = VALUE_TEXT;
        return true;
    case PROP_SPECIAL:
        break;
    }
    return type_of_special(prop_id(prop), ret_type);
}

static bool field_of_prop(enum prop prop, struct field *ret_field)
{
    struct field field = { .kind = FIELD_PROP, .prop = prop };
    if (!type_of_prop(&props[prop], &field.type))
        return false;
    *ret_field = field;
    return true;
}

bool field_of_uri(struct span uri, struct field *ret_field)
{
    const struct prop_info *prop = prop_by_uri(uri);
    if (prop)
        return field_of_prop(prop_id(prop), ret_field);
    if (!detail_by_uri(uri, NULL))
        return false;
    *ret_field = (struct field){ .kind = FIELD_DETAIL, .type = VALUE_ANY, .uri = uri };
    return true;
}

bool field_of_indexed(struct span uri, struct span index, struct field *ret_field)
{
    static const struct {
        const char *part, *whole;
    } parts[] = {
        { "contacts:EmailAddress", "contacts:EmailAddresses" },
        { "contacts:ImAddress", "contacts:ImAddresses" },
        { "contacts:PhoneNumber", "contacts:PhoneNumbers" },
        { "contacts:PhysicalAddress:", "contacts:PhysicalAddresses" },
    };
    if (span_is(uri, "item:InternetMessageHeader")) {
        *ret_field = (struct field){ .kind = FIELD_HEADER, .type = VALUE_TEXT, .index = index };
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        size_t len = strlen(parts[i].part);
        bool below = parts[i].part[len - 1] == ':';
        if (!(below ? span_starts(uri, span_of(parts[i].part)) : span_is(uri, parts[i].part)))
            continue;
        *ret_field = (struct field){ .kind = FIELD_DETAIL, .type = VALUE_TEXT, .uri = span_of(parts[i].whole), .index = index };
        if (below)
            ret_field->part = (struct span){ uri.ptr + len, uri.len - len };
        return true;
    }
    return false;
}

static enum value_type type_of_xprop(const struct xprop *xprop)
{
    static const struct {
        const char *name;
        enum value_type type;
    } types[] = { { "Boolean", VALUE_NUMBER }, { "Integer", VALUE_NUMBER }, { "Long", VALUE_NUMBER }, { "Short", VALUE_NUMBER },
                  { "SystemTime", VALUE_TIME }, { "String", VALUE_TEXT }, { "Binary", VALUE_BYTES } };
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (span_starts(xprop->type, span_of(types[i].name)))
            return types[i].type;
    return VALUE_ANY;
}

void field_of_xprop(const struct xprop *xprop, struct field *ret_field)
{
    const struct mapi_info *info = mapi_find(xprop);
    bool other_name = info && (info->value == MAPI_same || info->value == MAPI_display || info->prop == PROP_ID_Body);
    if (other_name && field_of_prop(info->prop, ret_field))
        return;
    *ret_field = (struct field){ .kind = info ? FIELD_MAPI : FIELD_XPROP, .type = type_of_xprop(xprop), .xprop = *xprop, .mapi = info };
    if (!info && mapi_is_header(xprop))
        ret_field->index = xprop->name;
}

static unsigned load_of_mapi(const struct mapi_info *info)
{
    const bool hot = info->value == MAPI_message_flags || info->value == MAPI_article || info->value == MAPI_subject_plain;
    if (info->value == MAPI_display)
        return FIELD_RCPTS;
    return hot || (props[info->prop].type == PROP_RCPT && !props[info->prop].tag) ? 0 : FIELD_RARE;
}

unsigned field_load(const struct field *field)
{
    const struct prop_info *prop = &props[field->prop];
    if (field->kind == FIELD_MAPI)
        return load_of_mapi(field->mapi);
    if (field->kind != FIELD_PROP)
        return FIELD_RARE;
    if (prop->type == PROP_RCPTS || field->prop == PROP_ID_DisplayTo || field->prop == PROP_ID_DisplayCc)
        return FIELD_RCPTS;
    if (field->prop == PROP_ID_Body || field->prop == PROP_ID_TextBody)
        return FIELD_BODY;
    return prop->tag || prop->type == PROP_SPECIAL ? FIELD_RARE : 0;
}

/* ---- constants and order ---- */

static bool parse_number(const struct field *field, struct span text, int64_t *ret_number)
{
    bool truth;
    int named;
    if (field->kind == FIELD_PROP && props[field->prop].type == PROP_ENUM &&
        prop_enum_value(&props[field->prop], text, &named)) {
        *ret_number = named;
        return true;
    }
    if (span_int(text, true, INT64_MIN + 1, INT64_MAX, ret_number))
        return true;
    if (!(span_eq_nocase(text, SPAN("true")) || span_eq_nocase(text, SPAN("false"))))
        return false;
    truth = text.len == 4;
    *ret_number = truth;
    return true;
}

bool field_parse(struct arena *arena, const struct field *field, struct span text, struct value *ret_value)
{
    struct value value = { .type = field->type, .text = text };
    switch (field->type) {
    case VALUE_NUMBER:
        if (!parse_number(field, span_trim(text), &value.number))
            return false;
        break;
    case VALUE_TIME:
        if (!when_parse_xs(span_trim(text), &value.number))
            return false;
        break;
    case VALUE_BYTES:
        if (base64_decode(arena, text, &value.text) != 0)
            return false;
        break;
    case VALUE_TEXT:
    case VALUE_ANY:
        break;
    }
    *ret_value = value;
    return true;
}

static int order(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

static int compare_bytes(struct span a, struct span b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.ptr, b.ptr, n) : 0;
    return c ? c : order((int64_t)a.len, (int64_t)b.len);
}

static bool read_as(enum value_type type, const struct value *value, int64_t *ret_number)
{
    if (value->type == type)
        *ret_number = value->number;
    else if (value->type != VALUE_ANY && value->type != VALUE_TEXT)
        return false;
    else
        return type == VALUE_TIME ? when_parse_xs(span_trim(value->text), ret_number) :
                                    span_int(span_trim(value->text), false, INT64_MIN + 1, INT64_MAX, ret_number);
    return true;
}

int value_compare(struct arena *arena, const struct value *a, const struct value *b)
{
    struct span x = a->text, y = b->text;
    int64_t n, m;
    if (a->type != VALUE_TEXT || b->type != VALUE_TEXT)
        for (enum value_type type = VALUE_NUMBER; type <= VALUE_TIME; type++)
            if (read_as(type, a, &n) && read_as(type, b, &m))
                return order(n, m);
    if (a->type != VALUE_BYTES && (fold_text(arena, a->text, FOLD_CASE, &x) || fold_text(arena, b->text, FOLD_CASE, &y)))
        return -1;
    return compare_bytes(x, y);
}

static void add_number_key(struct buf *out, int64_t number)
{
    uint64_t bits = (uint64_t)number ^ (UINT64_C(1) << 63);
    for (int shift = 56; shift >= 0; shift -= 8)
        buf_add_char(out, (char)(unsigned char)(bits >> shift));
}

/* 0: unset; else 1 and the value, a text with a 0 behind it, so that what
 * follows in the key counts only among equals. Letters fold as they do in the
 * columns that are sorted by. */
int field_sort_key(struct arena *arena, const struct field *field, const struct item *item, bool descending, struct buf *out)
{
    enum { TEXT_MAX = 255 };
    struct values values;
    size_t begin = out->len;
    int r = field_values(arena, field, item, &values);
    if (r)
        return r;
    buf_add_char(out, values.n ? 1 : 0);
    if (values.n) {
        struct value first = values.v[0];
        if (first.type == VALUE_ANY && !read_as(VALUE_TIME, &first, &first.number) && !read_as(VALUE_NUMBER, &first, &first.number))
            first.type = VALUE_TEXT;
        first.text.len = first.text.len > TEXT_MAX ? TEXT_MAX : first.text.len;
        if (first.type == VALUE_TEXT || first.type == VALUE_BYTES) {
            for (size_t i = 0; i < first.text.len; i++) {
                char c = first.text.ptr[i];
                buf_add_char(out, first.type == VALUE_TEXT && c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c);
            }
            buf_add_char(out, 0);
        } else {
            add_number_key(out, first.number);
        }
    }
    for (size_t i = begin; descending && !buf_error(out) && i < out->len; i++)
        out->ptr[i] = (char)~(unsigned char)out->ptr[i];
    return r ? r : buf_error(out);
}
