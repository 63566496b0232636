/*
 * Addresses, trusted proxies, and the counters of addresses and users.
 */
#include "http/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct peer peer_of(const char *text)
{
    struct peer peer;
    assert_true(peer_parse(span_of(text), &peer));
    return peer;
}

static void reads_addresses(void **state ATTR_UNUSED)
{
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        { "192.0.2.1", "192.0.2.1" },
        { "192.0.2.1:4711", "192.0.2.1" },
        { "[2001:db8::1]:4711", "2001:db8::1" },
        { "[2001:db8::1]", "2001:db8::1" },
        { "2001:DB8:0::1", "2001:db8::1" },
        { "::ffff:192.0.2.1", "192.0.2.1" },
    };
    static const char *const wrong[] = { "", "192.0.2", "host", "[::1", "192.0.2.1/24", "unknown", "1:2",
                                         "1111111111111111111111111111111111111111111111111111111" };
    char text[PEER_TEXT_SIZE];
    struct peer peer;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        peer = peer_of(cases[i].text);
        peer_format(&peer, text);
        assert_string_equal(text, cases[i].wanted);
    }
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_false(peer_parse(span_of(wrong[i]), &peer));
    assert_true(peer_is_loopback(&(struct peer){ .ip = { [15] = 1 } }));
    peer = peer_of("127.3.4.5");
    assert_true(peer_is_loopback(&peer));
    peer = peer_of("128.0.0.1");
    assert_false(peer_is_loopback(&peer));
}

static void knows_networks(void **state ATTR_UNUSED)
{
    static const char *const in[] = { "10.1.2.3", "192.0.2.129", "2001:db8:1::5", "203.0.113.7" };
    static const char *const out[] = { "11.0.0.1", "192.0.2.127", "2001:db9::5", "203.0.113.6", "::1" };
    static const char *const wrong[] = { "10.0.0.0/33", "10.0.0.0/", "host", "10.0.0.0/8/8", "::/129", "10.0.0.0/-1" };
    struct peer_nets nets;
    struct span bad;
    assert_int_equal(peer_nets_parse("10.0.0.0/8, 192.0.2.128/25 2001:db8::/32,203.0.113.7", &nets, &bad), 0);
    for (size_t i = 0; i < ARRAY_LEN(in); i++)
        assert_true(peer_nets_have(&nets, &(struct peer[]){ peer_of(in[i]) }[0]));
    for (size_t i = 0; i < ARRAY_LEN(out); i++)
        assert_false(peer_nets_have(&nets, &(struct peer[]){ peer_of(out[i]) }[0]));
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        char list[64];
        snprintf(list, sizeof(list), "127.0.0.1, %s", wrong[i]);
        assert_int_equal(peer_nets_parse(list, &nets, &bad), 1);
        assert_true(span_is(bad, wrong[i]));
    }
    assert_int_equal(peer_nets_parse("", &nets, &bad), 0);
    assert_int_equal(nets.n, 0);
}

static void believes_only_trusted_proxies(void **state ATTR_UNUSED)
{
    static const struct {
        const char *first, *second, *wanted; /* two X-Forwarded-For headers */
    } cases[] = {
        { "192.0.2.1", NULL, "192.0.2.1" },
        { "198.51.100.9, 192.0.2.1", NULL, "192.0.2.1" }, /* the client may claim what it likes */
        { "192.0.2.1, 10.0.0.2", NULL, "192.0.2.1" },
        { "198.51.100.9", "192.0.2.1", "192.0.2.1" },
        { "10.0.0.3", NULL, "10.0.0.1" },
        { "192.0.2.1, unknown", NULL, "10.0.0.1" },
        { "unknown, 192.0.2.1", NULL, "192.0.2.1" },
        { "", NULL, "10.0.0.1" },
    };
    struct peer_nets nets;
    struct span bad;
    assert_int_equal(peer_nets_parse("10.0.0.0/8", &nets, &bad), 0);
    const struct peer proxy = peer_of("10.0.0.1");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct peer client = proxy;
        char text[PEER_TEXT_SIZE];
        peer_forwarded(&nets, &proxy, span_of(cases[i].first), &client);
        if (cases[i].second)
            peer_forwarded(&nets, &proxy, span_of(cases[i].second), &client);
        peer_format(&client, text);
        assert_string_equal(text, cases[i].wanted);
    }
}

