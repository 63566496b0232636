/*
 * Reading and judging a certificate with its key, by GnuTLS.
 */
#include "http/tls.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>

#define PEM_MAX (1u << 20)

/* 0, or errno. */
static int read_open(FILE *file, char **ret_text)
{
    char *text = malloc(PEM_MAX);
    if (!text)
        return ENOMEM;
    size_t len = fread(text, 1, PEM_MAX - 1, file);
    int error = ferror(file) ? EIO : feof(file) ? 0 : EFBIG;
    if (error) {
        free(text);
        return error;
    }
    text[len] = 0;
    *ret_text = text;
    return 0;
}

static int read_text(const char *path, char **ret_text, char *ret_error)
{
    FILE *file = fopen(path, "re");
    int error = file ? read_open(file, ret_text) : errno;
    if (file)
        fclose(file);
    if (error)
        snprintf(ret_error, TLS_ERROR_SIZE, "%.300s: %s", path, strerror(error));
    return error != 0;
}

static int check_priority(const char *priority, char *ret_error)
{
    gnutls_priority_t made;
    const char *at = priority;
    int r = gnutls_priority_init(&made, priority, &at);
    if (r) {
        snprintf(ret_error, TLS_ERROR_SIZE, "is no priority string of GnuTLS from here on: %.200s", at);
        return 1;
    }
    gnutls_priority_deinit(made);
    return 0;
}

/* 0 or above, as GnuTLS says it. */
static int make_credentials(const struct tls *tls, gnutls_certificate_credentials_t *ret_made)
{
    gnutls_certificate_credentials_t made;
    const gnutls_datum_t certificate = { (unsigned char *)tls->certificate, (unsigned)strlen(tls->certificate) };
    const gnutls_datum_t key = { (unsigned char *)tls->key, (unsigned)strlen(tls->key) };
    int r = gnutls_certificate_allocate_credentials(&made);
    if (r < 0)
        return r;
    r = gnutls_certificate_set_x509_key_mem(made, &certificate, &key, GNUTLS_X509_FMT_PEM);
    if (r < 0)
        gnutls_certificate_free_credentials(made);
    else
        *ret_made = made;
    return r;
}

static int check_pair(const struct tls *tls, const char **ret_setting, char *ret_error)
{
    gnutls_certificate_credentials_t made = NULL;
    int r = make_credentials(tls, &made);
    if (r >= 0) {
        gnutls_certificate_free_credentials(made);
        return 0;
    }
    *ret_setting = r == GNUTLS_E_CERTIFICATE_KEY_MISMATCH || strstr(tls->certificate, "-----BEGIN CERTIFICATE-----")
                       ? "http.key"
                       : "http.certificate";
    snprintf(ret_error, TLS_ERROR_SIZE, "%s", gnutls_strerror(r));
    return 1;
}

int tls_load(const struct conf *conf, struct tls *ret_tls, const char **ret_setting, char ret_error[TLS_ERROR_SIZE])
{
    struct tls tls = { 0 };
    bool certificate = *conf->http_certificate, key = *conf->http_key;
    *ret_tls = tls;
    if (!certificate && !key)
        return 0;
    *ret_setting = certificate ? "http.certificate" : "http.key";
    if (certificate != key) {
        snprintf(ret_error, TLS_ERROR_SIZE, "needs %s, too", certificate ? "http.key" : "http.certificate");
        return 1;
    }
    int r = read_text(conf->http_certificate, &tls.certificate, ret_error);
    if (r == 0) {
        *ret_setting = "http.key";
        r = read_text(conf->http_key, &tls.key, ret_error);
    }
    if (r == 0)
        r = check_pair(&tls, ret_setting, ret_error);
    if (r == 0) {
        *ret_setting = "http.tls_priority";
        r = check_priority(conf->http_tls_priority, ret_error);
    }
    if (r) {
        tls_done(&tls);
        return r;
    }
    *ret_tls = tls;
    return 0;
}

bool tls_look(const struct tls *tls, const char *host, struct tls_facts *ret_facts)
{
    const gnutls_datum_t pem = { (unsigned char *)tls->certificate, (unsigned)strlen(tls->certificate) };
    gnutls_x509_crt_t certificate;
    if (gnutls_x509_crt_init(&certificate))
        return false;
    bool read = gnutls_x509_crt_import(certificate, &pem, GNUTLS_X509_FMT_PEM) == 0;
    if (read)
        *ret_facts = (struct tls_facts){ (int64_t)gnutls_x509_crt_get_activation_time(certificate) * 1000,
                                         (int64_t)gnutls_x509_crt_get_expiration_time(certificate) * 1000,
                                         !*host || gnutls_x509_crt_check_hostname(certificate, host) != 0 };
    gnutls_x509_crt_deinit(certificate);
    return read;
}

void tls_done(struct tls *tls)
{
    if (tls->key)
        explicit_bzero(tls->key, strlen(tls->key));
    free(tls->certificate);
    free(tls->key);
    *tls = (struct tls){ 0 };
}

/* ---- as sessions use it ---- */

struct tls_keys {
    gnutls_certificate_credentials_t made;
    unsigned holders;
};

int tls_keys_new(const struct tls *tls, struct tls_keys **ret_keys)
{
    struct tls_keys *keys = calloc(1, sizeof(*keys));
    if (!keys)
        return -ENOMEM;
    if (make_credentials(tls, &keys->made) < 0) {
        free(keys);
        return -EINVAL;
    }
    keys->holders = 1;
    *ret_keys = keys;
    return 0;
}

struct tls_keys *tls_keys_hold(struct tls_keys *keys)
{
    if (keys)
        keys->holders++;
    return keys;
}

void tls_keys_release(struct tls_keys *keys)
{
    if (!keys || --keys->holders > 0)
        return;
    gnutls_certificate_free_credentials(keys->made);
    free(keys);
}

void tls_keys_use(struct tls_keys *keys, void *session)
{
    (void)gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, keys->made);
}
