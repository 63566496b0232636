/*
 * What the headers of a request say, judged as http/gate.c does. The input is
 * lines: the path, the method, Host, Content-Type, http.trusted_proxies, the
 * peer, Authorization, and behind that each line an X-Forwarded-For. Only
 * alice's password opens; the client is never somebody whom no trusted peer
 * named; addresses that are read can be written and read again.
 */
#include "fuzz.h"

#include "auth/auth.h"
#include "base/conf.h"
#include "http/guard.h"
#include "http/peer.h"
#include "store/store_mailbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LINES 7
#define USER "alice@example.test"
#define PASSWORD "secret"

enum { PATH, METHOD, HOST, TYPE, PROXIES, PEER, AUTHORIZATION };

static struct conf conf;
static struct store *store;
static struct auth *auth;
static char folder[FUZZ_FOLDER_SIZE];

static int make_alice(struct store_tx *tx, void *arg)
{
    int64_t id;
    return store_mailbox_create(tx, SPAN(USER), SPAN(""), span_of(arg), &id);
}

static void leave(void)
{
    char command[FUZZ_FOLDER_SIZE + 16];
    auth_free(auth);
    store_close(store);
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    (void)!system(command);
}

static void begin(void)
{
    char hash[AUTH_HASH_SIZE];
    conf_init(&conf);
    conf.auth_cache_ttl = 0; /* what one input learns is not for the next */
    fuzz_folder(folder);
    FUZZ_CHECK(store_open(&(struct store_options){ .path = folder, .readers = 2 }, &store) == 0);
    FUZZ_CHECK(auth_hash(SPAN(PASSWORD), 1, hash) == 0);
    FUZZ_CHECK(store_write(store, make_alice, hash) == 0);
    FUZZ_CHECK(auth_new(store, &conf, &auth) == 0);
    atexit(leave);
}

/* What may come in, told by other means: base64 of a login name of alice's, a
 * colon, and the password. */
static bool opens(struct arena *arena, struct span header)
{
    static const char *const names[] = { "alice", USER, "EXAMPLE\\alice", "example.test\\alice" };
    struct span pair;
    if (header.len <= 6 || base64_decode(arena, span_trim((struct span){ header.ptr + 6, header.len - 6 }), &pair) != 0)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct span name = { pair.ptr, strlen(names[i]) };
        if (pair.len == name.len + sizeof(PASSWORD) && span_eq_nocase(name, span_of(names[i])) &&
            memcmp(pair.ptr + name.len, ":" PASSWORD, sizeof(PASSWORD)) == 0)
            return true;
    }
    return false;
}

static void check_authorization(struct span header)
{
    struct arena *arena = fuzz_arena(1u << 20);
    struct store_mailbox mailbox;
    struct span user;
    int r = auth_lookup(auth, arena, header, &mailbox);
    FUZZ_CHECK(r == AUTH_MISSING || r == AUTH_UNKNOWN);
    int verified = auth_verify(auth, arena, header, &mailbox, &user);
    FUZZ_CHECK(verified >= 0 && (verified == AUTH_MISSING) == (r == AUTH_MISSING));
    if (verified == AUTH_OK)
        FUZZ_CHECK_TEXT(opens(arena, header) && span_is(mailbox.address, USER), header);
    arena_free(arena);
}

static void check_address(struct span text)
{
    char spelt[PEER_TEXT_SIZE];
    struct peer peer, again;
    if (!peer_parse(text, &peer))
        return;
    peer_format(&peer, spelt);
    FUZZ_CHECK_TEXT(peer_parse(span_of(spelt), &again) && memcmp(&peer, &again, sizeof(peer)) == 0, text);
}

static void check_forwarded(const char *proxies, struct span peer_text, struct span rest)
{
    struct peer_nets nets;
    struct peer peer = { 0 }, client;
    struct span bad, line;
    if (peer_nets_parse(proxies, &nets, &bad) != 0)
        return;
    (void)peer_parse(peer_text, &peer);
    client = peer;
    while (fuzz_next(&rest, '\n', &line)) {
        check_address(line);
        peer_forwarded(&nets, &peer, line, &client);
        FUZZ_CHECK(memcmp(&client, &peer, sizeof(peer)) == 0 || !peer_nets_have(&nets, &client));
    }
}

static void check_guards(char *const lines[LINES])
{
    struct http_options options = { .conf = &conf, .on = HTTP_ON_DEV, .listen = conf.http_listen };
    struct sockaddr_storage address;
    socklen_t len;
    const struct http_route *route = guard_route(&options, lines[PATH]);
    FUZZ_CHECK(!route || guard_status(route, lines[METHOD], lines[TYPE]) == 0 || guard_status(route, lines[METHOD], lines[TYPE]) == 405 ||
               guard_status(route, lines[METHOD], lines[TYPE]) == 415);
    if (guard_host_ok(&options, lines[HOST]))
        FUZZ_CHECK_TEXT(strcasestr(lines[HOST], "localhost") || strstr(lines[HOST], "127.") || strstr(lines[HOST], "1"), span_of(lines[HOST]));
    (void)guard_is_guid(lines[PATH]);
    (void)guard_parse_listen(lines[HOST], &address, &len);
    (void)guard_listens_on_loopback(lines[HOST]);
    FUZZ_CHECK_TEXT(guard_admin_wrong(lines[HOST]) || guard_unix_path(lines[HOST]) || guard_listens_on_loopback(lines[HOST]), span_of(lines[HOST]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = { (const char *)data, size }, piece;
    char *lines[LINES];
    if (!store)
        begin();
    for (size_t i = 0; i < LINES; i++) {
        lines[i] = fuzz_next(&rest, '\n', &piece) ? strndup(piece.ptr, piece.len) : strdup("");
        FUZZ_CHECK(lines[i] != NULL);
    }
    check_authorization(span_of(lines[AUTHORIZATION]));
    check_guards(lines);
    check_address(span_of(lines[PEER]));
    check_forwarded(lines[PROXIES], span_of(lines[PEER]), rest);
    for (size_t i = 0; i < LINES; i++)
        free(lines[i]);
    return 0;
}
