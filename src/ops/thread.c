/*
 * See thread.h.
 */
#include "ops/thread.h"

#include "model/conversation.h"
#include "model/mapi.h"

#include <errno.h>

#define REFERENCES_MAX 4000 /* bytes; then those in the middle are left out */

/* Without what ours stands in place of; "AW: " and other words stay. */
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
        r = conversation_answer(arena, original, when_now(), &answer->conversation_index);
    answer->in_reply_to = original->message_id;
    answer->conversation_topic = mapi_subject_plain(original->conversation_topic.len ? original->conversation_topic : original->subject);
    return r;
}
