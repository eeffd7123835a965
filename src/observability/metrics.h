/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The metrics of a process: the catalogue (metrics.def), and what it says right now: a walk
 * over the values, Prometheus' text.
 *
 * Threads: whoever reads; counters are relaxed atomics with one writer each, so the figures of one
 * text may be a moment apart. Memory: names and counters are borrowed.
 */
#include "base/str.h"
#include "observability/graph.h"
#include "observability/recorder.h"
#include "types/flow_state.h"
#include "types/sandbox.h"

enum tvn_metric {
#define TVN_METRIC(id, name, kind, unit, scope, prometheus, what) TVN_METRIC_##id,
#include "observability/metrics.def"
#undef TVN_METRIC
    TVN_METRIC_COUNT,
};

enum tvn_metric_kind {
    TVN_METRIC_KIND_COUNTER,
    TVN_METRIC_KIND_GAUGE,
    TVN_METRIC_KIND_HISTOGRAM,
    TVN_METRIC_KIND_DERIVED, /* a gauge that is computed */
    TVN_METRIC_KIND_STATE,   /* a gauge per state, 0 or 1 */
};
enum tvn_metric_unit {
    TVN_METRIC_UNIT_NONE,
    TVN_METRIC_UNIT_COUNT,
    TVN_METRIC_UNIT_NS,
    TVN_METRIC_UNIT_BYTES,
    TVN_METRIC_UNIT_PER_SECOND,
    TVN_METRIC_UNIT_RATIO,
};
enum tvn_metric_scope {
    TVN_METRIC_SCOPE_FLOW,
    TVN_METRIC_SCOPE_COMPONENT,
    TVN_METRIC_SCOPE_STREAM,
    TVN_METRIC_SCOPE_TIER,
    TVN_METRIC_SCOPE_CAPABILITY,
    TVN_METRIC_SCOPE_SYSTEM,
};

struct tvn_metric_row {
    const char *name;
    enum tvn_metric_kind kind;
    enum tvn_metric_unit unit;
    enum tvn_metric_scope scope;
    const char *prometheus;
    const char *what;
};
const struct tvn_metric_row *tvn_metric_row(enum tvn_metric metric);
const char *tvn_metric_kind_name(enum tvn_metric_kind kind);      /* "counter" */
const char *tvn_metric_unit_name(enum tvn_metric_unit unit);      /* "ns"; "" for none */
const char *tvn_metric_scope_labels(enum tvn_metric_scope scope); /* "flow_id, component_id" */

struct tvn_metrics_flow {
    const struct tvn_graph *graph;
    enum tvn_flow_state state;
    const struct tvn_flow_stats *stats;
    const struct tvn_stage_stats *const *stages;   /* by the graph's numbers */
    const struct tvn_stream_stats *const *streams; /* likewise */
    const char *const *policies;                   /* of the streams */
    const struct tvn_recorder *recorder;
};

struct tvn_metrics_tier {
    const char *name; /* "256" */
    uint64_t capacity;
    uint64_t available;
    uint64_t allocated;
    uint64_t returned;
    uint64_t fallbacks;
    uint64_t exhaustions;
};

/* Only what was used or denied. */
struct tvn_metrics_capability {
    const char *component;
    const char *capability;
    uint64_t exercises;
    uint64_t denials;
};

struct tvn_metrics_view {
    const struct tvn_metrics_flow *flows;
    uint32_t flow_count;
    const struct tvn_metrics_tier *tiers;
    uint32_t tier_count;
    const struct tvn_metrics_capability *capabilities;
    uint32_t capability_count;
    uint64_t resident_bytes; /* of the process */
    uint64_t spans_dropped;
    uint64_t now_ns; /* CLOCK_MONOTONIC */
};

struct tvn_metric_label {
    const char *name;
    const char *value;
};

#define TVN_METRIC_LABELS_MAX 3

enum tvn_metric_sample_kind {
    TVN_METRIC_SAMPLE_WHOLE,
    TVN_METRIC_SAMPLE_REAL,
    TVN_METRIC_SAMPLE_HISTOGRAM,
};

/* One value; valid while the visitor is told. */
struct tvn_metric_sample {
    struct tvn_metric_label labels[TVN_METRIC_LABELS_MAX];
    uint32_t label_count;
    uint64_t since_ns; /* CLOCK_MONOTONIC, when it began to count; 0: with the process */
    enum tvn_metric_sample_kind kind;
    uint64_t whole;
    double real;
    const struct tvn_histogram *histogram; /* of one moment */
};

struct tvn_metrics_visitor {
    void (*family)(void *context, const struct tvn_metric_row *row);
    void (*sample)(void *context, const struct tvn_metric_row *row,
                   const struct tvn_metric_sample *sample);
    void *context;
};
/* COLD PATH. Every row of the catalogue in its order, each followed by its samples. */
void tvn_metrics_visit(const struct tvn_metrics_view *view,
                       const struct tvn_metrics_visitor *visitor);
/* The same of these flows only; what belongs to no flow comes with the first flow. */
void tvn_metrics_visit_some(const struct tvn_metrics_view *view, uint32_t first_flow,
                            uint32_t flow_count, const struct tvn_metrics_visitor *visitor);

/* Upper bounds of the buckets that are exported: 2^n nanoseconds. */
#define TVN_METRIC_BOUND_FIRST 7  /* 128 ns */
#define TVN_METRIC_BOUND_LAST  33 /* 8.6 s */

#define TVN_METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* COLD PATH. Prometheus' text format 0.0.4. Every family is there, also without a sample. */
void tvn_metrics_prometheus(const struct tvn_metrics_view *view, struct tvn_strbuf *out);
/* The catalogue as a page of the reference. */
void tvn_metrics_reference(struct tvn_strbuf *out);
