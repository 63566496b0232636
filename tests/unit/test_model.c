/*
 * The model: ids in the published layout byte for byte, refusal of what was
 * tampered with, change keys, the props blob, tables, addresses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "model/code.h"
#include "model/conversation.h"
#include "model/folder.h"
#include "model/id.h"
#include "model/item.h"
#include "model/kind.h"
#include "model/mapi.h"
#include "model/sid.h"
#include "model/sync.h"

#include <errno.h>

#define assert_span(span, text) assert_true(span_is((span), (text)))

static const uint8_t mailbox[GUID_SIZE] = { 0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66,
                                            0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff };
static const char mailbox_text[] = "00112233-4455-6677-8899-aabbccddeeff";

static struct mac_key key_of(uint8_t byte)
{
    uint8_t secret[MAC_KEY_SIZE];
    struct mac_key key;

    memset(secret, byte, sizeof(secret));
    mac_key_init(&key, secret);
    return key;
}

static struct ews_id make_id(enum id_kind kind)
{
    struct ews_id id = { .kind = kind, .folder = 4 };

    memcpy(id.mailbox, mailbox, GUID_SIZE);
    id.item = kind == ID_FOLDER ? 0 : 0x010203040506;
    id.levels = kind == ID_ATTACHMENT;
    id.attachment[0] = kind == ID_ATTACHMENT ? 7 : 0;
    return id;
}

/* The bytes of an id; the arena keeps them. */
static struct span bytes_of(struct arena *arena, const struct mac_key *key, enum id_kind kind)
{
    struct buf text = BUF_INIT(1000);
    struct ews_id id = make_id(kind);
    struct span bytes;

    id_encode(key, &id, &text);
    assert_int_equal(buf_error(&text), 0);
    assert_true(text.len <= ID_TEXT_MAX);
    assert_int_equal(base64_decode(arena, buf_span(&text), &bytes), 0);
    buf_done(&text);
    return bytes;
}

static int decode_bytes(const struct mac_key *key, const void *bytes, size_t len, struct ews_id *ret_id)
{
    struct buf text = BUF_INIT(4000);
    int code;

    base64_encode(&text, bytes, len);
    code = id_decode(key, buf_span(&text), ret_id);
    buf_done(&text);
    return code;
}

static void guid_texts(void **state)
{
    char text[GUID_TEXT_SIZE];
    uint8_t guid[GUID_SIZE];

    (void)state;
    guid_format(mailbox, text);
    assert_string_equal(text, mailbox_text);
    assert_true(guid_parse(SPAN("00112233-4455-6677-8899-AABBCCDDEEFF"), guid));
    assert_memory_equal(guid, mailbox, GUID_SIZE);
    assert_false(guid_parse(SPAN("00112233-4455-6677-8899-aabbccddeefg"), guid));
    assert_false(guid_parse(SPAN("00112233x4455-6677-8899-aabbccddeeff"), guid));
}

static void item_id_has_the_published_layout(void **state)
{
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    struct mac_key key = key_of(1);
    struct span id;

    (void)state;
    assert_int_equal(arena_new(100000, &arena), 0);
    id = bytes_of(arena, &key, ID_ITEM);
    assert_int_equal(id.len, 4 + 36 + 1 + 2 + 70);
    assert_memory_equal(id.ptr, "\x00\x03\x24\x00", 4);
    assert_memory_equal(id.ptr + 4, mailbox_text, 36);
    assert_memory_equal(id.ptr + 40, "\x00\x46\x00", 3);
    assert_memory_equal(id.ptr + 43, "\0\0\0\0", 4);
    assert_memory_equal(id.ptr + 47, mailbox, 16);
    assert_memory_equal(id.ptr + 63, "\x07\x00", 2);
    assert_memory_equal(id.ptr + 65, mailbox, 16);
    assert_memory_equal(id.ptr + 81, "\0\0\0\0\0\x04\0\0", 8);
    assert_memory_equal(id.ptr + 105, "\x01\x02\x03\x04\x05\x06\0\0", 8);
}

static void folder_id_has_the_published_layout(void **state)
{
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    struct mac_key key = key_of(1);
    struct span id;

    (void)state;
    assert_int_equal(arena_new(100000, &arena), 0);
    id = bytes_of(arena, &key, ID_FOLDER);
    assert_int_equal(id.len, 4 + 36 + 1 + 2 + 46);
    assert_memory_equal(id.ptr + 40, "\x00\x2e\x00", 3);
    assert_memory_equal(id.ptr + 47, mailbox, 16);
    assert_memory_equal(id.ptr + 63, "\x01\x00", 2);
    assert_memory_equal(id.ptr + 81, "\0\0\0\0\0\x04\0\0", 8);
}

