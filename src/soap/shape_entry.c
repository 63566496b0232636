/*
 * Single entries of the dictionaries of contacts and the members of lists
 * (IndexedFieldURI, protocol.md 3.3): shown, set and taken away one by one, and
 * more put behind those that are there. The rest of the element stays as it was.
 */
#include "soap/shape_parts.h"
#include "soap/xml_piece.h"

#include <errno.h>

#define DETAIL_MAX (4u << 20)

static const struct {
    const char *uri;
    enum detail detail;
    const char *element; /* of an entry */
} dictionaries[] = {
    { "contacts:EmailAddress", DETAIL_CONTACT_EmailAddresses, "Entry" },
    { "contacts:ImAddress", DETAIL_CONTACT_ImAddresses, "Entry" },
    { "contacts:PhoneNumber", DETAIL_CONTACT_PhoneNumbers, "Entry" },
    { "contacts:PhysicalAddress:", DETAIL_CONTACT_PhysicalAddresses, "Entry" },
    { "distributionlist:Members:Member", DETAIL_DISTLIST_Members, "Member" },
};

static const char *entry_element(enum detail detail)
{
    for (size_t i = 0; i < ARRAY_LEN(dictionaries); i++)
        if (dictionaries[i].detail == detail)
            return dictionaries[i].element;
    return "Entry";
}

bool shape_entry_parse(const struct xml_node *path, enum item_kind kind, struct shape_entry *ret_entry)
{
    struct shape_entry entry = { 0 };
    struct span uri;
    if (!xml_attr(path, "FieldURI", &uri) || !xml_attr(path, "FieldIndex", &entry.key))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(dictionaries); i++) {
        struct span name = span_of(dictionaries[i].uri);
        bool parts = name.ptr[name.len - 1] == ':';
        if (detail_info(dictionaries[i].detail)->kind != kind || !span_starts(uri, name) || (!parts && uri.len != name.len))
            continue;
        entry.detail = dictionaries[i].detail;
        entry.field = (struct span){ uri.ptr + name.len, uri.len - name.len };
        *ret_entry = entry;
        return true;
    }
    return false;
}

/* ---- showing ---- */

static bool is_wanted(const struct shape *shape, enum detail detail, struct span key, struct span field)
{
    for (size_t i = 0; i < shape->entries_n; i++) {
        const struct shape_entry *entry = &shape->entries[i];
        if (entry->detail == detail && span_eq(entry->key, key) && span_eq(entry->field, field))
            return true;
    }
    return false;
}

static void open_entry(struct writing *w, const char *dictionary, struct span key, bool *whole, bool *part)
{
    if (!*whole)
        xw_open(w->xw, dictionary);
    if (!*part) {
        xw_open(w->xw, "t:Entry");
        xw_attr(w->xw, "Key", key);
    }
    *whole = *part = true;
}

static void put_parts(struct writing *w, enum detail detail, const struct xml_piece *entry, const char *dictionary, bool *open)
{
    struct span rest = entry->content;
    struct xml_piece field;
    bool part = false;
    while (xml_piece_next(&rest, &field)) {
        if (!is_wanted(w->shape, detail, xml_piece_attr(entry, "Key"), field.name))
            continue;
        open_entry(w, dictionary, xml_piece_attr(entry, "Key"), open, &part);
        xw_raw(w->xw, field.whole);
    }
    if (part)
        xw_close(w->xw);
}

void shape_put_entries(struct writing *w, enum detail detail, struct span xml)
{
    const bool parts = detail == DETAIL_CONTACT_PhysicalAddresses;
    const char *dictionary = detail_info(detail)->qname;
    struct xml_piece whole, entry;
    bool open = false;
    if (!xml_piece_next(&xml, &whole))
        return;
    struct span rest = whole.content;
    while (xml_piece_next(&rest, &entry)) {
        if (parts) {
            put_parts(w, detail, &entry, dictionary, &open);
        } else if (is_wanted(w->shape, detail, xml_piece_attr(&entry, "Key"), (struct span){ 0 })) {
            if (!open)
                xw_open(w->xw, dictionary);
            open = true;
            xw_raw(w->xw, entry.whole);
        }
    }
    if (open)
        xw_close(w->xw);
}

/* ---- changing ---- */

struct change {
    const struct shape_entry *entry;
    const struct xml_node *node; /* the new entry, or its one field; NULL: away with it */
    struct buf out;
    struct xml_writer xw;
    bool done;
};

