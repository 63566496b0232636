/*
 * ewsctl ready: what /readyz says, in the server. Waiting for it is for ewsctl
 * (ewsctl_ready.c).
 */
#include "bin/ctl.h"

void ctl_put_ready(struct ctl_call *call)
{
    call->out.style = OUT_SHEET;
    out_record(&call->out);
    out_flag(&call->out, "ready", true);
    out_record_end(&call->out);
}

int ctl_ready(struct ctl_call *call)
{
    const char *reason = call->watch ? call->unready(call->watch) : "no server runs";

    if (reason)
        return ctl_fail(call, EX_TEMPFAIL, "not ready: %s", reason);
    ctl_put_ready(call);
    return EX_OK;
}
