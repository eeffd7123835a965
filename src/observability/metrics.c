/* SPDX-License-Identifier: Apache-2.0 */
/* The catalogue, and the walk over its values. */
#include "observability/metrics.h"

#include "base/assert.h"

#define NS_PER_SECOND 1e9

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

/* ---- the walk ---- */

struct walk {
    const struct tvn_metrics_view *view;
    uint32_t first_flow;
    uint32_t end_flow;
    const struct tvn_metrics_visitor *visitor;
    const struct tvn_metric_row *row;
    enum tvn_metric metric;
    struct tvn_metric_sample sample; /* labels and times of the next one */
};

static void add_label(struct walk *walk, const char *name, const char *value)
{
    tvn_assert(walk->sample.label_count < TVN_METRIC_LABELS_MAX);
    walk->sample.labels[walk->sample.label_count++] = (struct tvn_metric_label){name, value};
}

static void give(struct walk *walk)
{
    walk->visitor->sample(walk->visitor->context, walk->row, &walk->sample);
}

static void sample(struct walk *walk, uint64_t value)
{
    walk->sample.kind = TVN_METRIC_SAMPLE_WHOLE;
    walk->sample.whole = value;
    give(walk);
}

static void sample_real(struct walk *walk, double value)
{
    walk->sample.kind = TVN_METRIC_SAMPLE_REAL;
    walk->sample.real = value;
    give(walk);
}

static void histogram(struct walk *walk, const struct tvn_histogram *live)
{
    struct tvn_histogram copy = {0}; /* one moment: buckets and count must fit each other */
    tvn_histogram_merge(&copy, live);
    walk->sample.kind = TVN_METRIC_SAMPLE_HISTOGRAM;
    walk->sample.histogram = &copy;
    give(walk);
    walk->sample.histogram = NULL;
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

static void state_samples(struct walk *walk, const struct tvn_metrics_flow *flow)
{
    uint32_t label_count = walk->sample.label_count;
    for (unsigned state = 0; state < TVN_FLOW_STATE_COUNT; state++) {
        add_label(walk, "state", tvn_flow_state_name((enum tvn_flow_state)state));
        sample(walk, state == (unsigned)flow->state ? 1 : 0);
        walk->sample.label_count = label_count;
    }
}

static void flow_sample(struct walk *walk, const struct tvn_metrics_flow *flow)
{
    const struct tvn_flow_stats *stats = flow->stats;
    uint64_t duration_ns = active_ns(walk->view, flow);
    uint64_t copies = 0;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < flow->graph->stage_count; i++) {
        copies += payload(flow->stages[i]->copies.count);
        bytes += payload(flow->stages[i]->copies.bytes);
    }
    switch ((int)walk->metric) {
    case TVN_METRIC_FLOW_ELEMENTS:
        sample(walk, tvn_stat_get(&stats->pulled));
        return;
    case TVN_METRIC_FLOW_DELIVERED:
        sample(walk, tvn_stat_get(&stats->delivered));
        return;
    case TVN_METRIC_FLOW_ERRORS:
        sample(walk, tvn_stat_get(&stats->errors));
        return;
    case TVN_METRIC_FLOW_LATENCY:
        histogram(walk, tvn_recorder_latency(flow->recorder));
        return;
    case TVN_METRIC_FLOW_THROUGHPUT:
        sample_real(walk, duration_ns == 0 ? 0
                                           : (double)tvn_stat_get(&stats->pulled) * NS_PER_SECOND /
                                                 (double)duration_ns);
        return;
    case TVN_METRIC_FLOW_COPIES:
        sample(walk, copies);
        return;
    case TVN_METRIC_FLOW_COPY_BYTES:
        sample(walk, bytes);
        return;
    case TVN_METRIC_FLOW_DURATION:
        sample(walk, duration_ns);
        return;
    case TVN_METRIC_FLOW_STATE:
        state_samples(walk, flow);
        return;
    default:
        tvn_unreachable();
    }
}

