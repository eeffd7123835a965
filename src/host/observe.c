/* SPDX-License-Identifier: Apache-2.0 */
/* The recorders of the host's flows. */
#include "base/assert.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"
#include "host/host_internal.h"
#include "host/tracing_internal.h"
#include "observability/tracer.h"

#include <sys/random.h>
#include <unistd.h>

/* Beside what the queues hold: a vector of each stage. */
#define IN_FLIGHT_EXTRA 64

static enum tvn_observe_level configured_level(const struct tvn_host *host)
{
    static const enum tvn_observe_level levels[] = {
        [TVN_CONFIG_LEVEL_OFF] = TVN_OBSERVE_OFF,
        [TVN_CONFIG_LEVEL_PRODUCTION] = TVN_OBSERVE_PRODUCTION,
        [TVN_CONFIG_LEVEL_DIAGNOSTIC] = TVN_OBSERVE_DIAGNOSTIC,
    };
    return levels[host->manifest->config.observability.level];
}

static uint32_t in_flight(const struct tvn_link *link)
{
    uint64_t count = IN_FLIGHT_EXTRA;
    for (uint32_t i = 0; i < link->edge_count; i++) {
        count += link->edges[i].backpressure.queue_depth;
    }
    return (uint32_t)tvn_min(count, (uint64_t)TVN_RECORDER_IN_FLIGHT_MAX);
}

static bool create_graph(struct tvn_host_flow *flow)
{
    const struct tvn_link *link = flow->link;
    struct tvn_graph_stage *stages = tvn_calloc(link->stage_count, sizeof(*stages));
    struct tvn_graph_edge *edges = tvn_calloc(tvn_max(link->edge_count, 1u), sizeof(*edges));
    flow->graph = (struct tvn_graph){
        .flow = link->flow_name,
        .stages = stages,
        .stage_count = link->stage_count,
        .edges = edges,
        .edge_count = link->edge_count,
    };
    if (!stages || !edges) {
        return false;
    }
    for (uint32_t i = 0; i < link->stage_count; i++) {
        stages[i] = (struct tvn_graph_stage){
            .name = link->stages[i].name,
            .role = link->stages[i].role,
            .is_component = link->stages[i].kind == TVN_LINK_STAGE_COMPONENT,
        };
    }
    for (uint32_t i = 0; i < link->edge_count; i++) {
        edges[i] = (struct tvn_graph_edge){
            .from = link->edges[i].from,
            .to = link->edges[i].to,
            .port = link->edges[i].port,
            .port_name = link->edges[i].from_port,
            .capacity = link->edges[i].backpressure.queue_depth,
        };
    }
    return true;
}

void tvn_host_destroy_recorder(struct tvn_host_flow *flow)
{
    tvn_recorder_destroy(flow->recorder);
    tvn_tracer_destroy(flow->tracer);
    tvn_free((void *)flow->graph.stages);
    tvn_free((void *)flow->graph.edges);
}

/* Which elements are timed, and which ids they have, is no secret; only never twice the same. */
static uint64_t random_number(void)
{
    uint64_t number;
    if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != (ssize_t)sizeof(number)) {
        number = tvn_clock_wall_ns() ^ (uint64_t)getpid() << 40;
    }
    return number;
}

enum tvn_status tvn_host_create_recorder(struct tvn_host_flow *flow, struct tvn_diag_sink *sink)
{
    struct tvn_recorder_options options = {
        .stage_count = flow->link->stage_count,
        .edge_count = flow->link->edge_count,
        .level = configured_level(flow->host),
        .sample_every = TVN_RECORDER_SAMPLE_EVERY,
        .in_flight = in_flight(flow->link),
        .seed = random_number(),
    };
    flow->trace_ids = (struct tvn_trace_ids){
        .enabled = flow->host->manifest->config.observability.tracing_enabled,
        .seed = {random_number(), random_number(), random_number()},
    };
    enum tvn_status status =
        create_graph(flow) ? tvn_recorder_create(&options, &flow->recorder) : TVN_E_OUT_OF_MEMORY;
    if (status != TVN_OK) {
        return tvn_diag_error(sink, tvn_status_fold(status), TVN_SPAN_NONE,
                              "no memory for the histograms of flow '%s'", flow->link->flow_name);
    }
    return tvn_host_create_tracer(flow, options.in_flight, sink);
}

enum tvn_status tvn_host_bind_recorder(struct tvn_host_flow *flow, struct tvn_diag_sink *sink)
{
    for (uint32_t i = 0; i < flow->link->stage_count; i++) {
        tvn_recorder_set_stats(flow->recorder, i, tvn_pipeline_stage_stats(flow->pipeline, i));
    }
    return tvn_host_bind_tracer(flow, sink);
}

struct tvn_recorder *tvn_host_flow_recorder(const struct tvn_host *host, uint32_t flow)
{
    tvn_assert(flow < host->flow_count);
    return host->flows[flow].recorder;
}

struct tvn_recorder *tvn_host_recorder(const struct tvn_host *host)
{
    return tvn_host_flow_recorder(host, 0);
}

const struct tvn_graph *tvn_host_graph(const struct tvn_host *host)
{
    return &host->flows[0].graph;
}

void tvn_host_drain(struct tvn_host *host)
{
    for (uint32_t i = 0; i < host->flow_count; i++) {
        tvn_stop_control_raise(&host->flows[i].stop, TVN_STOP_DRAIN);
    }
}

bool tvn_host_is_cancelled(const struct tvn_host *host)
{
    return tvn_stop_level(&host->flows[0].stop.flag) == TVN_STOP_CANCEL;
}
