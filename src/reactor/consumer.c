/* SPDX-License-Identifier: Apache-2.0 */
/* One vector of a stage with inputs. */
#include "base/assert.h"
#include "base/num.h"
#include "reactor/vector_internal.h"

#include <string.h>

/* The element at the head of the input is done with. */
static inline void take(struct tvn_vector *vector, struct tvn_edge *input)
{
    tvn_queue_pop(&input->queue);
    vector->taken++;
    vector->stage->attempts = 0;
}

static inline void drop(struct tvn_vector *vector, struct tvn_edge *input, struct tvn_element *in)
{
    tvn_flow_release_payload(vector->flow, in);
    take(vector, input);
    vector->dropped++;
}

static inline void processed(struct tvn_vector *vector, struct tvn_edge *input,
                             struct tvn_element *in, struct tvn_element *slot)
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
    tvn_vector_put(vector, vector->stage->outputs[0], slot);
}

/* EMIT of the entry that takes elements. */
static inline void accepted(struct tvn_vector *vector, struct tvn_edge *input,
                            struct tvn_element *in, struct tvn_call *call)
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
        tvn_vector_put(vector, stage->outputs[0], call->out);
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
static TVN_COLD void refused(struct tvn_vector *vector, struct tvn_edge *input,
                             struct tvn_element *in, enum tvn_outcome outcome)
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
    enum tvn_outcome outcome = tvn_stage_call_other(flow, stage, TVN_ENTRY_COMPLETE, &call);
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

bool tvn_consumer_run(struct tvn_flow *flow, struct tvn_stage *stage, uint32_t vector_max)
{
    struct tvn_edge *input = stage->inputs[0];
    struct tvn_edge *output = stage->output_count > 0 ? stage->outputs[0] : NULL;
    if (input->queue.count == 0) {
        return input->ended && finish(flow, stage);
    }
    uint32_t budget = output ? tvn_edge_credits(output, vector_max) : vector_max;
    budget = tvn_min(budget, input->queue.count);
    struct tvn_vector vector = tvn_vector_begin(flow, stage, TVN_FLOW_STRIDE);
    struct tvn_call call = {.out_capacity = 1, .fault = &flow->fault};
    while (vector.taken < budget) {
        struct tvn_element *in = tvn_queue_front(&input->queue);
        call.in = in;
        if (output) {
            call.out = tvn_vector_slot(flow, output);
            call.out_count = 0;
        }
        enum tvn_outcome outcome = tvn_vector_call(&vector, input, &call, in);
        vector.invocations++;
        if (TVN_LIKELY(outcome == TVN_OUTCOME_EMIT)) {
            accepted(&vector, input, in, &call);
        } else if (outcome == TVN_OUTCOME_DROP) {
            drop(&vector, input, in);
        } else {
            refused(&vector, input, in, outcome);
        }
        if (!tvn_vector_next(&vector) || TVN_UNLIKELY(stage->phase != TVN_STAGE_READY) ||
            TVN_UNLIKELY(flow->cut_pending)) {
            break;
        }
    }
    tvn_vector_end(&vector);
    if (vector.taken > 0) {
        tvn_edge_drained(&vector, input);
    }
    if (output && vector.taken > 0) {
        tvn_edge_filled(&vector, output);
    }
    return vector.taken > 0 || flow->cut_pending;
}
