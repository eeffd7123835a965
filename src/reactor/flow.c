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
        .merge = options->merge,
        .has_notify =
            invoker->role == TVN_ROLE_SOURCE && invoker->ops->has_entry(invoker, TVN_ENTRY_NOTIFY),
        .stride = 1,
        .max_retries = options->max_retries,
        .retry_backoff_ns = options->retry_backoff_ns,
        .restart_backoff_ns = options->restart_backoff_ns,
        .circuit_traps = options->circuit_traps,
        .circuit_window_ns = options->circuit_window_ns,
    };
}

static enum tvn_status edge_init(struct tvn_edge *edge, const struct tvn_edge_options *options)
{
    tvn_assert(options->stats);
    edge->stats = options->stats;
    edge->policy = options->policy;
    edge->port = options->port;
    if (options->port >= (edge->from->role == TVN_ROLE_ROUTER ? TVN_CALL_PORTS_MAX : 1)) {
        return TVN_E_CONSTRAINT_VIOLATION;
    }
    if (options->policy == TVN_OVERFLOW_RATE_LIMIT) {
        if (!tvn_rate_init(&edge->rate, options->max_elements_per_second, options->burst)) {
            return TVN_E_CONSTRAINT_VIOLATION;
        }
    } else if (options->max_elements_per_second != 0) {
        return TVN_E_CONSTRAINT_VIOLATION;
    }
    TVN_TRY(tvn_queue_init(&edge->queue, options->queue_depth, options->low_watermark_ratio));
    return options->max_bytes == 0 ? TVN_OK
                                   : tvn_queue_limit_bytes(&edge->queue, options->max_bytes,
                                                           options->low_watermark_ratio);
}

/* What follows from the edges of a stage. */
static void stage_settle(struct tvn_stage *stage)
{
    stage->simple = stage->input_count <= 1 && stage->output_count <= 1;
    for (uint32_t i = 0; i < stage->input_count; i++) {
        stage->simple &= stage->inputs[i]->queue.sizes == NULL;
    }
    for (uint32_t i = 0; i < stage->output_count; i++) {
        const struct tvn_edge *edge = stage->outputs[i];
        stage->sized |= edge->queue.sizes != NULL;
        stage->simple &= !stage->sized && edge->rate.per_second == 0;
        stage->ports |= UINT64_C(1) << edge->port;
        stage->blocking_outputs += tvn_edge_blocks(edge);
    }
    if (stage->input_count > 0) {
        stage->input = stage->inputs[0];
        stage->input_cursor = stage->input_count - 1; /* the first vector begins after it */
    }
}

/* Elements that are kept beside the queues. */
static enum tvn_status allocate_kept(struct tvn_flow *flow)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < flow->stage_count; i++) {
        count += flow->stages[i].role == TVN_ROLE_AGGREGATOR;
    }
    for (uint32_t i = 0; i < flow->edge_count; i++) {
        count += flow->edges[i].queue.sizes && tvn_edge_blocks(&flow->edges[i]);
    }
    if (count == 0) {
        return TVN_OK;
    }
    struct tvn_element *next = tvn_calloc(count, sizeof(*next));
    if (!next) {
        return TVN_E_OUT_OF_MEMORY;
    }
    flow->kept = next;
    for (uint32_t i = 0; i < flow->stage_count; i++) {
        if (flow->stages[i].role == TVN_ROLE_AGGREGATOR) {
            flow->stages[i].last = next++;
        }
    }
    for (uint32_t i = 0; i < flow->edge_count; i++) {
        if (flow->edges[i].queue.sizes && tvn_edge_blocks(&flow->edges[i])) {
            flow->edges[i].held = next++;
        }
    }
    return TVN_OK;
}

static bool drops(const struct tvn_edge *edge)
{
    return edge->policy == TVN_OVERFLOW_DROP_OLDEST || edge->policy == TVN_OVERFLOW_DROP_NEWEST;
}

/* With independent branches no edge of several may hold the others back. */
static bool fan_out_valid(const struct tvn_flow *flow, enum tvn_fan_out fan_out)
{
    for (uint32_t i = 0; i < flow->edge_count && fan_out == TVN_FAN_OUT_INDEPENDENT; i++) {
        const struct tvn_stage *from = flow->edges[i].from;
        if (from->output_count > 1 && from->role != TVN_ROLE_ROUTER && !drops(&flow->edges[i])) {
            return false;
        }
    }
    return true;
}

/* What the options of stages must be. */
static bool stage_options_valid(const struct tvn_flow_options *options)
{
    for (uint32_t i = 0; i < options->stage_count; i++) {
        const struct tvn_stage_options *stage = &options->stages[i];
        if ((stage->on_error == TVN_ON_ERROR_DEAD_LETTER && !options->dead_letter) ||
            stage->circuit_traps < 1 || stage->circuit_traps > TVN_FLOW_TRAPS_MAX) {
            return false;
        }
    }
    return true;
}

