/*
 * The certificate and its key: read from their files while the program may
 * read them, and proved to fit before anything listens. <gnutls/gnutls.h> is
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

#endif
