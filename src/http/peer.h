/*
 * Addresses of peers: reading, writing and comparing them, networks in CIDR
 * form, and who stands behind a chain of trusted proxies. IPv4 is kept as
 * IPv4-mapped IPv6. Plain functions of plain values.
 */
#ifndef EWSD_HTTP_PEER_H
#define EWSD_HTTP_PEER_H

#include "base/base.h"

#include <sys/socket.h>

#define PEER_TEXT_SIZE 48
#define PEER_NETS_MAX 64

struct peer {
    uint8_t ip[16];
};

struct peer_nets {
    struct {
        struct peer base;
        unsigned bits; /* of 128 */
    } v[PEER_NETS_MAX];
    size_t n;
};

/* A unix socket is ::1, as its peer is on this machine; one of another family
 * the unspecified address. */
void peer_of_sockaddr(const struct sockaddr *address, struct peer *ret_peer);
/* "192.0.2.1", "192.0.2.1:4711", "2001:db8::1", "[2001:db8::1]:4711". */
bool peer_parse(struct span text, struct peer *ret_peer);
void peer_format(const struct peer *peer, char ret_text[PEER_TEXT_SIZE]);
bool peer_is_loopback(const struct peer *peer);

/* A list of addresses and networks, "127.0.0.1, 10.0.0.0/8, fd00::/8". 1:
 * ret_bad is the word that is neither, or one too many. */
int peer_nets_parse(const char *list, struct peer_nets *ret_nets, struct span *ret_bad);
bool peer_nets_have(const struct peer_nets *nets, const struct peer *peer);

/* One X-Forwarded-For, of which each proxy adds the address it was called from
 * at the end. Call it for each in the order of the message: *client, at first
 * the peer, becomes the last address that is no trusted proxy. A word that is
 * no address tells nothing, so what stands before it is not believed. */
void peer_forwarded(const struct peer_nets *trusted, const struct peer *peer, struct span header, struct peer *client);

#endif
