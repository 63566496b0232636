/*
 * See signer.h. The only file that includes <dkim.h>, of libopendkim. A handle
 * of that library has the time of its signatures, so each message has its own.
 */
#include "outbox/signer.h"

#include "outbox/header.h"
#include "outbox/idna.h"
#include "outbox/secret.h"

#include <sys/types.h>

#include <dkim.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define FIELD "DKIM-Signature: "

struct signer {
    struct arena *arena;
    struct span *domains; /* A-labels */
    size_t domains_n;
    const char *selector;
    struct span key; /* PEM; a NUL behind it */
};

/* ---- one signature ---- */

struct signing {
    DKIM_LIB *library;
    DKIM *handle;
    struct span field; /* the handle's */
};

static void signing_done(struct signing *signing)
{
    if (signing->handle)
        dkim_free(signing->handle);
    if (signing->library)
        dkim_close(signing->library);
}

static int set_options(DKIM_LIB *library, int64_t submitted)
{
    static const char *const oversigned[] = { "From", NULL };
    uint64_t seconds = (uint64_t)(submitted / 1000);
    const void *should = dkim_should_signhdrs, *over = oversigned;
    bool good = dkim_options(library, DKIM_OP_SETOPT, DKIM_OPTS_FIXEDTIME, &seconds, sizeof(seconds)) == DKIM_STAT_OK &&
                dkim_options(library, DKIM_OP_SETOPT, DKIM_OPTS_SIGNHDRS, (void *)(uintptr_t)should, sizeof(should)) == DKIM_STAT_OK &&
                dkim_options(library, DKIM_OP_SETOPT, DKIM_OPTS_OVERSIGNHDRS, (void *)(uintptr_t)over, sizeof(over)) == DKIM_STAT_OK;
    return good ? 0 : -EIO;
}

static unsigned char *bytes_of(struct span text)
{
    return (unsigned char *)(uintptr_t)text.ptr; /* the library only reads them */
}

static int feed(DKIM *handle, struct span raw)
{
    struct span name, field;
    while (header_next(&raw, &name, &field))
        if (dkim_header(handle, bytes_of(field), field.len) != DKIM_STAT_OK)
            return -EIO;
    if (dkim_eoh(handle) != DKIM_STAT_OK)
        return -EIO;
    if (raw.len && dkim_body(handle, bytes_of(raw), raw.len) != DKIM_STAT_OK)
        return -EIO;
    return dkim_eom(handle, NULL) == DKIM_STAT_OK ? 0 : -EIO;
}

static int sign(const struct signer *signer, struct span domain, int64_t submitted, struct span raw, struct signing *signing)
{
    DKIM_STAT status = DKIM_STAT_OK;
    unsigned char *field = NULL;
    size_t n = 0;
    signing->library = dkim_init(NULL, NULL);
    int r = signing->library ? set_options(signing->library, submitted) : -ENOMEM;
    if (r)
        return r;
    signing->handle = dkim_sign(signing->library, (const unsigned char *)"ewsd", NULL, bytes_of(signer->key),
                                (const unsigned char *)signer->selector, bytes_of(domain), DKIM_CANON_RELAXED, DKIM_CANON_RELAXED,
                                DKIM_SIGN_RSASHA256, -1, &status);
    if (!signing->handle)
        return -EIO;
    r = feed(signing->handle, raw);
    if (r == 0 && dkim_getsighdr_d(signing->handle, strlen(FIELD), &field, &n) != DKIM_STAT_OK)
        r = -EIO;
    signing->field = (struct span){ (const char *)field, n };
    return r;
}

/* ---- whose ---- */

static const struct span *find_domain(const struct signer *signer, struct span domain)
{
    for (size_t i = 0; i < signer->domains_n; i++)
        if (span_eq_nocase(signer->domains[i], domain))
            return &signer->domains[i];
    return NULL;
}

