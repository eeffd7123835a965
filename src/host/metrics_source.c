/* SPDX-License-Identifier: Apache-2.0 */
/* Where the metrics of a host come from. */
#include "host/metrics_source.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "host/host_internal.h"
#include "host/tracing_internal.h"
#include "security/capability.h"
#include "security/guard.h"

#include <unistd.h>

#define STATM_BYTES 128

struct flow_view {
    const struct tvn_stage_stats **stages;
    const struct tvn_stream_stats **streams;
    const char **policies;
};

struct tvn_metrics_source {
    struct tvn_host *host;
    struct tvn_metrics_flow *flows;
    struct flow_view *views;
    struct tvn_metrics_tier tiers[TVN_TIER_COUNT];
    struct tvn_metrics_capability *capabilities;
    uint32_t capability_max;
};

/* Resident memory, 0 when the kernel does not say. */
static uint64_t resident_bytes(void)
{
    TVN_AUTO_VALUE(tvn_file_bytes) text = {0};
    if (tvn_file_read("/proc/self/statm", STATM_BYTES, &text) != TVN_OK) {
        return 0;
    }
    struct tvn_str rest = {(const char *)text.ptr, text.len};
    size_t space = tvn_str_find(rest, ' ');
    if (space == SIZE_MAX) {
        return 0;
    }
    rest = tvn_str_slice(rest, space + 1, rest.len);
    uint64_t pages = 0;
    size_t end = tvn_str_find(rest, ' ');
    return tvn_parse_u64(rest.ptr, end == SIZE_MAX ? 0 : end, &pages)
               ? pages * (uint64_t)sysconf(_SC_PAGESIZE)
               : 0;
}

static uint32_t read_capabilities(struct tvn_metrics_source *source)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < source->host->flow_count; i++) {
        const struct tvn_host_flow *flow = &source->host->flows[i];
        for (uint32_t k = 0; k < flow->link->stage_count; k++) {
            const struct tvn_guard *guard = tvn_pipeline_stage_guard(flow->pipeline, k);
            for (unsigned c = 0; guard && c < TVN_CAP_COUNT; c++) {
                struct tvn_metrics_capability used = {
                    .component = flow->link->stages[k].name,
                    .capability = tvn_capability_key((enum tvn_capability)c),
                    .exercises = tvn_stat_get(&guard->exercised[c]),
                    .denials = tvn_stat_get(&guard->denials[c]),
                };
                if (used.exercises + used.denials > 0 && count < source->capability_max) {
                    source->capabilities[count++] = used;
                }
            }
        }
    }
    return count;
}

static void read_tiers(struct tvn_metrics_source *source)
{
    static const char *const names[TVN_TIER_COUNT] = {"256", "4096", "65536", "1048576", "direct"};
    for (unsigned i = 0; i < TVN_TIER_COUNT; i++) {
        struct tvn_tier_report report;
        tvn_resources_report(source->host->resources, (enum tvn_tier)i, &report);
        source->tiers[i] = (struct tvn_metrics_tier){
            .name = names[i],
            .capacity = report.capacity,
            .available = report.available,
            .allocated = report.allocated,
            .returned = report.returned,
            .fallbacks = report.fallbacks,
            .exhaustions = report.exhaustions,
        };
    }
}

static void refresh_state(struct tvn_metrics_source *source, uint32_t flow)
{
    source->flows[flow].state =
        tvn_flow_state(tvn_pipeline_flow(source->host->flows[flow].pipeline));
}

void tvn_metrics_source_read(struct tvn_metrics_source *source, struct tvn_metrics_view *out_view)
{
    read_tiers(source);
    for (uint32_t i = 0; i < source->host->flow_count; i++) {
        refresh_state(source, i);
    }
    *out_view = (struct tvn_metrics_view){
        .flows = source->flows,
        .flow_count = source->host->flow_count,
        .tiers = source->tiers,
        .tier_count = TVN_TIER_COUNT,
        .capabilities = source->capabilities,
        .capability_count = read_capabilities(source),
        .resident_bytes = resident_bytes(),
        .spans_dropped = tvn_host_spans_dropped(source->host),
        .now_ns = tvn_clock_monotonic_ns(),
    };
}

