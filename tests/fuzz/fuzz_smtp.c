/*
 * A dialogue with a relay that says anything. The first byte is the number of
 * recipients; lines behind it that begin with '>' are ours, the others the
 * relay's. Whatever it says: texts are clean and bounded, nobody counts as
 * having got the message whom the relay did not take, and nothing is sent as
 * long as the message itself was not taken.
 */
#include "fuzz.h"

#include "outbox/smtp_dialogue.h"

#define RCPTS 8

static void check_text(struct span text)
{
    FUZZ_CHECK(text.len <= SMTP_REPLY_MAX && span_utf8_ok(text));
    for (size_t i = 0; i < text.len; i++)
        FUZZ_CHECK_TEXT((unsigned char)text.ptr[i] >= ' ' && text.ptr[i] != 0x7f, text);
}

static void check_reply(struct span reply)
{
    check_text(reply);
    if (reply.len)
        FUZZ_CHECK_TEXT(reply.len >= 3 && reply.ptr[0] >= '2' && reply.ptr[0] <= '5', reply);
}

static void check_result(const struct smtp_dialogue *dialogue, size_t i)
{
    struct transport_result result = smtp_dialogue_result(dialogue, i, SPAN("4.4.2 lost"));
    check_text(result.status);
    FUZZ_CHECK(result.status.len > 0);
    if (result.outcome == TRANSPORT_SENT) {
        FUZZ_CHECK(dialogue->mail.len == 0 && i < dialogue->replies_n);
        FUZZ_CHECK(dialogue->rcpts[i].outcome == TRANSPORT_SENT && dialogue->rcpts[i].status.ptr[0] == '2');
        FUZZ_CHECK(dialogue->message.len > 0 && dialogue->message.ptr[0] == '2');
    }
    if (result.outcome == TRANSPORT_FAILED)
        FUZZ_CHECK_TEXT(result.status.ptr[0] == '5' || result.status.ptr[0] == '3', result.status);
}

static void check(const struct smtp_dialogue *dialogue)
{
    size_t taken = 0;
    FUZZ_CHECK(dialogue->replies_n <= dialogue->rcpts_n && dialogue->offers->size >= 0);
    for (size_t i = 0; i < dialogue->replies_n; i++) {
        check_reply(dialogue->rcpts[i].status);
        taken += dialogue->rcpts[i].outcome == TRANSPORT_SENT;
    }
    FUZZ_CHECK(taken == dialogue->taken_n);
    check_reply(dialogue->last);
    check_reply(dialogue->partial);
    check_reply(dialogue->mail);
    check_reply(dialogue->message);
    for (size_t i = 0; i < dialogue->rcpts_n; i++)
        check_result(dialogue, i);
    (void)smtp_dialogue_decided(dialogue);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct transport_result results[RCPTS] = { 0 };
    struct smtp_offers offers = { 0 };
    struct span rest = { (const char *)data, size }, line;
    if (size == 0)
        return 0;
    struct smtp_dialogue dialogue = { .arena = fuzz_arena(64u << 20), .offers = &offers, .rcpts = results,
                                      .rcpts_n = data[0] % (RCPTS + 1) };
    rest = (struct span){ rest.ptr + 1, rest.len - 1 };
    while (fuzz_next(&rest, '\n', &line)) {
        if (line.len && line.ptr[0] == '>')
            smtp_dialogue_command(&dialogue, (struct span){ line.ptr + 1, line.len - 1 });
        else
            smtp_dialogue_reply(&dialogue, line);
    }
    check(&dialogue);
    arena_free(dialogue.arena);
    return 0;
}
