/*
 * The tables of extended properties that are computed (mapi.def) and of
 * property sets (sets.def).
 */
#include "model/mapi.h"

static const struct mapi_info rows[] = {
#define MAPI_TAG(tag, type, property, value, writable) { tag, NULL, NULL, -1, #type, PROP_ID_##property, MAPI_##value, writable },
#define MAPI_NAME(set, name, type, property, writable) { -1, #set, name, -1, #type, PROP_ID_##property, MAPI_same, writable },
#define MAPI_ID(set, id, type, property, writable) { -1, #set, NULL, id, #type, PROP_ID_##property, MAPI_same, writable },
#include "model/mapi.def"
#undef MAPI_TAG
#undef MAPI_NAME
#undef MAPI_ID
};

/* The GUID of a set, however it is named. */
static struct span set_guid(const struct xprop *xprop)
{
    static const struct {
        const char *name, *guid;
    } sets[] = {
#define SET(name, guid) { #name, guid },
#include "model/sets.def"
#undef SET
    };
    for (size_t i = 0; !xprop->set_is_guid && i < ARRAY_LEN(sets); i++)
        if (span_is(xprop->set, sets[i].name))
            return span_of(sets[i].guid);
    return xprop->set;
}

bool mapi_same_set(const struct xprop *a, const struct xprop *b)
{
    return a->set_is_guid == b->set_is_guid ? span_eq_nocase(a->set, b->set) : span_eq_nocase(set_guid(a), set_guid(b));
}

static bool type_fits(const struct mapi_info *row, struct span type)
{
    bool number = strcmp(row->type, "Integer") == 0 && (span_is(type, "Long") || span_is(type, "Short"));
    return number || span_is(type, row->type);
}

static bool is_row(const struct mapi_info *row, const struct xprop *xprop)
{
    if (row->tag != xprop->tag || row->id != xprop->id || !type_fits(row, xprop->type))
        return false;
    if (row->tag >= 0)
        return true;
    const struct xprop named = { .set = span_of(row->set) };
    return (row->name ? span_eq_nocase(xprop->name, span_of(row->name)) : !xprop->name.len) && mapi_same_set(&named, xprop);
}

const struct mapi_info *mapi_find(const struct xprop *xprop)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (is_row(&rows[i], xprop))
            return &rows[i];
    return NULL;
}

static const struct {
    uint32_t item, mapi;
    bool settable;
} flag_bits[] = {
    { ITEM_READ, 0x01, true },   { ITEM_UNMODIFIED, 0x02, true },       { ITEM_SUBMITTED, 0x04, false },
    { ITEM_DRAFT, 0x08, true },  { ITEM_HAS_ATTACHMENTS, 0x10, false }, { ITEM_FROM_ME, 0x20, false },
    { ITEM_ASSOCIATED, 0x40, false }, { ITEM_RESEND, 0x80, true },
};

uint32_t mapi_message_flags(const struct item *item)
{
    uint32_t flags = 0;
    for (size_t i = 0; i < ARRAY_LEN(flag_bits); i++)
        if (item->flags & flag_bits[i].item)
            flags |= flag_bits[i].mapi;
    return flags;
}

void mapi_set_message_flags(struct item *item, uint32_t flags)
{
    for (size_t i = 0; i < ARRAY_LEN(flag_bits); i++)
        if (flag_bits[i].settable)
            item->flags = flags & flag_bits[i].mapi ? item->flags | flag_bits[i].item : item->flags & ~flag_bits[i].item;
}

struct span mapi_subject_plain(struct span subject)
{
    const char *colon = subject.len ? memchr(subject.ptr, ':', subject.len < 4 ? subject.len : 4) : NULL;
    size_t at = colon ? (size_t)(colon - subject.ptr) : 0;
    bool prefix = at > 0 && at + 1 < subject.len && subject.ptr[at + 1] == ' ';
    for (size_t i = 0; prefix && i < at; i++)
        prefix = (subject.ptr[i] | 0x20) >= 'a' && (subject.ptr[i] | 0x20) <= 'z';
    return prefix ? mapi_subject_plain(span_trim((struct span){ subject.ptr + at + 1, subject.len - at - 1 })) : subject;
}
