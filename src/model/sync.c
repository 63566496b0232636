/*
 * The bytes of a SyncState: version, kind, mailbox, epoch, seven numbers of
 * eight bytes (little-endian), tag. What the tag is over has a length that no
 * id's has (id.c), so none can stand for the other.
 */
#include "model/sync.h"

enum { VERSION = 1, HEAD = 2 + 2 * GUID_SIZE, NUMBERS = 7, SIGNED = HEAD + 8 * NUMBERS, WHOLE = SIGNED + GUID_SIZE, TEXT_MAX = 160 };

static void make_head(enum sync_kind kind, const uint8_t mailbox[GUID_SIZE], const uint8_t epoch[GUID_SIZE], uint8_t ret_head[HEAD])
{
    ret_head[0] = VERSION;
    ret_head[1] = (uint8_t)kind;
    memcpy(ret_head + 2, mailbox, GUID_SIZE);
    memcpy(ret_head + 2 + GUID_SIZE, epoch, GUID_SIZE);
}

static void make_tag(const struct mac_key *key, const uint8_t bytes[SIGNED], uint8_t ret_tag[GUID_SIZE])
{
    uint8_t digest[SHA256_SIZE];

    mac_sign(key, &(struct span){ (const char *)bytes, SIGNED }, 1, digest);
    memcpy(ret_tag, digest, GUID_SIZE);
}

static void put_number(uint8_t *at, uint64_t value)
{
    for (size_t i = 0; i < 8; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t get_number(const uint8_t *at)
{
    uint64_t value = 0;

    for (size_t i = 8; i > 0; i--)
        value = value << 8 | at[i - 1];
    return value;
}

void sync_encode(const struct mac_key *key, enum sync_kind kind, const uint8_t mailbox[GUID_SIZE], const uint8_t epoch[GUID_SIZE],
                 const struct sync_state *state, struct buf *out)
{
    uint8_t bytes[WHOLE];

    make_head(kind, mailbox, epoch, bytes);
    put_number(bytes + HEAD, state->folder);
    put_number(bytes + HEAD + 8, state->change);
    put_number(bytes + HEAD + 16, state->position);
    put_number(bytes + HEAD + 24, state->since);
    put_number(bytes + HEAD + 32, state->item);
    put_number(bytes + HEAD + 40, state->bound);
    put_number(bytes + HEAD + 48, state->round);
    make_tag(key, bytes, bytes + SIGNED);
    base64_encode(out, bytes, WHOLE);
}

int sync_decode(const struct mac_key *key, enum sync_kind kind, const uint8_t mailbox[GUID_SIZE], const uint8_t epoch[GUID_SIZE],
                struct span text, struct sync_state *ret_state)
{
    uint8_t bytes[BASE64_ROOM(TEXT_MAX)], head[HEAD], tag[GUID_SIZE];
    size_t len = 0;

    if (!base64_decode_to(span_trim(text), bytes, sizeof(bytes), &len) || len != WHOLE)
        return CODE_ErrorInvalidSyncStateData;
    make_head(kind, mailbox, epoch, head);
    make_tag(key, bytes, tag);
    if (!mem_equal_secret(tag, bytes + SIGNED, GUID_SIZE) || memcmp(bytes, head, HEAD) != 0)
        return CODE_ErrorInvalidSyncStateData;
    *ret_state = (struct sync_state){
        .folder = get_number(bytes + HEAD), .change = get_number(bytes + HEAD + 8), .position = get_number(bytes + HEAD + 16),
        .since = get_number(bytes + HEAD + 24), .item = get_number(bytes + HEAD + 32), .bound = get_number(bytes + HEAD + 40),
        .round = get_number(bytes + HEAD + 48),
    };
    return 0;
}
