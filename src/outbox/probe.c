/*
 * outbox_probe: what a message would meet on its way to each relay.
 */
#include "outbox/transport.h"

#include <errno.h>

#define MEMORY (1u << 20)

static int probe_one(const struct conf *conf, const struct relay *relay, struct arena *arena,
                     void (*found)(void *arg, const struct outbox_probed *probed), void *arg)
{
    const atomic_bool stop = false;
    const struct transport_job job = { .conf = conf, .arena = arena, .relay = relay, .stop = &stop };
    struct smtp_probe probe;
    struct span status;
    int r = smtp_probe(&job, &probe);
    if (r == 0)
        r = arena_copy(arena, probe.status, &status);
    if (r == 0)
        found(arg, &(struct outbox_probed){ .name = relay->name, .host = relay->host, .port = relay->port, .works = probe.works,
                                            .tls = probe.tls, .auth = relay->user.len > 0, .status = status.len ? status.ptr : "" });
    return r;
}

int outbox_probe(const struct conf *conf, void (*found)(void *arg, const struct outbox_probed *probed), void *arg,
                 struct conf_report *report)
{
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    struct relays *relays = NULL;
    int r = relays_load(conf, &relays, report);
    if (r)
        return r;
    r = arena_new(MEMORY, &arena);
    for (size_t i = 0; r == 0 && i < relays->n; i++)
        r = probe_one(conf, &relays->v[i], arena, found, arg);
    relays_free(relays);
    return r;
}
