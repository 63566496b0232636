/*
 * Reading relays from settings. Whatever is wrong is said at the start, in
 * words, as later nobody watches.
 */
#include "outbox/relay.h"

#include "base/metrics.h"
#include "model/rcpt.h"
#include "outbox/idna.h"
#include "outbox/secret.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct loading {
    const struct conf *conf;
    struct relays *relays;
    struct relay *relay;
    struct conf_report *report;
};

static int refuse(const struct loading *loading, const char *format, ...) ATTR_PRINTF(2, 3);

/* 1; the sentence, whose first word is the setting, gets the section in front. */
static int refuse(const struct loading *loading, const char *format, ...)
{
    const char *name = loading->relay->conf->name, *space = *name ? " " : "";
    char text[CONF_ERROR_SIZE], setting[2 * CONF_NAME_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    snprintf(setting, sizeof(setting), "relay%s%s.%.*s", space, name, (int)strcspn(text, " :"), text);
    conf_report_of(loading->report, loading->conf, setting, "[relay%s%s] %s", space, name, text);
    return 1;
}

void relay_own_name(const struct conf *conf, char ret_name[RELAY_HOST_SIZE])
{
    char machine[RELAY_HOST_SIZE] = "";
    const char *name = conf->server_hostname;
    if (!*name && gethostname(machine, sizeof(machine) - 1) == 0)
        name = machine;
    snprintf(ret_name, RELAY_HOST_SIZE, "%.*s", RELAY_HOST_SIZE - 1, *name ? name : "localhost");
    for (char *c = ret_name; *c; c++)
        if (!((*c >= '0' && *c <= '9') || ((*c | 0x20) >= 'a' && (*c | 0x20) <= 'z') || *c == '.'))
            *c = '-';
}

/* ---- where it is ---- */

/* "host", "host:port", "[v6]" or "[v6]:port" */
static bool split_authority(struct span text, struct span *ret_host, struct span *ret_port)
{
    const char *colon = memrchr(text.ptr, ':', text.len);
    const char *bracket = memrchr(text.ptr, ']', text.len);
    if (bracket && colon && colon < bracket)
        colon = NULL;
    size_t n = colon ? (size_t)(colon - text.ptr) : text.len;
    *ret_host = (struct span){ text.ptr, n };
    *ret_port = colon ? (struct span){ colon + 1, text.len - n - 1 } : SPAN("");
    for (size_t i = 0; i < n; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] > '~' || strchr("/@?#%\\\"<>", text.ptr[i]))
            return false;
    return n > 0 && n < RELAY_HOST_SIZE && (!colon || ret_port->len > 0);
}

static int load_url(struct loading *loading)
{
    struct relay *relay = loading->relay;
    struct span url = span_of(relay->conf->url), host, port;
    relay->wrapped = span_starts(url, SPAN("smtps://"));
    size_t scheme = relay->wrapped ? 8 : 7;
    if (!relay->wrapped && !span_starts(url, SPAN("smtp://")))
        return refuse(loading, "url is smtp://HOST:PORT or smtps://HOST:PORT, not %s", relay->conf->url);
    struct span rest = { url.ptr + scheme, url.len - scheme };
    if (rest.len && rest.ptr[rest.len - 1] == '/')
        rest.len--;
    relay->port = relay->wrapped ? 465 : 25;
    if (!split_authority(rest, &host, &port) || (port.len && !span_int(port, false, 1, 65535, &relay->port)))
        return refuse(loading, "url is smtp://HOST:PORT or smtps://HOST:PORT, not %s", relay->conf->url);
    memcpy(relay->host, host.ptr, host.len);
    char own[RELAY_HOST_SIZE];
    relay_own_name(loading->conf, own);
    return arena_printf(loading->relays->arena, &relay->url, "%s%s:%lld/%s", relay->wrapped ? "smtps://" : "smtp://", relay->host,
                        (long long)relay->port, own);
}

/* ---- what it takes ---- */

static int load_list(struct loading *loading, const char *key, const char *text, struct relay_domains *domains)
{
    struct arena *arena = loading->relays->arena;
    struct span rest = span_of(text), word;
    domains->v = arena_array(arena, rest.len / 2 + 1, sizeof(struct span));
    if (!domains->v)
        return -ENOMEM;
    while (conf_list_next(&rest, &word)) {
        bool below = word.ptr[0] == '.';
        struct span domain = below ? (struct span){ word.ptr + 1, word.len - 1 } : word;
        struct span ascii;
        int r = domain.len ? idna_domain(arena, domain, &ascii) : 1;
        if (r == 0 && !idna_is_domain(ascii))
            r = 1;
        if (r == 0)
            r = arena_printf(arena, &domains->v[domains->n++], "%s%s", below ? "." : "", ascii.ptr);
        if (r)
            return r < 0 ? r : refuse(loading, "%s: %.*s is no domain", key, (int)word.len, word.ptr);
    }
    return 0;
}

/* A relay that is only somebody's fallback needs no domains. */
static bool is_fallback(const struct conf *conf, const struct conf_relay *section)
{
    for (unsigned i = 0; i < conf->relays_n; i++)
        if (*conf->relays[i].fallback && strcmp(conf->relays[i].fallback, section->name) == 0)
            return true;
    return false;
}

