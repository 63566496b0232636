/*
 * Checks over a whole configuration, one function each. What is wrong is said
 * with file, line and setting, and what is allowed there.
 */
#include "bin/serve.h"

#include "base/confine.h"
#include "base/err.h"
#include "http/guard.h"
#include "http/peer.h"
#include "outbox/idna.h"
#include "outbox/outbox.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

struct check {
    const struct conf *conf;
    struct conf_report *report;
};

#define say(check, setting, format, ...) \
    conf_report_of((check)->report, (check)->conf, (setting), "%s " format, (setting)__VA_OPT__(, ) __VA_ARGS__)

/* ---- server ---- */

static void check_store(struct check *check)
{
    const char *store = check->conf->server_store;
    struct stat info;
    if (!*store)
        say(check, "server.store", "must be given: the folder or database where the mailboxes are kept");
    else if (store_is_shared(store))
        return;
    else if (stat(store, &info) == 0 ? !S_ISDIR(info.st_mode) : errno != ENOENT)
        say(check, "server.store", "must be a folder: %s", store);
}

static void check_user(struct check *check)
{
    struct account account;
    const char *user = check->conf->server_user;
    if (*user && account_find(user, &account))
        say(check, "server.user", "must be an account of this system: %s", user);
}

static void check_list(struct check *check, const char *setting, const char *list)
{
    struct span rest = span_of(list), word;
    while (conf_list_next(&rest, &word))
        if (!idna_is_domain(word))
            say(check, setting, "must be a list of domains: %.*s", (int)word.len, word.ptr);
}

static void check_domains(struct check *check)
{
    check_list(check, "server.domain", check->conf->server_domain);
    check_list(check, "server.shared_domains", check->conf->server_shared_domains);
}

static void check_hostname(struct check *check)
{
    const char *name = check->conf->server_hostname;
    if (*name && !idna_is_domain(span_of(name)))
        say(check, "server.hostname", "must be the name of a host: %s", name);
}

/* ---- http ---- */

static void check_listen(struct check *check)
{
    const struct conf *conf = check->conf;
    struct sockaddr_storage address;
    socklen_t len;
    if (!guard_parse_listen(conf->http_listen, &address, &len))
        say(check, "http.listen", "must be ADDRESS:PORT with a numeric address: %s", conf->http_listen);
    else if (!guard_listens_on_loopback(conf->http_listen) && !*conf->http_certificate && !conf->http_insecure_basic)
        say(check, "http.listen", "is not loopback, so passwords would cross the network in clear: "
                                  "give http.certificate and http.key, or allow it by http.insecure_basic = yes");
}

static void check_admin(struct check *check)
{
    const char *listen = check->conf->admin_listen, *wrong = *listen ? guard_admin_wrong(listen) : NULL;
    if (wrong)
        say(check, "admin.listen", "%s: %s", wrong, listen);
}

static void check_url(struct check *check)
{
    const char *url = check->conf->http_url;
    if (*url && !guard_url_ok(span_of(url)))
        say(check, "http.url", "must be https://NAME or https://NAME:PORT, and nothing behind it: %s", url);
}

/* Root and a group may read the key; it is not for everybody. */
static void check_key(struct check *check)
{
    const char *key = check->conf->http_key;
    struct stat info;
    if (*key && stat(key, &info) == 0 && info.st_mode & S_IRWXO)
        say(check, "http.key", "%s: others may use the file (mode %03o); chmod o= it", key, info.st_mode & 0777u);
}

static void check_certificate(struct check *check)
{
    struct tls tls;
    const char *setting;
    char error[TLS_ERROR_SIZE];
    if (tls_load(check->conf, &tls, &setting, error))
        say(check, setting, "%s", error);
    else
        check_key(check);
    tls_done(&tls);
}

static void check_proxies(struct check *check)
{
    struct peer_nets nets;
    struct span bad;
    if (peer_nets_parse(check->conf->http_trusted_proxies, &nets, &bad))
        say(check, "http.trusted_proxies", "must be a list of at most %d addresses or ADDRESS/BITS: %.*s", PEER_NETS_MAX,
            (int)bad.len, bad.ptr);
}

static void check_budget(struct check *check)
{
    if (check->conf->http_body_budget < check->conf->http_max_body)
        say(check, "http.body_budget", "must be at least http.max_body, or the largest bodies are never taken");
}

/* ---- sending ---- */

static void check_retries(struct check *check)
{
    if (check->conf->outbox_retry_min > check->conf->outbox_retry_max)
        say(check, "outbox.retry_min", "must be at most outbox.retry_max");
}

static void check_relays(struct check *check)
{
    int r = outbox_check(check->conf, check->report);
    if (r < 0)
        conf_report(check->report, 0, "the relays cannot be looked at: %s", err_text(r));
}

/* libpq passes over one that others may use. */
static void check_passfile(struct check *check)
{
    const char *path = check->conf->store_passfile;
    struct stat info;
    if (!*path)
        return;
    if (access(path, R_OK) || stat(path, &info))
        say(check, "store.passfile", "%s: %s", path, strerror(errno));
    else if (!S_ISREG(info.st_mode))
        say(check, "store.passfile", "%s: is no file", path);
    else if (info.st_mode & (S_IRWXG | S_IRWXO))
        say(check, "store.passfile", "%s: others may use the file (mode %03o); chmod 600 it", path, info.st_mode & 0777u);
}

bool serve_check(const struct conf *conf, struct conf_report *report)
{
    static void (*const checks[])(struct check *) = {
        check_store, check_passfile, check_user,   check_domains, check_hostname, check_listen, check_admin, check_url, check_certificate,
        check_proxies, check_budget, check_retries, check_relays,
    };
    struct check check = { .conf = conf, .report = report };
    unsigned before = report->n;
    for (size_t i = 0; i < ARRAY_LEN(checks); i++)
        checks[i](&check);
    return report->n == before;
}