static void put_new(struct change *c)
{
    if (c->node && !c->done)
        xw_node(&c->xw, c->node);
    c->done = true;
}

/* The fields of an address, of which one changes. An entry without any goes. */
static void change_fields(struct change *c, const struct xml_piece *entry)
{
    const size_t before = c->out.len;
    bool any = false;
    struct span rest = entry->content;
    struct xml_piece field;
    buf_add_str(&c->out, "<t:Entry Key=\"");
    buf_add_span(&c->out, xml_piece_attr(entry, "Key"));
    buf_add_str(&c->out, "\">");
    while (xml_piece_next(&rest, &field)) {
        bool this = span_eq(field.name, c->entry->field);
        any = any || !this || c->node;
        if (this)
            put_new(c);
        else
            buf_add_span(&c->out, field.whole);
    }
    any = any || c->node;
    put_new(c);
    buf_add_str(&c->out, "</t:Entry>");
    if (!any)
        c->out.len = before;
}

static void change_entries(struct change *c, struct span rest)
{
    struct xml_piece entry;
    while (xml_piece_next(&rest, &entry)) {
        if (!span_eq(xml_piece_attr(&entry, "Key"), c->entry->key))
            buf_add_span(&c->out, entry.whole);
        else if (c->entry->field.len)
            change_fields(c, &entry);
        else
            put_new(c);
    }
}

/* The one entry of the value, or (an address) the one field of it. */
static int new_entry(const struct shape_entry *entry, const struct xml_node *value, const struct xml_node **ret_node)
{
    struct span key;
    const struct xml_node *node = value->child;
    if (!node || node->next)
        return CODE_ErrorIncorrectUpdatePropertyCount;
    if (!span_is(node->name, entry_element(entry->detail)) || !xml_attr(node, "Key", &key) || !span_eq(key, entry->key))
        return CODE_ErrorUpdatePropertyMismatch;
    if (!entry->field.len) {
        *ret_node = node;
        return 0;
    }
    if (!node->child || node->child->next)
        return CODE_ErrorIncorrectUpdatePropertyCount;
    *ret_node = node->child;
    return span_eq(node->child->name, entry->field) ? 0 : CODE_ErrorUpdatePropertyMismatch;
}

static int finish(struct arena *arena, struct buf *out, const struct detail_info *detail, struct item *item)
{
    struct span xml;
    int r = buf_error(out);
    if (!r)
        r = arena_copy(arena, buf_span(out), &xml);
    buf_done(out);
    return r == -EFBIG ? CODE_ErrorDataSizeLimitExceeded : r ? r : item_detail_put(arena, item, detail, xml);
}

int shape_entry_set(struct arena *arena, const struct shape_entry *entry, const struct xml_node *value, struct item *item)
{
    const struct detail_info *detail = detail_info(entry->detail);
    struct change c = { .entry = entry, .out = BUF_INIT(DETAIL_MAX) };
    struct span xml = item_detail(item, detail);
    struct xml_piece whole = { 0 };
    int r = value ? new_entry(entry, value, &c.node) : 0;
    if (r)
        return r;
    xw_init(&c.xw, &c.out);
    buf_printf(&c.out, "<t:%s>", detail->element);
    const size_t head = c.out.len;
    if (xml_piece_next(&xml, &whole))
        change_entries(&c, whole.content);
    if (c.node && !c.done)
        xw_node(&c.xw, entry->field.len ? value->child : c.node);
    if (c.out.len == head) {
        buf_done(&c.out);
        return item_detail_put(arena, item, detail, (struct span){ 0 });
    }
    buf_printf(&c.out, "</t:%s>", detail->element);
    return finish(arena, &c.out, detail, item);
}

int shape_detail_append(struct arena *arena, const struct detail_info *detail, const struct xml_node *value, struct item *item)
{
    struct buf out = BUF_INIT(DETAIL_MAX);
    struct xml_writer xw;
    struct xml_piece whole = { 0 };
    struct span xml = item_detail(item, detail);
    xw_init(&xw, &out);
    buf_printf(&out, "<t:%s>", detail->element);
    if (xml_piece_next(&xml, &whole))
        buf_add_span(&out, whole.content);
    for (const struct xml_node *c = value->child; c; c = c->next)
        xw_node(&xw, c);
    buf_printf(&out, "</t:%s>", detail->element);
    return finish(arena, &out, detail, item);
}
