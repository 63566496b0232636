/*
 * The numbers of metrics.h: an array for each row, with a cell (of a histogram:
 * cells) for each pair of labels. Rows begin on cache lines of their own, so that
 * threads that count different things do not disturb each other; pages that
 * nobody counts on take no memory.
 */
#include "base/metrics.h"

#include <limits.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>

#define BUCKETS_MAX 14
#define MANY_PAIRS 1000

enum kind { COUNTER, GAUGE, HISTOGRAM };
enum unit { ONE, MS, US };
enum { CELLS_COUNTER = 1, CELLS_GAUGE = 1, CELLS_HISTOGRAM = BUCKETS_MAX + 2 }; /* the last: over all buckets, and the sum */
enum {
#define LABEL(name, room) ROOM_##name = room,
#define METRIC(kind, name, label, other, unit, text)
#define PROCESS(kind, name, unit, text)
#include "base/metrics.def"
};

typedef atomic_uint_fast64_t cell;

static struct {
#define LABEL(name, room)
#define METRIC(kind, name, label, other, unit, text) alignas(64) cell name[(size_t)ROOM_##label * ROOM_##other * CELLS_##kind];
#define PROCESS(kind, name, unit, text) cell process_##name[1];
#include "base/metrics.def"
} cells;

static const struct row {
    const char *name;
    const char *text;
    enum kind kind;
    enum metric_label label, other;
    enum unit unit;
    unsigned step; /* cells of one pair of labels */
    cell *cells;
} rows[] = {
#define LABEL(name, room)
#define METRIC(kind, name, label, other, unit, text) \
    { "ewsd_" #name, text, kind, METRIC_LABEL_##label, METRIC_LABEL_##other, unit, CELLS_##kind, cells.name },
#define PROCESS(kind, name, unit, text) { "process_" #name, text, kind, METRIC_LABEL_none, METRIC_LABEL_none, unit, 1, cells.process_##name },
#include "base/metrics.def"
};

_Static_assert(ARRAY_LEN(rows) == METRIC_COUNT, "a row per metric");

static struct {
    const char *name;
    unsigned room;
    const char *const *_Atomic fixed; /* or, one by one: */
    char *own[ROOM_relay];
    atomic_uint n;
} labels[] = {
#define LABEL(label, places) { .name = #label, .room = places },
#define METRIC(kind, name, label, other, unit, text)
#define PROCESS(kind, name, unit, text)
#include "base/metrics.def"
};

/* Bounds, and how they are written. */
static const struct bucket {
    uint64_t most;
    const char *text;
} durations[BUCKETS_MAX] = {
    { 500, "0.0005" },    { 1000, "0.001" },   { 2500, "0.0025" },  { 5000, "0.005" },   { 10000, "0.01" },
    { 25000, "0.025" },   { 50000, "0.05" },   { 100000, "0.1" },   { 250000, "0.25" },  { 500000, "0.5" },
    { 1000000, "1" },     { 2500000, "2.5" },  { 5000000, "5" },    { 10000000, "10" },
}, amounts[BUCKETS_MAX] = {
    { 1, "1" },     { 2, "2" },     { 3, "3" },     { 4, "4" },     { 6, "6" },       { 8, "8" },      { 12, "12" },
    { 16, "16" },   { 24, "24" },   { 32, "32" },   { 64, "64" },   { 128, "128" },   { 256, "256" },  { 512, "512" },
};

static const struct bucket *buckets_of(const struct row *row)
{
    return row->unit == ONE ? amounts : durations;
}

/* ---- counting ---- */

static cell *cell_of(const struct row *row, unsigned label, unsigned other)
{
    if (label >= labels[row->label].room || other >= labels[row->other].room)
        return NULL;
    return &row->cells[((size_t)label * labels[row->other].room + other) * row->step];
}

static void add(cell *at, uint64_t n)
{
    if (at)
        atomic_fetch_add_explicit(at, n, memory_order_relaxed);
}

static uint64_t get(const cell *at)
{
    return atomic_load_explicit(at, memory_order_relaxed);
}

void metric_add(enum metric metric, uint64_t n)
{
    add(rows[metric].cells, n);
}

void metric_add_by(enum metric metric, unsigned label, unsigned other, uint64_t n)
{
    add(cell_of(&rows[metric], label, other), n);
}

void metric_set(enum metric metric, unsigned label, uint64_t value)
{
    cell *at = cell_of(&rows[metric], label, 0);
    if (at)
        atomic_store_explicit(at, value, memory_order_relaxed);
}

void metric_raise(enum metric metric, unsigned label, int64_t up)
{
    add(cell_of(&rows[metric], label, 0), (uint64_t)up);
}

void metric_observe(enum metric metric, unsigned label, uint64_t value)
{
    const struct bucket *buckets = buckets_of(&rows[metric]);
    cell *at = cell_of(&rows[metric], label, 0);
    size_t i = 0;
    while (i < BUCKETS_MAX && value > buckets[i].most)
        i++;
    if (at) {
        add(&at[i], 1);
        add(&at[BUCKETS_MAX + 1], value);
    }
}

uint64_t metric_get(enum metric metric)
{
    const struct row *row = &rows[metric];
    size_t pairs = (size_t)labels[row->label].room * labels[row->other].room;
    uint64_t sum = 0;
    for (size_t i = 0; i < pairs * row->step; i++)
        if (row->kind != HISTOGRAM || i % row->step <= BUCKETS_MAX)
            sum += get(&row->cells[i]);
    return sum;
}

/* ---- names ---- */

void metric_names(enum metric_label label, const char *const *names, size_t n)
{
    atomic_store(&labels[label].fixed, names);
    atomic_store(&labels[label].n, n < labels[label].room ? (unsigned)n : labels[label].room);
}

static const char *name_of(enum metric_label label, unsigned i)
{
    const char *const *fixed = atomic_load(&labels[label].fixed);
    return fixed ? fixed[i] : labels[label].own[i];
}

/* A place is taken before it counts, so that a page that is being written sees whole names. */
unsigned metric_name(enum metric_label label, const char *name)
{
    unsigned n = atomic_load(&labels[label].n);
    for (unsigned i = 0; i < n; i++)
        if (strcmp(name_of(label, i), name) == 0)
            return i;
    char *copy = n < labels[label].room ? strdup(name) : NULL;
    if (!copy)
        return UINT_MAX;
    labels[label].own[n] = copy;
    atomic_store(&labels[label].n, n + 1);
    return n;
}

/* ---- writing ---- */

static void add_value(struct buf *out, uint64_t value, enum unit unit)
{
    if (unit == MS)
        buf_printf(out, "%llu.%03llu\n", (unsigned long long)(value / 1000), (unsigned long long)(value % 1000));
    else if (unit == US)
        buf_printf(out, "%llu.%06llu\n", (unsigned long long)(value / 1000000), (unsigned long long)(value % 1000000));
    else
        buf_printf(out, "%llu\n", (unsigned long long)value);
}

static void add_label(struct buf *out, const char *before, enum metric_label label, unsigned i)
{
    if (label == METRIC_LABEL_none)
        return;
    buf_add_str(out, before);
    buf_add_str(out, labels[label].name);
    buf_add_str(out, "=\"");
    for (const char *c = name_of(label, i); *c; c++) {
        if (*c == '"' || *c == '\\')
            buf_add_char(out, '\\');
        buf_add_char(out, *c);
    }
    buf_add_char(out, '"');
}

/* ewsd_name_suffix{label="...",other="...",le="..."}, and the space behind it. */
static void add_series(struct buf *out, const struct row *row, const char *suffix, unsigned label, unsigned other, const char *le)
{
    buf_add_str(out, row->name);
    buf_add_str(out, suffix);
    if (row->label != METRIC_LABEL_none || le) {
        buf_add_char(out, '{');
        add_label(out, "", row->label, label);
        add_label(out, ",", row->other, other);
        if (le)
            buf_printf(out, "%sle=\"%s\"", row->label != METRIC_LABEL_none ? "," : "", le);
        buf_add_char(out, '}');
    }
    buf_add_char(out, ' ');
}

static void add_histogram(struct buf *out, const struct row *row, unsigned label, const cell *at)
{
    const struct bucket *buckets = buckets_of(row);
    uint64_t count = 0;
    for (size_t i = 0; i <= BUCKETS_MAX; i++) {
        count += get(&at[i]);
        add_series(out, row, "_bucket", label, 0, i < BUCKETS_MAX ? buckets[i].text : "+Inf");
        add_value(out, count, ONE);
    }
    add_series(out, row, "_sum", label, 0, NULL);
    add_value(out, get(&at[BUCKETS_MAX + 1]), row->unit);
    add_series(out, row, "_count", label, 0, NULL);
    add_value(out, count, ONE);
}

static const char *suffix_of(const struct row *row)
{
    return row->kind == COUNTER && strncmp(row->name, "process_", 8) != 0 ? "_total" : "";
}

/* Where there are very many pairs of labels, those that occurred: most never do. */
static bool is_written(const struct row *row, const cell *at)
{
    return labels[row->label].room * labels[row->other].room < MANY_PAIRS || get(at) > 0;
}

static void add_row(struct buf *out, const struct row *row)
{
    static const char *const kinds[] = { "counter", "gauge", "histogram" };
    unsigned n = row->label == METRIC_LABEL_none ? 1 : atomic_load(&labels[row->label].n);
    unsigned m = row->other == METRIC_LABEL_none ? 1 : atomic_load(&labels[row->other].n);
    buf_printf(out, "# HELP %s%s %s\n# TYPE %s%s %s\n", row->name, suffix_of(row), row->text, row->name, suffix_of(row),
               kinds[row->kind]);
    for (unsigned i = 0; i < n; i++)
        for (unsigned k = 0; k < m; k++) {
            const cell *at = cell_of(row, i, k);
            if (row->kind == HISTOGRAM) {
                add_histogram(out, row, i, at);
            } else if (is_written(row, at)) {
                add_series(out, row, suffix_of(row), i, k, NULL);
                add_value(out, get(at), row->unit);
            }
        }
}

void metrics_write(struct buf *out)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        add_row(out, &rows[i]);
}