static void attachment_id_is_an_item_id_with_a_tail(void **state)
{
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    struct mac_key key = key_of(1);
    struct span item, id;

    (void)state;
    assert_int_equal(arena_new(100000, &arena), 0);
    item = bytes_of(arena, &key, ID_ITEM);
    id = bytes_of(arena, &key, ID_ATTACHMENT);
    assert_int_equal(id.len, item.len + 1 + 2 + 20);
    assert_memory_equal(id.ptr, item.ptr, item.len);
    assert_memory_equal(id.ptr + item.len, "\x01\x14\x00", 3);
    assert_memory_equal(id.ptr + id.len - 4, "\x07\0\0\0", 4);
}

static void ids_round_trip(void **state)
{
    struct mac_key key = key_of(1);

    (void)state;
    for (int kind = ID_FOLDER; kind <= ID_ATTACHMENT; kind++) {
        struct ews_id id = make_id((enum id_kind)kind), back;
        struct buf text = BUF_INIT(1000);
        id_encode(&key, &id, &text);
        assert_int_equal(id_decode(&key, buf_span(&text), &back), 0);
        assert_memory_equal(back.mailbox, id.mailbox, GUID_SIZE);
        assert_int_equal(back.kind, id.kind);
        assert_true(back.folder == id.folder && back.item == id.item && back.levels == id.levels);
        assert_memory_equal(back.attachment, id.attachment, id.levels * sizeof(id.attachment[0]));
        buf_done(&text);
    }
}

