/*
 * Fields: paths to values; see field.h.
 */
#include "model/field.h"

#include "base/codec.h"
#include "model/fold.h"
#include "model/mapi.h"

#include <errno.h>

enum { BODY_TEXT_MAX = 1 << 26 };

/* MAPI's names of what props.def has. */
static const struct {
    int32_t tag;
    enum prop prop;
} tags[] = {
    { 0x0017, PROP_ID_Importance },     { 0x001a, PROP_ID_ItemClass },         { 0x0026, PROP_ID_Importance },
    { 0x0036, PROP_ID_Sensitivity },    { 0x0037, PROP_ID_Subject },           { 0x0039, PROP_ID_DateTimeSent },
    { 0x0042, PROP_ID_From },           { 0x0065, PROP_ID_From },              { 0x0070, PROP_ID_ConversationTopic },
    { 0x0c1a, PROP_ID_Sender },         { 0x0c1f, PROP_ID_Sender },            { 0x0e03, PROP_ID_DisplayCc },
    { 0x0e04, PROP_ID_DisplayTo },      { 0x0e06, PROP_ID_DateTimeReceived },  { 0x0e08, PROP_ID_Size },
    { 0x0e1b, PROP_ID_HasAttachments }, { 0x0e69, PROP_ID_IsRead },            { 0x1000, PROP_ID_Body },
    { 0x1035, PROP_ID_InternetMessageId }, { 0x1039, PROP_ID_References },     { 0x1042, PROP_ID_InReplyTo },
    { 0x3007, PROP_ID_DateTimeCreated }, { 0x3008, PROP_ID_LastModifiedTime },
};

/* And of what is worked out: flags, the number in its folder, the flag's state. */
static const struct {
    int32_t tag;
    enum field_kind kind;
} made[] = { { 0x0e07, FIELD_FLAGS }, { 0x0e23, FIELD_NUMBER }, { 0x1090, FIELD_FLAG_STATUS } };

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
    for (size_t i = 0; i < ARRAY_LEN(tags); i++)
        if (xprop->tag == tags[i].tag && field_of_prop(tags[i].prop, ret_field))
            return;
    *ret_field = (struct field){ .kind = FIELD_XPROP, .type = type_of_xprop(xprop), .xprop = *xprop };
    for (size_t i = 0; i < ARRAY_LEN(made); i++)
        if (xprop->tag == made[i].tag)
            *ret_field = (struct field){ .kind = made[i].kind, .type = VALUE_NUMBER, .xprop = *xprop };
}

unsigned field_load(const struct field *field)
{
    const struct prop_info *prop = &props[field->prop];
    if (field->kind != FIELD_PROP)
        return field->kind == FIELD_FLAGS || field->kind == FIELD_NUMBER ? 0 : FIELD_RARE;
    if (prop->type == PROP_RCPTS || field->prop == PROP_ID_DisplayTo || field->prop == PROP_ID_DisplayCc)
        return FIELD_RCPTS;
    if (field->prop == PROP_ID_Body || field->prop == PROP_ID_TextBody)
        return FIELD_BODY;
    return prop->tag || prop->type == PROP_SPECIAL ? FIELD_RARE : 0;
}

/* ---- values ---- */

static int add_value(struct arena *arena, struct values *values, size_t *room, struct value value)
{
    if (values->n == *room) {
        size_t larger = *room ? *room * 2 : 4;
        struct value *v = arena_array(arena, larger, sizeof(*v));
        if (!v)
            return -ENOMEM;
        if (values->n)
            memcpy(v, values->v, values->n * sizeof(*v));
        values->v = v;
        *room = larger;
    }
    values->v[values->n++] = value;
    return 0;
}

static int add_text(struct arena *arena, struct values *values, size_t *room, struct span text)
{
    return text.len ? add_value(arena, values, room, (struct value){ .type = VALUE_TEXT, .text = text }) : 0;
}

static int add_rcpt(struct arena *arena, struct values *values, size_t *room, const struct rcpt *rcpt)
{
    int r = add_text(arena, values, room, rcpt->name);
    return r || span_eq(rcpt->name, rcpt->address) ? r : add_text(arena, values, room, rcpt->address);
}