const struct tvn_metrics_flow *tvn_metrics_source_flow(struct tvn_metrics_source *source,
                                                       uint32_t flow)
{
    tvn_assert(flow < source->host->flow_count);
    refresh_state(source, flow);
    return &source->flows[flow];
}

static bool make_view(struct tvn_metrics_source *source, uint32_t index)
{
    static const char *const policies[] = {
        [TVN_CONFIG_POLICY_BLOCK] = "block",
        [TVN_CONFIG_POLICY_DROP_OLDEST] = "drop-oldest",
        [TVN_CONFIG_POLICY_DROP_NEWEST] = "drop-newest",
        [TVN_CONFIG_POLICY_ERROR] = "error",
        [TVN_CONFIG_POLICY_RATE_LIMIT] = "rate-limit",
    };
    const struct tvn_host_flow *flow = &source->host->flows[index];
    struct flow_view *view = &source->views[index];
    uint32_t edges = tvn_max(flow->link->edge_count, 1u);
    view->stages = tvn_calloc(flow->link->stage_count, sizeof(view->stages[0]));
    view->streams = tvn_calloc(edges, sizeof(view->streams[0]));
    view->policies = tvn_calloc(edges, sizeof(view->policies[0]));
    if (!view->stages || !view->streams || !view->policies) {
        return false;
    }
    for (uint32_t i = 0; i < flow->link->stage_count; i++) {
        view->stages[i] = tvn_pipeline_stage_stats(flow->pipeline, i);
    }
    for (uint32_t i = 0; i < flow->link->edge_count; i++) {
        view->streams[i] = tvn_pipeline_stream_stats(flow->pipeline, i);
        view->policies[i] = policies[flow->link->edges[i].backpressure.policy];
    }
    source->capability_max += flow->link->stage_count * TVN_CAP_COUNT;
    source->flows[index] = (struct tvn_metrics_flow){
        .graph = &flow->graph,
        .stats = tvn_pipeline_flow_stats(flow->pipeline),
        .stages = view->stages,
        .streams = view->streams,
        .policies = view->policies,
        .recorder = flow->recorder,
    };
    return true;
}

static bool make_views(struct tvn_metrics_source *source)
{
    uint32_t count = source->host->flow_count;
    source->flows = tvn_calloc(count, sizeof(*source->flows));
    source->views = tvn_calloc(count, sizeof(*source->views));
    if (!source->flows || !source->views) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!make_view(source, i)) {
            return false;
        }
    }
    source->capabilities = tvn_calloc(source->capability_max, sizeof(*source->capabilities));
    return source->capabilities != NULL;
}

void tvn_metrics_source_destroy(struct tvn_metrics_source *source)
{
    if (!source) {
        return;
    }
    for (uint32_t i = 0; source->views && i < source->host->flow_count; i++) {
        tvn_free(source->views[i].stages);
        tvn_free(source->views[i].streams);
        tvn_free(source->views[i].policies);
    }
    tvn_free(source->views);
    tvn_free(source->flows);
    tvn_free(source->capabilities);
    tvn_free(source);
}

enum tvn_status tvn_metrics_source_create(struct tvn_host *host,
                                          struct tvn_metrics_source **out_source)
{
    TVN_AUTO(tvn_metrics_source) source = tvn_calloc(1, sizeof(*source));
    if (!source) {
        return TVN_E_OUT_OF_MEMORY;
    }
    source->host = host;
    if (!make_views(source)) {
        return TVN_E_OUT_OF_MEMORY;
    }
    *out_source = TVN_TAKE(source);
    return TVN_OK;
}
