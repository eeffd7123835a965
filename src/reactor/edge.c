/* SPDX-License-Identifier: Apache-2.0 */
/* Back-pressure: credits, overflow, throttling. */
#include "base/assert.h"
#include "base/num.h"
#include "reactor/vector_internal.h"

/* How many elements the stage may put out. */
uint32_t tvn_edge_credits(const struct tvn_edge *edge, uint32_t vector_max)
{
    if (edge->policy != TVN_OVERFLOW_BLOCK) {
        return vector_max;
    }
    const struct tvn_queue *queue = &edge->queue;
    return queue->throttled ? 0 : tvn_min(vector_max, queue->capacity - queue->count);
}

/* An element for a full queue. */
void tvn_edge_overflow(struct tvn_vector *vector, struct tvn_edge *edge,
                       const struct tvn_element *element)
{
    struct tvn_flow *flow = vector->flow;
    struct tvn_queue *queue = &edge->queue;
    switch (edge->policy) {
    case TVN_OVERFLOW_DROP_OLDEST:
        tvn_edge_tell_loss(flow, edge, TVN_EVENT_EVICTED, tvn_queue_front(queue));
        tvn_flow_release_payload(flow, tvn_queue_front(queue));
        tvn_queue_pop(queue);
        *tvn_queue_next_slot(queue) = *element;
        tvn_queue_commit(queue);
        vector->evicted++;
        vector->emitted++;
        return;
    case TVN_OVERFLOW_DROP_NEWEST:
        tvn_edge_tell_loss(flow, edge, TVN_EVENT_EVICTED, element);
        tvn_flow_release_payload(flow, element);
        vector->evicted++;
        vector->emitted++;
        return;
    case TVN_OVERFLOW_ERROR: {
        tvn_flow_release_payload(flow, element);
        struct tvn_flow_failure *failure = tvn_flow_fail(flow, TVN_E_QUEUE_FULL, vector->stage,
                                                         "the queue behind the stage is full");
        if (failure) {
            failure->entry = vector->stage->entry;
            failure->outcome = TVN_OUTCOME_ERROR;
            failure->has_sequence = true;
            failure->sequence = element->sequence;
        }
        tvn_stage_count_error(flow, vector->stage, vector->stage->entry, TVN_OUTCOME_ERROR,
                              element);
        vector->failed++;
        vector->stage->failed = true;
        flow->cut_pending = true;
        return;
    }
    case TVN_OVERFLOW_BLOCK:
    case TVN_OVERFLOW_RATE_LIMIT:
        break;
    }
    tvn_unreachable(); /* credits keep a blocking producer from getting here */
}

static void notify_source(struct tvn_flow *flow, struct tvn_stage *stage, enum tvn_signal signal)
{
    struct tvn_call call = {.signal = signal, .fault = &flow->fault};
    stage->paused = signal == TVN_SIGNAL_PAUSE;
    if (!stage->paused && stage->phase == TVN_STAGE_PARKED) {
        stage->phase = TVN_STAGE_READY;
    }
    enum tvn_outcome outcome = tvn_stage_call_other(flow, stage, TVN_ENTRY_NOTIFY, &call);
    if (outcome == TVN_OUTCOME_ERROR || outcome == TVN_OUTCOME_DEAD) {
        tvn_stage_count_error(flow, stage, TVN_ENTRY_NOTIFY, outcome, NULL);
        if (outcome == TVN_OUTCOME_DEAD || flow->fault.error == TVN_PROCESS_FATAL) {
            tvn_stage_fail(flow, stage, TVN_ENTRY_NOTIFY, outcome, NULL);
        }
        flow->fault = (struct tvn_fault){0};
    }
}

void tvn_edge_settle(struct tvn_flow *flow, struct tvn_edge *edge)
{
    bool throttled = edge->queue.throttled;
    if (TVN_LIKELY(throttled == edge->was_throttled)) {
        return;
    }
    edge->was_throttled = throttled;
    if (throttled) {
        tvn_stat_add(&edge->stats->backpressure_events, 1);
        edge->throttled_since_ns = flow->now_ns;
        tvn_edge_tell_throttling(flow, edge, true, 0);
    } else {
        uint64_t duration_ns = flow->now_ns - edge->throttled_since_ns;
        tvn_stat_add(&edge->stats->backpressure_ns, duration_ns);
        tvn_edge_tell_throttling(flow, edge, false, duration_ns);
    }
    struct tvn_stage *source = edge->from;
    if (source->has_notify && source->phase != TVN_STAGE_ENDED && !source->failed) {
        notify_source(flow, source, throttled ? TVN_SIGNAL_PAUSE : TVN_SIGNAL_READY);
    }
}

void tvn_edge_discard(struct tvn_flow *flow, struct tvn_edge *edge)
{
    uint32_t count = edge->queue.count;
    while (edge->queue.count > 0) {
        tvn_edge_tell_loss(flow, edge, TVN_EVENT_DISCARDED, tvn_queue_front(&edge->queue));
        tvn_flow_release_payload(flow, tvn_queue_front(&edge->queue));
        tvn_queue_pop(&edge->queue);
    }
    tvn_stat_add(&edge->to->stats->failed, count);
    tvn_stat_add(&flow->stats->failed, count);
    tvn_stat_set(&edge->stats->depth, 0);
    tvn_edge_settle(flow, edge);
}

/* The producing side of an edge after a vector. */
void tvn_edge_filled(struct tvn_vector *vector, struct tvn_edge *edge)
{
    struct tvn_stream_stats *stats = edge->stats;
    uint32_t depth = edge->queue.count;
    tvn_stat_set(&stats->depth, depth);
    if (depth > tvn_stat_get(&stats->depth_peak)) {
        tvn_stat_set(&stats->depth_peak, depth);
    }
    if (vector->evicted > 0) {
        tvn_stat_add(&stats->dropped, vector->evicted);
    }
    tvn_edge_settle(vector->flow, edge);
}

/* The consuming side of an edge after a vector. */
void tvn_edge_drained(struct tvn_vector *vector, struct tvn_edge *edge)
{
    tvn_stat_set(&edge->stats->depth, edge->queue.count);
    tvn_stat_add(&edge->stats->transferred, vector->taken);
    tvn_edge_settle(vector->flow, edge);
}
