/*
 * The values that an item has for a field; see field.h. Extended properties that
 * mapi.def knows have those that GetItem shows.
 */
#include "model/field.h"

#include "model/fold.h"

#include <errno.h>

enum { BODY_TEXT_MAX = 1 << 26 };

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

static int display_value(struct arena *arena, enum prop prop, const struct item *item, struct values *values)
{
    const struct rcpt_list *list = prop == PROP_ID_DisplayTo ? &item->to : prop == PROP_ID_DisplayCc ? &item->cc : &item->bcc;
    struct span text = { 0 };
    size_t room = 0;
    int r = rcpt_list_display(arena, list, &text);
    return r ? r : add_text(arena, values, &room, text);
}

static int special_values(struct arena *arena, enum prop prop, const struct item *item, struct values *values)
{
    size_t room = 0;
    struct span text = { 0 };
    if (prop == PROP_ID_IconIndex)
        return item->icon_index == INT64_MIN ?
                   0 :
                   add_value(arena, values, &room, (struct value){ .type = VALUE_NUMBER, .number = item->icon_index });
    if (prop == PROP_ID_DisplayTo || prop == PROP_ID_DisplayCc)
        return display_value(arena, prop, item, values);
    int r = body_text(arena, item, &text);
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
    if (!xprop && field->index.len)
        return header_values(arena, field, item, values);
    for (size_t i = 0; xprop && !r && i < xprop->values.n; i++) {
        struct value value = { .type = VALUE_TEXT };
        if (!field_parse(arena, field, xprop->values.v[i], &value))
            value = (struct value){ .type = VALUE_TEXT, .text = xprop->values.v[i] };
        r = add_value(arena, values, &room, value);
    }
    return r;
}

/* ---- what mapi.def has ---- */

static int rcpt_value(struct arena *arena, const struct mapi_info *info, const struct item *item, struct values *values)
{
    const struct rcpt *rcpt = prop_member(&props[info->prop], item);
    struct span text = rcpt->routing.len ? rcpt->routing : SPAN("SMTP");
    size_t room = 0;
    if (!rcpt_is_set(rcpt))
        return 0;
    if (info->value == MAPI_rcpt_name)
        text = rcpt->name.len ? rcpt->name : rcpt->address;
    if (info->value == MAPI_rcpt_address)
        text = rcpt->address;
    return add_text(arena, values, &room, text);
}

/* What says nothing is as a client set it, if one did (soap/shape_mapi.c). */
static int mapi_values(struct arena *arena, const struct field *field, const struct item *item, struct values *values)
{
    const struct mapi_info *info = field->mapi;
    size_t room = 0;
    int r = 0;
    switch (info->value) {
    case MAPI_rcpt_name:
    case MAPI_rcpt_address:
    case MAPI_rcpt_routing:
        r = rcpt_value(arena, info, item, values);
        break;
    case MAPI_message_flags:
        return number_value(arena, VALUE_NUMBER, mapi_message_flags(item), values);
    case MAPI_article:
        return number_value(arena, VALUE_NUMBER, (int64_t)item->item_no, values);
    case MAPI_subject_plain:
        return add_text(arena, values, &room, mapi_subject_plain(item->subject));
    case MAPI_display:
        return display_value(arena, info->prop, item, values);
    case MAPI_icon:
        r = number_value(arena, VALUE_NUMBER, item->icon_index, values);
        break;
    case MAPI_flag_status:
        r = item->flag_status ? number_value(arena, VALUE_NUMBER, item->flag_status, values) : 0;
        break;
    case MAPI_flag_completed:
        r = number_value(arena, VALUE_TIME, item->flag_complete, values);
        break;
    case MAPI_same:
    case MAPI_headers:
    case MAPI_instance:
    case MAPI_body_text:
    case MAPI_body_html:
    case MAPI_zero:
        break;
    }
    r = r || values->n ? r : xprop_values(arena, field, item, values);
    return r == 0 && !values->n && info->value == MAPI_zero ? number_value(arena, VALUE_NUMBER, 0, values) : r;
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
    case FIELD_MAPI:
        return mapi_values(arena, field, item, ret_values);
    }
    return 0;
}
