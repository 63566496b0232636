/*
 * Counters of the process, one cache line each so that threads that count
 * different things do not disturb each other.
 */
#include "base/metrics.h"

#include <stdalign.h>
#include <stdatomic.h>

static struct counter {
    alignas(64) atomic_uint_fast64_t value;
} counters[METRIC_COUNT];

static const struct metric_row {
    const char *name;
    const char *help;
} rows[] = {
#define METRIC(name, text) { #name, text },
#include "base/metrics.def"
#undef METRIC
};

_Static_assert(ARRAY_LEN(rows) == METRIC_COUNT, "a row per counter");

void metric_add(enum metric metric, uint64_t n)
{
    atomic_fetch_add_explicit(&counters[metric].value, n, memory_order_relaxed);
}

uint64_t metric_get(enum metric metric)
{
    return atomic_load_explicit(&counters[metric].value, memory_order_relaxed);
}

void metrics_write(struct buf *out)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf_printf(out, "# HELP ewsd_%s_total %s\n# TYPE ewsd_%s_total counter\newsd_%s_total ", rows[i].name,
                   rows[i].help, rows[i].name, rows[i].name);
        buf_add_u64(out, metric_get((enum metric)i));
        buf_add_char(out, '\n');
    }
}
