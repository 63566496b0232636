/*
 * ewsctl reload: for a server that runs.
 */
#include "bin/ctl.h"

#include "bin/server.h"

static void keep_sentence(void *arg, const char *text)
{
    struct ctl_call *call = arg;
    buf_printf(&call->error, "%s\n", text);
}

int ctl_server_reload(struct ctl_call *call)
{
    struct conf_report report = { .tell = keep_sentence, .arg = call };
    if (!call->reload)
        return ctl_fail(call, EX_UNAVAILABLE, "there is no server with a configuration to be read again");
    int r = call->reload(call->reload_arg, &report);
    if (r == SERVER_ENDING)
        return ctl_fail(call, EX_UNAVAILABLE, "the server is ending: when it starts again, it reads its configuration");
    return r > 0 ? EX_CONFIG : r;
}
