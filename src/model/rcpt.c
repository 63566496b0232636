/*
 * Addresses: what we carry, how they compare, and how lists are shown.
 */
#include "model/rcpt.h"

#include <errno.h>

static size_t last_at(struct span address)
{
    for (size_t i = address.len; i > 0; i--)
        if (address.ptr[i - 1] == '@')
            return i - 1;
    return SIZE_MAX;
}

static bool local_ok(struct span local)
{
    bool quoted = local.len >= 2 && local.ptr[0] == '"' && local.ptr[local.len - 1] == '"';

    bool escaped = false; /* whatever it is, it is looked at like the others */
    if (local.len == 0 || local.len > 64)
        return false;
    if (quoted)
        local = (struct span){ local.ptr + 1, local.len - 2 };
    for (size_t i = 0; i < local.len; i++) {
        unsigned char c = (unsigned char)local.ptr[i];
        if (c < 0x20 || c == 0x7f || c == '<' || c == '>')
            return false;
        if (quoted ? c == '"' && !escaped : strchr(" @\",;:()[]\\", c) != NULL)
            return false;
        escaped = quoted && c == '\\' && !escaped;
    }
    return !escaped;
}

/* A domain, or a literal in brackets, which alone may have colons. */
static bool domain_ok(struct span domain)
{
    bool literal = domain.len > 2 && domain.ptr[0] == '[' && domain.ptr[domain.len - 1] == ']';
    size_t end = literal ? domain.len - 1 : domain.len;

    if (domain.len == 0 || domain.len > 255 || domain.ptr[0] == '.' || domain.ptr[0] == '-' ||
        domain.ptr[domain.len - 1] == '.')
        return false;
    for (size_t i = literal ? 1 : 0; i < end; i++) {
        unsigned char c = (unsigned char)domain.ptr[i];
        if (c <= 0x20 || c == 0x7f || strchr("<>@\"\\,;()[]", c) || (c == ':' && !literal))
            return false;
        if (c == '.' && domain.ptr[i + 1] == '.')
            return false;
    }
    return true;
}

bool rcpt_address_ok(struct span address)
{
    size_t at = last_at(address);

    if (at == SIZE_MAX || address.len > RCPT_ADDRESS_MAX || !span_utf8_ok(address))
        return false;
    return local_ok((struct span){ address.ptr, at }) &&
           domain_ok((struct span){ address.ptr + at + 1, address.len - at - 1 });
}

bool rcpt_address_is_hazard(struct span address)
{
    if (rcpt_address_ok(address))
        return false;
    for (size_t i = 0; i < address.len; i++) {
        unsigned char c = (unsigned char)address.ptr[i];
        if (c <= ' ' || c == 0x7f || strchr("<>,;:\"()[]\\", c))
            return true;
    }
    return address.len > RCPT_ADDRESS_MAX || !span_utf8_ok(address);
}

int rcpt_address_fold(struct arena *arena, struct span address, struct span *ret_folded)
{
    char *folded = arena_alloc(arena, address.len + 1);

    if (!folded)
        return -ENOMEM;
    for (size_t i = 0; i < address.len; i++) {
        char c = address.ptr[i];
        folded[i] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    }
    *ret_folded = (struct span){ folded, address.len };
    return 0;
}

struct span rcpt_address_domain(struct span address)
{
    size_t at = last_at(address);

    if (at == SIZE_MAX)
        return (struct span){ NULL, 0 };
    return (struct span){ address.ptr + at + 1, address.len - at - 1 };
}

struct span rcpt_address_local(struct span address, bool without_detail)
{
    size_t at = last_at(address);
    struct span local = { address.ptr, at == SIZE_MAX ? address.len : at };

    if (!without_detail)
        return local;
    for (size_t i = 1; i < local.len; i++)
        if (local.ptr[i] == '+')
            return (struct span){ local.ptr, i };
    return local;
}

int rcpt_list_display(struct arena *arena, const struct rcpt_list *list, struct span *ret_text)
{
    size_t len = 0, at = 0;
    char *text;

    for (size_t i = 0; i < list->n; i++)
        len += (list->v[i].name.len ? list->v[i].name.len : list->v[i].address.len) + 2;
    text = arena_alloc(arena, len + 1);
    if (!text)
        return -ENOMEM;
    for (size_t i = 0; i < list->n; i++) {
        struct span shown = list->v[i].name.len ? list->v[i].name : list->v[i].address;
        if (i > 0) {
            text[at++] = ';';
            text[at++] = ' ';
        }
        if (shown.len > 0)
            memcpy(text + at, shown.ptr, shown.len);
        at += shown.len;
    }
    *ret_text = (struct span){ text, at };
    return 0;
}

int rcpt_list_copy(struct arena *arena, const struct rcpt_list *list, struct rcpt_list *ret_copy)
{
    struct rcpt *v = arena_array(arena, list->n, sizeof(*v));

    if (!v)
        return -ENOMEM;
    for (size_t i = 0; i < list->n; i++) {
        const struct rcpt *from = &list->v[i];
        v[i].type = from->type;
        if (arena_copy(arena, from->name, &v[i].name) || arena_copy(arena, from->address, &v[i].address) ||
            arena_copy(arena, from->routing, &v[i].routing))
            return -ENOMEM;
    }
    *ret_copy = (struct rcpt_list){ v, list->n };
    return 0;
}
