/*
 * UpdateItem (protocol.md 3.2): the changes of each item in the order given,
 * on the item as it is now; what differs afterwards is written. Content that
 * the outbox or a copy shares is copied first (decisions 3). A message may be
 * sent in the same job, through the outbox's one submit verb. The MIME that a
 * client supplied goes as soon as it no longer says what the item says.
 */
#include "mime/mime.h"
#include "ops/calendar.h"
#include "ops/limits.h"
#include "ops/once.h"
#include "ops/respond.h"
#include "ops/sending.h"
#include "store/store_content.h"

enum resolution { NEVER_OVERWRITE, AUTO_RESOLVE, ALWAYS_OVERWRITE };
enum disposition { NO_DISPOSITION, SAVE_ONLY, SEND_ONLY, SEND_AND_SAVE };

#define CONTENT (STORE_RECIPIENTS | STORE_BODY | STORE_ATTACHMENTS)

/* A MimeContent that is set: read, and what is long of it stored, before the
 * job, since the writer waits for nobody. */
struct new_mime {
    const struct xml_node *change; /* the t:SetItemField */
    size_t index;                  /* of its item in the request */
    struct op_result result;       /* of reading it */
    struct item said;              /* with the MIME itself */
    struct new_mime *next;
};

struct updates {
    enum resolution resolution;
    enum disposition disposition;
    const struct xml_node *folder;
    const struct xml_node **changes; /* t:ItemChange */
    struct item *items;              /* as stored, with the new ChangeKey */
    const struct access **accesses;  /* to their mailboxes */
    struct new_mime *mimes;
    struct sent_ids sent;
};

/* One item while it is changed. */
struct edit {
    struct item item;
    struct item base;   /* what the stored, or the new, MIME says */
    bool new_mime;      /* all content is new */
    bool drop_mime;
    bool touched;       /* more than IsRead was set */
};

/* ---- applying ---- */

static const struct prop_info *prop_of(const struct xml_node *change)
{
    return shape_path_prop(shape_update_path(change));
}

/* Marks beside the message (read, flag, categories, extended properties) leave
 * its content alone, which then is not even read. */
static unsigned depth_of(const struct xml_node *updates)
{
    for (const struct xml_node *c = updates->child; c; c = c->next) {
        const struct prop_info *prop = prop_of(c);
        bool mark = prop ? !(prop->flags & PROP_MIME) && prop->type != PROP_RCPTS && prop_id(prop) != PROP_ID_MimeContent
                         : xml_is(shape_update_path(c), XML_NS_T, "ExtendedFieldURI");
        if (!mark)
            return CONTENT;
    }
    return STORE_HOT;
}

/* The item becomes what the MIME says. What MIME can't say stays, and so do
 * Bcc recipients and a Message-ID that it does not name. */
static void take_mime(const struct new_mime *mime, struct item *item)
{
    const uint32_t flags = ITEM_HAS_ATTACHMENTS | ITEM_READ_RECEIPT | ITEM_DELIVERY_RECEIPT;
    const struct item *said = &mime->said;
    item->mime = said->mime;
    item->staged_no = said->staged_no;
    item->subject = said->subject;
    item->from = said->from;
    item->sender = said->sender;
    item->to = said->to;
    item->cc = said->cc;
    item->bcc = said->bcc.n ? said->bcc : item->bcc;
    item->reply_to = said->reply_to;
    item->message_id = said->message_id.len ? said->message_id : item->message_id;
    item->in_reply_to = said->in_reply_to;
    item->references = said->references;
    item->importance = said->importance;
    item->sensitivity = said->sensitivity;
    item->body_type = said->body_type;
    item->body = said->body;
    item->attachments = said->attachments;
    item->headers = said->headers;
    item->flags = (item->flags & ~flags) | (said->flags & flags);
    item->boundary_seed = 0;
}

static int set_mime(const struct updates *u, const struct xml_node *change, struct edit *e, struct op_result *ret_result)
{
    const struct new_mime *mime = u->mimes;
    while (mime && mime->change != change)
        mime = mime->next;
    if (mime && mime->result.code) {
        ret_result->text = mime->result.text;
        return mime->result.code;
    }
    if (mime)
        take_mime(mime, &e->item);
    else
        e->item.mime = (struct span){ 0 };
    e->new_mime = e->new_mime || mime;
    e->drop_mime = !mime;
    e->base = e->item;
    return 0;
}

