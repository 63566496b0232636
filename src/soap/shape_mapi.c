/*
 * Extended properties that say what other properties say (mapi.def), as values
 * and back. All others are kept and given back as they came.
 */
#include "soap/html.h"
#include "soap/shape_parts.h"

#include "base/codec.h"

#include <errno.h>

/* A header of a received message is one of the set InternetHeaders, too. */
static const struct item_header *internet_header(struct writing *w, const struct xprop *wanted)
{
    static const struct xprop set = { .set = { "InternetHeaders", 15 } };
    if (wanted->tag >= 0 || !wanted->name.len || !span_is(wanted->type, "String") || !mapi_same_set(wanted, &set))
        return NULL;
    const struct item_header_list list = shape_headers(w);
    for (size_t i = 0; i < list.n; i++)
        if (span_eq_nocase(list.v[i].name, wanted->name))
            return &list.v[i];
    return NULL;
}

static const struct rcpt_list *display_list(const struct item *item, enum prop prop)
{
    return prop == PROP_ID_DisplayTo ? &item->to : prop == PROP_ID_DisplayCc ? &item->cc : &item->bcc;
}

static bool same_is_set(const struct item *item, const struct prop_info *prop)
{
    const void *member = prop_member(prop, item);
    switch (prop->type) {
    case PROP_TEXT:
    case PROP_BYTES:
        return ((const struct span *)member)->len > 0;
    case PROP_TIME:
    case PROP_INT:
        return *(const int64_t *)member != INT64_MIN;
    case PROP_STRINGS:
        return ((const struct span_list *)member)->n > 0;
    case PROP_FLAG:
    case PROP_ENUM:
    case PROP_SIZE:
        return true;
    case PROP_RCPT:
    case PROP_RCPTS:
    case PROP_SPECIAL:
        break;
    }
    return false;
}

static bool is_set(struct writing *w, const struct mapi_info *info)
{
    const struct item *item = w->item;
    switch (info->value) {
    case MAPI_same:
        return same_is_set(item, &props[info->prop]);
    case MAPI_rcpt_name:
    case MAPI_rcpt_address:
    case MAPI_rcpt_routing:
        return rcpt_is_set(prop_member(&props[info->prop], item));
    case MAPI_headers:
        return shape_headers(w).n > 0;
    case MAPI_body_text:
    case MAPI_body_html:
        return item->body.ptr && (info->value == MAPI_body_text || item->body_type == BODY_HTML);
    case MAPI_icon:
        return item->icon_index != INT64_MIN;
    case MAPI_flag_status:
        return item->flag_status != FLAG_NOT_FLAGGED;
    case MAPI_flag_completed:
        return item->flag_complete != WHEN_NONE;
    case MAPI_zero:
    case MAPI_display:
    case MAPI_message_flags:
    case MAPI_subject_plain:
    case MAPI_article:
    case MAPI_instance:
        break;
    }
    return true;
}

static void put_number(struct writing *w, int64_t number)
{
    xw_leaf_int(w->xw, "t:Value", number);
}

static void put_bytes(struct writing *w, struct span bytes)
{
    xw_open(w->xw, "t:Value");
    xw_base64(w->xw, bytes);
    xw_close(w->xw);
}

static void put_same(struct writing *w, const struct prop_info *prop)
{
    const void *member = prop_member(prop, w->item);
    const struct span_list *list = member;
    switch (prop->type) {
    case PROP_TEXT:
        xw_leaf(w->xw, "t:Value", *(const struct span *)member);
        break;
    case PROP_BYTES:
        put_bytes(w, *(const struct span *)member);
        break;
    case PROP_FLAG:
        xw_leaf_bool(w->xw, "t:Value", w->item->flags & prop->bit);
        break;
    case PROP_ENUM:
        put_number(w, *(const int *)member);
        break;
    case PROP_TIME:
        shape_put_time(w->xw, "t:Value", *(const int64_t *)member);
        break;
    case PROP_INT:
        put_number(w, *(const int64_t *)member);
        break;
    case PROP_SIZE:
        put_number(w, (int64_t)*(const uint64_t *)member);
        break;
    case PROP_STRINGS:
        xw_open(w->xw, "t:Values");
        for (size_t i = 0; i < list->n; i++)
            xw_leaf(w->xw, "t:Value", list->v[i]);
        xw_close(w->xw);
        break;
    case PROP_RCPT:
    case PROP_RCPTS:
    case PROP_SPECIAL:
        break;
    }
}

