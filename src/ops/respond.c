/*
 * See respond.h.
 */
#include "ops/respond.h"

#include "ops/limits.h"
#include "ops/quote.h"
#include "ops/thread.h"
#include "store/store_content.h"

#include <stdlib.h>

enum respond_what { RESPOND_REPLY, RESPOND_ALL, RESPOND_FORWARD, RESPOND_POST, RESPOND_SUPPRESS };

struct respond_info {
    enum respond_what what;
    const char *element;
    const char *prefix;
    int verb, icon; /* PR_LAST_VERB_EXECUTED and PR_ICON_INDEX of the original */
};

static const struct respond_info infos[] = {
    { RESPOND_REPLY, "ReplyToItem", "RE: ", 102, 261 },
    { RESPOND_ALL, "ReplyAllToItem", "RE: ", 103, 261 },
    { RESPOND_FORWARD, "ForwardItem", "FW: ", 104, 262 },
    { RESPOND_POST, "PostReplyItem", "RE: ", 0, 0 },
    { RESPOND_SUPPRESS, "SuppressReadReceipt", "", 0, 0 },
};

const struct respond_info *respond_find(const struct xml_node *node)
{
    for (size_t i = 0; i < ARRAY_LEN(infos); i++)
        if (xml_is(node, XML_NS_T, infos[i].element))
            return &infos[i];
    return NULL;
}

bool respond_needs_disposition(const struct respond_info *info)
{
    return info->what <= RESPOND_FORWARD;
}

bool respond_creates(const struct respond_info *info)
{
    return info->what != RESPOND_SUPPRESS;
}

uint64_t respond_folder(const struct op_call *call, const struct response *response)
{
    bool beside = response->info && response->info->what == RESPOND_POST && response->mailbox_id == call->mailbox->mailbox_id;
    return beside ? response->folder_no : 0;
}

/* ---- the original ---- */

struct composing {
    struct op_call *call;
    struct store_tx *tx;
    const struct respond_info *info;
    int64_t mailbox_id; /* of what is made */
    struct target_item target;
    struct item original;
    struct item *item;
    bool quoted; /* the original's text is in it */
};

/* A draft has nobody who wrote it to anybody. */
static bool may_refer(const struct respond_info *info, const struct item *original)
{
    switch (info->what) {
    case RESPOND_REPLY:
    case RESPOND_ALL:
        return kind_is_mail(original->kind) && !(original->flags & ITEM_DRAFT);
    case RESPOND_FORWARD:
        return kind_is_mail(original->kind);
    case RESPOND_POST:
        return original->kind == ITEM_KIND_POST;
    case RESPOND_SUPPRESS:
        return kind_is_message(original->kind);
    }
    return false;
}

/* ---- recipients ---- */

/* One's own, by whatever name: the acting mailbox, and whose the original is. */
static int is_self(const struct composing *c, struct span address, bool *ret_self)
{
    const struct store_mailbox *selves[] = { c->call->mailbox, &c->target.access->mailbox };
    struct store_mailbox mailbox;
    for (size_t i = 0; i < ARRAY_LEN(selves); i++)
        if (span_eq_nocase(address, selves[i]->address)) {
            *ret_self = true;
            return 0;
        }
    int r = store_mailbox_by_address(c->tx, c->call->arena, address, &mailbox);
    if (r < 0)
        return r;
    *ret_self = r == 0 && (mailbox.mailbox_id == selves[0]->mailbox_id || mailbox.mailbox_id == selves[1]->mailbox_id);
    return 0;
}

static struct rcpt_list authors(const struct item *original, struct rcpt *room)
{
    if (original->reply_to.n)
        return original->reply_to;
    *room = rcpt_is_set(&original->from) ? original->from : original->sender;
    return (struct rcpt_list){ room, rcpt_is_set(room) };
}

struct place {
    struct span folded;
    size_t index;
};

static int by_address(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    size_t len = x->folded.len < y->folded.len ? x->folded.len : y->folded.len;
    int order = len ? memcmp(x->folded.ptr, y->folded.ptr, len) : 0;
    if (order == 0)
        order = (x->folded.len > y->folded.len) - (x->folded.len < y->folded.len);
    return order ? order : (x->index > y->index) - (x->index < y->index);
}

