/*
 * ewsctl store: making one, and bringing it up to date. Both happen when a
 * store is opened; what is left to do here is to say what happened.
 */
#include "bin/ctl.h"

static void put(struct ctl_call *call, int found, int now)
{
    call->out.style = OUT_SHEET;
    out_record(&call->out);
    out_text(&call->out, "store", span_of(call->folder));
    if (found)
        out_number(&call->out, "from", (uint64_t)found);
    out_number(&call->out, "version", (uint64_t)now);
    out_record_end(&call->out);
}

int ctl_store_init(struct ctl_call *call)
{
    int found, now;

    store_versions(call->store, &found, &now);
    if (found)
        return ctl_fail(call, EX_CANTCREAT, "there is a store in %s already", call->folder);
    put(call, 0, now);
    return 0;
}

int ctl_store_upgrade(struct ctl_call *call)
{
    int found, now;

    store_versions(call->store, &found, &now);
    put(call, found, now);
    return 0;
}