static int apply_one(struct op_call *call, const struct updates *u, const struct xml_node *change, struct edit *e,
                     struct op_result *ret_result)
{
    const struct prop_info *prop = prop_of(change);
    e->touched = e->touched || !prop || prop_id(prop) != PROP_ID_IsRead;
    int r = shape_update(call->arena, change, &e->item, &ret_result->culprit);
    if (r || !prop || prop_id(prop) != PROP_ID_MimeContent)
        return r;
    ret_result->culprit = shape_update_path(change);
    return set_mime(u, change, e, ret_result);
}

static int apply(struct op_call *call, const struct updates *u, const struct xml_node *changes, const struct item *before,
                 struct edit *e, struct op_result *ret_result)
{
    for (const struct xml_node *c = changes->child; c; c = c->next) {
        int r = apply_one(call, u, c, e, ret_result);
        if (r)
            return r;
    }
    ret_result->culprit = NULL;
    return kind_is_message(e->item.kind) ? 0 : shape_settle(call->arena, before, &e->item);
}

/* ---- writing ---- */

static void complete(const struct op_call *call, const struct access *access, const struct item *before, struct edit *e)
{
    const struct store_mailbox *mailbox = call->mailbox, *owner = &access->mailbox;
    const struct rcpt self = { .name = mailbox->display_name, .address = mailbox->address };
    struct item *item = &e->item;
    item->modified = when_now();
    item->last_modified_name = mailbox->display_name;
    if (e->touched)
        item->flags &= ~ITEM_UNMODIFIED;
    if (item->flags & ITEM_DRAFT && span_eq(item->conversation_topic, mapi_subject_plain(before->subject)))
        item->conversation_topic = mapi_subject_plain(item->subject);
    if (!rcpt_is_set(&item->from) && rcpt_is_set(&before->from))
        item->from = (struct rcpt){ .name = owner->display_name, .address = owner->address };
    if (!rcpt_is_set(&item->sender) && rcpt_is_set(&before->sender))
        item->sender = self;
    item->from.type = RCPT_FROM;
    item->sender.type = RCPT_SENDER;
}

/* What of the content is to be written, as store_item_rewrite takes it. */
static unsigned parts_of(const struct edit *e, const struct item *before)
{
    unsigned parts = e->drop_mime ? STORE_MIME : 0;
    for (size_t i = 0; i < PROP_COUNT; i++) {
        if (props[i].flags & PROP_MIME && !prop_same(&props[i], &e->base, &e->item))
            parts |= STORE_MIME;
        if (props[i].type == PROP_RCPTS && !prop_same(&props[i], before, &e->item))
            parts |= STORE_RECIPIENTS;
    }
    if (!prop_same(&props[PROP_ID_Body], before, &e->item))
        parts |= STORE_BODY;
    return parts;
}

static int write_item(struct op_call *call, struct store_tx *tx, const struct access *access, const struct item *before,
                      unsigned depth, struct edit *e, struct op_result *ret_result)
{
    unsigned parts = parts_of(e, before);
    complete(call, access, before, e);
    if (!e->touched)
        return store_item_update_read(tx, &e->item);
    if (depth == STORE_HOT)
        return store_item_update(tx, &e->item, true);
    if (parts & STORE_MIME)
        e->item.mime = (struct span){ 0 };
    e->item.size = item_content_size(&e->item);
    int r = e->item.size > before->size ? limits_size(call, e->item.size, ret_result) : 0;
    if (r)
        return r;
    if (e->new_mime && !prop_same(&props[PROP_ID_Body], &e->base, &e->item))
        e->item.staged_no = 0; /* another body than the MIME's stands there */
    if (e->new_mime)
        return store_item_replace(tx, &e->item, true);
    bool content = parts & ~(unsigned)STORE_MIME || (parts && e->item.flags & ITEM_HAS_MIME);
    return content ? store_item_rewrite(tx, &e->item, parts, true) : store_item_update(tx, &e->item, true);
}

