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

struct relay {
    const struct conf_relay *conf;
    const char *name; /* for people: "relay", or the NAME of its section */
    char host[RELAY_HOST_SIZE];
    int64_t port;
    bool wrapped; /* TLS from the first byte */
    enum relay_tls tls;
    bool verify;  /* certificates are checked */
    struct span url;      /* with the name for EHLO as its path */
    struct span user;     /* empty: no AUTH */
    struct span password;
    struct span *domains; /* A-labels, folded; a leading dot as configured */
    size_t domains_n;
};

struct relays {
    struct arena *arena;
    struct relay v[CONF_RELAYS_MAX];
    size_t n;
    const struct relay *fallback; /* [relay], or NULL when it has no url */
};

/* conf outlives the relays. 1: refused, and ret_error says which setting is
 * wrong and what is allowed. -errno. */
int relays_load(const struct conf *conf, struct relays **ret_relays, char ret_error[CONF_ERROR_SIZE]);
void relays_free(struct relays *relays);
/* For a recipient's domain, in ASCII: the relay that names it, or names the
 * domains above it most closely, else [relay]; NULL: nobody takes it. */
const struct relay *relays_find(const struct relays *relays, struct span domain);

/* The same for an address, whose domain may be in UTF-8. -ENOMEM. */
int relay_of(const struct relays *relays, struct arena *arena, struct span address, const struct relay **ret_relay);

/* The line of a secrets file that is for host:port, host, or anybody:
 * "host[:port] user:password" or "user:password". 1: none. */
int relay_secret(struct span file, const char *host, int64_t port, struct span *ret_user, struct span *ret_password);

/* What this server calls itself: server.hostname, or the machine's name. */
void relay_own_name(const struct conf *conf, char ret_name[RELAY_HOST_SIZE]);

#endif
