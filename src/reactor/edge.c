/* SPDX-License-Identifier: Apache-2.0 */
/* Back-pressure of one edge: room, overflow, throttling. */
#include "base/assert.h"
#include "base/num.h"
#include "reactor/vector_internal.h"

static void evict(struct tvn_vector *vector, struct tvn_edge *edge)
{
    tvn_edge_reclaim(vector->flow, edge);
    tvn_edge_tell_loss(vector->flow, edge, TVN_EVENT_EVICTED, tvn_queue_front(&edge->queue));
    tvn_flow_release_payload(vector->flow, tvn_queue_front(&edge->queue));
    tvn_queue_pop_sized(&edge->queue);
    edge->tapped -= edge->tapped > 0;
    if (edge->to->input == edge) {
        edge->to->attempts = 0; /* they were of this element */
        edge->to->repeat = false;
    }
    vector->evicted++;
    tvn_stat_add(&edge->stats->dropped, 1);
}

static void fail_full(struct tvn_vector *vector, const struct tvn_element *element)
{
    struct tvn_flow *flow = vector->flow;
    struct tvn_flow_failure *failure =
        tvn_flow_fail(flow, TVN_E_QUEUE_FULL, vector->stage, "the queue behind the stage is full");
    if (failure) {
        failure->entry = vector->stage->entry;
        failure->outcome = TVN_OUTCOME_ERROR;
        failure->has_sequence = true;
        failure->sequence = element->sequence;
    }
    tvn_stage_count_error(flow, vector->stage, vector->stage->entry, TVN_OUTCOME_ERROR, element);
    vector->failed++;
    vector->stage->failed = true;
    flow->cut_pending = true;
}

static void append(struct tvn_queue *queue, const struct tvn_element *element, uint32_t bytes)
{
    *tvn_queue_next_slot(queue) = *element;
    tvn_queue_commit_sized(queue, bytes);
}

bool tvn_edge_overflow(struct tvn_vector *vector, struct tvn_edge *edge,
                       const struct tvn_element *element, uint32_t bytes)
{
    struct tvn_queue *queue = &edge->queue;
    switch (edge->policy) {
    case TVN_OVERFLOW_DROP_OLDEST:
        while (!tvn_queue_fits(queue, bytes)) {
            evict(vector, edge);
        }
        append(queue, element, bytes);
        return true;
    case TVN_OVERFLOW_DROP_NEWEST:
        tvn_edge_tell_loss(vector->flow, edge, TVN_EVENT_EVICTED, element);
        tvn_flow_release_payload(vector->flow, element);
        vector->evicted++;
        tvn_stat_add(&edge->stats->dropped, 1);
        queue->throttled = true;
        return true;
    case TVN_OVERFLOW_ERROR:
        tvn_flow_release_payload(vector->flow, element);
        fail_full(vector, element);
        return false;
    case TVN_OVERFLOW_BLOCK:
    case TVN_OVERFLOW_RATE_LIMIT:
        break;
    }
    /* Credits keep a producer that blocks from getting here, but only elements are credited. */
    tvn_assert(edge->held && !edge->has_held);
    *edge->held = *element;
    edge->held_bytes = bytes;
    edge->has_held = true;
    queue->throttled = true;
    return true;
}

bool tvn_edge_put(struct tvn_vector *vector, struct tvn_edge *edge,
                  const struct tvn_element *element, uint32_t bytes)
{
    tvn_assert(!edge->closed);
    if (edge->rate.per_second > 0) {
        tvn_rate_take(&edge->rate);
    }
    bool put = true;
    if (TVN_LIKELY(tvn_queue_fits(&edge->queue, bytes))) {
        append(&edge->queue, element, bytes);
    } else {
        put = tvn_edge_overflow(vector, edge, element, bytes);
    }
    vector->stop |= edge->queue.throttled && tvn_edge_blocks(edge);
    return put;
}

static TVN_HOT void count_depth(const struct tvn_edge *edge)
{
    struct tvn_stream_stats *stats = edge->stats;
    tvn_stat_set(&stats->depth, edge->queue.count);
    if (edge->queue.count > tvn_stat_get(&stats->depth_peak)) {
        tvn_stat_set(&stats->depth_peak, edge->queue.count);
    }
    if (edge->queue.sizes) {
        tvn_stat_set(&stats->bytes, edge->queue.bytes);
        if (edge->queue.bytes > tvn_stat_get(&stats->bytes_peak)) {
            tvn_stat_set(&stats->bytes_peak, edge->queue.bytes);
        }
    }
}

void tvn_edge_filled(struct tvn_vector *vector, struct tvn_edge *edge)
{
    count_depth(edge);
    tvn_edge_settle(vector->flow, edge);
}

