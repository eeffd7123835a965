/* SPDX-License-Identifier: Apache-2.0 */
/* One vector of one stage: the loops that every element passes through. */
#include "base/assert.h"
#include "base/num.h"
#include "reactor/flow_internal.h"

#include <string.h>

/* What one vector did; added to the statistics at its end. */
struct vector {
    struct tvn_flow *flow;
    struct tvn_stage *stage;
    uint64_t clock_ns; /* the last reading of this vector */
    uint32_t until_clock;
    uint32_t stride_max;
    uint32_t invocations;
    uint32_t taken; /* popped from the input */
    uint32_t emitted;
    uint32_t dropped;
    uint32_t failed;
    uint32_t evicted; /* dropped or refused by the output's policy */
    uint32_t delivered;
    uint32_t pulled;
};

static struct vector vector_begin(struct tvn_flow *flow, struct tvn_stage *stage,
                                  uint32_t stride_max)
{
    return (struct vector){
        .flow = flow,
        .stage = stage,
        .clock_ns = flow->now_ns,
        .until_clock = stage->stride,
        .stride_max = stride_max,
    };
}

/* Reads the clock and adapts the distance to the next reading. False when the turn's time is over.
 */
static __attribute__((noinline)) bool vector_clock(struct vector *vector)
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
    return now < flow->turn_end_ns;
}

/* After each element. False when the vector must end because time is over. */
static inline bool vector_next(struct vector *vector)
{
    return TVN_LIKELY(--vector->until_clock > 0) || vector_clock(vector);
}

static void vector_end(struct vector *vector)
{
    struct tvn_flow *flow = vector->flow;
    struct tvn_stage_stats *stats = vector->stage->stats;
    if (vector->invocations == 0) {
        return;
    }
    tvn_flow_read_clock(flow);
    tvn_stat_add(&stats->invocations, vector->invocations);
    tvn_stat_add(&stats->emitted, vector->emitted);
    tvn_stat_add(&stats->dropped, vector->dropped);
    tvn_stat_add(&stats->failed, vector->failed);
    tvn_stat_add(&flow->stats->pulled, vector->pulled);
    tvn_stat_add(&flow->stats->delivered, vector->delivered);
    tvn_stat_add(&flow->stats->dropped, vector->dropped + vector->evicted);
    tvn_stat_add(&flow->stats->failed, vector->failed);
}

/* The producing side of an edge after a vector. */
static void edge_filled(struct vector *vector, struct tvn_edge *edge)
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
static void edge_drained(struct vector *vector, struct tvn_edge *edge)
{
    tvn_stat_set(&edge->stats->depth, edge->queue.count);
    tvn_stat_add(&edge->stats->transferred, vector->taken);
    tvn_edge_settle(vector->flow, edge);
}

static void notify_source(struct tvn_flow *flow, struct tvn_stage *stage, enum tvn_signal signal)
{
    struct tvn_call call = {.signal = signal, .fault = &flow->fault};
    stage->paused = signal == TVN_SIGNAL_PAUSE;
    if (!stage->paused && stage->phase == TVN_STAGE_PARKED) {
        stage->phase = TVN_STAGE_READY;
    }
    tvn_stat_add(&stage->stats->invocations, 1);
    enum tvn_outcome outcome = tvn_invoke(stage->invoker, TVN_ENTRY_NOTIFY, &call);
    if (outcome == TVN_OUTCOME_ERROR || outcome == TVN_OUTCOME_DEAD) {
        tvn_stat_add(&stage->stats->errors, 1);
        tvn_stat_add(&flow->stats->errors, 1);
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
    } else {
        tvn_stat_add(&edge->stats->backpressure_ns, flow->now_ns - edge->throttled_since_ns);
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
        tvn_flow_release_payload(flow, tvn_queue_front(&edge->queue));
        tvn_queue_pop(&edge->queue);
    }
    tvn_stat_add(&edge->to->stats->failed, count);
    tvn_stat_add(&flow->stats->failed, count);
    tvn_stat_set(&edge->stats->depth, 0);
    tvn_edge_settle(flow, edge);
}

