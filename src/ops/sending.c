/*
 * See sending.h.
 */
#include "ops/sending.h"

#include "ops/limits.h"
#include "ops/target.h"

#include <stdio.h>

#define SENT_IDS_MAX 4096

int sending_save_folder(struct op_call *call, struct store_tx *tx, const struct xml_node *node, uint64_t *ret_folder_no)
{
    struct folder folder;
    int r = node ? target_folder(call, tx, node, &folder)
                 : store_folder_by_role(tx, call->arena, call->mailbox->mailbox_id, FOLDER_ROLE_sentitems, &folder);
    /* In another's mailbox absent and hidden look the same (decisions 6). */
    if (r == CODE_ErrorFolderNotFound && node && !xml_child(node, "Mailbox"))
        return CODE_ErrorSavedItemFolderNotFound;
    if (!r)
        *ret_folder_no = folder.folder_no;
    return r;
}

int sending_refused(struct op_call *call, int code, const struct outbox_sent *sent, struct op_result *ret_result)
{
    struct span text;
    ret_result->back_off_ms = sent->back_off_ms;
    if (code == CODE_ErrorMessageSizeExceeded)
        return limits_size(call, sent->amount, ret_result);
    if (code == CODE_ErrorExceededMaxRecipientLimit)
        return limits_recipients(call, sent->amount, ret_result);
    if (code != CODE_ErrorInvalidRecipients || !sent->culprit.len)
        return code;
    int r = arena_printf(call->arena, &text,
                         "At least one recipient is not valid., Recipient \"%.*s\" isn't resolved. All recipients must be resolved "
                         "before a message can be submitted.",
                         (int)(sent->culprit.len > 512 ? 512 : sent->culprit.len), sent->culprit.ptr);
    if (r)
        return r;
    ret_result->text = text.ptr;
    return code;
}

static void add_id(struct op_call *call, struct buf *text, const struct outbox_sent *sent)
{
    struct ews_id id = { .kind = ID_ITEM, .folder = sent->folder_no, .item = sent->item_no };
    memcpy(id.mailbox, call->mailbox->guid, GUID_SIZE);
    if (sent->folder_no)
        id_encode(&call->env->id_key, &id, text);
    else
        buf_add_char(text, '-');
}

void sending_done(struct op_call *call, const struct sent_ids *sent, const struct op_result *results)
{
    struct buf text = BUF_INIT(SENT_IDS_MAX);
    struct op_reply *reply = call->reply;
    size_t copies = 0, submitted = 0;
    for (size_t i = 0; i < sent->n; i++) {
        struct outbox_sent none = { 0 };
        if (i)
            buf_add_char(&text, ',');
        add_id(call, &text, results[i].code ? &none : &sent->v[i]);
        copies += !results[i].code && sent->v[i].folder_no;
        submitted += !results[i].code;
    }
    if (submitted && !buf_error(&text)) {
        reply->header_name = "X-Ewsd-Sent-ItemId";
        memcpy(reply->header_value, text.ptr, text.len);
        reply->header_value[text.len] = '\0';
    } else if (submitted) {
        reply->header_name = "X-Ewsd-Sent-ItemIds-Omitted";
        (void)snprintf(reply->header_value, sizeof(reply->header_value), "%zu", copies);
    }
    buf_done(&text);
    if (submitted)
        outbox_wake(call->env->outbox);
}
