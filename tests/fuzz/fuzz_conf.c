/*
 * Any text as a configuration file: it is read whole, or refused with words;
 * every number that was taken is within its bounds, and
 * every setting that was taken can be given again as it stands.
 */
#include "fuzz.h"

#include "base/conf.h"
#include "http/guard.h"
#include "http/peer.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static struct conf conf, again;
static char error[2 * CONF_ERROR_SIZE];

static void keep(void *arg, const char *text)
{
    (void)arg;
    FUZZ_CHECK(*text && strlen(text) < 2 * CONF_ERROR_SIZE);
    snprintf(error, sizeof(error), "%s", text);
}

static int read_conf(struct span text)
{
    char path[32];
    int fd = memfd_create("conf", MFD_CLOEXEC);
    FUZZ_CHECK(fd >= 0 && (text.len == 0 || write(fd, text.ptr, text.len) == (ssize_t)text.len));
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    conf_init(&conf);
    memset(error, 'x', sizeof(error));
    struct conf_report report = { .tell = keep, .file = path };
    int r = conf_read_file(&conf, &report);
    FUZZ_CHECK(r == (report.n > 0));
    close(fd);
    return r;
}

static void give(const char *section, const char *key, struct span value)
{
    char name[CONF_TEXT_SIZE];
    snprintf(name, sizeof(name), "%s.%s", section, key);
    FUZZ_CHECK_TEXT(conf_set(&again, span_of(name), value, error) == 0, span_of(error));
}

static void give_number(const char *section, const char *key, int64_t value, int64_t low, int64_t high)
{
    char text[32];
    FUZZ_CHECK(value >= low && value <= high);
    snprintf(text, sizeof(text), "%" PRId64, value);
    give(section, key, span_of(text));
}

static void give_text(const char *section, const char *key, const char *value)
{
    FUZZ_CHECK(memchr(value, 0, CONF_TEXT_SIZE) && span_utf8_ok(span_of(value)));
    give(section, key, span_of(value));
}

#define GIVE_INT(section, key, value, low, high) give_number(section, key, value, low, high)
#define GIVE_BOOL(section, key, value, low, high) give_number(section, key, value, low, high)
#define GIVE_TEXT(section, key, value, low, high) give_text(section, key, value)
#define GIVE_CHOICE(section, key, value, low, high) give_text(section, key, value)

static void give_settings(void)
{
#define SETTING(section, key, when, kind, def, low, high, unit, meaning) GIVE_##kind(#section, #key, conf.section##_##key, low, high);
#define RELAY_SETTING(key, kind, def, low, high, unit, meaning)
#include "base/settings.def"
}

static void give_relay(const struct conf_relay *relay)
{
    char section[CONF_NAME_SIZE + 8];
    FUZZ_CHECK(memchr(relay->name, 0, sizeof(relay->name)));
    snprintf(section, sizeof(section), *relay->name ? "relay %s" : "relay", relay->name);
#define SETTING(section, key, when, kind, def, low, high, unit, meaning)
#define RELAY_SETTING(key, kind, def, low, high, unit, meaning) GIVE_##kind(section, #key, relay->key, low, high);
#include "base/settings.def"
}

static void check_taken(void)
{
    struct sockaddr_storage address;
    struct peer_nets nets;
    struct span bad;
    socklen_t len;
    FUZZ_CHECK(conf.relays_n >= 1 && conf.relays_n <= CONF_RELAYS_MAX && conf.reading == 0);
    conf_init(&again);
    give_settings();
    for (unsigned i = 0; i < conf.relays_n; i++)
        give_relay(&conf.relays[i]);
    FUZZ_CHECK(again.relays_n == conf.relays_n);
    memset(conf.lines, 0, sizeof(conf.lines));
    for (unsigned i = 0; i < conf.relays_n; i++)
        memset(conf.relays[i].lines, 0, sizeof(conf.relays[i].lines));
    FUZZ_CHECK(memcmp(&conf, &again, sizeof(conf)) == 0);
    (void)guard_parse_listen(conf.http_listen, &address, &len);
    (void)guard_listens_on_loopback(conf.http_listen);
    FUZZ_CHECK(peer_nets_parse(conf.http_trusted_proxies, &nets, &bad) == 0 || bad.len > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int r = read_conf((struct span){ (const char *)data, size });
    FUZZ_CHECK(r == 0 || r == 1);
    if (r)
        FUZZ_CHECK(memchr(error, 0, sizeof(error)) && *error);
    else
        check_taken();
    return 0;
}
