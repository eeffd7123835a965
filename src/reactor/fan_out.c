/* SPDX-License-Identifier: Apache-2.0 */
/* The outputs of a stage: what it may put out, and who gets it. */
#include "base/assert.h"
#include "base/num.h"
#include "reactor/vector_internal.h"

uint32_t tvn_stage_credits(struct tvn_flow *flow, struct tvn_stage *stage, uint32_t vector_max)
{
    uint64_t credits = vector_max;
    for (uint32_t i = 0; i < stage->output_count; i++) {
        struct tvn_edge *edge = stage->outputs[i];
        if (!tvn_edge_blocks(edge) || edge->closed) {
            continue;
        }
        const struct tvn_queue *queue = &edge->queue;
        if (queue->throttled) {
            return 0; /* asked again when the consumer has drained */
        }
        credits = tvn_min(credits, queue->capacity - queue->count);
        if (edge->rate.per_second > 0) {
            uint64_t tokens = tvn_rate_tokens(&edge->rate, flow->now_ns);
            if (tokens == 0) {
                stage->phase = TVN_STAGE_WAIT_TIME;
                stage->wake_ns = tvn_rate_next_ns(&edge->rate);
                return 0;
            }
            credits = tvn_min(credits, tokens);
        }
    }
    return (uint32_t)credits;
}

/* Gives each of `count` records its hold of the payload. Returns how many could get one. */
static uint32_t hold(struct tvn_vector *vector, struct tvn_buffer *buffer, uint32_t count)
{
    for (uint32_t held = 1; buffer && held < count; held++) {
        if (tvn_buffer_hold(buffer) != TVN_OK) {
            struct tvn_flow *flow = vector->flow;
            vector->failed += count - held;
            flow->fault = (struct tvn_fault){
                .error = TVN_PROCESS_INTERNAL,
                .text = "more queued elements share one payload than can be counted",
            };
            tvn_stage_count_error(flow, vector->stage, vector->stage->entry, TVN_OUTCOME_ERROR,
                                  NULL);
            tvn_stage_skip(flow, vector->stage, vector->stage->entry, TVN_OUTCOME_ERROR, NULL);
            return held;
        }
    }
    return count;
}

static inline bool is_target(const struct tvn_edge *edge, uint64_t ports)
{
    return (ports >> edge->port & 1) != 0 && !edge->closed;
}

void tvn_vector_distribute(struct tvn_vector *vector, const struct tvn_element *element,
                           uint64_t ports)
{
    struct tvn_flow *flow = vector->flow;
    struct tvn_stage *stage = vector->stage;
    uint32_t count = 0;
    for (uint32_t i = 0; i < stage->output_count; i++) {
        count += is_target(stage->outputs[i], ports);
    }
    if (TVN_UNLIKELY(count == 0)) { /* all that would get it have failed */
        tvn_flow_release_payload(flow, element);
        vector->failed++;
        return;
    }
    struct tvn_buffer *buffer = count > 1 || stage->sized ? tvn_flow_payload(flow, element) : NULL;
    uint32_t bytes = buffer ? buffer->length : 0;
    uint32_t left = count > 1 ? hold(vector, buffer, count) : 1;
    bool emitted = false;
    vector->forked += count - 1;
    for (uint32_t i = 0; left > 0; i++) {
        if (is_target(stage->outputs[i], ports)) {
            emitted |= tvn_edge_put(vector, stage->outputs[i], element, bytes);
            left--;
        }
    }
    vector->emitted += emitted;
}

void tvn_vector_filled(struct tvn_vector *vector)
{
    struct tvn_stage *stage = vector->stage;
    for (uint32_t i = 0; i < stage->output_count; i++) {
        tvn_edge_filled(vector, stage->outputs[i]);
    }
}
