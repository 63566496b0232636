/*
 * IDNA by libidn2: the only file that includes <idn2.h>.
 */
#include "outbox/idna.h"

#include "model/rcpt.h"

#include <ctype.h>
#include <errno.h>
#include <idn2.h>

#define DOMAIN_MAX 253
#define LABEL_MAX 63

static bool is_ascii(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] >= 0x80)
            return false;
    return true;
}

bool idna_is_domain(struct span text)
{
    size_t label = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool edge = label == 0 || i + 1 == text.len || text.ptr[i + 1] == '.';
        if (c == '.' && label == 0)
            return false;
        if (c != '.' && !(c < 0x80 && isalnum(c)) && (c != '-' || edge))
            return false;
        label = c == '.' ? 0 : label + 1;
        if (label > LABEL_MAX)
            return false;
    }
    return label > 0 && text.len <= DOMAIN_MAX;
}

int idna_domain(struct arena *arena, struct span domain, struct span *ret_ascii)
{
    struct span copy;
    char *ascii = NULL;
    if (is_ascii(domain))
        return rcpt_address_fold(arena, domain, ret_ascii);
    int r = arena_copy(arena, domain, &copy);
    if (r)
        return r;
    int found = idn2_to_ascii_8z(copy.ptr, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    if (found != IDN2_OK)
        return found == IDN2_MALLOC ? -ENOMEM : 1;
    r = rcpt_address_fold(arena, span_of(ascii), ret_ascii);
    idn2_free(ascii);
    return r;
}

int idna_address(struct arena *arena, struct span address, struct span *ret_address, bool *ret_utf8)
{
    struct span local = rcpt_address_local(address, false);
    struct span domain = rcpt_address_domain(address), ascii;
    *ret_utf8 = !is_ascii(local);
    if (is_ascii(domain)) { /* as it was typed */
        return arena_copy(arena, address, ret_address);
    }
    int r = idna_domain(arena, domain, &ascii);
    return r ? r : arena_printf(arena, ret_address, "%.*s@%s", (int)local.len, local.ptr, ascii.ptr);
}
