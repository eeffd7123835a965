/* SPDX-License-Identifier: Apache-2.0 */
/* The catalogue and its values. */
#include "observability/metrics.h"

#include "base/assert.h"

#include <inttypes.h>

#define NS_PER_SECOND 1e9
#define LE_BITS_FIRST 7  /* 128 ns */
#define LE_BITS_LAST  33 /* 8.6 s */
#define LABELS_MAX    4096

static const struct tvn_metric_row rows[TVN_METRIC_COUNT] = {
#define TVN_METRIC(id, name, kind, unit, scope, prometheus, what)                                \
    {name, TVN_METRIC_KIND_##kind, TVN_METRIC_UNIT_##unit, TVN_METRIC_SCOPE_##scope, prometheus, \
     what},
#include "observability/metrics.def"
#undef TVN_METRIC
};

const struct tvn_metric_row *tvn_metric_row(enum tvn_metric metric)
{
    tvn_assert((unsigned)metric < TVN_METRIC_COUNT);
    return &rows[metric];
}

const char *tvn_metric_kind_name(enum tvn_metric_kind kind)
{
    static const char *const names[] = {"counter", "gauge", "histogram", "derived", "gauge (enum)"};
    tvn_assert((unsigned)kind < TVN_ARRAY_LEN(names));
    return names[kind];
}

const char *tvn_metric_unit_name(enum tvn_metric_unit unit)
{
    static const char *const names[] = {"", "count", "ns", "bytes", "elements/s", "ratio"};
    tvn_assert((unsigned)unit < TVN_ARRAY_LEN(names));
    return names[unit];
}

const char *tvn_metric_scope_labels(enum tvn_metric_scope scope)
{
    static const char *const labels[] = {
        "flow_id", "flow_id, component_id",    "flow_id, stream_id",
        "tier",    "component_id, capability", "",
    };
    tvn_assert((unsigned)scope < TVN_ARRAY_LEN(labels));
    return labels[scope];
}

/* ---- Prometheus ---- */

struct writer {
    const struct tvn_metrics_view *view;
    struct tvn_strbuf *out;
    const struct tvn_metric_row *row;
    enum tvn_metric metric;
    struct tvn_strbuf labels; /* of the sample: flow_id="main" */
};

static void add_label(struct tvn_strbuf *labels, const char *name, const char *value)
{
    tvn_strbuf_printf(labels, "%s%s=\"", labels->len > 0 ? "," : "", name);
    for (const char *c = value; *c; c++) {
        if (*c == '\n') {
            tvn_strbuf_add_text(labels, "\\n");
            continue;
        }
        if (*c == '"' || *c == '\\') {
            tvn_strbuf_add_char(labels, '\\');
        }
        tvn_strbuf_add_char(labels, *c);
    }
    tvn_strbuf_add_char(labels, '"');
}

static void sample_name(struct writer *writer, const char *suffix, const char *le)
{
    tvn_strbuf_printf(writer->out, "%s%s", writer->row->prometheus, suffix);
    if (writer->labels.len > 0 || le) {
        tvn_strbuf_printf(writer->out, "{%s", tvn_strbuf_text(&writer->labels));
        if (le) {
            tvn_strbuf_printf(writer->out, "%sle=\"%s\"", writer->labels.len > 0 ? "," : "", le);
        }
        tvn_strbuf_add_char(writer->out, '}');
    }
    tvn_strbuf_add_char(writer->out, ' ');
}

static void sample(struct writer *writer, uint64_t value)
{
    sample_name(writer, "", NULL);
    if (writer->row->unit == TVN_METRIC_UNIT_NS) {
        tvn_strbuf_printf(writer->out, "%.15g\n", (double)value / NS_PER_SECOND);
    } else {
        tvn_strbuf_printf(writer->out, "%" PRIu64 "\n", value);
    }
}

static void sample_real(struct writer *writer, double value)
{
    sample_name(writer, "", NULL);
    tvn_strbuf_printf(writer->out, "%.15g\n", value);
}

static void histogram(struct writer *writer, const struct tvn_histogram *live)
{
    struct tvn_histogram copy = {0}; /* one moment: buckets and count must fit each other */
    tvn_histogram_merge(&copy, live);
    uint64_t count = tvn_histogram_count(&copy);
    for (uint32_t bits = LE_BITS_FIRST; bits <= LE_BITS_LAST; bits++) {
        TVN_AUTO_VALUE(tvn_strbuf) le = {0};
        tvn_strbuf_printf(&le, "%.12g", (double)(UINT64_C(1) << bits) / NS_PER_SECOND);
        sample_name(writer, "_bucket", tvn_strbuf_text(&le));
        tvn_strbuf_printf(writer->out, "%" PRIu64 "\n", tvn_histogram_count_to(&copy, bits));
    }
    sample_name(writer, "_bucket", "+Inf");
    tvn_strbuf_printf(writer->out, "%" PRIu64 "\n", count);
    sample_name(writer, "_sum", NULL);
    tvn_strbuf_printf(writer->out, "%.15g\n", (double)tvn_histogram_sum(&copy) / NS_PER_SECOND);
    sample_name(writer, "_count", NULL);
    tvn_strbuf_printf(writer->out, "%" PRIu64 "\n", count);
}

