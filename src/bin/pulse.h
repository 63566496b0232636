/*
 * Whether the server is alive, for the watchdog of a service manager: the
 * listener's loop goes round, and the store's writer gets through a job that
 * does nothing. It belongs to one thread.
 */
#ifndef EWSD_BIN_PULSE_H
#define EWSD_BIN_PULSE_H

#include "http/http.h"
#include "store/store.h"

struct pulse;

/* patience_ms: how long a part may be silent. Both outlive the pulse' last
 * pulse_is_felt. -ENOMEM. */
int pulse_new(const struct http *http, struct store *store, int64_t patience_ms, struct pulse **ret_pulse);
/* Once the store is closed: a job may be under way. NULL is fine. */
void pulse_free(struct pulse *pulse);
/* Call it several times within patience_ms. False, with the name of a part: that
 * is silent. */
bool pulse_is_felt(struct pulse *pulse, const char **ret_silent);

#endif