static void component_sample(struct walk *walk, const struct tvn_metrics_flow *flow, uint32_t stage)
{
    const struct tvn_stage_stats *stats = flow->stages[stage];
    switch ((int)walk->metric) {
    case TVN_METRIC_COMPONENT_INVOCATIONS:
        sample(walk, tvn_stat_get(&stats->invocations));
        return;
    case TVN_METRIC_COMPONENT_ERRORS:
        sample(walk, tvn_stat_get(&stats->errors));
        return;
    case TVN_METRIC_COMPONENT_DROPPED:
        sample(walk, tvn_stat_get(&stats->dropped));
        return;
    case TVN_METRIC_COMPONENT_RESTARTS:
        sample(walk, tvn_stat_get(&stats->restarts));
        return;
    case TVN_METRIC_COMPONENT_CONTEXTS_INVALID:
        sample(walk, tvn_stat_get(&stats->trace_contexts_invalid));
        return;
    case TVN_METRIC_COMPONENT_PROCESSING:
        histogram(walk, tvn_recorder_processing(flow->recorder, stage));
        return;
    case TVN_METRIC_COMPONENT_FUEL:
        sample(walk, tvn_stat_get(&stats->fuel));
        return;
    case TVN_METRIC_COMPONENT_MEMORY:
        sample(walk, tvn_stat_get(&stats->memory_bytes));
        return;
    default:
        tvn_unreachable();
    }
}

static void stream_sample(struct walk *walk, const struct tvn_metrics_flow *flow, uint32_t edge)
{
    const struct tvn_stream_stats *stats = flow->streams[edge];
    switch ((int)walk->metric) {
    case TVN_METRIC_STREAM_TRANSFERRED:
        sample(walk, tvn_stat_get(&stats->transferred));
        return;
    case TVN_METRIC_STREAM_DROPPED:
        add_label(walk, "policy", flow->policies[edge]);
        sample(walk, tvn_stat_get(&stats->dropped));
        return;
    case TVN_METRIC_STREAM_BACKPRESSURE:
        sample(walk, tvn_stat_get(&stats->backpressure_events));
        return;
    case TVN_METRIC_STREAM_BACKPRESSURE_NS:
        sample(walk, tvn_backpressure_ns(stats, walk->view->now_ns));
        return;
    case TVN_METRIC_STREAM_SUSPEND_NS:
        sample(walk, tvn_stat_get(&stats->suspend_ns));
        return;
    case TVN_METRIC_STREAM_DEPTH:
        sample(walk, tvn_stat_get(&stats->depth));
        return;
    case TVN_METRIC_STREAM_DEPTH_PEAK:
        sample(walk, tvn_stat_get(&stats->depth_peak));
        return;
    case TVN_METRIC_STREAM_WAITING:
        histogram(walk, tvn_recorder_waiting(flow->recorder, edge));
        return;
    default:
        tvn_unreachable();
    }
}

static void tier_sample(struct walk *walk, const struct tvn_metrics_tier *tier)
{
    switch ((int)walk->metric) {
    case TVN_METRIC_POOL_CAPACITY:
        sample(walk, tier->capacity);
        return;
    case TVN_METRIC_POOL_AVAILABLE:
        sample(walk, tier->available);
        return;
    case TVN_METRIC_POOL_ALLOCATED:
        sample(walk, tier->allocated);
        return;
    case TVN_METRIC_POOL_RETURNED:
        sample(walk, tier->returned);
        return;
    case TVN_METRIC_POOL_FALLBACKS:
        sample(walk, tier->fallbacks);
        return;
    case TVN_METRIC_POOL_EXHAUSTIONS:
        sample(walk, tier->exhaustions);
        return;
    case TVN_METRIC_POOL_REUSE:
        sample_real(walk,
                    tier->allocated == 0 ? 0 : (double)tier->returned / (double)tier->allocated);
        return;
    default:
        tvn_unreachable();
    }
}

static void system_sample(struct walk *walk)
{
    const struct tvn_metrics_view *view = walk->view;
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
        idle_ns += tvn_idle_ns(flow->stats, view->now_ns);
        for (uint32_t k = 0; k < flow->graph->stage_count; k++) {
            components += is_active && flow->graph->stages[k].is_component ? 1 : 0;
            linear_bytes += is_active ? tvn_stat_get(&flow->stages[k]->memory_bytes) : 0;
        }
    }
    switch ((int)walk->metric) {
    case TVN_METRIC_SYSTEM_FLOWS:
        sample(walk, flows);
        return;
    case TVN_METRIC_SYSTEM_COMPONENTS:
        sample(walk, components);
        return;
    case TVN_METRIC_SYSTEM_MEMORY:
        sample(walk, view->resident_bytes);
        return;
    case TVN_METRIC_SYSTEM_MEMORY_HOST:
        sample(walk, view->resident_bytes > linear_bytes ? view->resident_bytes - linear_bytes
                                                         : view->resident_bytes);
        return;
    case TVN_METRIC_SYSTEM_WAKEUPS:
        sample(walk, wakeups);
        return;
    case TVN_METRIC_SYSTEM_IDLE:
        sample(walk, idle_ns);
        return;
    case TVN_METRIC_SYSTEM_SPANS_DROPPED:
        sample(walk, view->spans_dropped);
        return;
    default:
        tvn_unreachable();
    }
}

