/* SPDX-License-Identifier: Apache-2.0 */
#include "reactor/flow.h"

#include "base/assert.h"
#include "base/mem.h"
#include "reactor/flow_internal.h"

void tvn_stage_options_default(struct tvn_stage_options *options)
{
    tvn_assert(options);
    *options = (struct tvn_stage_options){
        .on_error = TVN_ON_ERROR_DEFAULT,
        .max_retries = 3,
        .retry_backoff_ns = UINT64_C(100000000),
        .merge = TVN_MERGE_FIRST_AVAILABLE,
        .restart_backoff_ns = UINT64_C(1000000),
        .circuit_traps = 5,
        .circuit_window_ns = UINT64_C(1000000000),
    };
}

void tvn_edge_options_default(struct tvn_edge_options *options)
{
    tvn_assert(options);
    *options = (struct tvn_edge_options){
        .queue_depth = 64,
        .policy = TVN_OVERFLOW_BLOCK,
        .low_watermark_ratio = 0.5,
    };
}

void tvn_flow_transition(struct tvn_flow *flow, enum tvn_flow_state to)
{
    tvn_assert(tvn_flow_state_may_follow(flow->state, to));
    flow->state = to;
    tvn_event_tell(flow->events, &(struct tvn_event){.kind = TVN_EVENT_STATE,
                                                     .stage = TVN_EVENT_NOWHERE,
                                                     .edge = TVN_EVENT_NOWHERE,
                                                     .state = to,
                                                     .now_ns = flow->now_ns,
                                                     .sequence = TVN_EVENT_NO_SEQUENCE});
}

uint64_t tvn_flow_read_clock(struct tvn_flow *flow)
{
    uint64_t now = flow->env.now_ns(flow->env.context);
    tvn_assert(now >= flow->now_ns);
    flow->now_ns = now;
    return now;
}

static enum tvn_entry element_entry(enum tvn_role role)
{
    switch (role) {
    case TVN_ROLE_SOURCE:
        return TVN_ENTRY_PULL;
    case TVN_ROLE_PROCESSOR:
        return TVN_ENTRY_PROCESS;
    case TVN_ROLE_FILTER:
        return TVN_ENTRY_EVALUATE;
    case TVN_ROLE_ROUTER:
        return TVN_ENTRY_ROUTE;
    case TVN_ROLE_AGGREGATOR:
        return TVN_ENTRY_INGEST;
    case TVN_ROLE_SINK:
        return TVN_ENTRY_PUSH;
    }
    tvn_unreachable();
}

static void stage_init(struct tvn_stage *stage, uint32_t index,
                       const struct tvn_stage_options *options)
{
    struct tvn_invoker *invoker = options->invoker;
    tvn_assert(invoker && invoker->ops && options->stats);
    tvn_assert(invoker->ops->invoke && invoker->ops->has_entry);
    *stage = (struct tvn_stage){
        .invoker = invoker,
        .stats = options->stats,
        .index = index,
        .role = invoker->role,
        .entry = element_entry(invoker->role),
        .on_error = options->on_error,
        .has_notify =
            invoker->role == TVN_ROLE_SOURCE && invoker->ops->has_entry(invoker, TVN_ENTRY_NOTIFY),
        .stride = 1,
        .max_retries = options->max_retries,
        .retry_backoff_ns = options->retry_backoff_ns,
    };
}

/* What the options can say and this version cannot do. */
static bool options_supported(const struct tvn_flow_options *options)
{
    if (options->fan_out != TVN_FAN_OUT_MIN_DEMAND ||
        options->schedule != TVN_SCHEDULE_CONSUMER_FIRST) {
        return false;
    }
    for (uint32_t i = 0; i < options->stage_count; i++) {
        if (options->stages[i].on_error == TVN_ON_ERROR_DEAD_LETTER) {
            return false;
        }
    }
    for (uint32_t i = 0; i < options->edge_count; i++) {
        const struct tvn_edge_options *edge = &options->edges[i];
        if (edge->port != 0 || edge->max_bytes != 0 || edge->policy == TVN_OVERFLOW_RATE_LIMIT) {
            return false;
        }
    }
    return true;
}

static enum tvn_status build(struct tvn_flow *flow, const struct tvn_flow_options *options)
{
    if (!options_supported(options)) {
        return TVN_E_CONSTRAINT_VIOLATION;
    }
    for (uint32_t i = 0; i < flow->stage_count; i++) {
        stage_init(&flow->stages[i], i, &options->stages[i]);
        flow->sources_left += flow->stages[i].role == TVN_ROLE_SOURCE;
    }
    TVN_TRY(tvn_flow_link_graph(flow, options));
    tvn_flow_transition(flow, TVN_FLOW_VALIDATED);
    for (uint32_t i = 0; i < flow->edge_count; i++) {
        const struct tvn_edge_options *edge = &options->edges[i];
        tvn_assert(edge->stats);
        flow->edges[i].stats = edge->stats;
        flow->edges[i].policy = edge->policy;
        TVN_TRY(
            tvn_queue_init(&flow->edges[i].queue, edge->queue_depth, edge->low_watermark_ratio));
    }
    tvn_flow_transition(flow, TVN_FLOW_INSTANTIATED);
    return TVN_OK;
}

