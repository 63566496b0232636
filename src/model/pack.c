/*
 * The props blob: records of tag (2 bytes), length (4) and value, all little-endian;
 * members that are unset take no room. Tags below 100 are rows of props.def,
 * those from 100 on are named here. Readers skip tags they do not know.
 */
#include "model/item.h"

#include <errno.h>

enum own_tag {
    TAG_BOUNDARY_SEED = 100,
    TAG_FLAG_STATUS,
    TAG_FLAG_START,
    TAG_FLAG_DUE,
    TAG_FLAG_COMPLETE,
    TAG_ICON_INDEX,
    TAG_HEADER, /* one record each */
    TAG_XPROP,  /* one record each */
    TAG_DETAILS,
    TAG_CREATOR,
    TAG_ANSWERS,
};

/* ---- writing ---- */

static void put_number(struct buf *out, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        buf_add_char(out, (char)(unsigned char)(value >> (8 * i)));
}

static size_t record_begin(struct buf *out, unsigned tag)
{
    put_number(out, tag, 2);
    put_number(out, 0, 4);
    return out->len;
}

static void record_end(struct buf *out, size_t start)
{
    size_t len = out->len - start;

    if (out->error)
        return;
    for (size_t i = 0; i < 4; i++)
        out->ptr[start - 4 + i] = (char)(unsigned char)(len >> (8 * i));
}

static void put_span(struct buf *out, struct span text)
{
    put_number(out, text.len, 4);
    buf_add_span(out, text);
}

static void pack_span(struct buf *out, unsigned tag, struct span text)
{
    size_t start;

    if (text.len == 0)
        return;
    start = record_begin(out, tag);
    buf_add_span(out, text);
    record_end(out, start);
}

static void pack_number(struct buf *out, unsigned tag, int64_t value, int64_t unset)
{
    size_t start;

    if (value == unset)
        return;
    start = record_begin(out, tag);
    put_number(out, (uint64_t)value, 8);
    record_end(out, start);
}

static void pack_answers(struct buf *out, const struct item_answers *answers)
{
    size_t start;

    if (answers->verb == 0)
        return;
    start = record_begin(out, TAG_ANSWERS);
    put_number(out, (uint64_t)answers->mailbox_id, 8);
    put_number(out, answers->item_no, 8);
    put_number(out, (uint64_t)answers->verb, 8);
    record_end(out, start);
}

static void pack_rcpt(struct buf *out, unsigned tag, const struct rcpt *rcpt)
{
    size_t start;

    if (!rcpt_is_set(rcpt))
        return;
    start = record_begin(out, tag);
    put_span(out, rcpt->name);
    put_span(out, rcpt->address);
    put_span(out, rcpt->routing);
    record_end(out, start);
}

static void pack_strings(struct buf *out, unsigned tag, const struct span_list *list)
{
    size_t start;

    if (list->n == 0)
        return;
    start = record_begin(out, tag);
    for (size_t i = 0; i < list->n; i++)
        put_span(out, list->v[i]);
    record_end(out, start);
}

static void pack_xprop(struct buf *out, const struct xprop *xprop)
{
    size_t start = record_begin(out, TAG_XPROP);

    put_number(out, (xprop->set_is_guid ? 1u : 0u) | (xprop->is_array ? 2u : 0u), 1);
    put_number(out, (uint32_t)xprop->tag, 4);
    put_number(out, (uint32_t)xprop->id, 4);
    put_span(out, xprop->set);
    put_span(out, xprop->name);
    put_span(out, xprop->type);
    for (size_t i = 0; i < xprop->values.n; i++)
        put_span(out, xprop->values.v[i]);
    record_end(out, start);
}

static void pack_prop(struct buf *out, const struct prop_info *prop, const struct item *item)
{
    const void *member = prop_member(prop, item);

    switch (prop->type) {
    case PROP_TEXT:
    case PROP_BYTES:
        pack_span(out, prop->tag, *(const struct span *)member);
        return;
    case PROP_TIME:
    case PROP_INT:
        pack_number(out, prop->tag, *(const int64_t *)member, INT64_MIN);
        return;
    case PROP_RCPT:
        pack_rcpt(out, prop->tag, member);
        return;
    case PROP_STRINGS:
        pack_strings(out, prop->tag, member);
        return;
    case PROP_FLAG:
    case PROP_ENUM:
    case PROP_SIZE:
    case PROP_RCPTS:
    case PROP_SPECIAL:
        return; /* these have columns or tables */
    }
}

void xprops_pack(const struct xprop_list *list, struct buf *out)
{
    for (size_t i = 0; i < list->n; i++)
        pack_xprop(out, &list->v[i]);
}