/* Rings of the times of traps, for stages that can be restarted. */
static enum tvn_status allocate_traps(struct tvn_flow *flow)
{
    size_t count = 0;
    for (uint32_t i = 0; i < flow->stage_count; i++) {
        count += flow->stages[i].invoker->ops->restart ? flow->stages[i].circuit_traps : 0;
    }
    if (count == 0) {
        return TVN_OK;
    }
    uint64_t *next = tvn_calloc(count, sizeof(*next));
    if (!next) {
        return TVN_E_OUT_OF_MEMORY;
    }
    flow->trap_times_ns = next;
    for (uint32_t i = 0; i < flow->stage_count; i++) {
        if (flow->stages[i].invoker->ops->restart) {
            flow->stages[i].trap_times_ns = next;
            next += flow->stages[i].circuit_traps;
        }
    }
    return TVN_OK;
}

static enum tvn_status build(struct tvn_flow *flow, const struct tvn_flow_options *options)
{
    if (!stage_options_valid(options)) {
        return TVN_E_CONSTRAINT_VIOLATION;
    }
    for (uint32_t i = 0; i < flow->stage_count; i++) {
        stage_init(&flow->stages[i], i, &options->stages[i]);
        flow->sources_left += flow->stages[i].role == TVN_ROLE_SOURCE;
    }
    TVN_TRY(tvn_flow_link_graph(flow, options));
    tvn_flow_transition(flow, TVN_FLOW_VALIDATED);
    for (uint32_t i = 0; i < flow->edge_count; i++) {
        TVN_TRY(edge_init(&flow->edges[i], &options->edges[i]));
    }
    if (!fan_out_valid(flow, options->fan_out)) {
        return TVN_E_CONSTRAINT_VIOLATION;
    }
    for (uint32_t i = 0; i < flow->stage_count; i++) {
        stage_settle(&flow->stages[i]);
    }
    TVN_TRY(allocate_kept(flow));
    TVN_TRY(allocate_traps(flow));
    tvn_flow_transition(flow, TVN_FLOW_INSTANTIATED);
    return TVN_OK;
}

enum tvn_status tvn_flow_create(const struct tvn_flow_options *options, struct tvn_flow **out_flow)
{
    tvn_assert(options && out_flow);
    tvn_assert(options->env.now_ns && options->env.wall_ns);
    tvn_assert(options->stats && options->stop);
    if (options->stage_count < 2 || options->stage_count > TVN_FLOW_STAGES_MAX ||
        options->edge_count < 1 || options->edge_count > TVN_FLOW_EDGES_MAX) {
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
    flow->pause = options->pause;
    flow->events = options->events;
    flow->schedule = options->schedule;
    flow->dead_letter = options->dead_letter;
    flow->dead_letter_context = options->dead_letter_context;
    flow->limit = options->limit > 0 ? options->limit : UINT64_MAX;
    flow->deadline_ns = options->deadline_ns > 0 ? options->deadline_ns : UINT64_MAX;
    flow->stages = tvn_calloc(options->stage_count, sizeof(*flow->stages));
    flow->edges = tvn_calloc(options->edge_count, sizeof(*flow->edges));
    flow->order = (struct tvn_stage **)tvn_calloc(options->stage_count, sizeof(struct tvn_stage *));
    flow->skipped = tvn_calloc(options->stage_count, sizeof(*flow->skipped));
    flow->links =
        (struct tvn_edge **)tvn_calloc(options->edge_count * (size_t)2, sizeof(struct tvn_edge *));
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
        struct tvn_edge *edge = &flow->edges[i];
        if (edge->has_held) {
            tvn_flow_release_payload(flow, edge->held);
        }
        while (edge->queue.count > 0) {
            tvn_edge_reclaim(flow, edge);
            tvn_flow_release_payload(flow, tvn_queue_front(&edge->queue));
            tvn_queue_pop_sized(&edge->queue);
        }
        tvn_queue_deinit(&edge->queue);
    }
    tvn_free(flow->failure_text);
    tvn_free(flow->trap_times_ns);
    tvn_free(flow->kept);
    tvn_free(flow->skipped);
    tvn_free((void *)flow->links);
    tvn_free((void *)flow->order);
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
        queued += tvn_edge_count(&flow->edges[i]);
    }
    return queued;
}

const struct tvn_flow_failure *tvn_flow_first_skipped(const struct tvn_flow *flow, uint32_t stage)
{
    tvn_assert(flow);
    tvn_assert(stage < flow->stage_count);
    return flow->stages[stage].has_skipped ? &flow->skipped[stage].failure : NULL;
}

const struct tvn_flow_failure *tvn_flow_failure(const struct tvn_flow *flow)
{
    tvn_assert(flow);
    return flow->failure.code != TVN_OK ? &flow->failure : NULL;
}
