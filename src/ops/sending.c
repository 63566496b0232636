/*
 * See sending.h.
 */
#include "ops/sending.h"

#include "ops/limits.h"

#define SENT_IDS_MAX 4096

int sending_target(struct op_call *call, struct store_tx *tx, const struct xml_node *node, struct target_item *ret_target)
{
    struct span key;
    int r = target_item(call, tx, node, ret_target);
    if ((r && r != CODE_ErrorItemNotFound) || xml_attr(node, "ChangeKey", &key))
        return r;
    return span_is(call->request->version, "Exchange2007") ? CODE_ErrorChangeKeyRequired
                                                           : CODE_ErrorChangeKeyRequiredForWriteOperations;
}

/* As most clients name it. */
static bool is_own_sentitems(const struct xml_node *node)
{
    struct span id, key;
    return xml_is(node, XML_NS_T, "DistinguishedFolderId") && xml_attr(node, "Id", &id) &&
           folder_role_by_id(id) == FOLDER_ROLE_sentitems && !xml_attr(node, "ChangeKey", &key) && !xml_child(node, "Mailbox");
}

int sending_save_folder(struct op_call *call, struct store_tx *tx, const struct xml_node *node, struct target_folder *ret_target)
{
    if (!node || is_own_sentitems(node)) {
        target_own_folder(call, FOLDER_ROLE_sentitems, ret_target);
        return 0;
    }
    int r = target_folder(call, tx, node, FOLDER_RIGHT_CREATE, ret_target);
    /* In another's mailbox absent and hidden look the same (decisions 6). */
    return r == CODE_ErrorFolderNotFound && !xml_child(node, "Mailbox") ? CODE_ErrorSavedItemFolderNotFound : r;
}

struct outbox_submit sending_submit(const struct op_call *call, const struct access *access)
{
    return (struct outbox_submit){ .conf = call->env->conf, .arena = call->arena, .caller = call->caller, .sender = call->mailbox,
                                   .mailbox = &access->mailbox, .save_mailbox = &access->mailbox };
}

void sending_into(struct outbox_submit *submit, const struct target_folder *folder)
{
    submit->save_folder = folder->folder.folder_no;
    submit->save_mailbox = &folder->access->mailbox;
}

int sending_check_draft(const struct op_call *call, const struct outbox_submit *submit, const struct target_item *target,
                        const struct item *draft)
{
    bool stays = outbox_leaves_draft(submit);
    return access_item(call, target->access, target->rights, draft, stays ? ACCESS_EDIT : ACCESS_DELETE);
}

static int name_recipient(struct op_call *call, struct span culprit, const char **ret_text)
{
    struct span text;
    int r = arena_printf(call->arena, &text,
                         "At least one recipient is not valid., Recipient \"%.*s\" isn't resolved. All recipients must be resolved "
                         "before a message can be submitted.",
                         (int)(culprit.len > 512 ? 512 : culprit.len), culprit.ptr);
    if (r == 0)
        *ret_text = text.ptr;
    return r;
}

int sending_refused(struct op_call *call, int code, const struct outbox_sent *sent, struct op_result *ret_result)
{
    int r = 0;
    ret_result->back_off_ms = sent->back_off_ms;
    if (code == CODE_ErrorMessageSizeExceeded)
        return limits_size(call, sent->amount, ret_result);
    if (code == CODE_ErrorExceededMaxRecipientLimit)
        return limits_recipients(call, sent->amount, ret_result);
    if (code == CODE_ErrorInvalidRecipients && sent->culprit.len)
        r = name_recipient(call, sent->culprit, &ret_result->text);
    else if (code == CODE_ErrorSendAsDenied && sent->refusal.len)
        ret_result->text = sent->refusal.ptr;
    return r ? r : code;
}

const uint8_t *sending_mailbox(const struct op_call *call, const struct sent_ids *sent)
{
    return sent->copies ? sent->copies->mailbox.guid : sent->mailbox ? sent->mailbox : call->mailbox->guid;
}

static void add_id(struct op_call *call, const uint8_t *mailbox, struct buf *text, const struct outbox_sent *sent)
{
    struct ews_id id = { .kind = ID_ITEM, .folder = sent->folder_no, .item = sent->item_no };
    memcpy(id.mailbox, mailbox, GUID_SIZE);
    if (sent->folder_no)
        id_encode(&call->env->id_key, &id, text);
    else
        buf_add_char(text, '-');
}

static void file_copies(struct op_call *call, const struct sent_ids *sent, const struct op_result *results)
{
    struct outbox_sent **filings = arena_array(call->arena, sent->n + 1, sizeof(*filings));
    size_t n = 0;
    for (size_t i = 0; filings && i < sent->n; i++)
        if (!results[i].code && sent->v[i].filing.outbox_no)
            filings[n++] = &sent->v[i];
    if (!filings || (n && outbox_file(call->env->store, call->env->conf, filings, n)))
        call->unfiled = sent->n;
}

/* decisions 10 */
static void tell_ids(struct op_call *call, const struct sent_ids *sent, const struct op_result *results, size_t copies)
{
    struct buf text = BUF_INIT(SENT_IDS_MAX);
    const char *name = "X-Ewsd-Sent-ItemId";
    struct span value;
    for (size_t i = 0; i < sent->n; i++) {
        struct outbox_sent none = { 0 };
        if (i)
            buf_add_char(&text, ',');
        add_id(call, sending_mailbox(call, sent), &text, results[i].code ? &none : &sent->v[i]);
    }
    int r = buf_error(&text) ? arena_printf(call->arena, &value, "%zu", copies) : arena_copy(call->arena, buf_span(&text), &value);
    if (buf_error(&text))
        name = "X-Ewsd-Sent-ItemIds-Omitted";
    if (r == 0)
        op_reply_add(call->reply, name, value.ptr);
    buf_done(&text);
}

void sending_done(struct op_call *call, const struct sent_ids *sent, const struct op_result *results)
{
    size_t copies = 0, submitted = 0;
    file_copies(call, sent, results);
    for (size_t i = 0; i < sent->n; i++) {
        copies += !results[i].code && sent->v[i].folder_no;
        call->uncopied += !results[i].code && sent->v[i].uncopied;
        submitted += !results[i].code;
    }
    if (!submitted)
        return;
    tell_ids(call, sent, results, copies);
    outbox_wake(call->env->outbox);
    store_wake_others(call->env->store, 0);
}