static uint64_t active_ns(const struct tvn_metrics_view *view, const struct tvn_metrics_flow *flow)
{
    uint64_t started_ns = tvn_stat_get(&flow->stats->started_ns);
    uint64_t ended_ns = tvn_stat_get(&flow->stats->ended_ns);
    uint64_t until_ns = ended_ns != 0 ? ended_ns : view->now_ns;
    return started_ns != 0 && until_ns > started_ns ? until_ns - started_ns : 0;
}

static uint64_t payload(const tvn_stat by_reason[TVN_COPY_REASON_COUNT])
{
    uint64_t total = 0;
    for (unsigned reason = 0; reason < TVN_COPY_REASON_COUNT; reason++) {
        total += reason == TVN_COPY_METADATA_MARSHAL ? 0 : tvn_stat_get(&by_reason[reason]);
    }
    return total;
}

static void state_samples(struct writer *writer, const struct tvn_metrics_flow *flow)
{
    size_t length = writer->labels.len;
    for (unsigned state = 0; state < TVN_FLOW_STATE_COUNT; state++) {
        add_label(&writer->labels, "state", tvn_flow_state_name((enum tvn_flow_state)state));
        sample(writer, flow->state == (enum tvn_flow_state)state ? 1 : 0);
        writer->labels.len = length;
        writer->labels.ptr[length] = '\0';
    }
}

static void flow_sample(struct writer *writer, const struct tvn_metrics_flow *flow)
{
    const struct tvn_flow_stats *stats = flow->stats;
    uint64_t duration_ns = active_ns(writer->view, flow);
    uint64_t copies = 0;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < flow->graph->stage_count; i++) {
        copies += payload(flow->stages[i]->copies.count);
        bytes += payload(flow->stages[i]->copies.bytes);
    }
    switch ((int)writer->metric) {
    case TVN_METRIC_FLOW_ELEMENTS:
        sample(writer, tvn_stat_get(&stats->pulled));
        return;
    case TVN_METRIC_FLOW_DELIVERED:
        sample(writer, tvn_stat_get(&stats->delivered));
        return;
    case TVN_METRIC_FLOW_ERRORS:
        sample(writer, tvn_stat_get(&stats->errors));
        return;
    case TVN_METRIC_FLOW_LATENCY:
        histogram(writer, tvn_recorder_latency(flow->recorder));
        return;
    case TVN_METRIC_FLOW_THROUGHPUT:
        sample_real(writer, duration_ns == 0 ? 0
                                             : (double)tvn_stat_get(&stats->pulled) *
                                                   NS_PER_SECOND / (double)duration_ns);
        return;
    case TVN_METRIC_FLOW_COPIES:
        sample(writer, copies);
        return;
    case TVN_METRIC_FLOW_COPY_BYTES:
        sample(writer, bytes);
        return;
    case TVN_METRIC_FLOW_DURATION:
        sample(writer, duration_ns);
        return;
    case TVN_METRIC_FLOW_STATE:
        state_samples(writer, flow);
        return;
    default:
        tvn_unreachable();
    }
}

static void component_sample(struct writer *writer, const struct tvn_metrics_flow *flow,
                             uint32_t stage)
{
    const struct tvn_stage_stats *stats = flow->stages[stage];
    switch ((int)writer->metric) {
    case TVN_METRIC_COMPONENT_INVOCATIONS:
        sample(writer, tvn_stat_get(&stats->invocations));
        return;
    case TVN_METRIC_COMPONENT_ERRORS:
        sample(writer, tvn_stat_get(&stats->errors));
        return;
    case TVN_METRIC_COMPONENT_DROPPED:
        sample(writer, tvn_stat_get(&stats->dropped));
        return;
    case TVN_METRIC_COMPONENT_RESTARTS:
        sample(writer, tvn_stat_get(&stats->restarts));
        return;
    case TVN_METRIC_COMPONENT_PROCESSING:
        histogram(writer, tvn_recorder_processing(flow->recorder, stage));
        return;
    case TVN_METRIC_COMPONENT_FUEL:
        sample(writer, tvn_stat_get(&stats->fuel));
        return;
    case TVN_METRIC_COMPONENT_MEMORY:
        sample(writer, tvn_stat_get(&stats->memory_bytes));
        return;
    default:
        tvn_unreachable();
    }
}

