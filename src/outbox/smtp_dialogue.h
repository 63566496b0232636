/*
 * One message's dialogue with a relay, as it is overheard: the commands that
 * went out and the replies that came, in order. Knows RFC 5321's replies and
 * no library; it decides what each recipient's outcome is.
 */
#ifndef EWSD_OUTBOX_SMTP_DIALOGUE_H
#define EWSD_OUTBOX_SMTP_DIALOGUE_H

#include "outbox/transport.h"

#define SMTP_REPLY_MAX 500 /* of a reply's text, all its lines */

enum smtp_stage { SMTP_GREETING, SMTP_EHLO, SMTP_STARTTLS, SMTP_AUTH, SMTP_MAIL, SMTP_RCPT, SMTP_DATA, SMTP_MESSAGE, SMTP_OTHER, SMTP_QUIT };

/* What the last EHLO was answered with. */
struct smtp_offers {
    bool utf8;    /* SMTPUTF8 */
    int64_t size; /* largest message; 0: not said */
};

struct smtp_dialogue {
    struct arena *arena;
    struct smtp_offers *offers;
    struct transport_result *rcpts; /* room for every RCPT command */
    size_t rcpts_n;                 /* there will be */
    size_t replies_n;               /* to RCPT so far */
    size_t taken_n;                 /* of them 2xx */
    enum smtp_stage stage;
    bool secured;         /* STARTTLS was answered with yes */
    struct span partial;  /* lines of a reply that goes on */
    struct span last;     /* whole reply, of whatever */
    struct span mail;     /* a refusal of MAIL */
    struct span message;  /* the reply to DATA's refusal, or to the message */
};

/* A line of either side, with its line end. Text is kept in the arena. */
void smtp_dialogue_command(struct smtp_dialogue *dialogue, struct span line);
void smtp_dialogue_reply(struct smtp_dialogue *dialogue, struct span line);

/* Has the relay answered for every recipient? Else the line was lost. */
bool smtp_dialogue_decided(const struct smtp_dialogue *dialogue);
/* Of the i-th RCPT; lost is what is said of those without an answer. */
struct transport_result smtp_dialogue_result(const struct smtp_dialogue *dialogue, size_t i, struct span lost);
/* What a reply means. Refusals that are about this server and not about the
 * message (530, 534, 535, 538) are temporary: somebody mends a setting. */
enum transport_outcome smtp_outcome(struct span reply);

#endif