enum tvn_status tvn_flow_create(const struct tvn_flow_options *options, struct tvn_flow **out_flow)
{
    tvn_assert(options && out_flow);
    tvn_assert(options->env.now_ns && options->env.wall_ns);
    tvn_assert(options->stats && options->stop);
    if (options->stage_count < 2 || options->stage_count > TVN_FLOW_STAGES_MAX ||
        options->edge_count != options->stage_count - 1) {
        return TVN_E_TOPOLOGY_INVALID;
    }
    TVN_AUTO(tvn_flow) flow = tvn_calloc(1, sizeof(*flow));
    if (!flow) {
        return TVN_E_OUT_OF_MEMORY;
    }
    flow->env = options->env;
    flow->magazine = options->magazine;
    flow->stats = options->stats;
    flow->stop = options->stop;
    flow->events = options->events;
    flow->limit = options->limit > 0 ? options->limit : UINT64_MAX;
    flow->deadline_ns = options->deadline_ns > 0 ? options->deadline_ns : UINT64_MAX;
    flow->stages = tvn_calloc(options->stage_count, sizeof(*flow->stages));
    flow->edges = tvn_calloc(options->edge_count, sizeof(*flow->edges));
    flow->order = tvn_calloc(options->stage_count, sizeof(struct tvn_stage *));
    flow->skipped = tvn_calloc(options->stage_count, sizeof(*flow->skipped));
    flow->links = tvn_calloc(options->edge_count * (size_t)2, sizeof(struct tvn_edge *));
    if (!flow->stages || !flow->edges || !flow->order || !flow->links || !flow->skipped) {
        return TVN_E_OUT_OF_MEMORY;
    }
    flow->stage_count = options->stage_count;
    flow->edge_count = options->edge_count;
    TVN_TRY(build(flow, options));
    *out_flow = TVN_TAKE(flow);
    return TVN_OK;
}

void tvn_flow_destroy(struct tvn_flow *flow)
{
    if (!flow) {
        return;
    }
    for (uint32_t i = 0; i < flow->edge_count; i++) {
        struct tvn_queue *queue = &flow->edges[i].queue;
        while (queue->count > 0) {
            tvn_flow_release_payload(flow, tvn_queue_front(queue));
            tvn_queue_pop(queue);
        }
        tvn_queue_deinit(queue);
    }
    tvn_free(flow->skipped);
    tvn_free(flow->links);
    tvn_free(flow->order);
    tvn_free(flow->edges);
    tvn_free(flow->stages);
    tvn_free(flow);
}

enum tvn_status tvn_flow_start(struct tvn_flow *flow)
{
    tvn_assert(flow);
    tvn_assert(flow->state == TVN_FLOW_INSTANTIATED && !flow->aborting);
    uint64_t now = tvn_flow_read_clock(flow);
    tvn_stat_set(&flow->stats->started_ns, now);
    flow->idle_called_ns = now;
    if (flow->deadline_ns != UINT64_MAX &&
        __builtin_add_overflow(flow->deadline_ns, now, &flow->deadline_ns)) {
        flow->deadline_ns = UINT64_MAX;
    }
    for (uint32_t i = 0; i < flow->stage_count; i++) {
        struct tvn_stage *stage = flow->order[i];
        if (stage->invoker->ops->has_entry(stage->invoker, TVN_ENTRY_INIT)) {
            struct tvn_call call = {.fault = &flow->fault};
            enum tvn_outcome outcome = tvn_stage_call_other(flow, stage, TVN_ENTRY_INIT, &call);
            if (outcome != TVN_OUTCOME_EMIT) {
                tvn_assert(outcome == TVN_OUTCOME_ERROR || outcome == TVN_OUTCOME_DEAD);
                tvn_stage_count_error(flow, stage, TVN_ENTRY_INIT, outcome, NULL);
                tvn_stage_fail(flow, stage, TVN_ENTRY_INIT, outcome, NULL);
                flow->aborting = true;
                return flow->failure.code;
            }
        }
        stage->initialised = true;
    }
    tvn_flow_transition(flow, TVN_FLOW_RUNNING);
    return TVN_OK;
}

bool tvn_flow_suspend(struct tvn_flow *flow)
{
    tvn_assert(flow);
    if (flow->state != TVN_FLOW_RUNNING) {
        return false;
    }
    tvn_flow_transition(flow, TVN_FLOW_SUSPENDED);
    return true;
}

bool tvn_flow_resume(struct tvn_flow *flow)
{
    tvn_assert(flow);
    if (flow->state != TVN_FLOW_SUSPENDED) {
        return false;
    }
    tvn_flow_transition(flow, TVN_FLOW_RUNNING);
    return true;
}

enum tvn_flow_state tvn_flow_state(const struct tvn_flow *flow)
{
    tvn_assert(flow);
    return flow->state;
}

uint64_t tvn_flow_queued(const struct tvn_flow *flow)
{
    tvn_assert(flow);
    uint64_t queued = 0;
    for (uint32_t i = 0; i < flow->edge_count; i++) {
        queued += flow->edges[i].queue.count;
    }
    return queued;
}

const struct tvn_flow_failure *tvn_flow_first_skipped(const struct tvn_flow *flow, uint32_t stage)
{
    tvn_assert(flow);
    tvn_assert(stage < flow->stage_count);
    return flow->stages[stage].has_skipped ? &flow->skipped[stage] : NULL;
}

const struct tvn_flow_failure *tvn_flow_failure(const struct tvn_flow *flow)
{
    tvn_assert(flow);
    return flow->failure.code != TVN_OK ? &flow->failure : NULL;
}