void tvn_edge_drained(struct tvn_vector *vector, struct tvn_edge *edge, uint32_t taken)
{
    if (TVN_UNLIKELY(edge->has_held)) {
        if (tvn_queue_fits(&edge->queue, edge->held_bytes)) {
            edge->has_held = false;
            append(&edge->queue, edge->held, edge->held_bytes);
        } else {
            edge->queue.throttled = true; /* whatever the marks say */
        }
    }
    edge->tapped -= tvn_min(edge->tapped, taken);
    count_depth(edge);
    tvn_stat_add(&edge->stats->transferred, taken);
    tvn_edge_settle(vector->flow, edge);
}

static void notify_source(struct tvn_flow *flow, struct tvn_stage *stage, enum tvn_signal signal)
{
    struct tvn_call call = {.signal = signal, .fault = &flow->fault};
    stage->paused = signal == TVN_SIGNAL_PAUSE;
    if (!stage->paused && stage->phase == TVN_STAGE_PARKED) {
        stage->phase = TVN_STAGE_READY;
    }
    enum tvn_outcome outcome = tvn_stage_call_other(flow, stage, TVN_ENTRY_NOTIFY, &call);
    if (outcome == TVN_OUTCOME_DEAD ||
        (outcome == TVN_OUTCOME_ERROR && flow->fault.error == TVN_PROCESS_FATAL)) {
        (void)tvn_stage_judge(flow, stage, TVN_ENTRY_NOTIFY, outcome, NULL);
    } else if (outcome == TVN_OUTCOME_ERROR) {
        tvn_stage_count_error(flow, stage, TVN_ENTRY_NOTIFY, outcome, NULL);
        flow->fault = (struct tvn_fault){0};
    }
}

/* Pause as soon as one that blocks is throttled, or, where none blocks, when all are. */
void tvn_stage_signal(struct tvn_flow *flow, struct tvn_stage *stage)
{
    bool pause = stage->blocking_outputs > 0 ? stage->throttled_blocking > 0
                                             : stage->throttled_outputs == stage->output_count;
    if (stage->has_notify && pause != stage->paused && stage->phase != TVN_STAGE_ENDED &&
        !stage->failed && !stage->dead) {
        notify_source(flow, stage, pause ? TVN_SIGNAL_PAUSE : TVN_SIGNAL_READY);
    }
}

void tvn_edge_settle(struct tvn_flow *flow, struct tvn_edge *edge)
{
    bool throttled = edge->queue.throttled;
    if (TVN_LIKELY(throttled == edge->was_throttled)) {
        return;
    }
    struct tvn_stage *producer = edge->from;
    uint32_t blocking = tvn_edge_blocks(edge);
    edge->was_throttled = throttled;
    if (throttled) {
        producer->throttled_outputs++;
        producer->throttled_blocking += blocking;
        tvn_stat_add(&edge->stats->backpressure_events, 1);
        edge->throttled_since_ns = flow->now_ns;
        tvn_stat_open(&edge->stats->backpressure_open_ns, &edge->stats->backpressure_ns,
                      flow->now_ns);
        tvn_edge_tell_throttling(flow, edge, true, 0);
    } else {
        producer->throttled_outputs--;
        producer->throttled_blocking -= blocking;
        uint64_t duration_ns = flow->now_ns - edge->throttled_since_ns;
        tvn_stat_add(&edge->stats->backpressure_ns, duration_ns);
        tvn_stat_close(&edge->stats->backpressure_open_ns);
        tvn_edge_tell_throttling(flow, edge, false, duration_ns);
    }
    tvn_stage_signal(flow, producer);
    if (throttled && blocking) {
        tvn_stat_add(&edge->stats->suspend_ns,
                     tvn_flow_read_clock(flow) - edge->throttled_since_ns);
    }
}

void tvn_edge_close(struct tvn_flow *flow, struct tvn_edge *edge)
{
    uint32_t count = tvn_edge_count(edge);
    edge->closed = true;
    edge->tapped = 0;
    if (edge->has_held) {
        edge->has_held = false;
        tvn_edge_tell_loss(flow, edge, TVN_EVENT_DISCARDED, edge->held);
        tvn_flow_release_payload(flow, edge->held);
    }
    while (edge->queue.count > 0) {
        tvn_edge_reclaim(flow, edge);
        tvn_edge_tell_loss(flow, edge, TVN_EVENT_DISCARDED, tvn_queue_front(&edge->queue));
        tvn_flow_release_payload(flow, tvn_queue_front(&edge->queue));
        tvn_queue_pop_sized(&edge->queue);
    }
    tvn_stat_add(&edge->to->stats->failed, count);
    tvn_stat_add(&flow->stats->failed, count);
    count_depth(edge);
    tvn_edge_settle(flow, edge);
}