void item_pack(const struct item *item, struct buf *out)
{
    for (size_t i = 0; i < PROP_COUNT; i++)
        if (props[i].tag != 0)
            pack_prop(out, &props[i], item);
    pack_number(out, TAG_BOUNDARY_SEED, (int64_t)item->boundary_seed, 0);
    pack_number(out, TAG_FLAG_STATUS, item->flag_status, FLAG_NOT_FLAGGED);
    pack_number(out, TAG_FLAG_START, item->flag_start, WHEN_NONE);
    pack_number(out, TAG_FLAG_DUE, item->flag_due, WHEN_NONE);
    pack_number(out, TAG_FLAG_COMPLETE, item->flag_complete, WHEN_NONE);
    pack_number(out, TAG_ICON_INDEX, item->icon_index, INT64_MIN);
    pack_strings(out, TAG_DETAILS, &item->details);
    pack_number(out, TAG_CREATOR, item->creator_id, 0);
    pack_answers(out, &item->answers);
    for (size_t i = 0; i < item->headers.n; i++) {
        size_t start = record_begin(out, TAG_HEADER);
        put_span(out, item->headers.v[i].name);
        put_span(out, item->headers.v[i].value);
        record_end(out, start);
    }
    xprops_pack(&item->xprops, out);
}

/* ---- reading ---- */

/* Takes bytes off the front of blob; false when it is too short. */
static bool take(struct span *blob, size_t len, struct span *ret_bytes)
{
    if (blob->len < len)
        return false;
    *ret_bytes = (struct span){ blob->ptr, len };
    *blob = (struct span){ blob->ptr + len, blob->len - len };
    return true;
}

static bool take_number(struct span *blob, size_t bytes, uint64_t *ret_value)
{
    struct span raw;
    uint64_t value = 0;

    if (!take(blob, bytes, &raw))
        return false;
    for (size_t i = 0; i < bytes; i++)
        value |= (uint64_t)(unsigned char)raw.ptr[i] << (8 * i);
    *ret_value = value;
    return true;
}

static bool take_span(struct span *blob, struct span *ret_text)
{
    uint64_t len;

    return take_number(blob, 4, &len) && take(blob, (size_t)len, ret_text);
}

/* How many spans make up blob; -EBADMSG when they do not end where it does. */
static int count_spans(struct span blob, size_t *ret_n)
{
    struct span text;

    for (*ret_n = 0; blob.len > 0; (*ret_n)++)
        if (!take_span(&blob, &text))
            return -EBADMSG;
    return 0;
}

static int unpack_strings(struct arena *arena, struct span blob, struct span_list *ret_list)
{
    size_t n;
    int r = count_spans(blob, &n);

    if (r < 0)
        return r;
    ret_list->v = arena_array(arena, n, sizeof(*ret_list->v));
    if (!ret_list->v)
        return -ENOMEM;
    for (ret_list->n = 0; ret_list->n < n; ret_list->n++)
        take_span(&blob, &ret_list->v[ret_list->n]);
    return 0;
}

static int unpack_number(struct span blob, int64_t *ret_value)
{
    uint64_t value;

    if (!take_number(&blob, 8, &value) || blob.len > 0)
        return -EBADMSG;
    *ret_value = (int64_t)value;
    return 0;
}

static int unpack_answers(struct span blob, struct item_answers *ret_answers)
{
    uint64_t mailbox_id, item_no, verb;

    if (!take_number(&blob, 8, &mailbox_id) || !take_number(&blob, 8, &item_no) || !take_number(&blob, 8, &verb) || blob.len > 0)
        return -EBADMSG;
    *ret_answers = (struct item_answers){ (int64_t)mailbox_id, item_no, (int64_t)verb };
    return 0;
}

static int unpack_rcpt(struct span blob, struct rcpt *ret_rcpt)
{
    if (!take_span(&blob, &ret_rcpt->name) || !take_span(&blob, &ret_rcpt->address) ||
        !take_span(&blob, &ret_rcpt->routing))
        return -EBADMSG;
    return 0;
}

static int unpack_header(struct span blob, struct item *item)
{
    struct item_header *header = &item->headers.v[item->headers.n++];

    return take_span(&blob, &header->name) && take_span(&blob, &header->value) ? 0 : -EBADMSG;
}

