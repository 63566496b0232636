/*
 * See pulse.h. A writer that answers with an error is alive: only one that does
 * not answer is not.
 */
#include "bin/pulse.h"

#include "base/when.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

struct pulse {
    struct store_pending pending; /* first: a pending job is its pulse */
    const struct http *http;
    struct store *store;
    int64_t patience;
    int64_t asked; /* monotonic ms */
    atomic_bool waiting; /* for the writer */
};

static int nothing(struct store_tx *tx ATTR_UNUSED, void *arg ATTR_UNUSED)
{
    return 0;
}

static void answered(struct store_pending *pending)
{
    atomic_store(&((struct pulse *)pending)->waiting, false);
}

int pulse_new(const struct http *http, struct store *store, int64_t patience_ms, struct pulse **ret_pulse)
{
    struct pulse *pulse = calloc(1, sizeof(*pulse));
    if (!pulse)
        return -ENOMEM;
    pulse->http = http;
    pulse->store = store;
    pulse->patience = patience_ms;
    *ret_pulse = pulse;
    return 0;
}

void pulse_free(struct pulse *pulse)
{
    free(pulse);
}

bool pulse_is_felt(struct pulse *pulse, const char **ret_silent)
{
    int64_t now = when_monotonic();
    bool waiting = atomic_load(&pulse->waiting);
    if (now - http_beat(pulse->http) > pulse->patience) {
        *ret_silent = "listener";
        return false;
    }
    if (waiting && now - pulse->asked > pulse->patience) {
        *ret_silent = "writer";
        return false;
    }
    if (!waiting) {
        pulse->asked = now;
        atomic_store(&pulse->waiting, true);
        pulse->pending = (struct store_pending){ .job = nothing, .done = answered };
        store_write_later(pulse->store, &pulse->pending);
    }
    return true;
}
