/*
 * The relays of the configuration, checked once at the start: where each one
 * is, the mail it takes, how it is spoken to and the secret that it asks for.
 * Immutable afterwards, so threads share them.
 */
#ifndef EWSD_OUTBOX_RELAY_H
#define EWSD_OUTBOX_RELAY_H

#include "base/arena.h"
#include "base/conf.h"

#define RELAY_HOST_SIZE 256

enum relay_tls { RELAY_TLS_NONE, RELAY_TLS_MAY, RELAY_TLS_REQUIRED };

/* Domains as configured: A-labels, folded; a leading dot is all below. */
struct relay_domains {
    struct span *v;
    size_t n;
};

struct relay {
    const struct conf_relay *conf;
    const char *name; /* for people: "relay", or the NAME of its section */
    unsigned number;  /* of that name, for what is counted */
    char host[RELAY_HOST_SIZE];
    int64_t port;
    bool wrapped; /* TLS from the first byte */
    enum relay_tls tls;
    bool verify;  /* certificates are checked */
    struct span url;      /* with the name for EHLO as its path */
    struct span user;     /* empty: no AUTH */
    struct span password;
    struct relay_domains rcpts, senders; /* that it is for; none: of any domain */
    const struct relay *next; /* takes over when this one cannot be connected; or NULL. The chain has an end. */
};

struct relays {
    struct arena *arena;
    struct relay v[CONF_RELAYS_MAX];
    size_t n;
    const struct relay *fallback; /* [relay], or NULL when it has no url */
    bool by_sender; /* some relay has sender_domains */
};

/* conf outlives the relays. 1: refused, and ret_error says which setting is
 * wrong and what is allowed. -errno. */
int relays_load(const struct conf *conf, struct relays **ret_relays, char ret_error[CONF_ERROR_SIZE]);
void relays_free(struct relays *relays);
/* For the domains of a recipient and a sender (empty: the null sender), in
 * ASCII: of the relays that both fit, the one whose domains name the
 * recipient's, or those above it, most closely; of several the one whose
 * sender_domains name the sender's most closely; of several the first. Else
 * [relay]; NULL: nobody takes it. */
const struct relay *relays_find(const struct relays *relays, struct span rcpt, struct span sender);

/* The same for addresses, whose domains may be in UTF-8. -ENOMEM. */
int relay_of(const struct relays *relays, struct arena *arena, struct span address, struct span sender,
             const struct relay **ret_relay);

/* The line of a secrets file that is for host:port, host, or anybody:
 * "host[:port] user:password" or "user:password". 1: none. */
int relay_secret(struct span file, const char *host, int64_t port, struct span *ret_user, struct span *ret_password);

/* What this server calls itself: server.hostname, or the machine's name. */
void relay_own_name(const struct conf *conf, char ret_name[RELAY_HOST_SIZE]);

#endif