static int load_domains(struct loading *loading)
{
    struct relay *relay = loading->relay;
    int r = load_list(loading, "domains", relay->conf->domains, &relay->rcpts);
    if (r == 0)
        r = load_list(loading, "sender_domains", relay->conf->sender_domains, &relay->senders);
    bool named = *relay->conf->name, any = relay->rcpts.n + relay->senders.n > 0;
    loading->relays->by_sender |= relay->senders.n > 0;
    if (r || named == any || (named && is_fallback(loading->conf, relay->conf)))
        return r;
    return named ? refuse(loading, "needs domains = ... or sender_domains = ..., the mail that it takes") :
                   refuse(loading, "has no domains: it takes what no other relay does");
}

/* How closely it fits: the length of what fitted, 0 for not at all. */
static size_t fit(struct span wanted, struct span domain)
{
    if (wanted.ptr[0] != '.')
        return span_eq_nocase(wanted, domain) ? wanted.len + 1 : 0;
    if (domain.len <= wanted.len)
        return 0;
    return span_eq_nocase(wanted, (struct span){ domain.ptr + domain.len - wanted.len, wanted.len }) ? wanted.len : 0;
}

/* False: the domain is none of theirs. No domains fit any, as loosely as can be. */
static bool fits(const struct relay_domains *domains, struct span domain, size_t *ret_close)
{
    *ret_close = 0;
    for (size_t i = 0; i < domains->n; i++) {
        size_t close = fit(domains->v[i], domain);
        *ret_close = close > *ret_close ? close : *ret_close;
    }
    return domains->n == 0 || *ret_close > 0;
}

const struct relay *relays_find(const struct relays *relays, struct span rcpt, struct span sender)
{
    const struct relay *found = relays->fallback;
    size_t best_rcpt = 0, best_sender = 0, close_rcpt, close_sender;
    for (size_t i = 0; i < relays->n; i++) {
        const struct relay *relay = &relays->v[i];
        if (!fits(&relay->rcpts, rcpt, &close_rcpt) || !fits(&relay->senders, sender, &close_sender))
            continue;
        if (close_rcpt > best_rcpt || (close_rcpt == best_rcpt && close_sender > best_sender)) {
            best_rcpt = close_rcpt;
            best_sender = close_sender;
            found = relay;
        }
    }
    return found;
}

static int ascii_domain(struct arena *arena, struct span address, struct span *ret_domain)
{
    struct span domain = rcpt_address_domain(address);
    int r = domain.len ? idna_domain(arena, domain, ret_domain) : 1;
    if (r > 0)
        *ret_domain = domain;
    return r < 0 ? r : 0;
}

int relay_of(const struct relays *relays, struct arena *arena, struct span address, struct span sender,
             const struct relay **ret_relay)
{
    struct span to, from = SPAN("");
    int r = ascii_domain(arena, address, &to);
    if (r == 0 && relays->by_sender)
        r = ascii_domain(arena, sender, &from);
    if (r == 0)
        *ret_relay = relays_find(relays, to, from);
    return r;
}

/* ---- who takes over ---- */

static const struct relay *relay_named(const struct relays *relays, const char *name)
{
    for (size_t i = 0; i < relays->n; i++)
        if (strcmp(relays->v[i].name, name) == 0)
            return &relays->v[i];
    return NULL;
}

static int load_fallback(struct loading *loading)
{
    struct relay *relay = loading->relay;
    if (!*relay->conf->fallback)
        return 0;
    relay->next = relay_named(loading->relays, relay->conf->fallback);
    if (!relay->next)
        return refuse(loading, "fallback = %s: there is no [relay %s]", relay->conf->fallback, relay->conf->fallback);
    for (const struct relay *other = relay->next; other; other = other->next)
        if (other == relay)
            return refuse(loading, "fallback = %s: leads back to this relay", relay->conf->fallback);
    return 0;
}

/* ---- its secret ---- */

static bool split_pair(struct span pair, struct span *ret_user, struct span *ret_password)
{
    const char *colon = pair.len ? memchr(pair.ptr, ':', pair.len) : NULL;
    if (!colon || colon == pair.ptr)
        return false;
    size_t n = (size_t)(colon - pair.ptr);
    *ret_user = (struct span){ pair.ptr, n };
    *ret_password = (struct span){ colon + 1, pair.len - n - 1 };
    return true;
}

/* Does a line's first word, host or host:port, name this relay? */
static bool names(struct span word, const char *host, int64_t port)
{
    struct span line_host, line_port;
    int64_t number = port;
    if (!split_authority(word, &line_host, &line_port) || !span_eq_nocase(line_host, span_of(host)))
        return false;
    return line_port.len == 0 || (span_int(line_port, false, 1, 65535, &number) && number == port);
}