static void flow_label(struct walk *walk, const struct tvn_metrics_flow *flow)
{
    walk->sample.label_count = 0;
    walk->sample.since_ns = tvn_stat_get(&flow->stats->started_ns);
    add_label(walk, "flow_id", flow->graph->flow);
}

static void flow_family(struct walk *walk, const struct tvn_metrics_flow *flow)
{
    const struct tvn_graph *graph = flow->graph;
    switch (walk->row->scope) {
    case TVN_METRIC_SCOPE_FLOW:
        flow_label(walk, flow);
        flow_sample(walk, flow);
        return;
    case TVN_METRIC_SCOPE_COMPONENT:
        for (uint32_t i = 0; i < graph->stage_count; i++) {
            flow_label(walk, flow);
            add_label(walk, "component_id", graph->stages[i].name);
            component_sample(walk, flow, i);
        }
        return;
    case TVN_METRIC_SCOPE_STREAM:
        for (uint32_t i = 0; i < graph->edge_count; i++) {
            const struct tvn_graph_edge *edge = &graph->edges[i];
            TVN_AUTO_VALUE(tvn_strbuf) name = {0};
            tvn_strbuf_printf(&name, "%s:%s→%s", graph->stages[edge->from].name,
                              edge->port_name ? edge->port_name : "output",
                              graph->stages[edge->to].name);
            flow_label(walk, flow);
            add_label(walk, "stream_id", tvn_strbuf_text(&name));
            stream_sample(walk, flow, i);
        }
        return;
    case TVN_METRIC_SCOPE_TIER:
    case TVN_METRIC_SCOPE_CAPABILITY:
    case TVN_METRIC_SCOPE_SYSTEM:
        break;
    }
    tvn_unreachable();
}

static void family(struct walk *walk)
{
    const struct tvn_metrics_view *view = walk->view;
    bool with_process = walk->first_flow == 0;
    walk->sample = (struct tvn_metric_sample){0};
    walk->visitor->family(walk->visitor->context, walk->row);
    switch (walk->row->scope) {
    case TVN_METRIC_SCOPE_FLOW:
    case TVN_METRIC_SCOPE_COMPONENT:
    case TVN_METRIC_SCOPE_STREAM:
        for (uint32_t i = walk->first_flow; i < walk->end_flow; i++) {
            flow_family(walk, &view->flows[i]);
        }
        return;
    case TVN_METRIC_SCOPE_TIER:
        for (uint32_t i = 0; with_process && i < view->tier_count; i++) {
            walk->sample.label_count = 0;
            add_label(walk, "tier", view->tiers[i].name);
            tier_sample(walk, &view->tiers[i]);
        }
        return;
    case TVN_METRIC_SCOPE_CAPABILITY:
        for (uint32_t i = 0; with_process && i < view->capability_count; i++) {
            const struct tvn_metrics_capability *capability = &view->capabilities[i];
            walk->sample.label_count = 0;
            add_label(walk, "component_id", capability->component);
            add_label(walk, "capability", capability->capability);
            sample(walk, walk->metric == TVN_METRIC_CAPABILITY_DENIALS ? capability->denials
                                                                       : capability->exercises);
        }
        return;
    case TVN_METRIC_SCOPE_SYSTEM:
        if (with_process) {
            system_sample(walk);
        }
        return;
    }
}

void tvn_metrics_visit(const struct tvn_metrics_view *view,
                       const struct tvn_metrics_visitor *visitor)
{
    tvn_metrics_visit_some(view, 0, view->flow_count, visitor);
}

void tvn_metrics_visit_some(const struct tvn_metrics_view *view, uint32_t first_flow,
                            uint32_t flow_count, const struct tvn_metrics_visitor *visitor)
{
    tvn_assert(view && visitor && visitor->family && visitor->sample);
    tvn_assert(first_flow <= view->flow_count && flow_count <= view->flow_count - first_flow);
    struct walk walk = {.view = view,
                        .first_flow = first_flow,
                        .end_flow = first_flow + flow_count,
                        .visitor = visitor};
    for (unsigned i = 0; i < TVN_METRIC_COUNT; i++) {
        walk.metric = (enum tvn_metric)i;
        walk.row = &rows[i];
        family(&walk);
    }
}