static void put_rcpt(struct writing *w, const struct mapi_info *info)
{
    const struct rcpt *rcpt = prop_member(&props[info->prop], w->item);
    struct span text = rcpt->routing.len ? rcpt->routing : SPAN("SMTP");
    if (info->value == MAPI_rcpt_name)
        text = rcpt->name.len ? rcpt->name : rcpt->address;
    if (info->value == MAPI_rcpt_address)
        text = rcpt->address;
    xw_leaf(w->xw, "t:Value", text);
}

static void put_headers(struct writing *w)
{
    const struct item_header_list list = shape_headers(w);
    xw_open(w->xw, "t:Value");
    for (size_t i = 0; i < list.n; i++) {
        xw_text(w->xw, list.v[i].name);
        xw_text(w->xw, SPAN(": "));
        xw_text(w->xw, list.v[i].value);
        xw_text(w->xw, SPAN("\r\n"));
    }
    xw_close(w->xw);
}

static void put_body(struct writing *w, const struct mapi_info *info)
{
    struct buf out = BUF_INIT(SHAPE_BODY_MAX);
    struct span body = shape_body_as(w, info->value == MAPI_body_text ? BODY_TEXT : BODY_HTML, &out);
    if (strcmp(info->type, "Binary") == 0)
        put_bytes(w, body);
    else
        xw_leaf(w->xw, "t:Value", body);
    buf_done(&out);
}

static void put_instance(struct writing *w)
{
    unsigned char bytes[GUID_SIZE + 8];
    memcpy(bytes, w->ids->mailbox, GUID_SIZE);
    for (size_t i = 0; i < 8; i++)
        bytes[GUID_SIZE + i] = (unsigned char)(w->item->item_no >> (56 - 8 * i));
    put_bytes(w, (struct span){ (const char *)bytes, sizeof(bytes) });
}

static void put_display(struct writing *w, enum prop prop)
{
    struct span text = { 0 };
    int r = rcpt_list_display(w->arena, display_list(w->item, prop), &text);
    w->error = w->error ? w->error : r;
    xw_leaf(w->xw, "t:Value", text);
}

static void put_value(struct writing *w, const struct mapi_info *info)
{
    switch (info->value) {
    case MAPI_same:
        put_same(w, &props[info->prop]);
        break;
    case MAPI_rcpt_name:
    case MAPI_rcpt_address:
    case MAPI_rcpt_routing:
        put_rcpt(w, info);
        break;
    case MAPI_headers:
        put_headers(w);
        break;
    case MAPI_display:
        put_display(w, info->prop);
        break;
    case MAPI_message_flags:
        put_number(w, mapi_message_flags(w->item));
        break;
    case MAPI_subject_plain:
        xw_leaf(w->xw, "t:Value", mapi_subject_plain(w->item->subject));
        break;
    case MAPI_article:
        put_number(w, (int64_t)w->item->item_no);
        break;
    case MAPI_instance:
        put_instance(w);
        break;
    case MAPI_body_text:
    case MAPI_body_html:
        put_body(w, info);
        break;
    case MAPI_icon:
        put_number(w, w->item->icon_index);
        break;
    case MAPI_flag_status:
        put_number(w, w->item->flag_status);
        break;
    case MAPI_flag_completed:
        shape_put_time(w->xw, "t:Value", w->item->flag_complete);
        break;
    case MAPI_zero:
        put_number(w, 0);
        break;
    }
}

static void put_stored(struct writing *w, const struct xprop *stored)
{
    if (stored->is_array)
        xw_open(w->xw, "t:Values");
    for (size_t i = 0; i < stored->values.n; i++)
        xw_leaf(w->xw, "t:Value", stored->values.v[i]);
    if (stored->is_array)
        xw_close(w->xw);
}

void shape_put_xprop(struct writing *w, const struct xprop *wanted, const struct mapi_info *info)
{
    const bool computed = info && info->value != MAPI_zero && is_set(w, info);
    const struct xprop *stored = computed ? NULL : item_xprop_find(w->item, wanted);
    const struct item_header *header = computed || stored ? NULL : internet_header(w, wanted);
    if (!stored && !header && !computed && !(info && info->value == MAPI_zero))
        return;
    xw_open(w->xw, "t:ExtendedProperty");
    shape_write_extended_uri(w->xw, wanted);
    if (stored)
        put_stored(w, stored);
    else if (header)
        xw_leaf(w->xw, "t:Value", header->value);
    else
        put_value(w, info);
    xw_close(w->xw);
}

/* ---- setting ---- */

