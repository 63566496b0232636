/*
 * Recipients that an entry of the outbox gets after it was submitted: the
 * members of a group.
 */
#include "store/store_outbox.h"

#include "store/store_core.h"

#include <errno.h>
#include <stdlib.h>

static int compare_keys(const void *a, const void *b)
{
    const struct span *one = a, *other = b;
    size_t len = one->len < other->len ? one->len : other->len;
    int order = len ? memcmp(one->ptr, other->ptr, len) : 0;

    return order ? order : (one->len > other->len) - (one->len < other->len);
}

/* The folded addresses of an entry, in order. */
static int known_addresses(struct store_tx *tx, const struct store_outbox *entry, struct span **ret_known)
{
    struct span *known = arena_array(tx->scratch, entry->rcpts_n + 1, sizeof(*known));
    int r = known ? 0 : -ENOMEM;

    for (size_t i = 0; r == 0 && i < entry->rcpts_n; i++)
        r = store_fold(tx->scratch, entry->rcpts[i].address, &known[i]);
    if (r != 0)
        return r;
    qsort(known, entry->rcpts_n, sizeof(*known), compare_keys);
    *ret_known = known;
    return 0;
}

int store_outbox_add(struct store_tx *tx, struct store_outbox_key key, struct store_outbox_rcpt *rcpts, size_t n)
{
    struct store_outbox entry = { 0 };
    struct span *known = NULL;
    uint32_t next = 0;
    int r = store_outbox_rcpts(tx, tx->scratch, key, 0, &entry);

    if (r == 0)
        r = known_addresses(tx, &entry, &known);
    if (r == 0 && entry.rcpts_n > 0)
        next = entry.rcpts[entry.rcpts_n - 1].no + 1;
    for (size_t i = 0; r == 0 && next && i < n; i++) {
        struct span folded = { 0 };
        rcpts[i].no = 0;
        r = store_fold(tx->scratch, rcpts[i].address, &folded);
        if (r != 0 || bsearch(&folded, known, entry.rcpts_n, sizeof(*known), compare_keys))
            continue;
        rcpts[i].no = next++;
        r = outbox_insert_rcpt(tx, key, &rcpts[i]);
    }
    return r == 0 ? outbox_renew_due(tx, key) : r;
}