static void stream_sample(struct writer *writer, const struct tvn_metrics_flow *flow, uint32_t edge)
{
    const struct tvn_stream_stats *stats = flow->streams[edge];
    switch ((int)writer->metric) {
    case TVN_METRIC_STREAM_TRANSFERRED:
        sample(writer, tvn_stat_get(&stats->transferred));
        return;
    case TVN_METRIC_STREAM_DROPPED:
        add_label(&writer->labels, "policy", flow->policies[edge]);
        sample(writer, tvn_stat_get(&stats->dropped));
        return;
    case TVN_METRIC_STREAM_BACKPRESSURE:
        sample(writer, tvn_stat_get(&stats->backpressure_events));
        return;
    case TVN_METRIC_STREAM_BACKPRESSURE_NS:
        sample(writer, tvn_stat_get(&stats->backpressure_ns));
        return;
    case TVN_METRIC_STREAM_DEPTH:
        sample(writer, tvn_stat_get(&stats->depth));
        return;
    case TVN_METRIC_STREAM_DEPTH_PEAK:
        sample(writer, tvn_stat_get(&stats->depth_peak));
        return;
    case TVN_METRIC_STREAM_WAITING:
        histogram(writer, tvn_recorder_waiting(flow->recorder, edge));
        return;
    default:
        tvn_unreachable();
    }
}

static void tier_sample(struct writer *writer, const struct tvn_metrics_tier *tier)
{
    switch ((int)writer->metric) {
    case TVN_METRIC_POOL_CAPACITY:
        sample(writer, tier->capacity);
        return;
    case TVN_METRIC_POOL_AVAILABLE:
        sample(writer, tier->available);
        return;
    case TVN_METRIC_POOL_ALLOCATED:
        sample(writer, tier->allocated);
        return;
    case TVN_METRIC_POOL_RETURNED:
        sample(writer, tier->returned);
        return;
    case TVN_METRIC_POOL_FALLBACKS:
        sample(writer, tier->fallbacks);
        return;
    case TVN_METRIC_POOL_EXHAUSTIONS:
        sample(writer, tier->exhaustions);
        return;
    case TVN_METRIC_POOL_REUSE:
        sample_real(writer,
                    tier->allocated == 0 ? 0 : (double)tier->returned / (double)tier->allocated);
        return;
    default:
        tvn_unreachable();
    }
}

static void system_sample(struct writer *writer)
{
    const struct tvn_metrics_view *view = writer->view;
    uint64_t flows = 0;
    uint64_t components = 0;
    uint64_t linear_bytes = 0;
    uint64_t wakeups = 0;
    uint64_t idle_ns = 0;
    for (uint32_t i = 0; i < view->flow_count; i++) {
        const struct tvn_metrics_flow *flow = &view->flows[i];
        bool is_active = !tvn_flow_state_is_terminal(flow->state);
        flows += is_active ? 1 : 0;
        wakeups += tvn_stat_get(&flow->stats->wakeups);
        idle_ns += tvn_stat_get(&flow->stats->idle_ns);
        for (uint32_t k = 0; k < flow->graph->stage_count; k++) {
            components += is_active && flow->graph->stages[k].is_component ? 1 : 0;
            linear_bytes += is_active ? tvn_stat_get(&flow->stages[k]->memory_bytes) : 0;
        }
    }
    switch ((int)writer->metric) {
    case TVN_METRIC_SYSTEM_FLOWS:
        sample(writer, flows);
        return;
    case TVN_METRIC_SYSTEM_COMPONENTS:
        sample(writer, components);
        return;
    case TVN_METRIC_SYSTEM_MEMORY:
        sample(writer, view->resident_bytes);
        return;
    case TVN_METRIC_SYSTEM_MEMORY_HOST:
        sample(writer, view->resident_bytes > linear_bytes ? view->resident_bytes - linear_bytes
                                                           : view->resident_bytes);
        return;
    case TVN_METRIC_SYSTEM_WAKEUPS:
        sample(writer, wakeups);
        return;
    case TVN_METRIC_SYSTEM_IDLE:
        sample(writer, idle_ns);
        return;
    case TVN_METRIC_SYSTEM_SPANS_DROPPED:
        sample(writer, view->spans_dropped);
        return;
    default:
        tvn_unreachable();
    }
}

static void flow_label(struct writer *writer, const struct tvn_metrics_flow *flow)
{
    tvn_strbuf_reset(&writer->labels);
    add_label(&writer->labels, "flow_id", flow->graph->flow);
}

