/*
 * The certificate and its key: read from their files while the program may
 * read them, and proved to fit before anything uses them. <gnutls/gnutls.h> is
 * included only in tls.c; TLS itself is spoken by libmicrohttpd.
 */
#ifndef EWSD_HTTP_TLS_H
#define EWSD_HTTP_TLS_H

#include "base/conf.h"

#define TLS_ERROR_SIZE 512

struct tls {
    char *certificate, *key; /* PEM; NULL: plain http */
};

/* As http.certificate and http.key say; both empty: plain http. 1: ret_setting
 * is the setting that is wrong and ret_error what is wrong with it. */
int tls_load(const struct conf *conf, struct tls *ret_tls, const char **ret_setting, char ret_error[TLS_ERROR_SIZE]);
/* Of the first certificate, which is the server's. host may be empty. False: it
 * cannot be read. */
struct tls_facts {
    int64_t since, until; /* it is valid; ms */
    bool names_host;
};
bool tls_look(const struct tls *tls, const char *host, struct tls_facts *ret_facts);
/* Wipes the key. */
void tls_done(struct tls *tls);

/* The same as TLS sessions use it: those that began with it keep it, whatever
 * comes after. For one thread. */
struct tls_keys;

/* -EINVAL: the library does not take what it took in tls_load. */
int tls_keys_new(const struct tls *tls, struct tls_keys **ret_keys);
/* One more who keeps it; tls_keys_release is its end. NULL is fine. */
struct tls_keys *tls_keys_hold(struct tls_keys *keys);
void tls_keys_release(struct tls_keys *keys);
/* A session that has not begun its handshake, a gnutls_session_t, is to use them
 * while they are held. */
void tls_keys_use(struct tls_keys *keys, void *session);

#endif
