/*
 * ConvertId between EwsId, EntryId and HexEntryId (protocol.md 3.5, 4.5;
 * clients.md 0.4). Mailbox in the answer is the primary address of the mailbox
 * that the id is of, mostly the caller's own: DavMail learns the account's
 * address from it. The store is asked only about others' mailboxes.
 */
#include "ops/target.h"

#define ENTRY_AT 43 /* of the store id in an uncompressed id: 1 + 1 + 2 + 36 + 1 + 2 */
#define ENTRY_MAX 70

struct conversion {
    struct span format, to, id, mailbox;
    struct store_tx **tx; /* of the whole request; NULL until the store is asked */
    struct buf text;      /* the answer's Id */
    const struct access *access;
};

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int hex_decode(struct arena *arena, struct span text, struct span *ret_bytes)
{
    char *bytes = arena_alloc(arena, text.len / 2 + 1);
    if (!bytes)
        return -ENOMEM;
    for (size_t i = 0; i < text.len / 2; i++) {
        int high = hex_digit(text.ptr[2 * i]), low = hex_digit(text.ptr[2 * i + 1]);
        if (high < 0 || low < 0)
            return CODE_ErrorInvalidIdMalformed;
        bytes[i] = (char)(high * 16 + low);
    }
    *ret_bytes = (struct span){ bytes, text.len / 2 };
    return text.len % 2 ? CODE_ErrorInvalidIdMalformed : 0;
}

static int ask_store(const struct op_call *call, const struct conversion *c)
{
    return *c->tx ? 0 : store_read_begin(call->env->store, c->tx);
}

/* The mailbox that an entry id is of, as its Mailbox says; the acting one when
 * that is nobody's here, as with clients that write anything there. */
static int entry_mailbox(struct op_call *call, const struct conversion *c, const struct access **ret_access)
{
    *ret_access = &call->own;
    if (span_eq_nocase(c->mailbox, call->mailbox->address))
        return 0;
    int r = ask_store(call, c);
    return r ? r : access_by_address(call, *c->tx, c->mailbox, ret_access);
}

/* Wraps an entry id as an EwsId. */
static int wrap_entry(struct op_call *call, const struct conversion *c, struct span entry, struct buf *out)
{
    const struct access *access;
    char guid[GUID_TEXT_SIZE];
    unsigned char bytes[ENTRY_AT + ENTRY_MAX] = { 0, 3, 36, 0 };
    if (entry.len > ENTRY_MAX)
        return CODE_ErrorInvalidIdStoreObjectIdTooLong;
    int r = entry_mailbox(call, c, &access);
    if (r < 0)
        return r;
    guid_format(access->mailbox.guid, guid);
    memcpy(bytes + 4, guid, 36);
    bytes[41] = (unsigned char)entry.len;
    if (entry.len)
        memcpy(bytes + ENTRY_AT, entry.ptr, entry.len);
    base64_encode(out, bytes, ENTRY_AT + entry.len);
    return 0;
}

static int to_id(struct op_call *call, const struct conversion *c, struct ews_id *ret_id)
{
    struct span bytes;
    struct buf ews = BUF_INIT(4 * ID_TEXT_MAX);
    int r;
    if (span_is(c->format, "EwsId"))
        return id_decode(&call->env->id_key, c->id, ret_id);
    if (span_is(c->format, "EntryId"))
        r = base64_decode(call->arena, c->id, &bytes) ? CODE_ErrorInvalidIdMalformed : 0;
    else if (span_is(c->format, "HexEntryId"))
        r = hex_decode(call->arena, c->id, &bytes);
    else
        return CODE_ErrorUnsupportedTypeForConversion;
    if (!r)
        r = wrap_entry(call, c, bytes, &ews);
    if (!r)
        r = id_decode(&call->env->id_key, buf_span(&ews), ret_id);
    buf_done(&ews);
    return r;
}

