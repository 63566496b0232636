/*
 * See deferral.h.
 */
#include "outbox/deferral.h"

#include "base/when.h"

#define PR_DEFERRED_SEND_TIME 0x3fef

int64_t deferral_due(const struct item *item, int64_t now)
{
    const struct xprop wanted = { .tag = PR_DEFERRED_SEND_TIME, .id = -1, .type = SPAN("SystemTime") };
    const struct xprop *asked = item_xprop_find(item, &wanted);
    int64_t due;
    if (!asked || asked->values.n != 1 || !when_parse_xs(span_trim(asked->values.v[0]), &due))
        return now;
    return due > now ? due : now;
}