static struct limits *limits_with(struct conf *conf, int64_t connections, int64_t failures, int64_t requests)
{
    struct limits *limits;
    conf_init(conf);
    conf->http_address_connections = connections;
    conf->auth_address_failures = failures;
    conf->http_user_requests = requests;
    strcpy(conf->http_trusted_proxies, "10.0.0.1");
    assert_int_equal(limits_new(conf, &limits), 0);
    return limits;
}

static void counts_connections(void **state ATTR_UNUSED)
{
    struct conf conf;
    struct limits *limits = limits_with(&conf, 2, 0, 0);
    const struct peer one = peer_of("192.0.2.1"), other = peer_of("192.0.2.2"), proxy = peer_of("10.0.0.1"),
                      loopback = peer_of("127.0.0.1"), v6 = peer_of("2001:db8::1"), neighbour = peer_of("2001:db8::2");
    for (int i = 0; i < 2; i++) {
        assert_true(limits_may_connect(limits, &one));
        limits_connected(limits, &one);
        limits_connected(limits, &proxy);
        limits_connected(limits, &loopback);
        limits_connected(limits, &v6);
    }
    assert_false(limits_may_connect(limits, &one));
    assert_false(limits_may_connect(limits, &neighbour)); /* of the same /64 */
    assert_true(limits_may_connect(limits, &other));
    assert_true(limits_may_connect(limits, &proxy));
    assert_true(limits_may_connect(limits, &loopback));
    limits_disconnected(limits, &one, 1);
    assert_true(limits_may_connect(limits, &one));
    limits_sweep(limits, 1);
    limits_connected(limits, &one);
    assert_false(limits_may_connect(limits, &one));
    limits_free(limits);
}

static void counts_failures(void **state ATTR_UNUSED)
{
    struct conf conf;
    struct limits *limits = limits_with(&conf, 0, 3, 0);
    const struct peer one = peer_of("192.0.2.1"), other = peer_of("192.0.2.2"), loopback = peer_of("127.0.0.1");
    int64_t now = 1000000;
    for (int i = 0; i < 3; i++) {
        assert_true(limits_may_try(limits, &one, now));
        limits_failed(limits, &one, now);
        limits_failed(limits, &loopback, now);
    }
    assert_false(limits_may_try(limits, &one, now));
    assert_true(limits_may_try(limits, &other, now));
    assert_true(limits_may_try(limits, &loopback, now));
    limits_sweep(limits, now + 1000);
    assert_false(limits_may_try(limits, &one, now + 19999));
    assert_true(limits_may_try(limits, &one, now + 20000)); /* a third of a minute is one more */
    limits_failed(limits, &one, now + 20000);
    assert_false(limits_may_try(limits, &one, now + 20000));
    limits_sweep(limits, now + 100000);
    assert_true(limits_may_try(limits, &one, now + 100000));
    limits_free(limits);
}

static void counts_requests(void **state ATTR_UNUSED)
{
    struct conf conf;
    struct limits *limits = limits_with(&conf, 0, 0, 2);
    assert_true(limits_begin(limits, 7));
    assert_true(limits_begin(limits, 7));
    assert_false(limits_begin(limits, 7));
    assert_true(limits_begin(limits, 8));
    limits_end(limits, 7);
    assert_true(limits_begin(limits, 7));
    conf.http_user_requests = 0;
    assert_true(limits_begin(limits, 7));
    limits_free(limits);
}

static void holds_many(void **state ATTR_UNUSED)
{
    struct conf conf;
    struct limits *limits = limits_with(&conf, 1, 0, 0);
    struct peer peer = peer_of("2001:db8::1");
    for (unsigned i = 0; i < 20000; i++) {
        peer.ip[6] = (uint8_t)(i >> 8);
        peer.ip[7] = (uint8_t)i;
        assert_true(limits_may_connect(limits, &peer));
        limits_connected(limits, &peer);
        assert_false(limits_may_connect(limits, &peer));
    }
    for (unsigned i = 0; i < 20000; i++) {
        peer.ip[6] = (uint8_t)(i >> 8);
        peer.ip[7] = (uint8_t)i;
        limits_disconnected(limits, &peer, 1);
        assert_true(limits_may_connect(limits, &peer));
    }
    limits_free(limits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_addresses),    cmocka_unit_test(knows_networks),  cmocka_unit_test(believes_only_trusted_proxies),
        cmocka_unit_test(counts_connections), cmocka_unit_test(counts_failures), cmocka_unit_test(counts_requests),
        cmocka_unit_test(holds_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
