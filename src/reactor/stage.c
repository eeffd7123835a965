/* SPDX-License-Identifier: Apache-2.0 */
/* What vectors of all stages have in common; waiting and ending. */
#include "base/assert.h"
#include "base/num.h"
#include "reactor/vector_internal.h"

/* Reads the clock and adapts the distance to the next reading. False when the turn's time is over.
 */
bool tvn_vector_clock(struct tvn_vector *vector)
{
    struct tvn_flow *flow = vector->flow;
    struct tvn_stage *stage = vector->stage;
    uint64_t now = tvn_flow_read_clock(flow);
    uint64_t passed = now - vector->clock_ns;
    vector->clock_ns = now;
    if (passed > flow->clock_distance_ns) {
        stage->stride = passed > 4 * flow->clock_distance_ns ? 1 : tvn_max(stage->stride / 2, 1u);
    } else if (passed <= flow->clock_distance_ns / 2) {
        stage->stride = tvn_min(stage->stride * 2, vector->stride_max);
    }
    vector->until_clock = stage->stride;
    vector->clock_read_at = vector->invocations;
    return now < flow->turn_end_ns;
}

void tvn_vector_end(struct tvn_vector *vector)
{
    struct tvn_flow *flow = vector->flow;
    struct tvn_stage_stats *stats = vector->stage->stats;
    if (vector->invocations + vector->flushed == 0) {
        return;
    }
    if (TVN_UNLIKELY((vector->watch & TVN_WATCH_CALLS) != 0) && flow->events->ops->vector_end) {
        flow->events->ops->vector_end(flow->events);
    }
    if (vector->clock_read_at != vector->invocations || vector->flushed > 0) {
        tvn_flow_read_clock(flow); /* else nothing has happened since the last reading */
    }
    tvn_stat_add(&stats->vectors, 1);
    tvn_stat_add(&stats->invocations, vector->invocations);
    tvn_stat_add(&stats->emitted, vector->emitted);
    tvn_stat_add(&stats->dropped, vector->dropped);
    tvn_stat_add(&stats->failed, vector->failed);
    tvn_stat_add(&flow->stats->pulled, vector->pulled);
    tvn_stat_add(&flow->stats->delivered, vector->delivered);
    tvn_stat_add(&flow->stats->dropped, vector->dropped + vector->evicted);
    tvn_stat_add(&flow->stats->failed, vector->failed);
    if (TVN_UNLIKELY(vector->forked + vector->absorbed + vector->flushed > 0)) {
        tvn_stat_add(&flow->stats->forked, vector->forked);
        tvn_stat_add(&stats->absorbed, vector->absorbed);
        tvn_stat_add(&flow->stats->absorbed, vector->absorbed);
        tvn_stat_add(&stats->flushed, vector->flushed);
        tvn_stat_add(&flow->stats->flushed, vector->flushed);
    }
}

void tvn_stage_wait_backoff(struct tvn_flow *flow, struct tvn_stage *stage)
{
    uint64_t doubled = tvn_max(stage->backoff_ns * 2, TVN_FLOW_BACKOFF_MIN_NS);
    stage->backoff_ns = tvn_min(doubled, TVN_FLOW_BACKOFF_MAX_NS);
    stage->wake_ns = tvn_flow_read_clock(flow) + stage->backoff_ns;
    stage->phase = TVN_STAGE_WAIT_TIME;
}

void tvn_stage_lease(const struct tvn_flow *flow, struct tvn_stage *stage, struct tvn_edge *input)
{
    if (input->queue.count == 0 || stage->phase != TVN_STAGE_WAIT_TIME) {
        return;
    }
    struct tvn_buffer *buffer = tvn_flow_payload(flow, tvn_queue_front(&input->queue));
    if (buffer && buffer->holders == 1) {
        tvn_lease_begin(&stage->lease, buffer, stage->wake_ns);
    }
}

void tvn_edge_reclaim(const struct tvn_flow *flow, struct tvn_edge *edge)
{
    struct tvn_lease *lease = &edge->to->lease;
    if (TVN_UNLIKELY(tvn_lease_is_held(lease)) &&
        tvn_flow_payload(flow, tvn_queue_front(&edge->queue)) == lease->buffer) {
        tvn_lease_end(lease);
    }
}

void tvn_stage_wait(struct tvn_flow *flow, struct tvn_stage *stage)
{
    short events = 0;
    const struct tvn_invoker_ops *ops = stage->invoker->ops;
    if (ops->wait_fd && ops->wait_fd(stage->invoker, &events) >= 0) {
        stage->phase = TVN_STAGE_WAIT_FD;
        return;
    }
    tvn_stage_wait_backoff(flow, stage);
}

void tvn_stage_end(struct tvn_flow *flow, struct tvn_stage *stage)
{
    tvn_assert(stage->phase != TVN_STAGE_ENDED);
    stage->phase = TVN_STAGE_ENDED;
    flow->ended_count++;
    for (uint32_t i = 0; i < stage->output_count; i++) {
        stage->outputs[i]->ended = true;
    }
    if (stage->role == TVN_ROLE_SOURCE) {
        tvn_assert(flow->sources_left > 0);
        flow->sources_left--;
        if (flow->sources_left == 0) {
            tvn_flow_transition(flow, TVN_FLOW_DRAINING);
        }
    }
}

bool tvn_stage_run(struct tvn_flow *flow, struct tvn_stage *stage, uint32_t vector_max)
{
    tvn_assert(flow && stage);
    tvn_assert(vector_max > 0);
    if (stage->phase == TVN_STAGE_WAIT_TIME && flow->now_ns >= stage->wake_ns) {
        stage->phase = TVN_STAGE_READY;
        (void)tvn_lease_expire(&stage->lease, flow->now_ns);
    }
    if (stage->role == TVN_ROLE_SOURCE && flow->sources_stopped &&
        stage->phase != TVN_STAGE_ENDED) {
        stage->phase = TVN_STAGE_READY; /* whatever it waits for, it is to end */
    }
    if (stage->phase != TVN_STAGE_READY) {
        return false;
    }
    if (TVN_UNLIKELY(stage->dead) &&
        !(stage->role == TVN_ROLE_SOURCE && flow->sources_stopped)) { /* else it is to end */
        return tvn_stage_restart(flow, stage);
    }
    return stage->role == TVN_ROLE_SOURCE ? tvn_source_run(flow, stage, vector_max)
                                          : tvn_consumer_run(flow, stage, vector_max);
}
