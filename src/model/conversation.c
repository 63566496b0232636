/*
 * See conversation.h. A conversation that begins here has a GUID of a random
 * seed and a hash of it; the Message-ID that the message gets when it is sent
 * is 32 digits that begin with the seed. Of any other Message-ID the GUID is a
 * hash.
 */
#include "model/conversation.h"

#include <errno.h>

#define INDEX_SIZE 22
#define INDEX_GUID 6
#define INDEX_CHILD 5
#define INDEX_MAX (INDEX_SIZE + 100 * INDEX_CHILD)
#define FILETIME_1970 116444736000000000u /* in 100 ns since 1601 */

static void hash(const char *what, const void *bytes, size_t len, uint8_t ret_digest[SHA256_SIZE])
{
    const struct span parts[] = { span_of(what), { bytes, len } };
    sha256_parts(parts, ARRAY_LEN(parts), ret_digest);
}

static void guid_of_seed(uint64_t seed, uint8_t ret_guid[GUID_SIZE])
{
    uint8_t digest[SHA256_SIZE];
    for (size_t i = 0; i < 8; i++)
        ret_guid[i] = (uint8_t)(seed >> (56 - 8 * i));
    hash("conversation", ret_guid, 8, digest);
    memcpy(ret_guid + 8, digest, GUID_SIZE - 8);
}

/* <32 hexadecimal digits@...>, of which the first 16 are the seed. */
static bool seed_of_id(struct span id, uint64_t *ret_seed)
{
    uint64_t seed = 0;
    if (id.len < 35 || id.ptr[33] != '@')
        return false;
    for (size_t i = 1; i < 33; i++) {
        char c = id.ptr[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
        if (i <= 16)
            seed = seed << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    *ret_seed = seed;
    return true;
}

/* The first of a list of message ids. */
static struct span first_id(struct span ids)
{
    const char *open = ids.len ? memchr(ids.ptr, '<', ids.len) : NULL;
    size_t left = open ? ids.len - (size_t)(open - ids.ptr) : 0;
    const char *close = left ? memchr(open, '>', left) : NULL;
    return close ? (struct span){ open, (size_t)(close - open) + 1 } : (struct span){ 0 };
}

static struct span root_of(const struct item *item)
{
    struct span id = first_id(item->references);
    if (!id.len)
        id = first_id(item->in_reply_to);
    return id.len ? id : first_id(item->message_id);
}

bool conversation_guid(const struct item *item, uint8_t ret_guid[GUID_SIZE])
{
    uint8_t digest[SHA256_SIZE];
    uint64_t seed;
    if (item->conversation_index.len >= INDEX_SIZE) {
        memcpy(ret_guid, item->conversation_index.ptr + INDEX_GUID, GUID_SIZE);
        return true;
    }
    struct span root = root_of(item);
    if (!root.len)
        return false;
    if (seed_of_id(root, &seed)) {
        guid_of_seed(seed, ret_guid);
        return true;
    }
    hash("message", root.ptr, root.len, digest);
    memcpy(ret_guid, digest, GUID_SIZE);
    return true;
}

/* ---- indexes ---- */

static void put_be(uint8_t *at, uint64_t value, size_t n)
{
    for (size_t i = 0; i < n; i++)
        at[i] = (uint8_t)(value >> (8 * (n - 1 - i)));
}

static uint64_t filetime(int64_t at)
{
    return (uint64_t)(at > 0 ? at : 0) * 10000 + FILETIME_1970;
}

/* The 22 bytes of the first message of item's conversation. */
static int put_head(const struct item *item, int64_t at, uint8_t head[INDEX_SIZE])
{
    uint64_t seed = 0;
    put_be(head, filetime(at) >> 16, INDEX_GUID);
    head[0] = 1;
    if (conversation_guid(item, head + INDEX_GUID))
        return 0;
    int r = random_bytes(&seed, sizeof(seed));
    if (r == 0)
        guid_of_seed(seed, head + INDEX_GUID);
    return r;
}

int conversation_begin(struct arena *arena, struct item *item)
{
    const bool answer = item->references.len || item->in_reply_to.len;
    if (item->conversation_index.len)
        return 0;
    uint8_t *index = arena_alloc(arena, INDEX_SIZE + INDEX_CHILD);
    if (!index)
        return -ENOMEM;
    int r = put_head(item, item->created, index);
    if (r == 0)
        item->conversation_index = (struct span){ (const char *)index, INDEX_SIZE + (answer ? INDEX_CHILD : 0) };
    return r;
}

/* 31 bits of the time since the header, and chance. */
static int put_child(const uint8_t *head, int64_t now, uint8_t child[INDEX_CHILD])
{
    uint64_t then = (uint64_t)1 << 56, delta;
    int r = random_bytes(&child[INDEX_CHILD - 1], 1);
    for (size_t i = 1; i < INDEX_GUID; i++)
        then |= (uint64_t)head[i] << (8 * (7 - i));
    delta = filetime(now) > then ? filetime(now) - then : 0;
    bool far = delta >> 49;
    put_be(child, (far ? delta >> 23 : delta >> 18) & 0x7fffffff, 4);
    if (far)
        child[0] |= 0x80;
    return r;
}

int conversation_answer(struct arena *arena, const struct item *original, int64_t now, struct span *ret_index)
{
    struct span old = original->conversation_index;
    bool good = old.len >= INDEX_SIZE && old.len + INDEX_CHILD <= INDEX_MAX && old.ptr[0] == 1;
    size_t len = good ? old.len : INDEX_SIZE;
    uint8_t *index = arena_alloc(arena, len + INDEX_CHILD);
    int r = 0;
    if (!index)
        return -ENOMEM;
    if (good)
        memcpy(index, old.ptr, old.len);
    else
        r = put_head(original, original->sent != WHEN_NONE ? original->sent : now, index);
    if (r == 0)
        r = put_child(index, now, index + len);
    *ret_index = (struct span){ (const char *)index, len + INDEX_CHILD };
    return r;
}

bool conversation_seed(const struct item *item, uint64_t *ret_seed)
{
    uint8_t guid[GUID_SIZE];
    uint64_t seed = 0;
    if (item->conversation_index.len != INDEX_SIZE)
        return false;
    const uint8_t *at = (const uint8_t *)item->conversation_index.ptr + INDEX_GUID;
    for (size_t i = 0; i < 8; i++)
        seed = seed << 8 | at[i];
    guid_of_seed(seed, guid);
    if (memcmp(guid, at, GUID_SIZE) != 0)
        return false;
    *ret_seed = seed;
    return true;
}
