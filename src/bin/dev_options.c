/*
 * The command line of `ewsd dev`. Every option is one row of a table; --help
 * is written from the same table. Nothing here touches the disk or network.
 */
#include "bin/dev.h"

#include "base/log.h"
#include "model/rights.h"
#include "http/guard.h"
#include "model/rcpt.h"

#include <stdarg.h>
#include <stdio.h>

static int wrong(const char *format, ...) ATTR_PRINTF(1, 2);

static int wrong(const char *format, ...)
{
    va_list args;
    fputs("ewsd dev: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return EXIT_USAGE;
}

static int set(struct dev_options *options, const char *name, const char *value)
{
    char error[CONF_ERROR_SIZE];
    return conf_set(&options->conf, span_of(name), span_of(value), error) ? wrong("%s", error) : 0;
}

static int take_listen(struct dev_options *options, const char *value)
{
    const char *colon = strrchr(value, ':');
    int64_t port;
    if (!colon || colon == value || !span_int(span_of(colon + 1), false, 0, 65535, &port))
        return wrong("--listen is ADDRESS:PORT, not %s", value);
    return set(options, "http.listen", value);
}

static int take_data(struct dev_options *options, const char *value)
{
    options->data = value;
    return *value ? 0 : wrong("--data needs a folder");
}

static int take_store(struct dev_options *options, const char *value)
{
    if (!store_is_shared(value))
        return wrong("--store is postgresql://..., not %s", value);
    options->store = value;
    return 0;
}

static int take_user(struct dev_options *options, const char *value)
{
    const char *at = strrchr(value, '@');
    const char *colon = strchr(at ? at : value, ':');
    if (!at || !colon || !colon[1])
        return wrong("--user is ADDRESS:PASSWORD, not %s", value);
    if (options->users_n == DEV_USERS_MAX)
        return wrong("more than %d users", DEV_USERS_MAX);
    /* A password may hold an @: the address ends at the first colon then. */
    const char *first = strchr(value, ':');
    if (first < at && memchr(value, '@', (size_t)(first - value)))
        colon = first;
    struct dev_user user = { { value, (size_t)(colon - value) }, span_of(colon + 1) };
    if (!rcpt_address_ok(user.address))
        return wrong("not a mail address: %.*s", (int)user.address.len, user.address.ptr);
    options->users[options->users_n++] = user;
    return 0;
}

static bool take_right(struct dev_grant *grant, struct span name)
{
    bool role;
    if (!grant->folder)
        return right_by_name(name, &grant->right) || span_is(name, "none");
    bool known = folder_right_by_name(name, &grant->right, &role);
    grant->add = known && !role;
    return known;
}

static int take_grant(struct dev_options *options, const char *value)
{
    const char *first = strchr(value, ':');
    const char *last = strrchr(value, ':');
    if (!first || first == last)
        return wrong("--grant is MAILBOX[:FOLDER]:GRANTEE:RIGHT, not %s", value);
    if (options->grants_n == DEV_GRANTS_MAX)
        return wrong("more than %d grants", DEV_GRANTS_MAX);
    struct dev_grant grant = { .mailbox = { value, (size_t)(first - value) } };
    const char *second = memchr(first + 1, ':', (size_t)(last - first - 1));
    if (second && !(grant.folder = folder_role_by_id((struct span){ first + 1, (size_t)(second - first - 1) })))
        return wrong("--grant: no folder %.*s", (int)(second - first - 1), first + 1);
    first = second ? second : first;
    grant.grantee = (struct span){ first + 1, (size_t)(last - first - 1) };
    if (!rcpt_address_ok(grant.mailbox) || !rcpt_address_ok(grant.grantee))
        return wrong("--grant needs two mail addresses: %s", value);
    if (!take_right(&grant, span_of(last + 1)))
        return wrong("no such right: %s", last + 1);
    options->grants[options->grants_n++] = grant;
    return 0;
}

static int take_relay(struct dev_options *options, const char *value)
{
    const char *host = value + 7;
    const char *colon = strncmp(value, "smtp://", 7) == 0 ? strrchr(host, ':') : NULL;
    int64_t port;
    if (!colon || colon == host || strpbrk(host, "/@?# ") || !span_int(span_of(colon + 1), false, 1, 65535, &port))
        return wrong("--relay is smtp://HOST:PORT, not %s", value);
    options->capture = false;
    return set(options, "relay.url", value);
}

static int take_set(struct dev_options *options, const char *value)
{
    char error[CONF_ERROR_SIZE];
    if (conf_assign(&options->conf, value, error))
        return wrong("%s", error);
    if (options->sets_n == DEV_SETS_MAX)
        return wrong("more than %d settings", DEV_SETS_MAX);
    options->sets[options->sets_n++] = value;
    return 0;
}

static int take_preset(struct dev_options *options, const char *value)
{
    if (strcmp(value, "list") == 0)
        return DEV_PRESETS;
    if (!dev_preset_known(value))
        return wrong("no such preset: %s (see --preset list)", value);
    options->preset = value;
    return 0;
}

static int take_fault(struct dev_options *options, const char *value)
{
    char error[FAULT_ERROR_SIZE];
    if (strcmp(value, "list") == 0)
        return DEV_FAULTS;
    if (options->faults_n == FAULT_RULES_MAX)
        return wrong("more than %d faults", FAULT_RULES_MAX);
    if (fault_rule_read(span_of(value), &options->faults[options->faults_n], error))
        return wrong("--fault: %s (see --fault list)", error);
    options->faults_n++;
    return 0;
}

static int take_with_parent(struct dev_options *options, const char *value ATTR_UNUSED)
{
    options->with_parent = true;
    return 0;
}

static int take_host(struct dev_options *options, const char *value)
{
    if (options->hosts_n == DEV_HOSTS_MAX)
        return wrong("more than %d allowed hosts", DEV_HOSTS_MAX);
    options->hosts[options->hosts_n++] = value;
    return *value ? 0 : wrong("--allow-host needs a name");
}

static const struct {
    const char *name, *value, *text; /* value NULL: it has none */
    int (*take)(struct dev_options *options, const char *value);
} table[] = {
    { "--listen", "ADDRESS:PORT", "where to listen (127.0.0.1:8080); port 0 takes a free one", take_listen },
    { "--data", "DIR", "keep the store here; without it, it is temporary", take_data },
    { "--store", "postgresql://...", "keep the store in this database", take_store },
    { "--user", "ADDRESS:PASSWORD", "make or update a mailbox; without any: alice and bob@example.test, \"secret\"", take_user },
    { "--grant", "MAILBOX[:FOLDER]:GRANTEE:RIGHT", "send-as, full-access, editor ...: a right on a mailbox, or in a folder", take_grant },
    { "--relay", "smtp://HOST:PORT", "send mail for other domains there; without it, it is captured", take_relay },
    { "--set", "SECTION.KEY=VALUE", "change a setting", take_set },
    { "--allow-host", "NAME", "accept this name in Host, too", take_host },
    { "--preset", "NAME", "the limits and the version of exchange-2016 or exchange-online; \"list\" shows them", take_preset },
    { "--fault", "FIELD=VALUE,...", "op=SendItem,call=3,do=busy: what goes wrong on purpose; \"list\" shows what there is", take_fault },
    { "--with-parent", NULL, "end when who started this ends, or closes the pipe at its standard input", take_with_parent },
};

void dev_options_help(void)
{
    puts("usage: ewsd dev [OPTION]...\n\n"
         "An Exchange Web Services server with nothing to configure. Prints\n"
         "\"ready http://ADDRESS:PORT/EWS/Exchange.asmx\" once it answers; ends on SIGTERM.\n");
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        printf("  %s%s%s\n        %s\n", table[i].name, table[i].value ? " " : "", table[i].value ? table[i].value : "", table[i].text);
    puts("  --help\n  --version");
}

/* One option at argv[*i]; *i moves over its value. */
static int take(struct dev_options *options, int argc, char **argv, int *i)
{
    const char *word = argv[*i];
    size_t len = strcspn(word, "=");
    for (size_t k = 0; k < ARRAY_LEN(table); k++) {
        if (strlen(table[k].name) != len || strncmp(table[k].name, word, len) != 0)
            continue;
        if (!table[k].value)
            return word[len] ? wrong("%s has no value", table[k].name) : table[k].take(options, NULL);
        if (word[len] == '=')
            return table[k].take(options, word + len + 1);
        if (*i + 1 >= argc)
            return wrong("%s needs %s", table[k].name, table[k].value);
        return table[k].take(options, argv[++*i]);
    }
    return wrong("no such option: %s (see --help)", word);
}

/* What was set by itself wins over the preset. */
static int apply_settings(struct dev_options *options)
{
    char error[CONF_ERROR_SIZE];
    if (options->preset && dev_preset_apply(options->preset, &options->conf, error))
        return wrong("--preset %s: %s", options->preset, error);
    for (size_t i = 0; i < options->sets_n; i++)
        if (conf_assign(&options->conf, options->sets[i], error))
            return wrong("%s", error);
    return 0;
}

static int complete(struct dev_options *options)
{
    int r = apply_settings(options);
    if (r)
        return r;
    if (options->data && options->store)
        return wrong("--data and --store cannot go together");
    if (!options->users_n && !guard_listens_on_loopback(options->conf.http_listen))
        return wrong("listening on %s, which is not loopback, needs --user: the default passwords are known", options->conf.http_listen);
    if (!options->users_n) {
        options->users[0] = (struct dev_user){ SPAN("alice@example.test"), SPAN("secret") };
        options->users[1] = (struct dev_user){ SPAN("bob@example.test"), SPAN("secret") };
        options->users_n = 2;
        options->users_default = true;
    }
    return 0;
}

int dev_options_parse(int argc, char **argv, struct dev_options *ret_options)
{
    *ret_options = (struct dev_options){ .capture = true };
    conf_init(&ret_options->conf);
    ret_options->conf.auth_hash_cost = 1;
    ret_options->conf.http_user_requests = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return DEV_HELP;
        if (strcmp(argv[i], "--version") == 0)
            return DEV_VERSION;
        int r = take(ret_options, argc, argv, &i);
        if (r)
            return r;
    }
    return complete(ret_options);
}
