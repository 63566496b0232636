/*
 * ConvertId between all formats of ids (protocol.md 3.5, 4.5; clients.md 0.4):
 * EwsId, EwsLegacyId with an SMTP address in place of the mailbox' GUID, the
 * entry id (EntryId, and HexEntryId), and that between its length and the kind
 * of the object (StoreId, and OwaId with what means something in URLs escaped).
 * Mailbox in the answer is the primary address of the mailbox that the id is
 * of, mostly the caller's own: DavMail learns the account's address from it.
 * The store is asked only about others' mailboxes.
 */
#include "ops/target.h"

#define ENTRY_AT 43 /* of the store id in an uncompressed id: 1 + 1 + 2 + 36 + 1 + 2 */
#define ENTRY_MAX 70

struct conversion {
    struct span format, to, id, mailbox;
    struct span moniker; /* the address in an EwsLegacyId; or empty */
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
    const struct span address = c->moniker.len ? c->moniker : c->mailbox;
    *ret_access = &call->own;
    if (span_eq_nocase(address, call->mailbox->address))
        return 0;
    int r = ask_store(call, c);
    return r ? r : access_by_address(call, *c->tx, address, ret_access);
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

/* ---- formats ---- */

/* Behind a byte with its length, and before one with the kind of the object. */
static int unframe(struct span bytes, struct span *ret_entry)
{
    const size_t len = bytes.len ? (unsigned char)bytes.ptr[0] : 0;
    if (len == 0 || bytes.len < 1 + len || bytes.len > 2 + len)
        return CODE_ErrorInvalidIdMalformed;
    *ret_entry = (struct span){ bytes.ptr + 1, len };
    return 0;
}

/* An id of Exchange 2007: its mailbox is an SMTP address, which counts in place
 * of Mailbox. */
static int unwrap_legacy(struct span bytes, struct conversion *c, struct span *ret_entry)
{
    const unsigned char *at = (const unsigned char *)bytes.ptr;
    if (bytes.len < 4 || at[0] || at[1])
        return CODE_ErrorInvalidIdMalformed;
    const size_t moniker = at[2] | (size_t)at[3] << 8;
    if (moniker > RCPT_ADDRESS_MAX)
        return CODE_ErrorInvalidIdMonikerTooLong;
    if (bytes.len < 4 + moniker + 3)
        return CODE_ErrorInvalidIdMalformed;
    const size_t len = at[4 + moniker + 1] | (size_t)at[4 + moniker + 2] << 8;
    if (bytes.len != 4 + moniker + 3 + len)
        return CODE_ErrorInvalidIdMalformed;
    c->moniker = (struct span){ bytes.ptr + 4, moniker };
    *ret_entry = (struct span){ bytes.ptr + 4 + moniker + 3, len };
    return 0;
}

/* %2B is +, in arena memory. */
static int unescape(struct arena *arena, struct span text, struct span *ret_text)
{
    char *out = arena_alloc(arena, text.len + 1);
    size_t len = 0;
    if (!out)
        return -ENOMEM;
    for (size_t i = 0; i < text.len; i++) {
        int high = i + 2 < text.len ? hex_digit(text.ptr[i + 1]) : -1, low = i + 2 < text.len ? hex_digit(text.ptr[i + 2]) : -1;
        if (text.ptr[i] != '%') {
            out[len++] = text.ptr[i];
            continue;
        }
        if (high < 0 || low < 0)
            return CODE_ErrorInvalidIdMalformed;
        out[len++] = (char)(high * 16 + low);
        i += 2;
    }
    *ret_text = (struct span){ out, len };
    return 0;
}

static const struct format {
    const char *name;
    enum coding { CODED_BASE64, CODED_HEX, CODED_ESCAPED } coding;
    enum framing { FRAMED_NOT, FRAMED_STORE, FRAMED_LEGACY } framing;
} formats[] = {
    { "EntryId", CODED_BASE64, FRAMED_NOT },        { "HexEntryId", CODED_HEX, FRAMED_NOT },
    { "StoreId", CODED_BASE64, FRAMED_STORE },      { "OwaId", CODED_ESCAPED, FRAMED_STORE },
    { "EwsLegacyId", CODED_BASE64, FRAMED_LEGACY },
};

static const struct format *format_find(struct span name)
{
    for (size_t i = 0; i < ARRAY_LEN(formats); i++)
        if (span_is(name, formats[i].name))
            return &formats[i];
    return NULL;
}

static int decode_bytes(struct arena *arena, const struct format *format, struct span text, struct span *ret_bytes)
{
    int r = 0;
    if (format->coding == CODED_HEX)
        return hex_decode(arena, text, ret_bytes);
    if (format->coding == CODED_ESCAPED)
        r = unescape(arena, text, &text);
    if (r == 0)
        r = base64_decode(arena, text, ret_bytes);
    return r == 1 ? CODE_ErrorInvalidIdMalformed : r;
}

static int to_id(struct op_call *call, struct conversion *c, struct ews_id *ret_id)
{
    const struct format *format = format_find(c->format);
    struct span bytes, entry;
    struct buf ews = BUF_INIT(4 * ID_TEXT_MAX);
    if (!format)
        return id_decode(&call->env->id_key, c->id, ret_id);
    if (!c->id.len)
        return CODE_ErrorInvalidIdEmpty;
    int r = decode_bytes(call->arena, format, c->id, &bytes);
    if (r)
        return r;
    entry = bytes;
    if (format->framing == FRAMED_STORE)
        r = unframe(bytes, &entry);
    else if (format->framing == FRAMED_LEGACY)
        r = unwrap_legacy(bytes, c, &entry);
    if (r == 0)
        r = wrap_entry(call, c, entry, &ews);
    if (r == 0)
        r = id_decode(&call->env->id_key, buf_span(&ews), ret_id);
    buf_done(&ews);
    return r;
}

/* What kind of object the store says it is: as in ChangeKeys. */
static char kind_of(const struct ews_id *id)
{
    return id->kind == ID_FOLDER ? CHANGE_KEY_FOLDER : CHANGE_KEY_MESSAGE;
}

static void frame(const struct conversion *c, const struct format *format, const struct ews_id *id, struct span entry, struct buf *out)
{
    const struct span address = c->access->mailbox.address;
    if (format->framing == FRAMED_STORE)
        buf_add_char(out, (char)entry.len);
    if (format->framing == FRAMED_LEGACY) {
        buf_add(out, "\0", 2);
        buf_add_char(out, (char)(address.len & 0xff));
        buf_add_char(out, (char)(address.len >> 8));
        buf_add_span(out, address);
        buf_add_char(out, 0);
        buf_add_char(out, (char)entry.len);
        buf_add_char(out, 0);
    }
    buf_add_span(out, entry);
    if (format->framing == FRAMED_STORE)
        buf_add_char(out, kind_of(id));
}

static void add_coded(struct buf *out, enum coding coding, struct span bytes)
{
    struct buf text = BUF_INIT(4 * ID_TEXT_MAX);
    for (size_t i = 0; coding == CODED_HEX && i < bytes.len; i++)
        buf_printf(out, "%02X", (unsigned char)bytes.ptr[i]);
    if (coding == CODED_BASE64)
        base64_encode(out, bytes.ptr, bytes.len);
    if (coding == CODED_ESCAPED)
        base64_encode(&text, bytes.ptr, bytes.len);
    for (size_t i = 0; i < text.len; i++) {
        if (strchr("+/=", text.ptr[i]))
            buf_printf(out, "%%%02x", (unsigned char)text.ptr[i]);
        else
            buf_add_char(out, text.ptr[i]);
    }
    buf_done(&text);
}

static int from_id(const struct op_call *call, const struct ews_id *id, struct conversion *c)
{
    const struct format *format = format_find(c->to);
    struct buf framed = BUF_INIT(4 * ID_TEXT_MAX);
    struct span bytes;
    id_encode(&call->env->id_key, id, &c->text);
    if (!format)
        return buf_error(&c->text);
    if (base64_decode(call->arena, buf_span(&c->text), &bytes) || bytes.len <= ENTRY_AT)
        return CODE_ErrorInvalidIdMalformed;
    size_t len = (unsigned char)bytes.ptr[ENTRY_AT - 2];
    if (bytes.len < ENTRY_AT + len)
        return CODE_ErrorInvalidIdMalformed;
    frame(c, format, id, (struct span){ bytes.ptr + ENTRY_AT, len }, &framed);
    buf_clear(&c->text);
    add_coded(&c->text, format->coding, buf_span(&framed));
    int r = buf_error(&framed);
    buf_done(&framed);
    return r ? r : buf_error(&c->text);
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