int relay_secret(struct span file, const char *host, int64_t port, struct span *ret_user, struct span *ret_password)
{
    while (file.len > 0) {
        const char *end = memchr(file.ptr, '\n', file.len);
        size_t n = end ? (size_t)(end - file.ptr) : file.len;
        struct span line = span_trim((struct span){ file.ptr, n });
        file = end ? (struct span){ end + 1, file.len - n - 1 } : SPAN("");
        if (line.len == 0 || line.ptr[0] == '#')
            continue;
        size_t word = 0;
        while (word < line.len && line.ptr[word] != ' ' && line.ptr[word] != '\t')
            word++;
        struct span pair = span_trim((struct span){ line.ptr + word, line.len - word });
        if (pair.len && !names((struct span){ line.ptr, word }, host, port))
            continue;
        if (split_pair(pair.len ? pair : line, ret_user, ret_password))
            return 0;
    }
    return 1;
}

static int load_secret(struct loading *loading)
{
    struct relay *relay = loading->relay;
    struct arena *arena = loading->relays->arena;
    struct span text, user, password;
    char why[SECRET_WHY_SIZE];
    if (!*relay->conf->secrets)
        return 0;
    int r = secret_read(arena, relay->conf->secrets, &text, why);
    if (r)
        return r < 0 ? r : refuse(loading, "secrets = %s: %s", relay->conf->secrets, why);
    r = relay_secret(text, relay->host, relay->port, &user, &password);
    if (r == 0 && (arena_copy(arena, user, &relay->user) || arena_copy(arena, password, &relay->password)))
        r = -ENOMEM;
    secret_wipe(text);
    return r <= 0 ? r : refuse(loading, "secrets = %s: no line for %s:%lld", relay->conf->secrets, relay->host, (long long)relay->port);
}

/* Secrets travel under TLS with a checked name, unless that was waived. */
static int load_tls(struct loading *loading)
{
    struct relay *relay = loading->relay;
    const char *tls = relay->conf->tls;
    bool secret = relay->user.len > 0 && !relay->conf->insecure_auth;
    relay->tls = strcmp(tls, "none") == 0 ? RELAY_TLS_NONE : strcmp(tls, "may") == 0 && !secret ? RELAY_TLS_MAY : RELAY_TLS_REQUIRED;
    if (relay->tls == RELAY_TLS_NONE && secret && !relay->wrapped)
        return refuse(loading, "tls = none would send the secret in clear; insecure_auth = yes allows that");
    relay->verify = relay->conf->verify && (relay->wrapped || relay->tls == RELAY_TLS_REQUIRED);
    if (*relay->conf->ca_file && access(relay->conf->ca_file, R_OK))
        return refuse(loading, "ca_file = %s: %s", relay->conf->ca_file, strerror(errno));
    return 0;
}

static int check_times(struct loading *loading)
{
    const struct conf_relay *relay = loading->relay->conf;
    if (relay->timeout + relay->final_timeout < loading->conf->outbox_lease)
        return 0;
    return refuse(loading, "timeout and final_timeout together must be shorter than outbox.lease (%lld seconds)",
                  (long long)loading->conf->outbox_lease);
}

/* All of it, whatever is wrong; a secret is looked up by the name in the url. */
static int load_one(struct loading *loading)
{
    struct relay *relay = loading->relay;
    relay->name = *relay->conf->name ? relay->conf->name : "relay";
    relay->number = metric_name(METRIC_LABEL_relay, relay->name);
    int times = check_times(loading), url = load_url(loading);
    int domains = url < 0 ? url : load_domains(loading);
    int secret = url || domains < 0 ? url : load_secret(loading);
    int tls = secret < 0 ? secret : load_tls(loading);
    const int all[] = { url, domains, secret, tls };
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (all[i] < 0)
            return all[i];
    return times || url || domains || secret || tls;
}

static int load_all(const struct conf *conf, struct relays *relays, struct conf_report *report)
{
    bool wrong = false;
    for (unsigned i = 0; i < conf->relays_n; i++) {
        const struct conf_relay *section = &conf->relays[i];
        if (i == 0 && !*section->url && !*section->domains && !*section->sender_domains)
            continue;
        struct loading loading = { .conf = conf, .relays = relays, .relay = &relays->v[relays->n++], .report = report };
        loading.relay->conf = section;
        int r = load_one(&loading);
        if (r < 0)
            return r;
        wrong = wrong || r;
        if (i == 0)
            relays->fallback = loading.relay;
    }
    for (size_t i = 0; i < relays->n; i++)
        wrong |= load_fallback(&(struct loading){ .conf = conf, .relays = relays, .relay = &relays->v[i], .report = report }) != 0;
    return wrong;
}

int relays_load(const struct conf *conf, struct relays **ret_relays, struct conf_report *report)
{
    struct relays *relays = calloc(1, sizeof(*relays));
    int r = relays ? arena_new(SECRET_FILE_MAX * (CONF_RELAYS_MAX + 1), &relays->arena) : -ENOMEM;
    if (r == 0)
        r = load_all(conf, relays, report);
    if (r) {
        relays_free(relays);
        return r;
    }
    *ret_relays = relays;
    return 0;
}

void relays_free(struct relays *relays)
{
    if (!relays)
        return;
    for (size_t i = 0; i < relays->n; i++)
        secret_wipe(relays->v[i].password);
    arena_free(relays->arena);
    free(relays);
}