static int read_same(struct arena *arena, const struct prop_info *prop, const struct xprop *x, struct item *item)
{
    void *member = prop->type == PROP_FLAG ? NULL : prop_member_mut(prop, item);
    const struct span text = span_trim(x->values.v[0]);
    int64_t number = 0;
    bool flag = false, ok = true;
    switch (prop->type) {
    case PROP_TEXT:
        *(struct span *)member = x->values.v[0];
        break;
    case PROP_BYTES:
        ok = base64_decode(arena, text, member) == 0;
        break;
    case PROP_FLAG:
        ok = span_bool(text, &flag);
        item->flags = flag ? item->flags | prop->bit : item->flags & ~prop->bit;
        break;
    case PROP_ENUM:
        ok = span_int(text, false, 0, (int64_t)prop->names.n - 1, &number);
        *(int *)member = (int)number;
        break;
    case PROP_TIME:
        ok = when_parse_xs(text, member);
        break;
    case PROP_INT:
        ok = span_int(text, false, INT32_MIN, INT32_MAX, member);
        break;
    case PROP_STRINGS:
        *(struct span_list *)member = x->values;
        break;
    case PROP_SIZE:
    case PROP_RCPT:
    case PROP_RCPTS:
    case PROP_SPECIAL:
        return CODE_ErrorInvalidPropertySet;
    }
    return ok ? 0 : CODE_ErrorInvalidExtendedPropertyValue;
}

static int read_body(struct arena *arena, const struct mapi_info *info, struct span text, struct item *item)
{
    if (strcmp(info->type, "Binary") == 0 && base64_decode(arena, text, &text))
        return CODE_ErrorInvalidExtendedPropertyValue;
    if (!span_utf8_ok(text))
        return CODE_ErrorInvalidExtendedPropertyValue;
    item->body = text.ptr ? text : SPAN("");
    item->body_type = info->value == MAPI_body_html ? BODY_HTML : BODY_TEXT;
    return 0;
}

static void set_flag_status(struct item *item, int status)
{
    item->flag_status = status;
    if (status != FLAG_FLAGGED)
        item->flag_start = item->flag_due = WHEN_NONE;
    if (status != FLAG_COMPLETE)
        item->flag_complete = WHEN_NONE;
    else if (item->flag_complete == WHEN_NONE)
        item->flag_complete = when_now();
}

static int read_number(const struct mapi_info *info, struct span text, struct item *item)
{
    int64_t number;
    const int64_t max = info->value == MAPI_flag_status ? FLAG_FLAGGED : info->value == MAPI_icon ? INT32_MAX : UINT32_MAX;
    if (!span_int(text, true, info->value == MAPI_icon ? -1 : 0, max, &number))
        return CODE_ErrorInvalidExtendedPropertyValue;
    if (info->value == MAPI_flag_status)
        set_flag_status(item, (int)number);
    else if (info->value == MAPI_icon)
        item->icon_index = number;
    else
        mapi_set_message_flags(item, (uint32_t)number);
    return 0;
}

int shape_read_mapi(struct arena *arena, const struct mapi_info *info, const struct xprop *x, struct item *item)
{
    const struct prop_info *prop = &props[info->prop];
    if (!info->writable || !x->values.n)
        return CODE_ErrorInvalidPropertySet;
    switch (info->value) {
    case MAPI_same:
        return read_same(arena, prop, x, item);
    case MAPI_rcpt_name:
        ((struct rcpt *)prop_member_mut(prop, item))->name = x->values.v[0];
        return 0;
    case MAPI_rcpt_address:
        ((struct rcpt *)prop_member_mut(prop, item))->address = span_trim(x->values.v[0]);
        return 0;
    case MAPI_body_text:
    case MAPI_body_html:
        return read_body(arena, info, x->values.v[0], item);
    case MAPI_icon:
    case MAPI_flag_status:
    case MAPI_message_flags:
        return read_number(info, span_trim(x->values.v[0]), item);
    case MAPI_flag_completed:
        return when_parse_xs(span_trim(x->values.v[0]), &item->flag_complete) ? 0 : CODE_ErrorInvalidExtendedPropertyValue;
    case MAPI_zero:
        return item_xprop_put(arena, item, x);
    case MAPI_rcpt_routing:
    case MAPI_headers:
    case MAPI_display:
    case MAPI_subject_plain:
    case MAPI_article:
    case MAPI_instance:
        break;
    }
    return CODE_ErrorInvalidPropertySet;
}

int shape_reset_mapi(struct arena *arena, const struct mapi_info *info, const struct xprop *x, struct item *item)
{
    if (info->value == MAPI_flag_status)
        set_flag_status(item, FLAG_NOT_FLAGGED);
    else if (info->value == MAPI_flag_completed)
        item->flag_complete = WHEN_NONE;
    else if (info->value == MAPI_icon)
        item->icon_index = INT64_MIN;
    else if (info->value != MAPI_zero)
        prop_reset(&props[info->prop], item);
    return item_xprop_remove(arena, item, x); /* kept before it was known what it says */
}
