/*
 * See thread.h.
 */
#include "ops/thread.h"

#include "base/codec.h"
#include "model/conversation.h"

#include <errno.h>

#define REFERENCES_MAX 4000 /* bytes; then those in the middle are left out */
#define INDEX_HEAD 22
#define INDEX_CHILD 5
#define INDEX_MAX (INDEX_HEAD + 100 * INDEX_CHILD)
#define FILETIME_1970 116444736000000000

/* Without "RE:" and the like before it. */
static struct span bare_subject(struct span subject)
{
    static const char *const prefixes[] = { "RE:", "FW:", "FWD:" };
    bool found = true;

    while (found) {
        found = false;
        subject = span_trim(subject);
        for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
            size_t len = strlen(prefixes[i]);
            if (subject.len < len || !span_eq_nocase((struct span){ subject.ptr, len }, span_of(prefixes[i])))
                continue;
            subject = (struct span){ subject.ptr + len, subject.len - len };
            found = true;
        }
    }
    return subject;
}

static size_t token_end(struct span text, size_t from)
{
    while (from < text.len && text.ptr[from] != ' ')
        from++;
    return from;
}

/* The first, then the last of them that fit. */
static int join_references(struct arena *arena, struct span references, struct span last, struct span *ret_references)
{
    size_t first = token_end(references, 0), from = first;

    if (references.len + last.len + 1 > REFERENCES_MAX) {
        size_t room = first + last.len + 2 < REFERENCES_MAX ? REFERENCES_MAX - first - last.len - 2 : 0;
        from = references.len > room ? references.len - room : 0;
        from = token_end(references, from < first ? first : from);
    }
    if (first + last.len > REFERENCES_MAX)
        first = from = references.len = 0;
    return arena_printf(arena, ret_references, "%.*s%.*s%s%.*s", (int)first, references.ptr ? references.ptr : "",
                        (int)(references.len - from), references.ptr ? references.ptr + from : "",
                        references.len && last.len ? " " : "", (int)last.len, last.ptr ? last.ptr : "");
}

/* ---- ConversationIndex ---- */

static void put_be(char *at, uint64_t value, size_t n)
{
    for (size_t i = 0; i < n; i++)
        at[i] = (char)(unsigned char)(value >> (8 * (n - 1 - i)));
}

static uint64_t filetime(int64_t at)
{
    return (uint64_t)(at * 10000 + FILETIME_1970);
}

/* The six bytes in front of a header: those of the time that matter. */
static int new_head(const struct item *original, int64_t at, char head[INDEX_HEAD])
{
    uint8_t guid[GUID_SIZE];

    put_be(head, filetime(at) >> 16, 6);
    head[0] = 1;
    if (conversation_guid(original, guid)) {
        memcpy(head + 6, guid, GUID_SIZE);
        return 0;
    }
    return random_bytes(head + 6, INDEX_HEAD - 6);
}

/* 31 bits of the time since the header, and chance. */
static int new_child(const char *head, int64_t now, char child[INDEX_CHILD])
{
    uint64_t then = (uint64_t)1 << 56, delta;
    unsigned char chance;
    int r = random_bytes(&chance, 1);

    for (size_t i = 1; i < 6; i++)
        then |= (uint64_t)(unsigned char)head[i] << (8 * (7 - i));
    delta = filetime(now) > then ? filetime(now) - then : 0;
    bool far = delta >> 49;
    put_be(child, (far ? delta >> 23 : delta >> 18) & 0x7fffffff, 4);
    if (far)
        child[0] = (char)(child[0] | (char)0x80);
    child[4] = (char)chance;
    return r;
}

static int join_index(struct arena *arena, const struct item *original, struct span *ret_index)
{
    const int64_t now = when_now();
    struct span old = original->conversation_index;
    bool good = old.len >= INDEX_HEAD && old.len + INDEX_CHILD <= INDEX_MAX && old.ptr[0] == 1;
    size_t len = good ? old.len : INDEX_HEAD;
    char *index = arena_alloc(arena, len + INDEX_CHILD);
    int r = 0;

    if (!index)
        return -ENOMEM;
    if (good)
        memcpy(index, old.ptr, old.len);
    else
        r = new_head(original, original->sent != WHEN_NONE ? original->sent : now, index);
    if (r == 0)
        r = new_child(index, now, index + len);
    *ret_index = (struct span){ index, len + INDEX_CHILD };
    return r;
}

int thread_join(struct arena *arena, const struct item *original, const char *prefix, struct item *answer)
{
    struct span bare = bare_subject(original->subject);
    struct span references = original->references.len ? original->references : original->in_reply_to;
    int r = 0;

    if (!answer->subject.ptr)
        r = arena_printf(arena, &answer->subject, "%s%.*s", prefix, (int)bare.len, bare.ptr ? bare.ptr : "");
    if (r == 0)
        r = join_references(arena, references, original->message_id, &answer->references);
    if (r == 0)
        r = join_index(arena, original, &answer->conversation_index);
    answer->in_reply_to = original->message_id;
    answer->conversation_topic = original->conversation_topic.len ? bare_subject(original->conversation_topic) : bare;
    return r;
}