/* ---- one item ---- */

static int check_item(struct op_call *call, const struct updates *u, const struct target_item *target, const struct item *item,
                      struct op_result *ret_result)
{
    if (kind_is_message(item->kind) && u->disposition == NO_DISPOSITION)
        return CODE_ErrorMessageDispositionRequired;
    if (u->resolution == NEVER_OVERWRITE && target->key != item->key_no)
        return CODE_ErrorIrresolvableConflict;
    return calendar_check(call, item, "SendMeetingInvitationsOrCancellations",
                          CODE_ErrorSendMeetingInvitationsOrCancellationsRequired, ret_result);
}

static int send(struct op_call *call, struct store_tx *tx, const struct target_item *target, const struct target_folder *folder,
                const struct item *item, struct outbox_sent *ret_sent, struct op_result *ret_result)
{
    struct outbox_submit submit = sending_submit(call, target->access);
    submit.folder_no = item->folder_no;
    submit.item_no = item->item_no;
    submit.key_no = item->key_no;
    submit.edited = true;
    sending_into(&submit, folder);
    int r = sending_check_draft(call, &submit, target, item);
    if (r == 0)
        r = outbox_submit(tx, &submit, ret_sent);
    if (r == 0)
        r = respond_mark_later(call, tx, target->access, &ret_sent->answers);
    return r > 0 ? sending_refused(call, r, ret_sent, ret_result) : r;
}

/* As it is stored, if it may be changed. */
static int load(struct op_call *call, struct store_tx *tx, const struct updates *u, size_t index, unsigned depth,
                struct target_item *ret_target, struct item *ret_item)
{
    const struct xml_node *id = u->changes[index]->child;
    int r = u->resolution == ALWAYS_OVERWRITE ? target_item(call, tx, id, ret_target) : sending_target(call, tx, id, ret_target);
    if (r || (r = target_read(call, tx, ret_target, depth, ret_item)))
        return r;
    return access_item(call, ret_target->access, ret_target->rights, ret_item, ACCESS_EDIT);
}

static int update_one(struct op_call *call, struct store_tx *tx, size_t index, struct op_result *ret_result, void *arg)
{
    struct updates *u = arg;
    const struct xml_node *updates = xml_child(u->changes[index], "Updates");
    unsigned depth = depth_of(updates);
    struct target_item target;
    struct target_folder folder = { .access = &call->own };
    struct edit e = { 0 };
    u->sent.v[index] = (struct outbox_sent){ 0 }; /* the job may run again */
    int r = u->disposition == SEND_AND_SAVE ? sending_save_folder(call, tx, u->folder, &folder) : 0;
    if (r || (r = load(call, tx, u, index, depth, &target, &e.item)))
        return r;
    const struct item before = e.base = e.item;
    if ((r = check_item(call, u, &target, &e.item, ret_result)) || (r = apply(call, u, updates, &before, &e, ret_result)) ||
        (r = write_item(call, tx, target.access, &before, depth, &e, ret_result)))
        return r;
    bool mail = kind_is_message(e.item.kind) || e.item.kind == ITEM_KIND_POST;
    u->items[index] = e.item;
    u->accesses[index] = target.access;
    u->sent.copies = folder.access;
    return mail && u->disposition > SAVE_ONLY ? send(call, tx, &target, &folder, &e.item, &u->sent.v[index], ret_result) : 0;
}

/* ---- the request ---- */

static void parse(const struct op_call *call, struct updates *u)
{
    struct span text;
    if (xml_attr(call->node, "ConflictResolution", &text))
        u->resolution = span_is(text, "NeverOverwrite")    ? NEVER_OVERWRITE
                        : span_is(text, "AlwaysOverwrite") ? ALWAYS_OVERWRITE
                                                           : AUTO_RESOLVE;
    if (xml_attr(call->node, "MessageDisposition", &text))
        u->disposition = span_is(text, "SendOnly") ? SEND_ONLY : span_is(text, "SendAndSaveCopy") ? SEND_AND_SAVE : SAVE_ONLY;
    u->folder = target_saved_folder(call);
}