static void attachments_are_named_by_levels(void **state)
{
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    struct mac_key key = key_of(1);
    struct ews_id back, id = make_id(ID_ATTACHMENT);
    uint8_t bad[200];
    struct span bytes;

    (void)state;
    assert_int_equal(arena_new(100000, &arena), 0);
    for (id.levels = 1; id.levels <= ID_LEVELS_MAX; id.levels++) {
        struct buf text = BUF_INIT(1000);
        id.attachment[id.levels - 1] = 100 + id.levels;
        id_encode(&key, &id, &text);
        assert_true(text.len > 0 && text.len <= ID_TEXT_MAX);
        assert_int_equal(id_decode(&key, buf_span(&text), &back), 0);
        assert_int_equal(back.levels, id.levels);
        assert_memory_equal(back.attachment, id.attachment, id.levels * sizeof(id.attachment[0]));
        assert_int_equal(base64_decode(arena, buf_span(&text), &bytes), 0);
        for (size_t bit = 8 * 113; bit < bytes.len * 8; bit++) {
            memcpy(bad, bytes.ptr, bytes.len);
            bad[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_not_equal(decode_bytes(&key, bad, bytes.len, &back), 0);
        }
        for (size_t len = 114; len < bytes.len; len++)
            assert_int_not_equal(decode_bytes(&key, bytes.ptr, len, &back), 0);
        memcpy(bad, bytes.ptr, bytes.len);
        bad[113] = ID_LEVELS_MAX + 1;
        assert_int_equal(decode_bytes(&key, bad, bytes.len, &back), CODE_ErrorInvalidIdTooManyAttachmentLevels);
        bad[113] = 0;
        assert_int_equal(decode_bytes(&key, bad, bytes.len, &back), CODE_ErrorInvalidIdMalformed);
        buf_done(&text);
    }
}

static void every_flipped_bit_is_refused(void **state)
{
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    struct mac_key key = key_of(1);
    struct ews_id back;

    (void)state;
    assert_int_equal(arena_new(100000, &arena), 0);
    for (int kind = ID_FOLDER; kind <= ID_ATTACHMENT; kind++) {
        struct span id = bytes_of(arena, &key, (enum id_kind)kind);
        for (size_t bit = 0; bit < id.len * 8; bit++) {
            uint8_t bad[200];
            memcpy(bad, id.ptr, id.len);
            bad[bit / 8] ^= (uint8_t)(1u << bit % 8);
            if (bit / 8 >= 4 && bit / 8 < 40 && (bad[bit / 8] | 0x20) == (uint8_t)id.ptr[bit / 8])
                continue; /* the GUID's letters fold case */
            assert_int_not_equal(decode_bytes(&key, bad, id.len, &back), 0);
        }
        assert_int_equal(decode_bytes(&key, id.ptr, id.len - 1, &back), CODE_ErrorInvalidIdMalformed);
    }
}

static void foreign_and_garbled_ids_are_refused(void **state)
{
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    struct mac_key key = key_of(1), other = key_of(2);
    struct span id;
    struct ews_id back;
    uint8_t longer[200] = { 0 };

    (void)state;
    assert_int_equal(arena_new(100000, &arena), 0);
    id = bytes_of(arena, &other, ID_ITEM);
    assert_int_equal(decode_bytes(&key, id.ptr, id.len, &back), CODE_ErrorInvalidIdMalformed);
    id = bytes_of(arena, &key, ID_ITEM);
    memcpy(longer, id.ptr, id.len);
    assert_int_equal(decode_bytes(&key, longer, id.len + 1, &back), CODE_ErrorInvalidIdMalformed);
    assert_int_equal(id_decode(&key, SPAN(""), &back), CODE_ErrorInvalidIdEmpty);
    assert_int_equal(id_decode(&key, SPAN("%BadItemId%"), &back), CODE_ErrorInvalidIdMalformed);
    assert_int_equal(id_decode(&key, SPAN("AAAtAEF="), &back), CODE_ErrorInvalidIdMalformed);
    assert_int_equal(id_decode(&key, SPAN("malformedparentid"), &back), CODE_ErrorInvalidIdMalformed);
    assert_int_equal(id_decode(&key, SPAN("AA=="), &back), CODE_ErrorInvalidIdMalformed);
}

static void length_fields_have_codes_of_their_own(void **state)
{
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    struct mac_key key = key_of(1);
    struct ews_id back;
    uint8_t bad[200];
    struct span id;

    (void)state;
    assert_int_equal(arena_new(100000, &arena), 0);
    id = bytes_of(arena, &key, ID_ITEM);
    memcpy(bad, id.ptr, id.len);
    bad[2] = 51;
    assert_int_equal(decode_bytes(&key, bad, id.len, &back), CODE_ErrorInvalidIdMonikerTooLong);
    memcpy(bad, id.ptr, id.len);
    bad[42] = 3;
    assert_int_equal(decode_bytes(&key, bad, id.len, &back), CODE_ErrorInvalidIdStoreObjectIdTooLong);
    /* A whole 2007 frame: "a@b.c", normal, a store id of two bytes. */
    assert_int_equal(decode_bytes(&key, "\0\0\x05\0a@b.c\0\x02\0xy", 14, &back),
                     CODE_ErrorInvalidIdMalformedEwsLegacyIdFormat);
}

/* The published run-length form: a byte twice, then how many more. */
static size_t compress_rle(struct span in, uint8_t *out)
{
    size_t n = 0;

    out[n++] = 1;
    for (size_t i = 1; i < in.len;) {
        size_t run = 1;
        while (i + run < in.len && in.ptr[i + run] == in.ptr[i] && run < 257)
            run++;
        out[n++] = (uint8_t)in.ptr[i];
        if (run > 1) {
            out[n++] = (uint8_t)in.ptr[i];
            out[n++] = (uint8_t)(run - 2);
        }
        i += run;
    }
    return n;
}

static void compressed_ids_are_understood(void **state)
{
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    struct mac_key key = key_of(1);
    uint8_t packed[400], bomb[380];
    struct ews_id back;
    struct span id;
    size_t len;

    (void)state;
    assert_int_equal(arena_new(100000, &arena), 0);
    id = bytes_of(arena, &key, ID_ATTACHMENT);
    len = compress_rle(id, packed);
    assert_int_equal(decode_bytes(&key, packed, len, &back), 0);
    assert_int_equal(back.kind, ID_ATTACHMENT);
    assert_int_equal(back.attachment[0], 7);
    assert_int_equal(decode_bytes(&key, "\x01\x03\x03", 3, &back), CODE_ErrorInvalidIdMalformed);
    memset(bomb, 0xff, sizeof(bomb));
    bomb[0] = 1;
    assert_int_equal(decode_bytes(&key, bomb, sizeof(bomb), &back), CODE_ErrorInvalidIdMalformed);
}

static void kinds_are_expected(void **state)
{
    struct ews_id folder = { .kind = ID_FOLDER }, item = { .kind = ID_ITEM }, attachment = { .kind = ID_ATTACHMENT };

    (void)state;
    assert_int_equal(id_expect(&item, ID_ITEM), 0);
    assert_int_equal(id_expect(&folder, ID_ITEM), CODE_ErrorCannotUseFolderIdForItemId);
    assert_int_equal(id_expect(&item, ID_FOLDER), CODE_ErrorCannotUseItemIdForFolderId);
    assert_int_equal(id_expect(&item, ID_ATTACHMENT), CODE_ErrorInvalidIdNotAnItemAttachmentId);
    assert_int_equal(id_expect(&attachment, ID_ITEM), CODE_ErrorInvalidIdMalformed);
}

static void change_keys(void **state)
{
    static const uint8_t epoch[GUID_SIZE] = "epoch-of-a-store", other[GUID_SIZE] = "another-epoch-xx";
    struct buf text = BUF_INIT(100);
    uint64_t counter = 0;

    (void)state;
    change_key_encode(CHANGE_KEY_MESSAGE, epoch, 0x0102, &text);
    assert_int_equal(text.len, 40);
    assert_true(span_starts(buf_span(&text), SPAN("CQAAABYAAA")));
    assert_int_equal(change_key_decode(buf_span(&text), epoch, &counter), 0);
    assert_int_equal(counter, 0x0102);
    assert_int_equal(change_key_decode(buf_span(&text), other, &counter), 0);
    assert_true(counter == UINT64_MAX);
    buf_clear(&text);
    change_key_encode(CHANGE_KEY_FOLDER, epoch, 1, &text);
    assert_true(span_starts(buf_span(&text), SPAN("AQAAABYAAA")));
    assert_int_equal(change_key_decode(SPAN("CQAAAA=="), epoch, &counter), 0);
    assert_true(counter == UINT64_MAX);
    assert_int_equal(change_key_decode(SPAN(""), epoch, &counter), CODE_ErrorInvalidChangeKey);
    assert_int_equal(change_key_decode(SPAN("CQAAAB"), epoch, &counter), CODE_ErrorInvalidChangeKey);
    assert_int_equal(change_key_decode(SPAN("CQAAABYA"), epoch, &counter), CODE_ErrorInvalidChangeKey);
    buf_done(&text);
}

static void fill_rare(struct item *item)
{
    static struct span categories[] = { { "Red", 3 }, { "", 0 } };
    static struct item_header headers[] = { { { "X-A", 3 }, { "1", 1 } }, { { "X-B", 3 }, { "", 0 } } };
    static struct span values[] = { { "v", 1 }, { "w", 1 } };
    static struct xprop xprops[] = {
        { .set = { "PublicStrings", 13 }, .tag = -1, .id = -1, .name = { "p", 1 }, .type = { "StringArray", 11 },
          .is_array = true, .values = { values, 2 } },
        { .tag = 0x0e07, .id = -1, .type = { "Integer", 7 }, .values = { values, 1 } },
    };

    item_init(item);
    item->categories = (struct span_list){ categories, 2 };
    item->references = SPAN("<a@b>");
    item->conversation_index = (struct span){ "\0\1\2", 3 };
    item->received_by = (struct rcpt){ .name = SPAN("Bob"), .address = SPAN("bob@example.test") };
    item->reminder_due = -5;
    item->reminder_minutes = 15;
    item->flag_status = FLAG_FLAGGED;
    item->flag_due = 99;
    item->icon_index = -1;
    item->boundary_seed = UINT64_MAX;
    item->creator_id = 77;
    item->answers = (struct item_answers){ 5, UINT64_MAX, 103 };
    item->headers = (struct item_header_list){ headers, 2 };
    item->xprops = (struct xprop_list){ xprops, 2 };
}

static void check_rare(const struct item *item)
{
    assert_int_equal(item->categories.n, 2);
    assert_span(item->categories.v[0], "Red");
    assert_span(item->references, "<a@b>");
    assert_int_equal(item->conversation_index.len, 3);
    assert_span(item->received_by.name, "Bob");
    assert_span(item->received_by.address, "bob@example.test");
    assert_false(rcpt_is_set(&item->received_representing));
    assert_true(item->reminder_due == -5 && item->reminder_next == WHEN_NONE && item->reminder_minutes == 15);
    assert_true(item->flag_status == FLAG_FLAGGED && item->flag_due == 99 && item->flag_start == WHEN_NONE);
    assert_true(item->icon_index == -1 && item->boundary_seed == UINT64_MAX && item->creator_id == 77);
    assert_true(item->answers.mailbox_id == 5 && item->answers.item_no == UINT64_MAX && item->answers.verb == 103);
    assert_int_equal(item->headers.n, 2);
    assert_span(item->headers.v[1].name, "X-B");
    assert_int_equal(item->xprops.n, 2);
    assert_true(item->xprops.v[0].is_array && item->xprops.v[0].tag == -1);
    assert_int_equal(item->xprops.v[0].values.n, 2);
    assert_span(item->xprops.v[0].values.v[1], "w");
    assert_int_equal(item->xprops.v[1].tag, 0x0e07);
}

static void rare_members_round_trip(void **state)
{
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    struct buf blob = BUF_INIT(100000);
    struct item item, back;

    (void)state;
    assert_int_equal(arena_new(1000000, &arena), 0);
    fill_rare(&item);
    item_pack(&item, &blob);
    buf_add(&blob, "\xe7\x03\x02\x00\x00\x00zz", 8); /* a tag of tomorrow */
    assert_int_equal(buf_error(&blob), 0);
    item_init(&back);
    assert_int_equal(item_unpack(arena, buf_span(&blob), &back), 0);
    check_rare(&back);
    for (size_t len = 1; len < blob.len; len++) {
        int r;
        item_init(&back);
        r = item_unpack(arena, (struct span){ blob.ptr, len }, &back);
        assert_true(r == 0 || r == -EBADMSG); /* cut between records it is a shorter blob */
        arena_reset(arena);
    }
    buf_clear(&blob);
    item_init(&item);
    item_pack(&item, &blob);
    assert_int_equal(blob.len, 0);
    buf_done(&blob);
}

static void copies_own_their_bytes(void **state)
{
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    char subject[] = "Hello";
    struct rcpt to = { .address = SPAN("a@b.test"), .type = RCPT_TO };
    struct attachment attachment = { .no = 1, .name = SPAN("f.txt"), .data = SPAN("data") };
    struct item item, copy;

    (void)state;
    assert_int_equal(arena_new(1000000, &arena), 0);
    fill_rare(&item);
    item.subject = span_of(subject);
    item.to = (struct rcpt_list){ &to, 1 };
    item.attachments = (struct attachment_list){ &attachment, 1 };
    assert_int_equal(item_copy(arena, &item, &copy), 0);
    memset(subject, 'x', 5);
    to.address = SPAN("gone");
    attachment.data = SPAN("gone");
    assert_span(copy.subject, "Hello");
    assert_span(copy.to.v[0].address, "a@b.test");
    assert_span(copy.attachments.v[0].data, "data");
    assert_null(copy.body.ptr);
    assert_int_equal(item_recipient_count(&copy), 1);
    check_rare(&copy);
}

static void extended_properties_are_replaced_by_name(void **state)
{
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    struct span one = SPAN("1"), two = SPAN("2");
    struct xprop xprop = { .set = SPAN("PublicStrings"), .tag = -1, .id = -1, .name = SPAN("Name"),
                           .type = SPAN("String"), .values = { &one, 1 } };
    struct item item;

    (void)state;
    assert_int_equal(arena_new(100000, &arena), 0);
    item_init(&item);
    assert_int_equal(item_xprop_put(arena, &item, &xprop), 0);
    xprop.name = SPAN("NAME");
    xprop.values.v = &two;
    assert_int_equal(item_xprop_put(arena, &item, &xprop), 0);
    assert_int_equal(item.xprops.n, 1);
    assert_span(item_xprop_find(&item, &xprop)->values.v[0], "2");
    xprop.type = SPAN("Integer");
    assert_null(item_xprop_find(&item, &xprop));
}

static void a_set_is_the_same_by_name_and_guid(void **state)
{
    struct xprop by_name = { .set = SPAN("Common"), .tag = -1, .id = 0x8570, .type = SPAN("Integer") };
    struct xprop by_guid = { .set = SPAN("00062008-0000-0000-c000-000000000046"), .set_is_guid = true, .tag = -1, .id = 0x8570,
                             .type = SPAN("Integer") };
    struct xprop other = { .set = SPAN("Task"), .tag = -1, .id = 0x8570, .type = SPAN("Integer") };

    (void)state;
    assert_true(xprop_same(&by_name, &by_guid));
    assert_false(xprop_same(&other, &by_guid));
    assert_false(xprop_same(&by_name, &other));
    other.set = SPAN("Common");
    other.set_is_guid = true; /* no GUID, but no name either */
    assert_false(xprop_same(&by_name, &other));
}

static void mapi_names_are_found(void **state)
{
    struct xprop tag = { .tag = 0x0037, .id = -1, .type = SPAN("String") };
    struct xprop keywords = { .set = SPAN("00020329-0000-0000-C000-000000000046"), .set_is_guid = true, .tag = -1, .id = -1,
                              .name = SPAN("KEYWORDS"), .type = SPAN("StringArray") };
    struct item item;

    (void)state;
    assert_int_equal(mapi_find(&tag)->prop, PROP_ID_Subject);
    tag.type = SPAN("Integer");
    assert_null(mapi_find(&tag));
    tag.tag = 0x0e08;
    tag.type = SPAN("Long");
    assert_int_equal(mapi_find(&tag)->prop, PROP_ID_Size);
    assert_int_equal(mapi_find(&keywords)->prop, PROP_ID_Categories);
    item_init(&item);
    item.flags = ITEM_DRAFT | ITEM_HAS_ATTACHMENTS;
    assert_int_equal(mapi_message_flags(&item), 0x18);
    mapi_set_message_flags(&item, 0x05);
    assert_int_equal(item.flags, ITEM_READ | ITEM_HAS_ATTACHMENTS);
    assert_span(mapi_subject_plain(SPAN("Re: AW: Fwd: x")), "x");
    assert_span(mapi_subject_plain(SPAN("Note: x")), "Note: x");
    assert_span(mapi_subject_plain(SPAN("Re:x")), "Re:x");
    assert_span(mapi_subject_plain(SPAN("")), "");
}

/* The answer of a program that knows nothing of indexes is of the conversation
 * of what it answers, and so is the answer to that. */
static void answers_find_their_conversation(void **state)
{
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    struct item first, answer, foreign;
    uint8_t guid[GUID_SIZE], other[GUID_SIZE];
    uint64_t seed = 0;

    (void)state;
    assert_int_equal(arena_new(100000, &arena), 0);
    item_init(&first);
    item_init(&answer);
    item_init(&foreign);
    assert_false(conversation_guid(&first, guid));
    assert_int_equal(conversation_begin(arena, &first), 0);
    assert_int_equal(first.conversation_index.len, 22);
    assert_int_equal(first.conversation_index.ptr[0], 1);
    assert_true(conversation_guid(&first, guid));
    assert_true(conversation_seed(&first, &seed));
    assert_int_equal(arena_printf(arena, &answer.references, "<%016llx0123456789abcdef@example.test> <b@c.test>",
                                  (unsigned long long)seed), 0);
    answer.in_reply_to = SPAN("<b@c.test>");
    assert_true(conversation_guid(&answer, other));
    assert_memory_equal(guid, other, GUID_SIZE);
    assert_int_equal(conversation_begin(arena, &answer), 0);
    assert_int_equal(answer.conversation_index.len, 27);
    assert_memory_equal(answer.conversation_index.ptr + 6, guid, GUID_SIZE);
    assert_false(conversation_seed(&answer, &seed)); /* its own id leads nobody */
    foreign.message_id = SPAN("<b@c.test>");
    assert_true(conversation_guid(&foreign, guid));
    assert_memory_not_equal(guid, other, GUID_SIZE);
    foreign = answer;
    foreign.conversation_index = (struct span){ 0 };
    foreign.references = SPAN("no ids < here");
    assert_true(conversation_guid(&foreign, other));
    assert_memory_equal(guid, other, GUID_SIZE); /* by In-Reply-To */
}

static void tables_are_whole(void **state)
{
    int value = -1;

    (void)state;
    assert_string_equal(code_name(CODE_ErrorItemNotFound), "ErrorItemNotFound");
    assert_string_equal(code_text(CODE_ErrorInvalidIdMalformed), "Id is malformed.");
    assert_true(code_stops_batch(CODE_ErrorAccessDenied));
    assert_false(code_stops_batch(CODE_ErrorItemNotFound));
    assert_string_equal(code_name(-1), "ErrorInternalServerError");
    assert_int_equal(folder_role_by_id(SPAN("sentitems")), FOLDER_ROLE_sentitems);
    assert_int_equal(folder_role_by_id(SPAN("voicemail")), FOLDER_ROLE_none);
    assert_int_equal(folder_role_info(FOLDER_ROLE_inbox)->parent, FOLDER_ROLE_msgfolderroot);
    assert_null(folder_role_info(FOLDER_ROLE_none));
    assert_ptr_equal(prop_by_uri(SPAN("item:Subject")), &props[PROP_ID_Subject]);
    assert_ptr_equal(prop_by_element(SPAN("IsRead")), &props[PROP_ID_IsRead]);
    assert_null(prop_by_uri(SPAN("message:Subject")));
    assert_int_equal(props[PROP_ID_IsRead].bit, ITEM_READ);
    assert_string_equal(prop_enum_name(&props[PROP_ID_Importance], IMPORTANCE_HIGH), "High");
    assert_true(prop_enum_value(&props[PROP_ID_Sensitivity], SPAN("Private"), &value));
    assert_int_equal(value, SENSITIVITY_PRIVATE);
    assert_false(prop_enum_value(&props[PROP_ID_Sensitivity], SPAN("private"), &value));
    for (size_t i = 0; i < PROP_COUNT; i++)
        for (size_t j = 0; j < i; j++)
            assert_true(props[i].tag == 0 || props[i].tag != props[j].tag);
}

static void addresses_are_judged(void **state)
{
    static const char *const good[] = { "a@b.test", "a+b@example.test", "\"a b\"@example.test",
                                        "o'neil@example.test", "j\xc3\xbcrg@example.test", "x@[127.0.0.1]",
                                        "x@[IPv6:::1]", "\"a\\\"b\\\\\"@c" };
    static const char *const bad[] = { "", "a", "@b", "a@", "a@b@c", "a b@c", "a@b c", "<a@b>", "a@b\r\nBcc: c@d",
                                       "a\n@b", "a@b>", "a@.b", "a@b..c", "a@b.", "\"a\"b\"@c", "a,b@c", "a@b:c", "a@[b", "a@b]",
                                       "\"a\\\nb\"@c", "\"a\\\r\"@c", "\"a\\<\"@c", "\"a\\\"@c", "\"a\\\\\"b\"@c" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_true(rcpt_address_ok(span_of(good[i])));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(rcpt_address_ok(span_of(bad[i])));
    assert_span(rcpt_address_local(SPAN("a+x@b"), true), "a");
    assert_span(rcpt_address_local(SPAN("a+x@b"), false), "a+x");
    assert_span(rcpt_address_domain(SPAN("a+x@b")), "b");
}

static void kinds_and_their_details(void **state)
{
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    const struct detail_info *given = detail_find(ITEM_KIND_CONTACT, SPAN("GivenName"));
    const struct detail_info *name = detail_find(ITEM_KIND_CONTACT, SPAN("DisplayName")), *next;
    struct buf blob = BUF_INIT(100000);
    struct item item, back;

    (void)state;
    assert_int_equal(arena_new(1000000, &arena), 0);
    for (size_t i = 1; i < ITEM_KIND_COUNT; i++) {
        assert_non_null(kind_info((enum item_kind)i)->element);
        assert_int_equal(item_kind_of_class(span_of(kind_info((enum item_kind)i)->item_class)), i);
    }
    assert_int_equal(kind_by_element(SPAN("Message")), ITEM_KIND_MESSAGE);
    assert_int_equal(kind_by_element(SPAN("MeetingRequest")), ITEM_KIND_NONE);
    assert_int_equal(kind_check_folder(ITEM_KIND_TASK, SPAN("IPF.Task.Mine")), 0);
    assert_int_equal(kind_check_folder(ITEM_KIND_TASK, SPAN("IPF.Tasks")), CODE_ErrorCannotCreateTaskInNonTaskFolder);
    assert_true(kind_has_prop(ITEM_KIND_POST, &props[PROP_ID_From]));
    assert_false(kind_has_prop(ITEM_KIND_POST, &props[PROP_ID_ToRecipients]));
    assert_false(kind_has_prop(ITEM_KIND_CALENDAR, &props[PROP_ID_IsResponseRequested]));
    next = detail_by_uri(SPAN("contacts:DisplayName"), NULL);
    assert_ptr_equal(next, name);
    assert_int_equal(detail_by_uri(SPAN("contacts:DisplayName"), next)->kind, ITEM_KIND_DISTLIST);
    item_init(&item);
    assert_int_equal(item_detail_put(arena, &item, given, SPAN("<t:GivenName>Ann</t:GivenName>")), 0);
    assert_int_equal(item_detail_put(arena, &item, name, SPAN("<t:DisplayName/>")), 0);
    assert_int_equal(item_detail_put(arena, &item, given, SPAN("<t:GivenName>Bea</t:GivenName>")), 0);
    assert_int_equal(item.details.n, 2);
    item_pack(&item, &blob);
    item_init(&back);
    assert_int_equal(item_unpack(arena, buf_span(&blob), &back), 0);
    assert_span(item_detail(&back, given), "<t:GivenName>Bea</t:GivenName>");
    assert_int_equal(item_detail_put(arena, &back, given, SPAN("")), 0);
    assert_int_equal(item_detail(&back, given).len, 0);
    assert_span(item_detail(&back, name), "<t:DisplayName/>");
    buf_done(&blob);
}

/* What can be reset differs from a value that was set, and not from birth. */
static void properties_compare_and_reset(void **state)
{
    static char text[] = "set";
    struct span strings[] = { SPAN("a") };
    struct rcpt rcpt = { .address = SPAN("a@b.test") };
    struct item fresh, item;

    (void)state;
    item_init(&fresh);
    for (size_t i = 0; i < PROP_COUNT; i++) {
        const struct prop_info *prop = &props[i];
        void *member = prop_member_mut(prop, &item);
        item_init(&item);
        assert_true(prop_same(prop, &fresh, &item));
        if (prop->type == PROP_TEXT || prop->type == PROP_BYTES)
            *(struct span *)member = span_of(text);
        else if (prop->type == PROP_FLAG)
            item.flags |= prop->bit;
        else if (prop->type == PROP_ENUM)
            *(int *)member += 1;
        else if (prop->type == PROP_TIME || prop->type == PROP_INT || prop->type == PROP_SIZE)
            *(int64_t *)member = 7;
        else if (prop->type == PROP_RCPT)
            *(struct rcpt *)member = rcpt;
        else if (prop->type == PROP_RCPTS)
            *(struct rcpt_list *)member = (struct rcpt_list){ &rcpt, 1 };
        else if (prop->type == PROP_STRINGS)
            *(struct span_list *)member = (struct span_list){ strings, 1 };
        else if (i == PROP_ID_Body)
            item.body = span_of(text);
        else
            continue;
        assert_false(prop_same(prop, &fresh, &item));
        prop_reset(prop, &item);
        assert_true(prop_same(prop, &fresh, &item));
    }
}

static void lists_are_shown(void **state)
{
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    struct rcpt v[] = { { .name = SPAN("Ann"), .address = SPAN("ann@x") }, { .address = SPAN("Bob@X") } };
    struct rcpt_list list = { v, 2 };
    struct span text;

    (void)state;
    assert_int_equal(arena_new(100000, &arena), 0);
    assert_int_equal(rcpt_list_display(arena, &list, &text), 0);
    assert_span(text, "Ann; Bob@X");
    assert_int_equal(rcpt_address_fold(arena, v[1].address, &text), 0);
    assert_span(text, "bob@x");
    assert_true(item_class_is(SPAN("ipm.note.SMIME"), "IPM.Note"));
    assert_false(item_class_is(SPAN("IPM.Notebook"), "IPM.Note"));
    assert_int_equal(item_kind_of_class(SPAN("IPM.Contact.Vip")), ITEM_KIND_CONTACT);
    assert_int_equal(item_kind_of_class(SPAN("IPM.Custom")), ITEM_KIND_MESSAGE);
}

static void sids_are_guids(void **state)
{
    static const char *const bad[] = { "", "S-1-5-21-", "S-1-5-21-1-2-3", "S-1-5-21-1-2-3-4-5", "S-1-5-21-1-2-3-4294967296",
                                       "S-1-5-21-01-2-3-4", "S-1-5-21-+1-2-3-4", "S-1-5-21-1-2-3-", "S-1-5-32-1-2-3-4" };
    const uint8_t guid[GUID_SIZE] = { 1, 0, 0, 0, 0, 1, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0x80 };
    uint8_t again[GUID_SIZE] = { 0 };
    char text[SID_TEXT_SIZE];

    (void)state;
    sid_format(guid, text);
    assert_string_equal(text, "S-1-5-21-1-256-4294967295-2147483648");
    assert_true(sid_parse(span_of(text), again));
    assert_memory_equal(guid, again, GUID_SIZE);
    assert_true(sid_parse(SPAN("s-1-5-21-1-256-4294967295-2147483648"), again));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(sid_parse(span_of(bad[i]), again));
}

static void sync_states(void **state)
{
    const struct sync_state made = { .folder = 2, .change = 0x0102030405060708, .position = 99, .since = 5, .item = 6, .bound = 7, .round = 1 };
    const uint8_t epoch[GUID_SIZE] = "an epoch", other[GUID_SIZE] = "another one";
    const struct mac_key key = key_of(1), foreign = key_of(2);
    struct buf text = BUF_INIT(1024), padded = BUF_INIT(1024);
    struct sync_state back;

    (void)state;
    sync_encode(&key, SYNC_HIERARCHY, mailbox, epoch, &made, &text);
    assert_int_equal(sync_decode(&key, SYNC_HIERARCHY, mailbox, epoch, buf_span(&text), &back), 0);
    assert_true(back.folder == made.folder && back.change == made.change && back.position == made.position && back.since == 5);
    assert_true(back.item == 6 && back.bound == 7 && back.round == 1);
    buf_printf(&padded, "\n  %.*s ", (int)text.len, text.ptr);
    assert_int_equal(sync_decode(&key, SYNC_HIERARCHY, mailbox, epoch, buf_span(&padded), &back), 0);
    assert_int_equal(sync_decode(&key, SYNC_ITEMS, mailbox, epoch, buf_span(&text), &back), CODE_ErrorInvalidSyncStateData);
    assert_int_equal(sync_decode(&key, SYNC_HIERARCHY, other, epoch, buf_span(&text), &back), CODE_ErrorInvalidSyncStateData);
    assert_int_equal(sync_decode(&key, SYNC_HIERARCHY, mailbox, other, buf_span(&text), &back), CODE_ErrorInvalidSyncStateData);
    assert_int_equal(sync_decode(&foreign, SYNC_HIERARCHY, mailbox, epoch, buf_span(&text), &back), CODE_ErrorInvalidSyncStateData);
    for (size_t len = 0; len < text.len; len++)
        assert_int_equal(sync_decode(&key, SYNC_HIERARCHY, mailbox, epoch, (struct span){ text.ptr, len }, &back),
                         CODE_ErrorInvalidSyncStateData);
    for (size_t i = 0; i < text.len - 4; i++) {
        const char was = text.ptr[i];
        text.ptr[i] = was == 'A' ? 'B' : 'A';
        assert_int_equal(sync_decode(&key, SYNC_HIERARCHY, mailbox, epoch, buf_span(&text), &back), CODE_ErrorInvalidSyncStateData);
        text.ptr[i] = was;
    }
    buf_done(&text);
    buf_done(&padded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sync_states),
        cmocka_unit_test(guid_texts),
        cmocka_unit_test(item_id_has_the_published_layout),
        cmocka_unit_test(folder_id_has_the_published_layout),
        cmocka_unit_test(attachment_id_is_an_item_id_with_a_tail),
        cmocka_unit_test(ids_round_trip),
        cmocka_unit_test(attachments_are_named_by_levels),
        cmocka_unit_test(every_flipped_bit_is_refused),
        cmocka_unit_test(foreign_and_garbled_ids_are_refused),
        cmocka_unit_test(length_fields_have_codes_of_their_own),
        cmocka_unit_test(compressed_ids_are_understood),
        cmocka_unit_test(kinds_are_expected),
        cmocka_unit_test(change_keys),
        cmocka_unit_test(rare_members_round_trip),
        cmocka_unit_test(copies_own_their_bytes),
        cmocka_unit_test(extended_properties_are_replaced_by_name),
        cmocka_unit_test(a_set_is_the_same_by_name_and_guid),
        cmocka_unit_test(mapi_names_are_found),
        cmocka_unit_test(answers_find_their_conversation),
        cmocka_unit_test(tables_are_whole),
        cmocka_unit_test(addresses_are_judged),
        cmocka_unit_test(lists_are_shown),
        cmocka_unit_test(sids_are_guids),
        cmocka_unit_test(kinds_and_their_details),
        cmocka_unit_test(properties_compare_and_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
