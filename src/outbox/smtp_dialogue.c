/*
 * Following a dialogue: the stage is that of the last command; a reply of
 * several lines is one reply (RFC 5321, 4.2.1), told in one line.
 */
#include "outbox/smtp_dialogue.h"

/* A line of another form is no reply to libcurl either. */
static bool line_is_reply(struct span line)
{
    return line.len >= 3 && (line.len == 3 || line.ptr[3] == ' ' || line.ptr[3] == '-') && line.ptr[0] >= '2' && line.ptr[0] <= '5' && line.ptr[1] >= '0' && line.ptr[1] <= '9' &&
           line.ptr[2] >= '0' && line.ptr[2] <= '9';
}

/* "5.1.1 " at the start: how long it is, or 0 (RFC 2034). */
static size_t enhanced_length(struct span text)
{
    size_t at = 0, parts = 0;
    while (at < text.len && parts < 3) {
        size_t digits = 0;
        while (at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9') {
            at++;
            digits++;
        }
        if (digits == 0 || digits > 3)
            return 0;
        parts++;
        if (parts < 3 && (at == text.len || text.ptr[at++] != '.'))
            return 0;
    }
    return parts == 3 && (at == text.len || text.ptr[at] == ' ') ? at + (at < text.len) : 0;
}

/* Its text, clean and bounded, behind the lines before. Those repeat the code. */
static struct span join(const struct smtp_dialogue *dialogue, struct span line)
{
    struct span before = dialogue->partial, text = { line.ptr, line.len };
    char room[SMTP_REPLY_MAX];
    size_t n = before.len < sizeof(room) ? before.len : sizeof(room);
    if (n > 0) {
        memcpy(room, before.ptr, n);
        text = line.len > 4 ? (struct span){ line.ptr + 4, line.len - 4 } : SPAN("");
        size_t code = enhanced_length(text);
        text = (struct span){ text.ptr + code, text.len - code };
        if (n < sizeof(room))
            room[n++] = ' ';
    }
    bool utf8 = span_utf8_ok(text);
    for (size_t i = 0; i < text.len && n < sizeof(room); i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        room[n++] = (char)(c < ' ' || c == 0x7f ? ' ' : c >= 0x80 && !utf8 ? '?' : c);
    }
    while (n > 0 && (unsigned char)room[n - 1] >= 0x80 && !span_utf8_ok((struct span){ room, n }))
        n--; /* a sequence that was cut */
    if (n > 3)
        room[3] = ' ';
    struct span kept;
    return arena_copy(dialogue->arena, (struct span){ room, n }, &kept) ? SPAN("451 4.3.0 out of memory") : kept;
}

enum transport_outcome smtp_outcome(struct span reply)
{
    static const char *const ours[] = { "530", "534", "535", "538" };
    for (size_t i = 0; i < ARRAY_LEN(ours); i++)
        if (span_starts(reply, span_of(ours[i])))
            return TRANSPORT_DEFERRED;
    if (reply.len == 0 || reply.ptr[0] == '4')
        return TRANSPORT_DEFERRED;
    return reply.ptr[0] == '2' ? TRANSPORT_SENT : TRANSPORT_FAILED;
}

/* A line of EHLO's answer: "250-SIZE 1000". */
static void note_offer(struct smtp_offers *offers, struct span line)
{
    struct span offer = line.len > 4 ? span_trim((struct span){ line.ptr + 4, line.len - 4 }) : SPAN("");
    if (span_eq_nocase(offer, SPAN("SMTPUTF8")))
        offers->utf8 = true;
    if (offer.len > 5 && span_eq_nocase((struct span){ offer.ptr, 5 }, SPAN("SIZE "))) {
        struct span number = span_trim((struct span){ offer.ptr + 5, offer.len - 5 });
        if (!span_int(number, false, 0, INT64_MAX, &offers->size))
            offers->size = 0;
    }
}

static void on_whole(struct smtp_dialogue *dialogue, struct span reply)
{
    dialogue->last = reply;
    switch (dialogue->stage) {
    case SMTP_MAIL:
        if (reply.ptr[0] != '2')
            dialogue->mail = reply;
        break;
    case SMTP_RCPT:
        if (dialogue->replies_n == dialogue->rcpts_n)
            break;
        dialogue->rcpts[dialogue->replies_n] = (struct transport_result){ smtp_outcome(reply), reply };
        dialogue->taken_n += dialogue->rcpts[dialogue->replies_n++].outcome == TRANSPORT_SENT;
        break;
    case SMTP_DATA:
        if (reply.ptr[0] == '3')
            dialogue->stage = SMTP_MESSAGE;
        else
            dialogue->message = reply;
        break;
    case SMTP_MESSAGE:
        dialogue->message = reply;
        dialogue->stage = SMTP_OTHER;
        break;
    case SMTP_GREETING:
    case SMTP_EHLO:
    case SMTP_STARTTLS:
    case SMTP_AUTH:
    case SMTP_OTHER:
    case SMTP_QUIT:
        break;
    }
}

void smtp_dialogue_reply(struct smtp_dialogue *dialogue, struct span line)
{
    line = span_trim(line);
    if (!line_is_reply(line))
        return;
    if (dialogue->stage == SMTP_EHLO && line.ptr[0] == '2')
        note_offer(dialogue->offers, line);
    if (dialogue->stage == SMTP_STARTTLS && line.ptr[0] == '2')
        dialogue->secured = true;
    struct span reply = join(dialogue, line);
    if (line.len > 3 && line.ptr[3] == '-') {
        dialogue->partial = reply;
        return;
    }
    dialogue->partial = SPAN("");
    on_whole(dialogue, reply);
}

void smtp_dialogue_command(struct smtp_dialogue *dialogue, struct span line)
{
    static const struct {
        const char *verb;
        enum smtp_stage stage;
    } verbs[] = {
        { "EHLO ", SMTP_EHLO }, { "STARTTLS", SMTP_STARTTLS }, { "AUTH ", SMTP_AUTH }, { "MAIL FROM:", SMTP_MAIL },
        { "RCPT TO:", SMTP_RCPT }, { "DATA", SMTP_DATA }, { "QUIT", SMTP_QUIT }, { "HELO ", SMTP_OTHER }, { "NOOP", SMTP_OTHER },
    };
    dialogue->partial = SPAN("");
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
        if (span_starts(line, span_of(verbs[i].verb)))
            dialogue->stage = verbs[i].stage;
    if (dialogue->stage == SMTP_EHLO)
        *dialogue->offers = (struct smtp_offers){ 0 };
}

/* A relay that says 421 hangs up: that is about the line, not the message. */
static bool hangs_up(struct span reply)
{
    return span_starts(reply, SPAN("421"));
}

bool smtp_dialogue_decided(const struct smtp_dialogue *dialogue)
{
    if (dialogue->mail.len)
        return !hangs_up(dialogue->mail);
    if (dialogue->message.len)
        return !hangs_up(dialogue->message);
    return dialogue->replies_n == dialogue->rcpts_n && dialogue->taken_n == 0;
}

struct transport_result smtp_dialogue_result(const struct smtp_dialogue *dialogue, size_t i, struct span lost)
{
    if (dialogue->mail.len)
        return (struct transport_result){ smtp_outcome(dialogue->mail), dialogue->mail };
    if (i < dialogue->replies_n && dialogue->rcpts[i].outcome != TRANSPORT_SENT)
        return dialogue->rcpts[i];
    if (i < dialogue->replies_n && dialogue->message.len)
        return (struct transport_result){ smtp_outcome(dialogue->message), dialogue->message };
    return (struct transport_result){ TRANSPORT_DEFERRED, lost };
}
