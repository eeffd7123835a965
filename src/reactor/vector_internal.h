/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One vector of one stage: what it did, and the steps that every element passes through. Inline so
 * that the loops of source.c and consumer.c hold them.
 */
#include "reactor/flow_internal.h"

/* Added to the statistics at its end. */
struct tvn_vector {
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
    uint32_t watch; /* the event sink's mask */
};

static inline struct tvn_vector tvn_vector_begin(struct tvn_flow *flow, struct tvn_stage *stage,
                                                 uint32_t stride_max)
{
    return (struct tvn_vector){
        .flow = flow,
        .stage = stage,
        .clock_ns = flow->now_ns,
        .until_clock = stage->stride,
        .stride_max = stride_max,
        .watch = tvn_watch_mask(flow->events),
    };
}

/* stage.c. Reads the clock and adapts the distance to the next reading. False when the turn's time
 * is over. */
bool tvn_vector_clock(struct tvn_vector *vector);
/* stage.c. To the statistics. */
void tvn_vector_end(struct tvn_vector *vector);

/* HOT PATH. After each element. False when the vector must end because time is over. */
static inline bool tvn_vector_next(struct tvn_vector *vector)
{
    return TVN_LIKELY(--vector->until_clock > 0) || tvn_vector_clock(vector);
}

/* HOT PATH. The call that takes `in`, which came through `edge`. */
static inline enum tvn_outcome tvn_vector_call(const struct tvn_vector *vector,
                                               const struct tvn_edge *edge, struct tvn_call *call,
                                               struct tvn_element *in)
{
    const struct tvn_stage *stage = vector->stage;
    if (TVN_LIKELY(!tvn_watch_element(vector->watch, in->flags))) {
        return tvn_invoke(stage->invoker, stage->entry, call);
    }
    const struct tvn_watched watched = {
        .stage = stage->index,
        .edge = (uint32_t)(edge - vector->flow->edges),
        .invoker = stage->invoker,
        .entry = stage->entry,
        .sequence = in->sequence,
        .in = in,
    };
    return tvn_stage_call_watched(vector->flow, &watched, call);
}

/* HOT PATH. A pull. */
static inline enum tvn_outcome tvn_vector_pull(const struct tvn_vector *vector,
                                               struct tvn_call *call)
{
    const struct tvn_stage *stage = vector->stage;
    struct tvn_flow *flow = vector->flow;
    if (TVN_LIKELY(!tvn_watch_pull(flow->events, vector->watch, flow->pulled))) {
        return tvn_invoke(stage->invoker, TVN_ENTRY_PULL, call);
    }
    const struct tvn_watched watched = {
        .stage = stage->index,
        .edge = TVN_EVENT_NOWHERE,
        .invoker = stage->invoker,
        .entry = TVN_ENTRY_PULL,
        .sequence = flow->pulled,
    };
    return tvn_stage_call_watched(flow, &watched, call);
}

/* edge.c. How many elements the producer may put out. */
uint32_t tvn_edge_credits(const struct tvn_edge *edge, uint32_t vector_max);
/* edge.c. An element for a full queue. */
TVN_COLD void tvn_edge_overflow(struct tvn_vector *vector, struct tvn_edge *edge,
                                const struct tvn_element *element);
/* edge.c. The producing and the consuming side of an edge after a vector. */
void tvn_edge_filled(struct tvn_vector *vector, struct tvn_edge *edge);
void tvn_edge_drained(struct tvn_vector *vector, struct tvn_edge *edge);

/* HOT PATH. Where the stage's next output is to be written. */
static inline struct tvn_element *tvn_vector_slot(struct tvn_flow *flow, struct tvn_edge *edge)
{
    return TVN_UNLIKELY(tvn_queue_is_full(&edge->queue)) ? &flow->scratch
                                                         : tvn_queue_next_slot(&edge->queue);
}

/* HOT PATH. The element stands in `slot`, which came from tvn_vector_slot. */
static inline void tvn_vector_put(struct tvn_vector *vector, struct tvn_edge *edge,
                                  struct tvn_element *slot)
{
    if (TVN_UNLIKELY(slot == &vector->flow->scratch)) {
        tvn_edge_overflow(vector, edge, slot);
        return;
    }
    tvn_queue_commit(&edge->queue);
    vector->emitted++;
}