void tvn_stage_wait_backoff(struct tvn_flow *flow, struct tvn_stage *stage)
{
    uint64_t doubled = tvn_max(stage->backoff_ns * 2, TVN_FLOW_BACKOFF_MIN_NS);
    stage->backoff_ns = tvn_min(doubled, TVN_FLOW_BACKOFF_MAX_NS);
    stage->wake_ns = tvn_flow_read_clock(flow) + stage->backoff_ns;
    stage->phase = TVN_STAGE_WAIT_TIME;
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

/* How many elements the stage may put out. */
static uint32_t credits(const struct tvn_edge *edge, uint32_t vector_max)
{
    if (edge->policy != TVN_OVERFLOW_BLOCK) {
        return vector_max;
    }
    const struct tvn_queue *queue = &edge->queue;
    return queue->throttled ? 0 : tvn_min(vector_max, queue->capacity - queue->count);
}

static inline struct tvn_element *output_slot(struct tvn_flow *flow, struct tvn_edge *edge)
{
    return TVN_UNLIKELY(tvn_queue_is_full(&edge->queue)) ? &flow->scratch
                                                         : tvn_queue_next_slot(&edge->queue);
}

/* An element for a full queue. */
static TVN_COLD void overflow(struct vector *vector, struct tvn_edge *edge,
                              const struct tvn_element *element)
{
    struct tvn_flow *flow = vector->flow;
    struct tvn_queue *queue = &edge->queue;
    switch (edge->policy) {
    case TVN_OVERFLOW_DROP_OLDEST:
        tvn_flow_release_payload(flow, tvn_queue_front(queue));
        tvn_queue_pop(queue);
        *tvn_queue_next_slot(queue) = *element;
        tvn_queue_commit(queue);
        vector->evicted++;
        vector->emitted++;
        return;
    case TVN_OVERFLOW_DROP_NEWEST:
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
        tvn_stat_add(&vector->stage->stats->errors, 1);
        tvn_stat_add(&flow->stats->errors, 1);
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

/* The element stands in `slot`, which came from output_slot. */
static inline void put_out(struct vector *vector, struct tvn_edge *edge, struct tvn_element *slot)
{
    if (TVN_UNLIKELY(slot == &vector->flow->scratch)) {
        overflow(vector, edge, slot);
        return;
    }
    tvn_queue_commit(&edge->queue);
    vector->emitted++;
}

/* A pull that gave nothing: the vector ends. */
static TVN_COLD void source_gave_nothing(struct vector *vector, enum tvn_outcome outcome)
{
    struct tvn_flow *flow = vector->flow;
    struct tvn_stage *stage = vector->stage;
    if (vector->pulled > 0) {
        stage->backoff_ns = 0;
        stage->attempts = 0;
    }
    switch (outcome) {
    case TVN_OUTCOME_END:
        if (stage->paused) {
            stage->phase = TVN_STAGE_PARKED; /* "nothing now": asked again after ready */
        } else {
            tvn_stage_end(flow, stage);
        }
        return;
    case TVN_OUTCOME_ERROR:
    case TVN_OUTCOME_DEAD:
        if (tvn_stage_judge(flow, stage, TVN_ENTRY_PULL, outcome, NULL) == TVN_VERDICT_SKIP) {
            tvn_stage_wait_backoff(flow, stage);
        }
        return;
    case TVN_OUTCOME_WAIT:
    case TVN_OUTCOME_DROP:
    case TVN_OUTCOME_EMIT:
        break;
    }
    tvn_stage_wait(flow, stage);
}

static uint64_t timestamp_base(struct tvn_flow *flow)
{
    uint64_t wall = flow->env.wall_ns(flow->env.context);
    return wall - flow->now_ns; /* may wrap; only used to add a reading of now */
}

static bool run_source(struct tvn_flow *flow, struct tvn_stage *stage, uint32_t vector_max)
{
    struct tvn_edge *edge = stage->outputs[0];
    if (flow->sources_stopped) {
        tvn_stage_end(flow, stage);
        return true;
    }
    uint64_t budget = credits(edge, vector_max);
    if (budget == 0) {
        return false;
    }
    budget = tvn_min(budget, flow->limit - flow->pulled);
    struct vector vector = vector_begin(flow, stage, TVN_FLOW_SOURCE_STRIDE);
    uint64_t base = timestamp_base(flow);
    struct tvn_call call = {.out_capacity = 1, .fault = &flow->fault};
    while (vector.pulled < budget && !flow->cut_pending) {
        struct tvn_element *slot = output_slot(flow, edge);
        *slot = (struct tvn_element){0};
        call.out = slot;
        call.out_count = 0;
        enum tvn_outcome outcome = tvn_invoke(stage->invoker, TVN_ENTRY_PULL, &call);
        vector.invocations++;
        if (TVN_UNLIKELY(outcome != TVN_OUTCOME_EMIT || call.out_count == 0)) {
            source_gave_nothing(&vector, outcome);
            break;
        }
        tvn_assert(call.out_count == 1);
        bool go_on = vector_next(&vector);
        if (TVN_UNLIKELY(call.waited)) {
            call.waited = false;
            tvn_flow_read_clock(flow);
            go_on = false;
        }
        slot->sequence = flow->pulled++;
        slot->timestamp_ns = tvn_max(base + flow->now_ns, flow->last_timestamp_ns);
        flow->last_timestamp_ns = slot->timestamp_ns;
        vector.pulled++;
        put_out(&vector, edge, slot);
        if (!go_on) {
            break;
        }
    }
    if (vector.pulled > 0 && stage->phase == TVN_STAGE_READY) {
        stage->attempts = 0;
        stage->backoff_ns = 0;
    }
    flow->turn_pulled += vector.pulled;
    if (flow->pulled == flow->limit) {
        flow->sources_stopped = true;
    }
    vector_end(&vector);
    edge_filled(&vector, edge);
    return vector.pulled > 0 || stage->phase == TVN_STAGE_ENDED || flow->cut_pending;
}

/* The element at the head of the input is done with. */
static inline void take(struct vector *vector, struct tvn_edge *input)
{
    tvn_queue_pop(&input->queue);
    vector->taken++;
    vector->stage->attempts = 0;
}

static inline void drop(struct vector *vector, struct tvn_edge *input, struct tvn_element *in)
{
    tvn_flow_release_payload(vector->flow, in);
    take(vector, input);
    vector->dropped++;
}

static inline void processed(struct vector *vector, struct tvn_edge *input, struct tvn_element *in,
                             struct tvn_element *slot)
{
    if (slot->timestamp_ns == 0) {
        slot->timestamp_ns = in->timestamp_ns;
    }
    slot->sequence = in->sequence;
    slot->flags = in->flags;
    slot->spare = in->spare;
    memcpy(slot->trace_id, in->trace_id, sizeof(in->trace_id));
    memcpy(slot->span_id, in->span_id, sizeof(in->span_id));
    if (slot->payload.raw != in->payload.raw) {
        tvn_flow_release_payload(vector->flow, in);
    }
    take(vector, input);
    put_out(vector, vector->stage->outputs[0], slot);
}

/* EMIT of the entry that takes elements. */
static inline void accepted(struct vector *vector, struct tvn_edge *input, struct tvn_element *in,
                            struct tvn_call *call)
{
    struct tvn_stage *stage = vector->stage;
    if (stage->role == TVN_ROLE_SINK) {
        tvn_flow_release_payload(vector->flow, in);
        take(vector, input);
        vector->delivered++;
        vector->emitted++;
        if (TVN_UNLIKELY(call->signal == TVN_SIGNAL_PAUSE)) {
            call->signal = TVN_SIGNAL_READY;
            tvn_stage_wait_backoff(vector->flow, stage);
        } else {
            stage->backoff_ns = 0;
        }
        return;
    }
    if (stage->role == TVN_ROLE_FILTER) {
        *call->out = *in;
        take(vector, input);
        put_out(vector, stage->outputs[0], call->out);
        return;
    }
    if (TVN_UNLIKELY(call->out_count == 0)) {
        drop(vector, input, in);
        return;
    }
    tvn_assert(call->out_count == 1);
    processed(vector, input, in, call->out);
}

/* An outcome other than EMIT and DROP. */
static TVN_COLD void refused(struct vector *vector, struct tvn_edge *input, struct tvn_element *in,
                             enum tvn_outcome outcome)
{
    struct tvn_stage *stage = vector->stage;
    tvn_assert(outcome != TVN_OUTCOME_END); /* only a source may say so */
    if (outcome == TVN_OUTCOME_WAIT) {
        tvn_stage_wait(vector->flow, stage);
        return;
    }
    if (tvn_stage_judge(vector->flow, stage, stage->entry, outcome, in) == TVN_VERDICT_RETRY) {
        return;
    }
    tvn_flow_release_payload(vector->flow, in);
    take(vector, input);
    vector->failed++;
}

/* The input has ended and is empty: COMPLETE for those who have it. */
static bool finish(struct tvn_flow *flow, struct tvn_stage *stage)
{
    if (stage->role != TVN_ROLE_SINK ||
        !stage->invoker->ops->has_entry(stage->invoker, TVN_ENTRY_COMPLETE)) {
        tvn_stage_end(flow, stage);
        return true;
    }
    struct tvn_call call = {.fault = &flow->fault};
    tvn_stat_add(&stage->stats->invocations, 1);
    enum tvn_outcome outcome = tvn_invoke(stage->invoker, TVN_ENTRY_COMPLETE, &call);
    tvn_flow_read_clock(flow);
    if (outcome == TVN_OUTCOME_WAIT) {
        tvn_stage_wait(flow, stage);
        return false;
    }
    if (outcome == TVN_OUTCOME_ERROR || outcome == TVN_OUTCOME_DEAD) {
        switch (tvn_stage_judge(flow, stage, TVN_ENTRY_COMPLETE, outcome, NULL)) {
        case TVN_VERDICT_RETRY:
            return false;
        case TVN_VERDICT_FAIL:
            return true; /* the cut ends it */
        case TVN_VERDICT_SKIP:
            break;
        }
    }
    tvn_stage_end(flow, stage);
    return true;
}

static bool run_consumer(struct tvn_flow *flow, struct tvn_stage *stage, uint32_t vector_max)
{
    struct tvn_edge *input = stage->inputs[0];
    struct tvn_edge *output = stage->output_count > 0 ? stage->outputs[0] : NULL;
    if (input->queue.count == 0) {
        return input->ended && finish(flow, stage);
    }
    uint32_t budget = output ? credits(output, vector_max) : vector_max;
    budget = tvn_min(budget, input->queue.count);
    struct vector vector = vector_begin(flow, stage, TVN_FLOW_STRIDE);
    struct tvn_call call = {.out_capacity = 1, .fault = &flow->fault};
    while (vector.taken < budget) {
        struct tvn_element *in = tvn_queue_front(&input->queue);
        call.in = in;
        if (output) {
            call.out = output_slot(flow, output);
            call.out_count = 0;
        }
        enum tvn_outcome outcome = tvn_invoke(stage->invoker, stage->entry, &call);
        vector.invocations++;
        if (TVN_LIKELY(outcome == TVN_OUTCOME_EMIT)) {
            accepted(&vector, input, in, &call);
        } else if (outcome == TVN_OUTCOME_DROP) {
            drop(&vector, input, in);
        } else {
            refused(&vector, input, in, outcome);
        }
        if (!vector_next(&vector) || TVN_UNLIKELY(stage->phase != TVN_STAGE_READY) ||
            TVN_UNLIKELY(flow->cut_pending)) {
            break;
        }
    }
    vector_end(&vector);
    if (vector.taken > 0) {
        edge_drained(&vector, input);
    }
    if (output && vector.taken > 0) {
        edge_filled(&vector, output);
    }
    return vector.taken > 0 || flow->cut_pending;
}

bool tvn_stage_run(struct tvn_flow *flow, struct tvn_stage *stage, uint32_t vector_max)
{
    tvn_assert(flow && stage);
    tvn_assert(vector_max > 0);
    if (stage->phase == TVN_STAGE_WAIT_TIME && flow->now_ns >= stage->wake_ns) {
        stage->phase = TVN_STAGE_READY;
    }
    if (stage->role == TVN_ROLE_SOURCE && flow->sources_stopped &&
        stage->phase != TVN_STAGE_ENDED) {
        stage->phase = TVN_STAGE_READY; /* whatever it waits for, it is to end */
    }
    if (stage->phase != TVN_STAGE_READY) {
        return false;
    }
    return stage->role == TVN_ROLE_SOURCE ? run_source(flow, stage, vector_max)
                                          : run_consumer(flow, stage, vector_max);
}