static void flow_family(struct writer *writer, const struct tvn_metrics_flow *flow)
{
    const struct tvn_graph *graph = flow->graph;
    switch (writer->row->scope) {
    case TVN_METRIC_SCOPE_FLOW:
        flow_label(writer, flow);
        flow_sample(writer, flow);
        return;
    case TVN_METRIC_SCOPE_COMPONENT:
        for (uint32_t i = 0; i < graph->stage_count; i++) {
            flow_label(writer, flow);
            add_label(&writer->labels, "component_id", graph->stages[i].name);
            component_sample(writer, flow, i);
        }
        return;
    case TVN_METRIC_SCOPE_STREAM:
        for (uint32_t i = 0; i < graph->edge_count; i++) {
            const struct tvn_graph_edge *edge = &graph->edges[i];
            TVN_AUTO_VALUE(tvn_strbuf) name = {0};
            tvn_strbuf_printf(&name, "%s:%s→%s", graph->stages[edge->from].name,
                              edge->port_name ? edge->port_name : "output",
                              graph->stages[edge->to].name);
            flow_label(writer, flow);
            add_label(&writer->labels, "stream_id", tvn_strbuf_text(&name));
            stream_sample(writer, flow, i);
        }
        return;
    case TVN_METRIC_SCOPE_TIER:
    case TVN_METRIC_SCOPE_CAPABILITY:
    case TVN_METRIC_SCOPE_SYSTEM:
        break;
    }
    tvn_unreachable();
}

static void family(struct writer *writer)
{
    static const char *const types[] = {
        [TVN_METRIC_KIND_COUNTER] = "counter",     [TVN_METRIC_KIND_GAUGE] = "gauge",
        [TVN_METRIC_KIND_HISTOGRAM] = "histogram", [TVN_METRIC_KIND_DERIVED] = "gauge",
        [TVN_METRIC_KIND_STATE] = "gauge",
    };
    const struct tvn_metrics_view *view = writer->view;
    const struct tvn_metric_row *row = writer->row;
    tvn_strbuf_printf(writer->out, "# HELP %s %s\n# TYPE %s %s\n", row->prometheus, row->what,
                      row->prometheus, types[row->kind]);
    switch (row->scope) {
    case TVN_METRIC_SCOPE_FLOW:
    case TVN_METRIC_SCOPE_COMPONENT:
    case TVN_METRIC_SCOPE_STREAM:
        for (uint32_t i = 0; i < view->flow_count; i++) {
            flow_family(writer, &view->flows[i]);
        }
        return;
    case TVN_METRIC_SCOPE_TIER:
        for (uint32_t i = 0; i < view->tier_count; i++) {
            tvn_strbuf_reset(&writer->labels);
            add_label(&writer->labels, "tier", view->tiers[i].name);
            tier_sample(writer, &view->tiers[i]);
        }
        return;
    case TVN_METRIC_SCOPE_CAPABILITY:
        for (uint32_t i = 0; i < view->capability_count; i++) {
            const struct tvn_metrics_capability *capability = &view->capabilities[i];
            tvn_strbuf_reset(&writer->labels);
            add_label(&writer->labels, "component_id", capability->component);
            add_label(&writer->labels, "capability", capability->capability);
            sample(writer, writer->metric == TVN_METRIC_CAPABILITY_DENIALS ? capability->denials
                                                                           : capability->exercises);
        }
        return;
    case TVN_METRIC_SCOPE_SYSTEM:
        tvn_strbuf_reset(&writer->labels);
        system_sample(writer);
        return;
    }
}

void tvn_metrics_prometheus(const struct tvn_metrics_view *view, struct tvn_strbuf *out)
{
    tvn_assert(view && out);
    struct writer writer = {.view = view, .out = out};
    tvn_strbuf_init(&writer.labels, LABELS_MAX);
    for (unsigned i = 0; i < TVN_METRIC_COUNT; i++) {
        writer.metric = (enum tvn_metric)i;
        writer.row = &rows[i];
        family(&writer);
    }
    out->failed |= writer.labels.failed;
    tvn_strbuf_deinit(&writer.labels);
}

/* ---- reference ---- */

void tvn_metrics_reference(struct tvn_strbuf *out)
{
    static const char *const titles[] = {"Flows",        "Components",   "Streams",
                                         "Buffer pools", "Capabilities", "The process"};
    int scope = -1;
    for (unsigned i = 0; i < TVN_METRIC_COUNT; i++) {
        const struct tvn_metric_row *row = &rows[i];
        if ((int)row->scope != scope) {
            scope = (int)row->scope;
            const char *labels = tvn_metric_scope_labels(row->scope);
            tvn_strbuf_printf(out, "\n## %s\n\n", titles[scope]);
            if (labels[0]) {
                tvn_strbuf_printf(out, "Labels: `%s`.\n\n", labels);
            }
            tvn_strbuf_add_text(out,
                                "| metric | kind | unit | Prometheus | |\n|---|---|---|---|---|\n");
        }
        tvn_strbuf_printf(out, "| `%s` | %s | %s | `%s` | %s |\n", row->name,
                          tvn_metric_kind_name(row->kind), tvn_metric_unit_name(row->unit),
                          row->prometheus, row->what);
    }
}
