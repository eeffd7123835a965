/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One vector of one stage: what it did, and the steps that every element passes through. Inline so
 * that the loops of source.c and consumer.c hold them. `simple` is a constant there (struct
 * tvn_stage says what it means): a path of stages pays nothing for what graphs need.
 */
#include "reactor/flow_internal.h"

/* Added to the statistics at its end. */
struct tvn_vector {
    struct tvn_flow *flow;
    struct tvn_stage *stage;
    struct tvn_edge *output; /* the first; NULL without */
    uint64_t clock_ns;       /* the last reading of this vector */
    uint32_t until_clock;
    uint32_t stride_max;
    uint32_t clock_read_at; /* invocations by that reading; 0: none yet */
    uint32_t invocations;
    uint32_t taken; /* popped from the inputs */
    uint32_t emitted;
    uint32_t dropped;
    uint32_t failed;
    uint32_t evicted; /* dropped by the policy of an output */
    uint32_t delivered;
    uint32_t pulled;
    uint32_t forked;
    uint32_t absorbed;
    uint32_t flushed;
    uint32_t watch; /* the event sink's mask */
    bool stop;      /* an output that blocks has no room */
};

static inline struct tvn_vector tvn_vector_begin(struct tvn_flow *flow, struct tvn_stage *stage,
                                                 uint32_t stride_max)
{
    return (struct tvn_vector){
        .flow = flow,
        .stage = stage,
        .output = stage->output_count > 0 ? stage->outputs[0] : NULL,
        .clock_ns = flow->now_ns,
        .until_clock = stage->stride,
        .stride_max = stride_max,
        .watch = tvn_watch_mask(flow->events),
    };
}

/* stage.c. Reads the clock and adapts the distance to the next reading. False when the turn's time
 * is over. */
TVN_HOT bool tvn_vector_clock(struct tvn_vector *vector);
/* stage.c. To the statistics. */
TVN_HOT void tvn_vector_end(struct tvn_vector *vector);

/* HOT PATH. After each element. False when the vector must end because time is over. */
static inline bool tvn_vector_next(struct tvn_vector *vector)
{
    return TVN_LIKELY(--vector->until_clock > 0) || tvn_vector_clock(vector);
}

/* HOT PATH. Calls of the stage that are watched; `edge` is NULL for pulls, which have no `in`. */
static inline struct tvn_watched tvn_vector_watched(const struct tvn_vector *vector,
                                                    const struct tvn_edge *edge,
                                                    struct tvn_element *in)
{
    const struct tvn_stage *stage = vector->stage;
    return (struct tvn_watched){
        .stage = stage->index,
        .edge = edge ? (uint32_t)(edge - vector->flow->edges) : TVN_EVENT_NOWHERE,
        .invoker = stage->invoker,
        .entry = stage->entry,
        .sequence = in ? in->sequence : vector->flow->pulled,
        .in = in,
        .whole_vector = (vector->watch & TVN_WATCH_CALLS) != 0,
    };
}

/* HOT PATH. The call that takes `in`, which came through `edge`. */
static inline enum tvn_outcome tvn_vector_call(struct tvn_vector *vector,
                                               const struct tvn_edge *edge, struct tvn_call *call,
                                               struct tvn_element *in)
{
    const struct tvn_stage *stage = vector->stage;
    vector->invocations++;
    if (TVN_LIKELY(!tvn_watch_element(vector->watch, in->flags))) {
        return tvn_invoke(stage->invoker, stage->entry, call);
    }
    const struct tvn_watched watched = tvn_vector_watched(vector, edge, in);
    return tvn_stage_call_watched(vector->flow, &watched, call);
}

/* HOT PATH. Whether the invoker makes calls in a row itself. */
static inline bool tvn_vector_has_row(const struct tvn_vector *vector)
{
    return vector->stage->invoker->ops->invoke_row != NULL;
}

/* HOT PATH. Calls that are all watched: whether the sink agrees to a row from this one on. */
static inline bool tvn_vector_may_watch_row(const struct tvn_vector *vector,
                                            const struct tvn_watched *watched)
{
    struct tvn_event_sink *sink = vector->flow->events;
    return watched->whole_vector && sink->ops->row_begin && sink->ops->row_begin(sink, watched);
}