/* Which of them come a second time. Sorted, since there may be thousands. */
static int mark_doubles(struct arena *arena, const struct rcpt *v, size_t n, bool *double_of)
{
    struct place *places = arena_array(arena, n + 1, sizeof(*places));
    if (!places)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        places[i].index = i;
        int r = rcpt_address_fold(arena, v[i].address, &places[i].folded);
        if (r)
            return r;
    }
    qsort(places, n, sizeof(*places), by_address);
    for (size_t i = 1; i < n; i++)
        double_of[places[i].index] = places[i].folded.len && span_eq(places[i].folded, places[i - 1].folded);
    return 0;
}

/* The authors, then To; Cc stays Cc. */
static int answer_all(const struct composing *c, const struct rcpt_list *first)
{
    const struct item *original = &c->original;
    const struct rcpt_list *lists[] = { first, &original->to, &original->cc };
    const size_t n = first->n + original->to.n + original->cc.n;
    struct rcpt *all = arena_array(c->call->arena, n + 1, sizeof(*all));
    bool *left_out = arena_array(c->call->arena, n + 1, sizeof(*left_out));
    size_t at = 0;
    if (!all || !left_out)
        return -ENOMEM;
    for (size_t l = 0; l < ARRAY_LEN(lists); l++) {
        if (lists[l]->n)
            memcpy(all + at, lists[l]->v, lists[l]->n * sizeof(*all));
        at += lists[l]->n;
    }
    int r = mark_doubles(c->call->arena, all, n, left_out);
    for (size_t i = 0; r == 0 && i < n; i++)
        if (!left_out[i] && all[i].address.len)
            r = is_self(c, all[i].address, &left_out[i]);
    struct rcpt_list to = { all, 0 }, cc = { NULL, 0 };
    for (size_t i = 0; r == 0 && i < n; i++) {
        if (i == first->n + original->to.n)
            cc.v = all + to.n;
        if (left_out[i])
            continue;
        struct rcpt *kept = cc.v ? &cc.v[cc.n++] : &to.v[to.n++];
        *kept = all[i];
        kept->type = cc.v ? RCPT_CC : RCPT_TO;
    }
    c->item->to = to.n || cc.n ? to : *first; /* nobody but oneself */
    c->item->cc = cc;
    return r;
}

static int address(const struct composing *c)
{
    struct rcpt *room = arena_alloc(c->call->arena, sizeof(*room));
    if (!room)
        return -ENOMEM;
    struct rcpt_list list = authors(&c->original, room);
    if (c->info->what == RESPOND_REPLY)
        return rcpt_list_copy(c->call->arena, &list, &c->item->to);
    return c->info->what == RESPOND_ALL ? answer_all(c, &list) : 0;
}

static void set_types(struct item *item)
{
    for (size_t i = 0; i < item->to.n; i++)
        item->to.v[i].type = RCPT_TO;
}

/* ---- body ---- */

static int write_body(struct composing *c, const struct xml_node *node, struct op_result *ret_result)
{
    const struct xml_node *written = xml_child(node, "NewBodyContent");
    const size_t max = (size_t)c->call->env->conf->send_max_size;
    struct quote quote = { .original = &c->original, .type = c->original.body_type };
    struct span type;
    if (xml_child(node, "Body"))
        return 0;
    if (written) {
        quote.text = written->text;
        quote.text_type = xml_attr(written, "BodyType", &type) && span_is(type, "HTML") ? BODY_HTML : BODY_TEXT;
        quote.type = quote.text_type;
    }
    c->quoted = true;
    c->item->body_type = quote.type;
    int r = quote_body(c->call->arena, &quote, max, &c->item->body);
    return r > 0 ? limits_size(c->call, max + 1, ret_result) : r;
}

/* ---- attachments ---- */

/* Everything that is forwarded; of what is answered the pictures in its text. */
static bool is_taken(const struct composing *c, const struct attachment *attachment)
{
    if (c->info->what == RESPOND_FORWARD)
        return true;
    return c->quoted && c->item->body_type == BODY_HTML && attachment->is_inline && attachment->content_id.len;
}

/* In the same mailbox what is content of its own is shared; what is small is
 * copied. */