static int body_text(struct arena *arena, const struct item *item, struct span *ret_text)
{
    struct buf text = BUF_INIT(BODY_TEXT_MAX);
    *ret_text = item->body;
    if (item->body_type != BODY_HTML)
        return 0;
    fold_html(item->body, &text);
    int r = buf_error(&text);
    if (r == 0)
        r = arena_copy(arena, buf_span(&text), ret_text);
    buf_done(&text);
    return r;
}

static int special_values(struct arena *arena, enum prop prop, const struct item *item, struct values *values)
{
    size_t room = 0;
    struct span text = { 0 };
    int r = 0;
    if (prop == PROP_ID_IconIndex)
        return item->icon_index == INT64_MIN ?
                   0 :
                   add_value(arena, values, &room, (struct value){ .type = VALUE_NUMBER, .number = item->icon_index });
    if (prop == PROP_ID_DisplayTo || prop == PROP_ID_DisplayCc)
        r = rcpt_list_display(arena, prop == PROP_ID_DisplayTo ? &item->to : &item->cc, &text);
    else
        r = body_text(arena, item, &text);
    return r ? r : add_text(arena, values, &room, text);
}

static int number_value(struct arena *arena, enum value_type type, int64_t number, struct values *values)
{
    size_t room = 0;
    return number == INT64_MIN ? 0 : add_value(arena, values, &room, (struct value){ .type = type, .number = number });
}

static int prop_values(struct arena *arena, const struct prop_info *prop, const struct item *item, struct values *values)
{
    const void *member = prop_member(prop, item);
    const struct rcpt_list *rcpts = member;
    const struct span_list *strings = member;
    size_t room = 0;
    int r = 0;
    if (!kind_has_prop(item->kind, prop))
        return 0;
    switch (prop->type) {
    case PROP_TEXT:
        return add_text(arena, values, &room, *(const struct span *)member);
    case PROP_BYTES:
        if (((const struct span *)member)->len)
            r = add_value(arena, values, &room, (struct value){ .type = VALUE_BYTES, .text = *(const struct span *)member });
        return r;
    case PROP_FLAG:
        return number_value(arena, VALUE_NUMBER, (item->flags & prop->bit) != 0, values);
    case PROP_ENUM:
        return number_value(arena, VALUE_NUMBER, *(const int *)member, values);
    case PROP_TIME:
        return number_value(arena, VALUE_TIME, *(const int64_t *)member, values);
    case PROP_INT:
        return number_value(arena, VALUE_NUMBER, *(const int64_t *)member, values);
    case PROP_SIZE:
        return number_value(arena, VALUE_NUMBER, (int64_t)*(const uint64_t *)member, values);
    case PROP_RCPT:
        return add_rcpt(arena, values, &room, member);
    case PROP_RCPTS:
        for (size_t i = 0; !r && i < rcpts->n; i++)
            r = add_rcpt(arena, values, &room, &rcpts->v[i]);
        return r;
    case PROP_STRINGS:
        for (size_t i = 0; !r && i < strings->n; i++)
            r = add_text(arena, values, &room, strings->v[i]);
        return r;
    case PROP_SPECIAL:
        break;
    }
    return special_values(arena, prop_id(prop), item, values);
}

static int header_values(struct arena *arena, const struct field *field, const struct item *item, struct values *values)
{
    size_t room = 0;
    int r = 0;
    for (size_t i = 0; !r && i < item->headers.n; i++)
        if (span_eq_nocase(item->headers.v[i].name, field->index))
            r = add_text(arena, values, &room, item->headers.v[i].value);
    return r;
}

static int xprop_values(struct arena *arena, const struct field *field, const struct item *item, struct values *values)
{
    const struct xprop *xprop = item_xprop_find(item, &field->xprop);
    size_t room = 0;
    int r = 0;
    for (size_t i = 0; xprop && !r && i < xprop->values.n; i++) {
        struct value value = { .type = VALUE_TEXT };
        if (!field_parse(arena, field, xprop->values.v[i], &value))
            value = (struct value){ .type = VALUE_TEXT, .text = xprop->values.v[i] };
        r = add_value(arena, values, &room, value);
    }
    return r;
}

/* ---- what is kept as XML ---- */