/* HOT PATH. One of them has ended, and is not settled yet. False: the row must end. */
static inline bool tvn_vector_watch_in_row(const struct tvn_vector *vector,
                                           const struct tvn_watched *watched,
                                           const struct tvn_call *call, enum tvn_outcome outcome)
{
    struct tvn_event_sink *sink = vector->flow->events;
    return sink->ops->row_called(sink, watched, call, outcome);
}

/* HOT PATH. Calls of the stage's entry, as long as `next` wants more; `next` counts them. */
static inline void tvn_vector_call_row(const struct tvn_vector *vector, struct tvn_call *call,
                                       tvn_next_call next, void *context)
{
    const struct tvn_stage *stage = vector->stage;
    struct tvn_invoker *invoker = stage->invoker;
    if (TVN_LIKELY(tvn_vector_has_row(vector))) {
        invoker->ops->invoke_row(invoker, stage->entry, call, next, context);
        return;
    }
    while (next(context, tvn_invoke(invoker, stage->entry, call))) {
    }
}

/* HOT PATH. A pull. */
static inline enum tvn_outcome tvn_vector_pull(struct tvn_vector *vector, struct tvn_call *call)
{
    const struct tvn_stage *stage = vector->stage;
    struct tvn_flow *flow = vector->flow;
    vector->invocations++;
    if (TVN_LIKELY(!tvn_watch_pull(flow->events, vector->watch, flow->pulled))) {
        return tvn_invoke(stage->invoker, TVN_ENTRY_PULL, call);
    }
    const struct tvn_watched watched = tvn_vector_watched(vector, NULL, NULL);
    return tvn_stage_call_watched(flow, &watched, call);
}

/* edge.c. The element and its payload of `bytes` go to one edge, which is not closed. False when it
 * did not get it because its policy is to fail. */
bool tvn_edge_put(struct tvn_vector *vector, struct tvn_edge *edge,
                  const struct tvn_element *element, uint32_t bytes);
/* edge.c. The same for a queue in which the element does not fit. */
TVN_COLD bool tvn_edge_overflow(struct tvn_vector *vector, struct tvn_edge *edge,
                                const struct tvn_element *element, uint32_t bytes);
/* edge.c. The producing and the consuming side of an edge after a vector. */
TVN_HOT void tvn_edge_filled(struct tvn_vector *vector, struct tvn_edge *edge);
TVN_HOT void tvn_edge_drained(struct tvn_vector *vector, struct tvn_edge *edge, uint32_t taken);

/* fan_out.c. The element goes to all edges of these ports. */
void tvn_vector_distribute(struct tvn_vector *vector, const struct tvn_element *element,
                           uint64_t ports);
/* fan_out.c. After a vector that put out. */
TVN_HOT void tvn_vector_filled(struct tvn_vector *vector);
/* merge.c. After a vector that took in. */
TVN_HOT void tvn_vector_drained(struct tvn_vector *vector);

/* HOT PATH. Where the next output of a stage whose first edge is `output` is to be written. */
static TVN_ALWAYS_INLINE struct tvn_element *
tvn_vector_slot(struct tvn_flow *flow, struct tvn_edge *output, const bool simple)
{
    return !simple || TVN_UNLIKELY(tvn_queue_is_full(&output->queue))
               ? &flow->scratch
               : tvn_queue_next_slot(&output->queue);
}

/* HOT PATH. The element stands in `slot`, which came from tvn_vector_slot. */
static TVN_ALWAYS_INLINE void tvn_vector_put(struct tvn_vector *vector, struct tvn_element *slot,
                                             uint64_t ports, const bool simple)
{
    if (!simple) {
        tvn_vector_distribute(vector, slot, ports);
        return;
    }
    struct tvn_edge *edge = vector->output;
    tvn_debug_assert(edge);
    if (TVN_UNLIKELY(slot == &vector->flow->scratch)) {
        vector->emitted += tvn_edge_overflow(vector, edge, slot, 0);
        return;
    }
    tvn_queue_commit(&edge->queue);
    vector->emitted++;
}