static int unpack_xprop(struct arena *arena, struct span blob, struct item *item)
{
    struct xprop *xprop = &item->xprops.v[item->xprops.n++];
    uint64_t bits, tag, id;

    if (!take_number(&blob, 1, &bits) || !take_number(&blob, 4, &tag) || !take_number(&blob, 4, &id) ||
        !take_span(&blob, &xprop->set) || !take_span(&blob, &xprop->name) || !take_span(&blob, &xprop->type))
        return -EBADMSG;
    xprop->set_is_guid = (bits & 1) != 0;
    xprop->is_array = (bits & 2) != 0;
    xprop->tag = (int32_t)(uint32_t)tag;
    xprop->id = (int32_t)(uint32_t)id;
    return unpack_strings(arena, blob, &xprop->values);
}

static int unpack_prop(struct arena *arena, const struct prop_info *prop, struct span value, struct item *item)
{
    void *member = prop_member_mut(prop, item);

    switch (prop->type) {
    case PROP_TEXT:
    case PROP_BYTES:
        *(struct span *)member = value;
        return 0;
    case PROP_TIME:
    case PROP_INT:
        return unpack_number(value, member);
    case PROP_RCPT:
        return unpack_rcpt(value, member);
    case PROP_STRINGS:
        return unpack_strings(arena, value, member);
    case PROP_FLAG:
    case PROP_ENUM:
    case PROP_SIZE:
    case PROP_RCPTS:
    case PROP_SPECIAL:
        return 0;
    }
    return 0;
}

static int unpack_own(struct arena *arena, uint64_t tag, struct span value, struct item *item)
{
    int64_t number = 0;
    int r;

    if (tag == TAG_HEADER)
        return unpack_header(value, item);
    if (tag == TAG_XPROP)
        return unpack_xprop(arena, value, item);
    if (tag == TAG_DETAILS)
        return unpack_strings(arena, value, &item->details);
    if (tag == TAG_CREATOR)
        return unpack_number(value, &item->creator_id);
    if (tag == TAG_ANSWERS)
        return unpack_answers(value, &item->answers);
    if (tag < TAG_BOUNDARY_SEED || tag > TAG_ICON_INDEX)
        return 0;
    r = unpack_number(value, &number);
    if (r < 0)
        return r;
    if (tag == TAG_BOUNDARY_SEED)
        item->boundary_seed = (uint64_t)number;
    else if (tag == TAG_FLAG_STATUS)
        item->flag_status = number >= 0 && (uint64_t)number < flag_status_names.n ? (int)number : FLAG_NOT_FLAGGED;
    else
        *(tag == TAG_FLAG_START  ? &item->flag_start
          : tag == TAG_FLAG_DUE  ? &item->flag_due
          : tag == TAG_ICON_INDEX ? &item->icon_index
                                 : &item->flag_complete) = number;
    return 0;
}

static int unpack_record(struct arena *arena, uint64_t tag, struct span value, struct item *item)
{
    for (size_t i = 0; i < PROP_COUNT; i++)
        if (props[i].tag != 0 && props[i].tag == tag)
            return unpack_prop(arena, &props[i], value, item);
    return unpack_own(arena, tag, value, item);
}

static bool take_record(struct span *blob, uint64_t *ret_tag, struct span *ret_value)
{
    return take_number(blob, 2, ret_tag) && take_span(blob, ret_value);
}

/* Counts headers and extended properties, which need arrays first. */
static int make_lists(struct arena *arena, struct span blob, struct item *item)
{
    size_t headers = 0, xprops = 0;
    struct span value;
    uint64_t tag;

    while (blob.len > 0) {
        if (!take_record(&blob, &tag, &value))
            return -EBADMSG;
        headers += tag == TAG_HEADER ? 1 : 0;
        xprops += tag == TAG_XPROP ? 1 : 0;
    }
    item->headers = (struct item_header_list){ arena_array(arena, headers, sizeof(struct item_header)), 0 };
    item->xprops = (struct xprop_list){ arena_array(arena, xprops, sizeof(struct xprop)), 0 };
    return item->headers.v && item->xprops.v ? 0 : -ENOMEM;
}

int item_unpack(struct arena *arena, struct span blob, struct item *item)
{
    struct span value;
    uint64_t tag;
    int r = arena_copy(arena, blob, &blob);

    if (r == 0)
        r = make_lists(arena, blob, item);
    while (r == 0 && blob.len > 0) {
        if (!take_record(&blob, &tag, &value))
            return -EBADMSG;
        r = unpack_record(arena, tag, value, item);
    }
    return r;
}

int xprops_unpack(struct arena *arena, struct span blob, struct xprop_list *ret_list)
{
    struct item item = { 0 };
    int r = item_unpack(arena, blob, &item);

    if (r == 0)
        *ret_list = item.xprops;
    return r;
}