static int take_one(const struct composing *c, const struct attachment *from, struct attachment *ret_attachment)
{
    const struct attachment_path path = { &from->no, 1 };
    int r = 0;
    *ret_attachment = *from;
    if (from->data_no && c->original.mailbox_id == c->mailbox_id)
        ret_attachment->shared_no = from->data_no;
    else
        r = store_attachment_get(c->tx, c->call->arena, c->original.mailbox_id, c->original.item_no, &path,
                                 STORE_ALL | STORE_LAZY | STORE_LAZY_BODY, ret_attachment);
    ret_attachment->no = 0;
    ret_attachment->data_no = 0;
    return r == 1 ? CODE_ErrorItemCorrupt : r;
}

static int take_attachments(struct composing *c)
{
    const struct attachment_list *from = &c->original.attachments;
    struct attachment_list list = { .v = arena_array(c->call->arena, from->n + 1, sizeof(*list.v)) };
    if (!list.v)
        return -ENOMEM;
    for (size_t i = 0; i < from->n; i++) {
        if (!is_taken(c, &from->v[i]))
            continue;
        int r = take_one(c, &from->v[i], &list.v[list.n]);
        if (r)
            return target_told(&c->target, r);
        if (!list.v[list.n++].is_inline)
            c->item->flags |= ITEM_HAS_ATTACHMENTS;
    }
    c->item->attachments = list;
    store_item_detach(c->item);
    return 0;
}

/* ---- all of it ---- */

/* What the request says, over what follows from the original. */
static int read_rest(const struct composing *c, const struct xml_node *node, struct op_result *ret_result)
{
    for (const struct xml_node *child = node->child; child; child = child->next) {
        if (span_is(child->name, "ReferenceItemId") || span_is(child->name, "NewBodyContent"))
            continue;
        int r = shape_read_property(c->call->arena, child, c->item);
        if (r) {
            ret_result->culprit = r > 0 ? child : NULL;
            return r;
        }
    }
    if (!c->item->subject.ptr)
        c->item->subject = SPAN("");
    return 0;
}

/* What is private stays so; only what is passed on stays important. */
static void take_marks(struct composing *c)
{
    c->item->sensitivity = c->original.sensitivity;
    if (c->info->what == RESPOND_FORWARD)
        c->item->importance = c->original.importance;
}

static int compose(struct composing *c, const struct xml_node *node, struct op_result *ret_result)
{
    struct item *item = c->item;
    item_init(item);
    item->kind = c->info->what == RESPOND_POST ? ITEM_KIND_POST : ITEM_KIND_MESSAGE;
    item->item_class = span_of(kind_info(item->kind)->item_class);
    item->flags |= c->info->what == RESPOND_POST ? ITEM_UNMODIFIED | ITEM_READ : ITEM_UNMODIFIED | ITEM_DRAFT;
    take_marks(c);
    int r = thread_join(c->call->arena, &c->original, c->info->prefix, item);
    if (r == 0)
        r = address(c);
    if (r)
        return r;
    set_types(item);
    if ((r = read_rest(c, node, ret_result)) || (r = write_body(c, node, ret_result)))
        return r;
    r = c->info->what == RESPOND_POST ? 0 : take_attachments(c);
    return r ? r : limits_attachments(c->call, item->attachments.n, ret_result);
}

int respond_compose(struct op_call *call, const struct xml_node *node, int64_t mailbox_id, struct response *ret_response,
                    struct item *ret_item, struct op_result *ret_result)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    const unsigned depth = STORE_RECIPIENTS | STORE_BODY | STORE_ATTACHMENTS;
    struct response response = { .info = respond_find(node), .reference = xml_child(node, "ReferenceItemId") };
    struct composing c = { .call = call, .info = response.info, .mailbox_id = mailbox_id, .item = ret_item };
    item_init(ret_item);
    if (!response.reference)
        return CODE_ErrorInvalidReferenceItem;
    *ret_response = response;
    if (!respond_creates(response.info))
        return 0;
    access_forget(call);
    int r = store_read_begin(call->env->store, &tx);
    if (r || (r = target_load(call, tx, response.reference, ACCESS_READ, depth, &c.target, &c.original)))
        return r;
    if (!may_refer(c.info, &c.original))
        return CODE_ErrorInvalidReferenceItem;
    c.tx = tx;
    ret_response->mailbox_id = c.original.mailbox_id;
    ret_response->folder_no = c.original.folder_no;
    r = compose(&c, node, ret_result);
    if (r == 0 && mailbox_id == c.original.mailbox_id)
        ret_item->answers = (struct item_answers){ mailbox_id, c.original.item_no, c.info->verb };
    return r;
}

