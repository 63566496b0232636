/*
 * Fields: paths to values; see field.h.
 */
#include "model/field.h"

#include "base/codec.h"
#include "model/fold.h"
#include "model/mapi.h"

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

static bool field_of_folder(enum folder_field folder, struct field *ret_field)
{
    if (folder == FOLDER_FIELD_COUNT)
        return false;
    const bool text = folder_fields[folder].form == FOLDER_FORM_text;
    *ret_field = (struct field){ .kind = FIELD_FOLDER, .folder = folder, .type = text ? VALUE_TEXT : VALUE_NUMBER };
    return true;
}

bool field_of_uri(enum field_of of, struct span uri, struct field *ret_field)
{
    if (of == FIELD_OF_FOLDERS)
        return field_of_folder(folder_field_by_uri(uri), ret_field);
    const struct prop_info *prop = prop_by_uri(uri);
    if (prop)
        return field_of_prop(prop_id(prop), ret_field);
    if (!detail_by_uri(uri, NULL))
        return false;
    *ret_field = (struct field){ .kind = FIELD_DETAIL, .type = VALUE_ANY, .uri = uri };
    return true;
}

bool field_of_indexed(enum field_of of, struct span uri, struct span index, struct field *ret_field)
{
    static const struct {
        const char *part, *whole;
    } parts[] = {
        { "contacts:EmailAddress", "contacts:EmailAddresses" },
        { "contacts:ImAddress", "contacts:ImAddresses" },
        { "contacts:PhoneNumber", "contacts:PhoneNumbers" },
        { "contacts:PhysicalAddress:", "contacts:PhysicalAddresses" },
    };
    if (of == FIELD_OF_FOLDERS)
        return false;
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

static bool field_of_mapi(const struct mapi_info *info, struct field *ret_field)
{
    struct field field = { .type = VALUE_NUMBER };
    switch (info->value) {
    case MAPI_same:
    case MAPI_rcpt_name: /* of who it is, either is enough */
    case MAPI_rcpt_address:
    case MAPI_display:
    case MAPI_body_text:
    case MAPI_icon:
        return field_of_prop(info->prop, ret_field);
    case MAPI_message_flags:
        field.kind = FIELD_FLAGS;
        break;
    case MAPI_article:
        field.kind = FIELD_NUMBER;
        break;
    case MAPI_flag_status:
        field.kind = FIELD_FLAG_STATUS;
        break;
    case MAPI_rcpt_routing:
    case MAPI_headers:
    case MAPI_subject_plain:
    case MAPI_instance:
    case MAPI_body_html:
    case MAPI_flag_completed:
    case MAPI_zero:
        return false;
    }
    *ret_field = field;
    return true;
}

void field_of_xprop(enum field_of of, const struct xprop *xprop, struct field *ret_field)
{
    const struct mapi_info *info = of == FIELD_OF_ITEMS ? mapi_find(xprop) : NULL;
    bool other = of == FIELD_OF_ITEMS ? info && field_of_mapi(info, ret_field) : field_of_folder(folder_field_by_xprop(xprop), ret_field);
    if (!other)
        *ret_field = (struct field){ .kind = FIELD_XPROP, .type = type_of_xprop(xprop) };
    ret_field->xprop = *xprop;
}

unsigned field_load(const struct field *field)
{
    const struct prop_info *prop = &props[field->prop];
    if (field->kind != FIELD_PROP)
        return field->kind == FIELD_FLAGS || field->kind == FIELD_NUMBER || field->kind == FIELD_FOLDER ? 0 : FIELD_RARE;
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
        if (first.type == VALUE_ANY && !value_as(VALUE_TIME, &first, &first.number) && !value_as(VALUE_NUMBER, &first, &first.number))
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
