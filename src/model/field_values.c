/*
 * The values that an item or a folder has for a field; see field.h.
 */
#include "model/field.h"

#include "model/fold.h"
#include "model/mapi.h"

#include <errno.h>

enum { BODY_TEXT_MAX = 1 << 26 };

static int add_rcpt(struct arena *arena, struct values *values, const struct rcpt *rcpt)
{
    int r = values_add_text(arena, values, rcpt->name);
    return r || span_eq(rcpt->name, rcpt->address) ? r : values_add_text(arena, values, rcpt->address);
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
    struct span text = { 0 };
    int r = 0;
    if (prop == PROP_ID_IconIndex)
        return item->icon_index == INT64_MIN ?
                   0 :
                   values_add(arena, values, (struct value){ .type = VALUE_NUMBER, .number = item->icon_index });
    if (prop == PROP_ID_DisplayTo || prop == PROP_ID_DisplayCc)
        r = rcpt_list_display(arena, prop == PROP_ID_DisplayTo ? &item->to : &item->cc, &text);
    else
        r = body_text(arena, item, &text);
    return r ? r : values_add_text(arena, values, text);
}

static int prop_values(struct arena *arena, const struct prop_info *prop, const struct item *item, struct values *values)
{
    const void *member = prop_member(prop, item);
    const struct rcpt_list *rcpts = member;
    const struct span_list *strings = member;
    int r = 0;
    if (!kind_has_prop(item->kind, prop))
        return 0;
    switch (prop->type) {
    case PROP_TEXT:
        return values_add_text(arena, values, *(const struct span *)member);
    case PROP_BYTES:
        if (((const struct span *)member)->len)
            r = values_add(arena, values, (struct value){ .type = VALUE_BYTES, .text = *(const struct span *)member });
        return r;
    case PROP_FLAG:
        return values_add_number(arena, values, VALUE_NUMBER, (item->flags & prop->bit) != 0);
    case PROP_ENUM:
        return values_add_number(arena, values, VALUE_NUMBER, *(const int *)member);
    case PROP_TIME:
        return values_add_number(arena, values, VALUE_TIME, *(const int64_t *)member);
    case PROP_INT:
        return values_add_number(arena, values, VALUE_NUMBER, *(const int64_t *)member);
    case PROP_SIZE:
        return values_add_number(arena, values, VALUE_NUMBER, (int64_t)*(const uint64_t *)member);
    case PROP_RCPT:
        return add_rcpt(arena, values, member);
    case PROP_RCPTS:
        for (size_t i = 0; !r && i < rcpts->n; i++)
            r = add_rcpt(arena, values, &rcpts->v[i]);
        return r;
    case PROP_STRINGS:
        for (size_t i = 0; !r && i < strings->n; i++)
            r = values_add_text(arena, values, strings->v[i]);
        return r;
    case PROP_SPECIAL:
        break;
    }
    return special_values(arena, prop_id(prop), item, values);
}

static int header_values(struct arena *arena, const struct field *field, const struct item *item, struct values *values)
{
    int r = 0;
    for (size_t i = 0; !r && i < item->headers.n; i++)
        if (span_eq_nocase(item->headers.v[i].name, field->index))
            r = values_add_text(arena, values, item->headers.v[i].value);
    return r;
}

static int xprop_values(struct arena *arena, const struct field *field, const struct xprop_list *list, struct values *values)
{
    const struct xprop *xprop = xprop_find(list, &field->xprop);
    int r = 0;
    for (size_t i = 0; xprop && !r && i < xprop->values.n; i++) {
        struct value value = { .type = VALUE_TEXT };
        if (!field_parse(arena, field, xprop->values.v[i], &value))
            value = (struct value){ .type = VALUE_TEXT, .text = xprop->values.v[i] };
        r = values_add(arena, values, value);
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
            if (r || (r = values_add(arena, values, (struct value){ .type = VALUE_ANY, .text = value })))
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
    return item->flag_status ? values_add_number(arena, values, VALUE_NUMBER, item->flag_status) :
                               xprop_values(arena, field, &item->xprops, values);
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
        return xprop_values(arena, field, &item->xprops, ret_values);
    case FIELD_FLAGS:
        return values_add_number(arena, ret_values, VALUE_NUMBER, mapi_message_flags(item));
    case FIELD_NUMBER:
        return values_add_number(arena, ret_values, VALUE_NUMBER, (int64_t)item->item_no);
    case FIELD_FLAG_STATUS:
        return flag_status(arena, field, item, ret_values);
    case FIELD_FOLDER:
        break;
    }
    return 0;
}

/* What is kept as it came counts before what is computed. */
int field_folder_values(struct arena *arena, const struct field *field, const struct folder *folder, struct values *ret_values)
{
    struct span text = { 0 };
    int64_t number = INT64_MIN;
    *ret_values = (struct values){ 0 };
    if (field->kind == FIELD_XPROP || (field->kind == FIELD_FOLDER && folder_fields[field->folder].set == FOLDER_SET_kept)) {
        int r = xprop_values(arena, field, &folder->xprops, ret_values);
        if (r || ret_values->n)
            return r;
    }
    if (field->kind != FIELD_FOLDER)
        return 0;
    if (field->type == VALUE_TEXT)
        return folder_field_text(folder, field->folder, &text) ? values_add_text(arena, ret_values, text) : 0;
    return folder_field_number(folder, field->folder, &number) ? values_add_number(arena, ret_values, VALUE_NUMBER, number) : 0;
}
