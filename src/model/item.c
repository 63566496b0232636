/*
 * Items as values: birth, deep copies, size, extended properties.
 */
#include "model/item.h"

#include "model/mapi.h"

#include <errno.h>

void item_init(struct item *item)
{
    memset(item, 0, sizeof(*item));
    item->kind = ITEM_KIND_MESSAGE;
    item->item_class = SPAN("IPM.Note");
    item->importance = IMPORTANCE_NORMAL;
    item->icon_index = INT64_MIN;
    item->reminder_minutes = INT64_MIN;
    item->created = item->modified = item->sent = item->received = WHEN_NONE;
    item->reminder_due = item->reminder_next = WHEN_NONE;
    item->flag_start = item->flag_due = item->flag_complete = WHEN_NONE;
}

/* Keeps "not loaded" (ptr NULL) apart from empty. */
static int copy_span(struct arena *arena, struct span *span)
{
    return span->ptr ? arena_copy(arena, *span, span) : 0;
}

static int copy_spans(struct arena *arena, struct span *const *spans, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (copy_span(arena, spans[i]))
            return -ENOMEM;
    return 0;
}

static int copy_texts(struct arena *arena, struct item *item)
{
    struct span *const spans[] = {
        &item->item_class,         &item->subject,
        &item->body,               &item->message_id,
        &item->mime,               &item->in_reply_to,
        &item->references,         &item->culture,
        &item->conversation_topic, &item->conversation_index,
        &item->last_modified_name,
    };
    return copy_spans(arena, spans, ARRAY_LEN(spans));
}

static int copy_rcpts(struct arena *arena, struct item *item)
{
    struct rcpt *const single[] = { &item->from, &item->sender, &item->received_by, &item->received_representing };
    struct rcpt_list *const lists[] = { &item->to, &item->cc, &item->bcc, &item->reply_to };

    for (size_t i = 0; i < ARRAY_LEN(single); i++) {
        struct span *const spans[] = { &single[i]->name, &single[i]->address, &single[i]->routing };
        if (copy_spans(arena, spans, ARRAY_LEN(spans)))
            return -ENOMEM;
    }
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        if (rcpt_list_copy(arena, lists[i], lists[i]))
            return -ENOMEM;
    return 0;
}

static int copy_strings(struct arena *arena, struct span_list *list)
{
    struct span *v = arena_array(arena, list->n, sizeof(*v));

    if (!v)
        return -ENOMEM;
    for (size_t i = 0; i < list->n; i++)
        if (arena_copy(arena, list->v[i], &v[i]))
            return -ENOMEM;
    list->v = v;
    return 0;
}

static int copy_headers(struct arena *arena, struct item_header_list *list)
{
    struct item_header *v = arena_array(arena, list->n, sizeof(*v));

    if (!v)
        return -ENOMEM;
    for (size_t i = 0; i < list->n; i++)
        if (arena_copy(arena, list->v[i].name, &v[i].name) || arena_copy(arena, list->v[i].value, &v[i].value))
            return -ENOMEM;
    list->v = v;
    return 0;
}

static int copy_xprop(struct arena *arena, struct xprop *xprop)
{
    struct span *const spans[] = { &xprop->set, &xprop->name, &xprop->type };

    if (copy_spans(arena, spans, ARRAY_LEN(spans)))
        return -ENOMEM;
    return copy_strings(arena, &xprop->values);
}

static int copy_xprops(struct arena *arena, struct xprop_list *list)
{
    struct xprop *v = arena_array(arena, list->n, sizeof(*v));

    if (!v)
        return -ENOMEM;
    for (size_t i = 0; i < list->n; i++) {
        v[i] = list->v[i];
        if (copy_xprop(arena, &v[i]))
            return -ENOMEM;
    }
    list->v = v;
    return 0;
}

static int copy_attached(struct arena *arena, struct attachment *attachment)
{
    struct item *item = attachment->item ? arena_alloc(arena, sizeof(*item)) : NULL;

    if (!attachment->item)
        return 0;
    if (!item)
        return -ENOMEM;
    attachment->item = memcpy(item, attachment->item, sizeof(*item));
    return item_copy(arena, item, item);
}

static int copy_attachments(struct arena *arena, struct attachment_list *list)
{
    struct attachment *v = arena_array(arena, list->n, sizeof(*v));

    if (!v)
        return -ENOMEM;
    for (size_t i = 0; i < list->n; i++) {
        v[i] = list->v[i];
        struct span *const spans[] = { &v[i].name, &v[i].content_type, &v[i].content_id, &v[i].content_location,
                                       &v[i].data };
        if (copy_spans(arena, spans, ARRAY_LEN(spans)) || copy_attached(arena, &v[i]))
            return -ENOMEM;
    }
    list->v = v;
    return 0;
}

