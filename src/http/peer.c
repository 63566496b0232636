/*
 * The rules of peer.h.
 */
#include "http/peer.h"

#include "base/conf.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

static void from_v4(const struct in_addr *v4, struct peer *ret_peer)
{
    memcpy(ret_peer->ip, mapped, sizeof(mapped));
    memcpy(ret_peer->ip + sizeof(mapped), v4, 4);
}

static bool is_v4(const struct peer *peer)
{
    return memcmp(peer->ip, mapped, sizeof(mapped)) == 0;
}

void peer_of_sockaddr(const struct sockaddr *address, struct peer *ret_peer)
{
    *ret_peer = (struct peer){ 0 };
    if (address && address->sa_family == AF_INET)
        from_v4(&((const struct sockaddr_in *)(const void *)address)->sin_addr, ret_peer);
    else if (address && address->sa_family == AF_INET6)
        memcpy(ret_peer->ip, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, sizeof(ret_peer->ip));
    else if (address && address->sa_family == AF_UNIX)
        memcpy(ret_peer->ip, &in6addr_loopback, sizeof(ret_peer->ip));
}

static bool parse_ip(struct span text, struct peer *ret_peer)
{
    char copy[PEER_TEXT_SIZE];
    struct in_addr v4;
    struct in6_addr v6;
    if (text.len == 0 || text.len >= sizeof(copy))
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = 0;
    if (inet_pton(AF_INET, copy, &v4) == 1) {
        from_v4(&v4, ret_peer);
        return true;
    }
    if (inet_pton(AF_INET6, copy, &v6) != 1)
        return false;
    memcpy(ret_peer->ip, &v6, sizeof(v6));
    return true;
}

bool peer_parse(struct span text, struct peer *ret_peer)
{
    if (text.len && text.ptr[0] == '[') {
        const char *end = memchr(text.ptr, ']', text.len);
        return end && parse_ip((struct span){ text.ptr + 1, (size_t)(end - text.ptr) - 1 }, ret_peer);
    }
    const char *colon = text.len ? memchr(text.ptr, ':', text.len) : NULL;
    if (colon && colon == memrchr(text.ptr, ':', text.len))
        text.len = (size_t)(colon - text.ptr);
    return parse_ip(text, ret_peer);
}

void peer_format(const struct peer *peer, char ret_text[PEER_TEXT_SIZE])
{
    const char *text = is_v4(peer) ? inet_ntop(AF_INET, peer->ip + sizeof(mapped), ret_text, PEER_TEXT_SIZE)
                                   : inet_ntop(AF_INET6, peer->ip, ret_text, PEER_TEXT_SIZE);
    if (!text)
        ret_text[0] = 0;
}

bool peer_is_loopback(const struct peer *peer)
{
    struct in6_addr v6;
    memcpy(&v6, peer->ip, sizeof(v6));
    return is_v4(peer) ? peer->ip[sizeof(mapped)] == 127 : IN6_IS_ADDR_LOOPBACK(&v6);
}

static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    if (memcmp(a, b, whole) != 0)
        return false;
    return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

static bool add_net(struct peer_nets *nets, struct span word)
{
    const char *slash = memchr(word.ptr, '/', word.len);
    struct span ip = { word.ptr, slash ? (size_t)(slash - word.ptr) : word.len };
    struct peer base;
    if (nets->n == PEER_NETS_MAX || !parse_ip(ip, &base))
        return false;
    int64_t width = is_v4(&base) ? 32 : 128, bits = width;
    if (slash && !span_int((struct span){ slash + 1, word.len - ip.len - 1 }, false, 0, width, &bits))
        return false;
    nets->v[nets->n].base = base;
    nets->v[nets->n++].bits = (unsigned)(bits + 128 - width);
    return true;
}

int peer_nets_parse(const char *list, struct peer_nets *ret_nets, struct span *ret_bad)
{
    struct span rest = span_of(list), word;
    ret_nets->n = 0;
    while (conf_list_next(&rest, &word)) {
        if (!add_net(ret_nets, word)) {
            *ret_bad = word;
            return 1;
        }
    }
    return 0;
}

bool peer_nets_have(const struct peer_nets *nets, const struct peer *peer)
{
    for (size_t i = 0; i < nets->n; i++)
        if (same_bits(nets->v[i].base.ip, peer->ip, nets->v[i].bits))
            return true;
    return false;
}

void peer_forwarded(const struct peer_nets *trusted, const struct peer *peer, struct span header, struct peer *client)
{
    struct span word;
    struct peer found;
    while (conf_list_next(&header, &word)) {
        if (!peer_parse(word, &found))
            *client = *peer;
        else if (!peer_nets_have(trusted, &found))
            *client = found;
    }
}