/* Text between two tags of ours, which escape only what XML must. */
static int unescape(struct arena *arena, struct span xml, struct span *ret_text)
{
    struct buf text = BUF_INIT(BODY_TEXT_MAX);
    *ret_text = xml;
    if (!xml.len || !memchr(xml.ptr, '&', xml.len))
        return 0;
    fold_html(xml, &text);
    int r = buf_error(&text);
    if (r == 0)
        r = arena_copy(arena, buf_span(&text), ret_text);
    buf_done(&text);
    return r;
}

static struct span tag_name(struct span tag)
{
    struct span name = { tag.ptr, 0 };
    while (name.len < tag.len && !strchr(" \t\r\n/>", tag.ptr[name.len]))
        name.len++;
    const char *colon = memchr(name.ptr, ':', name.len);
    return colon ? (struct span){ colon + 1, name.len - (size_t)(colon + 1 - name.ptr) } : name;
}

static struct span tag_key(struct span tag)
{
    const char *at = memmem(tag.ptr, tag.len, " Key=", 5);
    if (!at || at + 6 >= tag.ptr + tag.len)
        return (struct span){ 0 };
    const char *end = memchr(at + 6, at[5], (size_t)(tag.ptr + tag.len - at - 6));
    return (struct span){ at + 6, end ? (size_t)(end - at - 6) : 0 };
}

/* The texts of the innermost elements; below the Key and of the name that the
 * field wants. */
static int xml_values(struct arena *arena, const struct field *field, struct span xml, struct values *values)
{
    struct span key = { 0 }, name = { 0 };
    const char *text = NULL;
    size_t room = 0;
    while (xml.len > 0) {
        const char *open = memchr(xml.ptr, '<', xml.len);
        const char *close = open ? memchr(open, '>', (size_t)(xml.ptr + xml.len - open)) : NULL;
        if (!close)
            return 0;
        struct span tag = { open + 1, (size_t)(close - open - 1) };
        bool ends = tag.len && tag.ptr[0] == '/', empty = tag.len && close[-1] == '/';
        struct span value = { text, text ? (size_t)(open - text) : 0 };
        bool wanted = (!field->index.len || span_eq(key, field->index)) && (!field->part.len || span_eq(name, field->part));
        if (ends && text && wanted && value.len) {
            int r = unescape(arena, value, &value);
            if (r || (r = add_value(arena, values, &room, (struct value){ .type = VALUE_ANY, .text = value })))
                return r;
        }
        text = ends || empty ? NULL : close + 1;
        if (!ends) {
            struct span own = tag_key(tag);
            key = own.len ? own : key;
            name = tag_name(tag);
        }
        xml = (struct span){ close + 1, xml.len - (size_t)(close + 1 - xml.ptr) };
    }
    return 0;
}

/* As item:Flag says it or, without one, as a client set it. */
static int flag_status(struct arena *arena, const struct field *field, const struct item *item, struct values *values)
{
    return item->flag_status ? number_value(arena, VALUE_NUMBER, item->flag_status, values) : xprop_values(arena, field, item, values);
}

static int detail_values(struct arena *arena, const struct field *field, const struct item *item, struct values *values)
{
    const struct detail_info *detail = NULL;
    while ((detail = detail_by_uri(field->uri, detail)))
        if (detail->kind == item->kind)
            return detail->prop ? prop_values(arena, detail->prop, item, values) :
                                  xml_values(arena, field, item_detail(item, detail), values);
    return 0;
}

int field_values(struct arena *arena, const struct field *field, const struct item *item, struct values *ret_values)
{
    *ret_values = (struct values){ 0 };
    switch (field->kind) {
    case FIELD_PROP:
        return prop_values(arena, &props[field->prop], item, ret_values);
    case FIELD_DETAIL:
        return detail_values(arena, field, item, ret_values);
    case FIELD_HEADER:
        return header_values(arena, field, item, ret_values);
    case FIELD_XPROP:
        return xprop_values(arena, field, item, ret_values);
    case FIELD_FLAGS:
        return number_value(arena, VALUE_NUMBER, mapi_message_flags(item), ret_values);
    case FIELD_NUMBER:
        return number_value(arena, VALUE_NUMBER, (int64_t)item->item_no, ret_values);
    case FIELD_FLAG_STATUS:
        return flag_status(arena, field, item, ret_values);
    }
    return 0;
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
