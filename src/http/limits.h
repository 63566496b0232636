/*
 * Who may do how much: connections and failed log-ins of an address, requests
 * in execution of a user (decisions 20). Belongs to the listener's loop: one
 * thread, no lock. An address is counted with its neighbours: IPv6 by /64, as
 * one host has all of that.
 */
#ifndef EWSD_HTTP_LIMITS_H
#define EWSD_HTTP_LIMITS_H

#include "base/conf.h"
#include "http/peer.h"

struct limits;

/* conf outlives the limits. -ENOMEM. */
int limits_new(const struct conf *conf, struct limits **ret_limits);
void limits_free(struct limits *limits);

/* Another conf, which outlives the limits or the next. -EINVAL: its proxies are
 * no list of addresses, and nothing changed. */
int limits_reload(struct limits *limits, const struct conf *conf);

/* The proxies that are believed (http.trusted_proxies). */
const struct peer_nets *limits_trusted(const struct limits *limits);

/* false: the address has http.address_connections already. Loopback and
 * trusted proxies are spared. */
bool limits_may_connect(const struct limits *limits, const struct peer *peer);
/* Whether the connection counts; only then limits_disconnected is for it. */
bool limits_connected(struct limits *limits, const struct peer *peer);
void limits_disconnected(struct limits *limits, const struct peer *peer, int64_t now);

/* Whether one more password of this address may be looked at; false when
 * auth.address_failures of the last minute were wrong. */
bool limits_may_try(const struct limits *limits, const struct peer *client, int64_t now);
void limits_failed(struct limits *limits, const struct peer *client, int64_t now);

/* A request of this user begins; false: http.user_requests are in execution. */
bool limits_begin(struct limits *limits, int64_t mailbox_id);
void limits_end(struct limits *limits, int64_t mailbox_id);

/* Forgets addresses that no longer count. Call it now and then. */
void limits_sweep(struct limits *limits, int64_t now);

#endif