static int read_mime(struct op_call *call, const struct xml_node *id, const struct xml_node *node, struct item *said,
                     struct op_result *ret_result)
{
    struct span bytes;
    const struct access *access;
    int r = shape_read_mime(call->arena, node, &bytes);
    if (r || !bytes.len)
        return r ? r : CODE_ErrorMimeContentInvalid;
    if ((r = limits_size(call, bytes.len, ret_result)) || (r = mime_read(bytes, call->arena, said)) ||
        (r = limits_attachments(call, said->attachments.n, ret_result)))
        return r;
    if ((r = target_item_ahead(call, id, ACCESS_EDIT, &access)))
        return r;
    said->mailbox_id = access->mailbox.mailbox_id;
    said->mime = bytes;
    return op_code_of(store_stage_item(call->env->store, said));
}

static int read_mimes(struct op_call *call, size_t index, struct updates *u)
{
    const struct xml_node *updates = xml_child(u->changes[index], "Updates");
    for (const struct xml_node *c = updates->child; c; c = c->next) {
        const struct xml_node *item = shape_update_path(c)->next;
        if (!item || !xml_child(item, "MimeContent"))
            continue;
        struct new_mime *mime = arena_alloc(call->arena, sizeof(*mime));
        if (!mime)
            return -ENOMEM;
        mime->change = c;
        mime->index = index;
        mime->next = u->mimes;
        u->mimes = mime;
        item_init(&mime->said);
        mime->result.code = read_mime(call, u->changes[index]->child, item, &mime->said, &mime->result);
        if (mime->result.code < 0)
            return mime->result.code;
    }
    return 0;
}

static void answer(struct op_call *call, size_t index, const struct op_result *result, void *arg)
{
    const struct updates *u = arg;
    op_message_begin(call, "m:UpdateItemResponseMessage", result);
    xw_open(call->xw, "m:Items");
    if (!result->code && !u->sent.v[index].submitted) {
        struct shape_ids ids = access_ids(call, u->accesses[index]);
        shape_write_item_ref(call->xw, &ids, &u->items[index]);
    }
    xw_close(call->xw);
    /* Since 2007 SP1; nothing is ever merged that is not the last writer's. */
    if (!result->code && !span_is(call->request->version, "Exchange2007")) {
        xw_open(call->xw, "m:ConflictResults");
        xw_leaf_int(call->xw, "t:Count", 0);
        xw_close(call->xw);
    }
    op_message_end(call);
}

static int finish(struct op_call *call, int r, struct op_items *items)
{
    const struct updates *u = items->arg;
    for (struct new_mime *mime = u->mimes; mime; mime = mime->next)
        if (r || items->results[mime->index].code || items->results[mime->index].kept)
            (void)store_stage_discard(call->env->store, &mime->said); /* in vain: an hour later */
    if (r)
        return r;
    bool sent = false;
    for (size_t i = 0; i < items->n; i++)
        sent = sent || u->sent.v[i].submitted;
    if (sent)
        sending_done(call, &u->sent, items->results);
    return items_answer(call, items);
}

int op_run_UpdateItem(struct op_call *call)
{
    static const struct op_verbs verbs = { update_one, answer, finish };
    struct op_items *items;
    struct updates *u = arena_alloc(call->arena, sizeof(*u));
    int r = u ? items_of(call, "ItemChanges", &verbs, u, &items) : -ENOMEM;
    if (r)
        return r;
    const size_t n = items->n;
    *u = (struct updates){ .resolution = AUTO_RESOLVE, .changes = items->nodes, .items = arena_array(call->arena, n + 1, sizeof(*u->items)),
                           .accesses = arena_array(call->arena, n + 1, sizeof(*u->accesses)),
                           .sent = { .v = arena_array(call->arena, n + 1, sizeof(*u->sent.v)), .n = n } };
    if (!u->items || !u->accesses || !u->sent.v)
        return -ENOMEM;
    r = once_check(call, n);
    const int full = limits_room(call);
    parse(call, u);
    for (size_t i = 0; i < n && !r; i++) {
        items->results[i].code = full;
        r = full ? 0 : read_mimes(call, i, u);
    }
    return r ? r : once_write_items(call, items, &u->sent);
}