int item_copy(struct arena *arena, const struct item *item, struct item *ret_copy)
{
    struct item copy = *item;

    if (copy_texts(arena, &copy) || copy_rcpts(arena, &copy) || copy_strings(arena, &copy.categories) ||
        copy_strings(arena, &copy.details) || copy_headers(arena, &copy.headers) || copy_xprops(arena, &copy.xprops) ||
        copy_attachments(arena, &copy.attachments))
        return -ENOMEM;
    *ret_copy = copy;
    return 0;
}

unsigned item_levels(const struct item *item)
{
    unsigned deepest = 0;

    for (size_t i = 0; i < item->attachments.n; i++) {
        const struct item *attached = item->attachments.v[i].item;
        unsigned levels = attached ? 1 + item_levels(attached) : 0;
        deepest = levels > deepest ? levels : deepest;
    }
    return deepest;
}

int item_own_attachments(struct arena *arena, struct item *item)
{
    struct attachment *v = arena_array(arena, item->attachments.n + 1, sizeof(*v));
    int r = v ? 0 : -ENOMEM;

    if (v && item->attachments.n > 0)
        memcpy(v, item->attachments.v, item->attachments.n * sizeof(*v));
    for (size_t i = 0; r == 0 && i < item->attachments.n; i++) {
        struct item *own = v[i].item ? arena_alloc(arena, sizeof(*own)) : NULL;
        if (!v[i].item)
            continue;
        if (!own)
            return -ENOMEM;
        v[i].item = memcpy(own, v[i].item, sizeof(*own));
        r = item_own_attachments(arena, own);
    }
    if (r == 0)
        item->attachments.v = v;
    return r;
}

size_t item_recipient_count(const struct item *item)
{
    return item->to.n + item->cc.n + item->bcc.n;
}

uint64_t attachment_content_size(const struct attachment *attachment)
{
    uint64_t size = attachment->source ? attachment->source->len : attachment->data.len;

    if (attachment->item)
        size = item_content_size(attachment->item);
    return size > attachment->size ? size : attachment->size;
}

uint64_t item_content_size(const struct item *item)
{
    uint64_t size = item->body.len + item->subject.len;

    for (size_t i = 0; i < item->details.n; i++)
        size += item->details.v[i].len;
    for (size_t i = 0; i < item->attachments.n; i++)
        size += attachment_content_size(&item->attachments.v[i]);
    return item->mime.len > size ? item->mime.len : size;
}

bool item_class_is(struct span item_class, const char *base)
{
    struct span want = span_of(base);

    if (item_class.len > want.len && item_class.ptr[want.len] != '.')
        return false;
    if (item_class.len < want.len)
        return false;
    return span_eq_nocase((struct span){ item_class.ptr, want.len }, want);
}

bool xprop_same(const struct xprop *a, const struct xprop *b)
{
    return a->tag == b->tag && a->id == b->id && mapi_same_set(a, b) && span_eq_nocase(a->name, b->name) &&
           span_eq(a->type, b->type);
}

const struct xprop *xprop_find(const struct xprop_list *list, const struct xprop *wanted)
{
    for (size_t i = 0; i < list->n; i++)
        if (xprop_same(&list->v[i], wanted))
            return &list->v[i];
    return NULL;
}

int xprop_put(struct arena *arena, struct xprop_list *list, const struct xprop *xprop)
{
    struct xprop *v;

    for (size_t i = 0; i < list->n; i++)
        if (xprop_same(&list->v[i], xprop)) {
            list->v[i] = *xprop;
            return 0;
        }
    v = arena_array(arena, list->n + 1, sizeof(*v));
    if (!v)
        return -ENOMEM;
    if (list->n > 0)
        memcpy(v, list->v, list->n * sizeof(*v));
    v[list->n] = *xprop;
    *list = (struct xprop_list){ v, list->n + 1 };
    return 0;
}

int xprop_remove(struct arena *arena, struct xprop_list *list, const struct xprop *xprop)
{
    struct xprop_list left = { .v = arena_array(arena, list->n, sizeof(*left.v)) };

    if (!left.v)
        return -ENOMEM;
    for (size_t i = 0; i < list->n; i++)
        if (!xprop_same(&list->v[i], xprop))
            left.v[left.n++] = list->v[i];
    *list = left;
    return 0;
}

const struct xprop *item_xprop_find(const struct item *item, const struct xprop *wanted)
{
    return xprop_find(&item->xprops, wanted);
}

int item_xprop_put(struct arena *arena, struct item *item, const struct xprop *xprop)
{
    return xprop_put(arena, &item->xprops, xprop);
}

int item_xprop_remove(struct arena *arena, struct item *item, const struct xprop *xprop)
{
    return xprop_remove(arena, &item->xprops, xprop);
}