int signer_sign(const struct signer *signer, struct arena *arena, const struct item *item, int64_t submitted, struct span raw,
                struct span *ret_field)
{
    const struct rcpt *from = rcpt_is_set(&item->from) ? &item->from : &item->sender;
    struct span domain = rcpt_address_domain(from->address), ascii;
    *ret_field = SPAN("");
    if (!signer || domain.len == 0)
        return 0;
    int r = idna_domain(arena, domain, &ascii);
    const struct span *found = r == 0 ? find_domain(signer, ascii) : NULL;
    if (!found)
        return r < 0 ? r : 0;
    CLEANUP(signing_done) struct signing signing = { 0 };
    r = sign(signer, *found, submitted, raw, &signing);
    return r ? r : arena_printf(arena, ret_field, FIELD "%.*s\r\n", (int)signing.field.len, signing.field.ptr);
}

/* ---- from the settings ---- */

static int load_domains(struct signer *signer, const struct conf *conf, struct conf_report *report)
{
    struct span rest = span_of(conf->dkim_domains), word;
    bool wrong = false;
    signer->domains = arena_array(signer->arena, rest.len / 2 + 1, sizeof(*signer->domains));
    if (!signer->domains)
        return -ENOMEM;
    while (conf_list_next(&rest, &word)) {
        int r = idna_domain(signer->arena, word, &signer->domains[signer->domains_n]);
        if (r == 0 && !idna_is_domain(signer->domains[signer->domains_n]))
            r = 1;
        if (r > 0)
            conf_report_of(report, conf, "dkim.domains", "[dkim] domains: %.*s is no domain", (int)word.len, word.ptr);
        if (r < 0)
            return r;
        wrong = wrong || r;
        signer->domains_n += r == 0;
    }
    return wrong;
}

static int load_selector(struct signer *signer, const struct conf *conf, struct conf_report *report)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    signer->selector = conf->dkim_selector;
    if (*conf->dkim_selector && strspn(conf->dkim_selector, letters) == strlen(conf->dkim_selector))
        return 0;
    conf_report_of(report, conf, "dkim.selector", "[dkim] selector must be the name that is left of ._domainkey in the DNS");
    return 1;
}

static int load_key(struct signer *signer, const struct conf *conf, struct conf_report *report)
{
    char why[SECRET_WHY_SIZE];
    int r = secret_read(signer->arena, conf->dkim_key, &signer->key, why);
    if (r > 0)
        conf_report_of(report, conf, "dkim.key", "[dkim] key = %.300s: %s", conf->dkim_key, why);
    return r;
}

/* A key that cannot sign is found now, not by the first message. The library
 * takes none under 1024 bits. */
static int try_key(const struct signer *signer, const struct conf *conf, struct conf_report *report)
{
    CLEANUP(signing_done) struct signing signing = { 0 };
    int r = sign(signer, signer->domains[0], 0, SPAN("From: a@b.test\r\n\r\n"), &signing);
    if (r != -EIO)
        return r;
    conf_report_of(report, conf, "dkim.key", "[dkim] key = %.200s: signs nothing; a private RSA key of 1024 bits at least, in PEM, is wanted",
                   conf->dkim_key);
    return 1;
}

static int load(struct signer *signer, const struct conf *conf, struct conf_report *report)
{
    int domains = load_domains(signer, conf, report);
    int selector = domains < 0 ? 0 : load_selector(signer, conf, report);
    int key = domains < 0 ? 0 : load_key(signer, conf, report);
    if (domains < 0 || key < 0)
        return domains < 0 ? domains : key;
    return domains || selector || key ? 1 : try_key(signer, conf, report);
}

int signer_load(const struct conf *conf, struct signer **ret_signer, struct conf_report *report)
{
    struct span rest = span_of(conf->dkim_domains), word;
    *ret_signer = NULL;
    if (!conf_list_next(&rest, &word))
        return 0;
    struct signer *signer = calloc(1, sizeof(*signer));
    int r = signer ? arena_new(2 * SECRET_FILE_MAX, &signer->arena) : -ENOMEM;
    if (r == 0)
        r = load(signer, conf, report);
    if (r)
        signer_free(signer);
    else
        *ret_signer = signer;
    return r;
}

void signer_free(struct signer *signer)
{
    if (!signer)
        return;
    secret_wipe(signer->key);
    arena_free(signer->arena);
    free(signer);
}