/* ---- in the job ---- */

int respond_check(struct op_call *call, struct store_tx *tx, const struct response *response)
{
    struct target_item target;
    struct item original;
    return target_load(call, tx, response->reference, ACCESS_READ, STORE_HOT, &target, &original);
}

static int put_number(struct arena *arena, struct item *item, int32_t tag, int number)
{
    struct xprop x = { .tag = tag, .id = -1, .type = SPAN("Integer") };
    x.values.v = arena_array(arena, 1, sizeof(*x.values.v));
    if (!x.values.v)
        return -ENOMEM;
    x.values.n = 1;
    int r = arena_printf(arena, x.values.v, "%d", number);
    return r ? r : item_xprop_put(arena, item, &x);
}

static int put_time(struct arena *arena, struct item *item, int32_t tag, int64_t at)
{
    struct xprop x = { .tag = tag, .id = -1, .type = SPAN("SystemTime") };
    char text[WHEN_XS_SIZE];
    x.values.v = arena_array(arena, 1, sizeof(*x.values.v));
    if (!x.values.v)
        return -ENOMEM;
    x.values.n = 1;
    when_format_xs(at, text);
    int r = arena_copy(arena, span_of(text), x.values.v);
    return r ? r : item_xprop_put(arena, item, &x);
}

static int mark(struct op_call *call, struct store_tx *tx, const struct respond_info *info, struct item *original)
{
    original->icon_index = info->icon;
    int r = put_number(call->arena, original, 0x1080, info->icon);
    if (r == 0)
        r = put_number(call->arena, original, 0x1081, info->verb);
    if (r == 0)
        r = put_time(call->arena, original, 0x1082, when_now());
    if (r == 0)
        r = store_item_update(tx, original, false);
    return r < 0 ? r : 0;
}

int respond_mark(struct op_call *call, struct store_tx *tx, const struct response *response, int64_t mailbox_id)
{
    struct target_item target;
    struct item original;
    if (response->mailbox_id != mailbox_id || !response->info->verb)
        return 0;
    int r = target_load(call, tx, response->reference, ACCESS_EDIT, STORE_HOT, &target, &original);
    if (r)
        return r < 0 ? r : 0;
    return mark(call, tx, response->info, &original);
}

int respond_mark_later(struct op_call *call, struct store_tx *tx, const struct access *access, const struct item_answers *answers)
{
    const struct respond_info *info = infos;
    const struct respond_info *end = infos + ARRAY_LEN(infos);
    struct item original;
    uint32_t rights = 0;
    while (info < end && info->verb != answers->verb)
        info++;
    if (!answers->verb || info == end || answers->mailbox_id != access->mailbox.mailbox_id)
        return 0;
    int r = store_item_get(tx, call->arena, answers->mailbox_id, answers->item_no, STORE_HOT, &original);
    if (r == 0)
        r = access_rights(call, tx, access, original.folder_no, &rights);
    if (r == 0)
        r = access_item(call, access, rights, &original, ACCESS_EDIT);
    if (r)
        return r < 0 ? r : 0;
    return mark(call, tx, info, &original);
}

int respond_suppress(struct op_call *call, struct store_tx *tx, const struct response *response)
{
    struct target_item target;
    struct item original;
    int r = target_load(call, tx, response->reference, ACCESS_EDIT, STORE_HOT, &target, &original);
    if (r)
        return r;
    if (!may_refer(response->info, &original))
        return CODE_ErrorInvalidReferenceItem;
    bool pending = original.flags & ITEM_READ_RECEIPT && !(original.flags & (ITEM_DRAFT | ITEM_RECEIPT_SETTLED)) &&
                   original.folder_no != FOLDER_ROLE_junkemail && original.folder_no != FOLDER_ROLE_sentitems;
    if (!pending)
        return CODE_ErrorReadReceiptNotPending;
    original.flags |= ITEM_RECEIPT_SETTLED;
    return store_item_update(tx, &original, true);
}
