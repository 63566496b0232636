/*
 * Ids and ChangeKeys as bytes (protocol.md 4.5; layout comments in id.h).
 * Decoding works in buffers on the stack: an id is at most 512 characters, and
 * at most 1024 bytes when it comes compressed.
 */
#include "model/id.h"

#define PAYLOAD_MAX 1024
#define TYPE_SMTP_MONIKER 0
#define TYPE_GUID_MONIKER 3
#define TYPE_CONVERSATION 4
#define MONIKER_MAX 50
#define SMTP_MONIKER_MAX 1000
#define STORE_ID_MAX 512
#define FOLDER_STORE_ID 46
#define ITEM_STORE_ID 70
#define LEVEL_ID 4       /* of an item around the attachment */
#define ATTACHMENT_ID 20 /* of the attachment: the tag, too */
#define STORE_TYPE_FOLDER 1
#define STORE_TYPE_MESSAGE 7
#define CHANGE_KEY_SIZE 22

/* ---- GUIDs ---- */

/* Position in the bytes of each hex pair of the text: the first three groups
 * are little-endian numbers. */
static const uint8_t guid_order[GUID_SIZE] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };

static bool dash_before(size_t pair)
{
    return pair == 4 || pair == 6 || pair == 8 || pair == 10;
}

void guid_format(const uint8_t guid[GUID_SIZE], char ret_text[GUID_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    size_t at = 0;

    for (size_t i = 0; i < GUID_SIZE; i++) {
        if (dash_before(i))
            ret_text[at++] = '-';
        ret_text[at++] = digits[guid[guid_order[i]] >> 4];
        ret_text[at++] = digits[guid[guid_order[i]] & 15];
    }
    ret_text[at] = '\0';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool guid_parse(struct span text, uint8_t ret_guid[GUID_SIZE])
{
    uint8_t guid[GUID_SIZE];
    size_t at = 0;

    if (text.len != GUID_TEXT_SIZE - 1)
        return false;
    for (size_t i = 0; i < GUID_SIZE; i++) {
        if (dash_before(i) && text.ptr[at++] != '-')
            return false;
        int high = hex_value(text.ptr[at++]);
        int low = hex_value(text.ptr[at++]);
        if (high < 0 || low < 0)
            return false;
        guid[guid_order[i]] = (uint8_t)(high << 4 | low);
    }
    memcpy(ret_guid, guid, GUID_SIZE);
    return true;
}

/* ---- writing ---- */

struct writer {
    uint8_t bytes[256]; /* 182 at most */
    size_t len;
};

static void put(struct writer *w, const void *bytes, size_t len)
{
    memcpy(w->bytes + w->len, bytes, len);
    w->len += len;
}

static void put_le(struct writer *w, uint64_t value, size_t n)
{
    for (size_t i = 0; i < n; i++)
        w->bytes[w->len++] = (uint8_t)(value >> (8 * i));
}

static void put_be(struct writer *w, uint64_t value, size_t n)
{
    for (size_t i = n; i > 0; i--)
        w->bytes[w->len++] = (uint8_t)(value >> (8 * (i - 1)));
}

/* The tag that stands as replica GUID: over mailbox, kind, folder and numbers. */
static void make_tag(const struct mac_key *key, const struct ews_id *id, enum id_kind kind, uint8_t ret_tag[GUID_SIZE])
{
    struct writer w = { .len = 0 };
    uint8_t digest[SHA256_SIZE];

    put(&w, id->mailbox, GUID_SIZE);
    put_le(&w, (uint64_t)kind, 1);
    put_le(&w, id->folder, 8);
    put_le(&w, kind == ID_FOLDER ? 0 : id->item, 8);
    put_le(&w, kind == ID_ATTACHMENT ? id->attachment[0] : 0, 4);
    for (unsigned i = 1; kind == ID_ATTACHMENT && i < id->levels; i++)
        put_le(&w, id->attachment[i], 4);
    mac_sign(key, &(struct span){ (const char *)w.bytes, w.len }, 1, digest);
    memcpy(ret_tag, digest, GUID_SIZE);
}

static void put_store_id(struct writer *w, const struct mac_key *key, const struct ews_id *id)
{
    bool folder = id->kind == ID_FOLDER;
    uint8_t tag[GUID_SIZE];

    put_le(w, folder ? FOLDER_STORE_ID : ITEM_STORE_ID, 2);
    put_le(w, 0, 4); /* flags */
    put(w, id->mailbox, GUID_SIZE);
    put_le(w, folder ? STORE_TYPE_FOLDER : STORE_TYPE_MESSAGE, 2);
    make_tag(key, id, folder ? ID_FOLDER : ID_ITEM, tag);
    if (!folder) {
        put(w, id->mailbox, GUID_SIZE);
        put_be(w, id->folder, 6);
        put_le(w, 0, 2);
    }
    put(w, tag, GUID_SIZE);
    put_be(w, folder ? id->folder : id->item, 6);
    put_le(w, 0, 2);
}

static void put_attachment(struct writer *w, const struct mac_key *key, const struct ews_id *id)
{
    uint8_t tag[GUID_SIZE];

    make_tag(key, id, ID_ATTACHMENT, tag);
    put_le(w, id->levels, 1);
    for (unsigned i = 0; i + 1 < id->levels; i++) {
        put_le(w, LEVEL_ID, 2);
        put_le(w, id->attachment[i], 4);
    }
    put_le(w, ATTACHMENT_ID, 2);
    put(w, tag, GUID_SIZE);
    put_le(w, id->attachment[id->levels - 1], 4);
}

static void put_head(struct writer *w, unsigned type, const uint8_t mailbox[GUID_SIZE])
{
    char guid[GUID_TEXT_SIZE];

    guid_format(mailbox, guid);
    put_le(w, 0, 1); /* not compressed */
    put_le(w, type, 1);
    put_le(w, GUID_TEXT_SIZE - 1, 2);
    put(w, guid, GUID_TEXT_SIZE - 1);
    put_le(w, 0, 1); /* processing instruction: normal */
}

void id_encode_conversation(const uint8_t mailbox[GUID_SIZE], const uint8_t conversation[GUID_SIZE], struct buf *out)
{
    struct writer w = { .len = 0 };

    put_head(&w, TYPE_CONVERSATION, mailbox);
    put_le(&w, GUID_SIZE, 2);
    put(&w, conversation, GUID_SIZE);
    base64_encode(out, w.bytes, w.len);
}

void id_encode_entry(const struct mac_key *key, const struct ews_id *id, struct buf *out)
{
    struct writer w = { .len = 0 };

    put_store_id(&w, key, id);
    base64_encode(out, w.bytes + 2, w.len - 2); /* behind its length */
}

void id_encode(const struct mac_key *key, const struct ews_id *id, struct buf *out)
{
    struct writer w = { .len = 0 };

    put_head(&w, TYPE_GUID_MONIKER, id->mailbox);
    put_store_id(&w, key, id);
    if (id->kind == ID_ATTACHMENT)
        put_attachment(&w, key, id);
    base64_encode(out, w.bytes, w.len);
}

/* ---- reading ---- */

struct reader {
    const uint8_t *at;
    size_t left;
    bool failed;
};

static const uint8_t *take(struct reader *r, size_t len)
{
    const uint8_t *at = r->at;

    if (r->failed || r->left < len) {
        r->failed = true;
        return NULL;
    }
    r->at += len;
    r->left -= len;
    return at;
}

/* 0 once the reader has failed. */
static uint64_t take_le(struct reader *r, size_t n)
{
    const uint8_t *at = take(r, n);
    uint64_t value = 0;

    for (size_t i = n; at && i > 0; i--)
        value = value << 8 | at[i - 1];
    return value;
}

static uint64_t take_be(struct reader *r, size_t n)
{
    const uint8_t *at = take(r, n);
    uint64_t value = 0;

    for (size_t i = 0; at && i < n; i++)
        value = value << 8 | at[i];
    return value;
}

static void take_guid(struct reader *r, uint8_t ret_guid[GUID_SIZE])
{
    const uint8_t *at = take(r, GUID_SIZE);

    memset(ret_guid, 0, GUID_SIZE);
    if (at)
        memcpy(ret_guid, at, GUID_SIZE);
}

static void expect(struct reader *r, bool fits)
{
    if (!fits)
        r->failed = true;
}

/* A byte written twice is followed by the count of its further repeats. */
static bool decompress(const uint8_t *in, size_t len, uint8_t out[PAYLOAD_MAX], size_t *ret_len)
{
    size_t n = 0;

    for (size_t i = 0; i < len;) {
        uint8_t byte = in[i];
        bool run = i + 1 < len && in[i + 1] == byte;
        size_t count = 1;

        if (run && i + 2 >= len)
            return false;
        if (run)
            count = (size_t)in[i + 2] + 2;
        if (count > PAYLOAD_MAX - n)
            return false;
        memset(out + n, byte, count);
        n += count;
        i += run ? 3 : 1;
    }
    *ret_len = n;
    return true;
}

/* A 2007 id is told apart from garbage only when its whole frame stands. */
static int read_legacy(struct reader *r)
{
    uint64_t moniker = take_le(r, 2);

    if (moniker > SMTP_MONIKER_MAX)
        return CODE_ErrorInvalidIdMonikerTooLong;
    take(r, (size_t)moniker);
    take_le(r, 1);
    take(r, (size_t)take_le(r, 2));
    return r->failed || moniker == 0 ? CODE_ErrorInvalidIdMalformed : CODE_ErrorInvalidIdMalformedEwsLegacyIdFormat;
}

static int read_moniker(struct reader *r, struct ews_id *id)
{
    uint64_t len = take_le(r, 2);
    const uint8_t *text;

    if (len > MONIKER_MAX)
        return CODE_ErrorInvalidIdMonikerTooLong;
    text = take(r, (size_t)len);
    if (!text || !guid_parse((struct span){ (const char *)text, (size_t)len }, id->mailbox))
        return CODE_ErrorInvalidIdMalformed;
    return 0;
}

static int read_store_id(struct reader *r, const struct mac_key *key, struct ews_id *id)
{
    uint8_t guid[GUID_SIZE], tag[GUID_SIZE], want[GUID_SIZE];
    uint64_t len = take_le(r, 2), number;

    if (len > STORE_ID_MAX)
        return CODE_ErrorInvalidIdStoreObjectIdTooLong;
    expect(r, len == FOLDER_STORE_ID || len == ITEM_STORE_ID);
    id->kind = len == FOLDER_STORE_ID ? ID_FOLDER : ID_ITEM;
    expect(r, take_le(r, 4) == 0);
    take_guid(r, guid);
    expect(r, memcmp(guid, id->mailbox, GUID_SIZE) == 0);
    expect(r, take_le(r, 2) == (id->kind == ID_FOLDER ? STORE_TYPE_FOLDER : STORE_TYPE_MESSAGE));
    if (id->kind == ID_ITEM) {
        take_guid(r, guid);
        expect(r, memcmp(guid, id->mailbox, GUID_SIZE) == 0);
        id->folder = take_be(r, 6);
        expect(r, take_le(r, 2) == 0);
    }
    take_guid(r, tag);
    number = take_be(r, 6);
    expect(r, take_le(r, 2) == 0);
    *(id->kind == ID_ITEM ? &id->item : &id->folder) = number;
    make_tag(key, id, id->kind, want);
    expect(r, mem_equal_secret(tag, want, GUID_SIZE));
    return r->failed ? CODE_ErrorInvalidIdMalformed : 0;
}

static int read_attachment(struct reader *r, const struct mac_key *key, struct ews_id *id)
{
    uint8_t tag[GUID_SIZE], want[GUID_SIZE];

    expect(r, id->kind == ID_ITEM);
    id->levels = (unsigned)take_le(r, 1);
    if (!r->failed && id->levels > ID_LEVELS_MAX)
        return CODE_ErrorInvalidIdTooManyAttachmentLevels;
    expect(r, id->levels > 0);
    for (unsigned i = 0; !r->failed && i + 1 < id->levels; i++) {
        expect(r, take_le(r, 2) == LEVEL_ID);
        id->attachment[i] = (uint32_t)take_le(r, 4);
    }
    expect(r, take_le(r, 2) == ATTACHMENT_ID);
    take_guid(r, tag);
    if (r->failed)
        return CODE_ErrorInvalidIdMalformed;
    id->kind = ID_ATTACHMENT;
    id->attachment[id->levels - 1] = (uint32_t)take_le(r, 4);
    make_tag(key, id, ID_ATTACHMENT, want);
    expect(r, mem_equal_secret(tag, want, GUID_SIZE));
    return r->failed || r->left > 0 ? CODE_ErrorInvalidIdMalformed : 0;
}

static int read_payload(struct reader *r, const struct mac_key *key, struct ews_id *id)
{
    uint64_t type = take_le(r, 1);
    int code;

    if (r->failed)
        return CODE_ErrorInvalidIdMalformed;
    if (type == TYPE_SMTP_MONIKER)
        return read_legacy(r);
    if (type != TYPE_GUID_MONIKER)
        return CODE_ErrorInvalidIdMalformed;
    code = read_moniker(r, id);
    if (code != 0)
        return code;
    expect(r, take_le(r, 1) == 0); /* occurrence ids are not ours */
    code = read_store_id(r, key, id);
    if (code != 0 || r->left == 0)
        return code;
    return read_attachment(r, key, id);
}

int id_decode(const struct mac_key *key, struct span text, struct ews_id *ret_id)
{
    uint8_t bytes[BASE64_ROOM(ID_TEXT_MAX)], payload[PAYLOAD_MAX];
    struct ews_id id = { .item = 0 };
    struct reader r;
    size_t len;
    int code;

    if (text.len == 0)
        return CODE_ErrorInvalidIdEmpty;
    if (!base64_decode_to(text, bytes, sizeof(bytes), &len) || len < 2 || bytes[0] > 1)
        return CODE_ErrorInvalidIdMalformed;
    r = (struct reader){ .at = bytes + 1, .left = len - 1 };
    if (bytes[0] == 1) {
        if (!decompress(bytes + 1, len - 1, payload, &len))
            return CODE_ErrorInvalidIdMalformed;
        r = (struct reader){ .at = payload, .left = len };
    }
    code = read_payload(&r, key, &id);
    if (code == 0)
        *ret_id = id;
    return code;
}

int id_expect(const struct ews_id *id, enum id_kind kind)
{
    if (id->kind == kind)
        return 0;
    if (kind == ID_ATTACHMENT)
        return CODE_ErrorInvalidIdNotAnItemAttachmentId;
    if (kind == ID_FOLDER)
        return CODE_ErrorCannotUseItemIdForFolderId;
    return id->kind == ID_FOLDER ? CODE_ErrorCannotUseFolderIdForItemId : CODE_ErrorInvalidIdMalformed;
}

/* ---- change keys ---- */

void change_key_encode(enum change_key_kind kind, const uint8_t epoch[GUID_SIZE], uint64_t counter, struct buf *out)
{
    struct writer w = { .len = 0 };

    put_le(&w, (uint64_t)kind, 4);
    put_le(&w, CHANGE_KEY_SIZE, 4);
    put(&w, epoch, GUID_SIZE);
    put_be(&w, counter, 6);
    base64_encode(out, w.bytes, w.len);
}

int change_key_decode(struct span text, const uint8_t epoch[GUID_SIZE], uint64_t *ret_counter)
{
    uint8_t bytes[BASE64_ROOM(ID_TEXT_MAX)], guid[GUID_SIZE];
    struct reader r;
    uint64_t kind, counter;
    size_t len;

    if (!base64_decode_to(text, bytes, sizeof(bytes), &len))
        return CODE_ErrorInvalidChangeKey;
    r = (struct reader){ .at = bytes, .left = len };
    kind = take_le(&r, 4);
    if (r.failed || kind == 0 || kind > 0xff)
        return CODE_ErrorInvalidChangeKey;
    if (r.left == 0) {
        *ret_counter = UINT64_MAX;
        return 0;
    }
    expect(&r, take_le(&r, 4) == CHANGE_KEY_SIZE);
    take_guid(&r, guid);
    counter = take_be(&r, 6);
    if (r.failed || r.left > 0)
        return CODE_ErrorInvalidChangeKey;
    *ret_counter = memcmp(guid, epoch, GUID_SIZE) == 0 ? counter : UINT64_MAX;
    return 0;
}