static int from_id(const struct op_call *call, const struct ews_id *id, struct conversion *c)
{
    struct span bytes;
    id_encode(&call->env->id_key, id, &c->text);
    if (span_is(c->to, "EwsId"))
        return 0;
    bool hex = span_is(c->to, "HexEntryId");
    if (!hex && !span_is(c->to, "EntryId"))
        return CODE_ErrorUnsupportedTypeForConversion;
    if (base64_decode(call->arena, buf_span(&c->text), &bytes) || bytes.len <= ENTRY_AT)
        return CODE_ErrorInvalidIdMalformed;
    size_t len = (unsigned char)bytes.ptr[ENTRY_AT - 2];
    if (bytes.len < ENTRY_AT + len)
        return CODE_ErrorInvalidIdMalformed;
    buf_clear(&c->text);
    for (size_t i = 0; hex && i < len; i++)
        buf_printf(&c->text, "%02X", (unsigned char)bytes.ptr[ENTRY_AT + i]);
    if (!hex)
        base64_encode(&c->text, bytes.ptr + ENTRY_AT, len);
    return buf_error(&c->text);
}

/* In another's mailbox: an id of what may not be read is not told from one of
 * nothing, so a folder that is gone is not readable either. */
static int reach_others(struct op_call *call, const struct ews_id *id, struct conversion *c)
{
    const int absent = id->kind == ID_FOLDER ? CODE_ErrorFolderNotFound : CODE_ErrorItemNotFound;
    struct folder folder;
    uint32_t rights;
    int r = access_rights(call, *c->tx, c->access, id->folder, &rights);
    if (r)
        return r;
    if (id->kind == ID_FOLDER ? !access_sees_folder(rights) : !(rights & FOLDER_RIGHT_READ))
        return absent;
    r = store_folder_get(*c->tx, call->arena, c->access->mailbox.mailbox_id, id->folder, &folder);
    return r > 0 ? absent : r;
}

static int reach(struct op_call *call, const struct ews_id *id, struct conversion *c)
{
    int r = 0;
    if (memcmp(id->mailbox, call->mailbox->guid, GUID_SIZE) != 0)
        r = ask_store(call, c);
    if (r || (r = access_by_guid(call, *c->tx, id->mailbox, &c->access)))
        return r;
    return c->access->own ? 0 : reach_others(call, id, c);
}

static int convert(struct op_call *call, const struct xml_node *node, struct conversion *c)
{
    struct ews_id id;
    if (!xml_is(node, XML_NS_T, "AlternateId"))
        return CODE_ErrorUnsupportedTypeForConversion;
    (void)xml_attr(node, "Format", &c->format);
    (void)xml_attr(node, "Id", &c->id);
    (void)xml_attr(node, "Mailbox", &c->mailbox);
    int r = to_id(call, c, &id);
    if (r)
        return r;
    if (!rcpt_address_ok(c->mailbox))
        return CODE_ErrorInvalidSmtpAddress;
    r = reach(call, &id, c);
    return r ? r : from_id(call, &id, c);
}

int op_run_ConvertId(struct op_call *call)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    struct span to = { 0 };
    (void)xml_attr(call->node, "DestinationFormat", &to);
    const struct xml_node *list = xml_child(call->node, "SourceIds");
    op_messages_begin(call);
    for (const struct xml_node *node = list ? list->child : NULL; node; node = node->next) {
        struct conversion c = { .to = to, .tx = &tx, .text = BUF_INIT(4 * ID_TEXT_MAX) };
        struct op_result result = { .code = convert(call, node, &c) };
        if (result.code >= 0) {
            op_message_begin(call, "m:ConvertIdResponseMessage", &result);
            if (!result.code) {
                xw_open(call->xw, "m:AlternateId");
                xw_attr_str(call->xw, "xmlns:xsi", NS_XSI);
                xw_attr_str(call->xw, "xsi:type", "t:AlternateIdType");
                xw_attr(call->xw, "Format", to);
                xw_attr(call->xw, "Id", buf_span(&c.text));
                xw_attr(call->xw, "Mailbox", c.access->mailbox.address);
                xw_close(call->xw);
            }
            op_message_end(call);
        }
        buf_done(&c.text);
        if (result.code < 0)
            return result.code;
    }
    op_messages_end(call);
    return 0;
}
