/*
 * Counters, one per row of metrics.def: atomic, never reset, read together for
 * the metrics page.
 */
#ifndef EWSD_BASE_METRICS_H
#define EWSD_BASE_METRICS_H

#include "base/buf.h"

enum metric {
#define METRIC(name, text) METRIC_##name,
#include "base/metrics.def"
#undef METRIC
    METRIC_COUNT
};

void metric_add(enum metric metric, uint64_t n);
uint64_t metric_get(enum metric metric);
/* Prometheus text format. */
void metrics_write(struct buf *out);

#endif
