/*
 * Any text as an ItemId, FolderId, AttachmentId, ChangeKey, GUID or SID:
 * nothing is read out of bounds, nothing that was not made with the key is
 * accepted, and what is made says the same when it is read again.
 */
#include "fuzz.h"

#include "model/id.h"
#include "model/sid.h"

static struct mac_key key;

static bool same(const struct ews_id *a, const struct ews_id *b)
{
    return memcmp(a->mailbox, b->mailbox, GUID_SIZE) == 0 && a->kind == b->kind && a->folder == b->folder && a->item == b->item &&
           a->levels == b->levels && memcmp(a->attachment, b->attachment, a->levels * sizeof(a->attachment[0])) == 0;
}

static void check_reading(struct span text)
{
    struct ews_id id, again;
    struct buf out = BUF_INIT(4096);
    int r = id_decode(&key, text, &id);
    FUZZ_CHECK(r >= 0);
    if (r == 0) {
        id_encode(&key, &id, &out);
        FUZZ_CHECK(id_decode(&key, buf_span(&out), &again) == 0 && same(&id, &again));
    }
    buf_done(&out);
}

/* With one character of it changed it is no id, or the same (the last bits of
 * base64 mean nothing, pads and white space neither). */
static void check_forgery(const struct ews_id *id, struct buf *text, uint64_t how)
{
    struct ews_id other;
    text->ptr[(how >> 8) % text->len] = (char)how;
    int r = id_decode(&key, buf_span(text), &other);
    FUZZ_CHECK(r != 0 || same(id, &other));
}

static void check_making(struct span bytes)
{
    struct buf out = BUF_INIT(4096);
    struct ews_id id = { 0 }, again;
    if (bytes.len < 43)
        return;
    memcpy(id.mailbox, bytes.ptr, GUID_SIZE);
    id.folder = fuzz_number((struct span){ bytes.ptr + 16, 8 }) & ID_NUMBER_MAX;
    id.item = fuzz_number((struct span){ bytes.ptr + 24, 8 }) & ID_NUMBER_MAX;
    id.kind = ID_FOLDER + (unsigned char)bytes.ptr[36] % 3;
    id.levels = id.kind == ID_ATTACHMENT ? 1 + (unsigned char)bytes.ptr[36] / 3 % ID_LEVELS_MAX : 0;
    for (unsigned i = 0; i < id.levels; i++)
        id.attachment[i] = (uint32_t)fuzz_number((struct span){ bytes.ptr + 32, 4 }) + i;
    id.item = id.kind == ID_FOLDER ? 0 : id.item;
    id_encode(&key, &id, &out);
    FUZZ_CHECK(buf_error(&out) == 0 && out.len <= ID_TEXT_MAX);
    FUZZ_CHECK_TEXT(id_decode(&key, buf_span(&out), &again) == 0 && same(&id, &again), buf_span(&out));
    check_forgery(&id, &out, fuzz_number((struct span){ bytes.ptr + 37, 6 }));
    buf_done(&out);
}

static void check_change_key(struct span text)
{
    static const uint8_t epoch[GUID_SIZE] = "the epoch of it";
    static const uint8_t other[GUID_SIZE] = "one that is not";
    struct buf out = BUF_INIT(4096);
    uint64_t counter, again;
    FUZZ_CHECK(change_key_decode(text, epoch, &counter) >= 0);
    counter = fuzz_number(text) & ID_NUMBER_MAX;
    change_key_encode(CHANGE_KEY_MESSAGE, epoch, counter, &out);
    FUZZ_CHECK(change_key_decode(buf_span(&out), epoch, &again) == 0 && again == counter);
    FUZZ_CHECK(change_key_decode(buf_span(&out), other, &again) == 0 && again == UINT64_MAX);
    buf_done(&out);
}

static void check_guid(struct span text)
{
    uint8_t guid[GUID_SIZE], again[GUID_SIZE];
    char spelt[GUID_TEXT_SIZE], sid[SID_TEXT_SIZE];
    if (guid_parse(text, guid)) {
        guid_format(guid, spelt);
        FUZZ_CHECK(guid_parse(span_of(spelt), again) && memcmp(guid, again, GUID_SIZE) == 0);
    }
    if (sid_parse(text, guid)) {
        sid_format(guid, sid);
        FUZZ_CHECK(sid_parse(span_of(sid), again) && memcmp(guid, again, GUID_SIZE) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t secret[MAC_KEY_SIZE] = "a secret that is always the same";
    struct span text = { (const char *)data, size };
    mac_key_init(&key, secret);
    check_reading(text);
    check_making(text);
    check_change_key(text);
    check_guid(text);
    return 0;
}
