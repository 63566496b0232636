/*
 * What the process counts, one row of metrics.def each: atomic numbers that are
 * never reset and are read together for the metrics page. Counting allocates
 * nothing and looks nothing up: a value of a label is a number, and what it is
 * called is said once, at the start. So nobody can make more series than there
 * is room for.
 */
#ifndef EWSD_BASE_METRICS_H
#define EWSD_BASE_METRICS_H

#include "base/buf.h"

enum metric_label {
#define LABEL(name, room) METRIC_LABEL_##name,
#define METRIC(kind, name, label, other, unit, text)
#define PROCESS(kind, name, unit, text)
#include "base/metrics.def"
    METRIC_LABELS
};

enum metric {
#define LABEL(name, room)
#define METRIC(kind, name, label, other, unit, text) METRIC_##name,
#define PROCESS(kind, name, unit, text) METRIC_process_##name,
#include "base/metrics.def"
    METRIC_COUNT
};

/* Counters without a label. */
void metric_add(enum metric metric, uint64_t n);
/* With them; other is 0 where there is one label. A number that no value has is not counted. */
void metric_add_by(enum metric metric, unsigned label, unsigned other, uint64_t n);
/* Gauges. up may be negative. */
void metric_set(enum metric metric, unsigned label, uint64_t value);
void metric_raise(enum metric metric, unsigned label, int64_t up);
/* Histograms. */
void metric_observe(enum metric metric, unsigned label, uint64_t value);
/* The sum of what it counted, whatever the labels; of a histogram, how often. */
uint64_t metric_get(enum metric metric);

/* The values of a label are called so, from 0 on; names are static. */
void metric_names(enum metric_label label, const char *const *names, size_t n);
/* One more value, or the number of the one that has that name already: for what is
 * known from the configuration. UINT_MAX: there is no more room. */
unsigned metric_name(enum metric_label label, const char *name);

/* Reads what PROCESS rows tell. started: ms since 1970. */
void metrics_read_process(int64_t started);
/* Prometheus text format. */
void metrics_write(struct buf *out);

#endif
