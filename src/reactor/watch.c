/* SPDX-License-Identifier: Apache-2.0 */
/* What the flow tells its event sink. */
#include "base/assert.h"
#include "base/num.h"
#include "reactor/flow_internal.h"

static const struct tvn_event nothing = {
    .stage = TVN_EVENT_NOWHERE,
    .edge = TVN_EVENT_NOWHERE,
    .sequence = TVN_EVENT_NO_SEQUENCE,
};

enum tvn_outcome tvn_stage_call_watched(struct tvn_flow *flow, const struct tvn_watched *watched,
                                        struct tvn_call *call)
{
    tvn_debug_assert(flow->events);
    return flow->events->ops->call(flow->events, watched, call);
}

enum tvn_outcome tvn_stage_call_other(struct tvn_flow *flow, const struct tvn_stage *stage,
                                      enum tvn_entry entry, struct tvn_call *call)
{
    tvn_stat_add(&stage->stats->invocations, 1);
    if (!tvn_watch_other(tvn_watch_mask(flow->events))) {
        return tvn_invoke(stage->invoker, entry, call);
    }
    const struct tvn_watched watched = {
        .stage = stage->index,
        .edge = TVN_EVENT_NOWHERE,
        .invoker = stage->invoker,
        .entry = entry,
        .sequence = TVN_EVENT_NO_SEQUENCE,
    };
    return flow->events->ops->call(flow->events, &watched, call);
}

void tvn_stage_count_error(struct tvn_flow *flow, const struct tvn_stage *stage,
                           enum tvn_entry entry, enum tvn_outcome outcome,
                           const struct tvn_element *element)
{
    tvn_stat_add(&stage->stats->errors, 1);
    tvn_stat_add(&flow->stats->errors, 1);
    struct tvn_event event = nothing;
    event.kind = TVN_EVENT_FAULT;
    event.stage = stage->index;
    event.entry = entry;
    event.outcome = outcome;
    event.now_ns = flow->now_ns;
    event.sequence = element ? element->sequence : TVN_EVENT_NO_SEQUENCE;
    event.fault = &flow->fault;
    tvn_event_tell(flow->events, &event);
}

void tvn_stage_tell(struct tvn_flow *flow, const struct tvn_stage *stage, enum tvn_event_kind kind,
                    const struct tvn_element *element)
{
    struct tvn_event event = nothing;
    event.kind = kind;
    event.stage = stage->index;
    event.now_ns = flow->now_ns;
    event.sequence = element ? element->sequence : TVN_EVENT_NO_SEQUENCE;
    tvn_event_tell(flow->events, &event);
}

static struct tvn_event edge_event(const struct tvn_flow *flow, const struct tvn_edge *edge,
                                   enum tvn_event_kind kind)
{
    struct tvn_event event = nothing;
    event.kind = kind;
    event.edge = (uint32_t)(edge - flow->edges);
    event.depth = edge->queue.count;
    event.capacity = edge->queue.capacity;
    event.now_ns = flow->now_ns;
    return event;
}

void tvn_edge_tell_throttling(struct tvn_flow *flow, const struct tvn_edge *edge, bool throttled,
                              uint64_t duration_ns)
{
    struct tvn_event event =
        edge_event(flow, edge, throttled ? TVN_EVENT_THROTTLED : TVN_EVENT_RELIEVED);
    event.duration_ns = duration_ns;
    tvn_event_tell(flow->events, &event);
}

void tvn_edge_tell_loss(struct tvn_flow *flow, const struct tvn_edge *edge,
                        enum tvn_event_kind kind, const struct tvn_element *element)
{
    struct tvn_event event = edge_event(flow, edge, kind);
    event.sequence = element->sequence;
    tvn_event_tell(flow->events, &event);
}

static const struct tvn_element *tapped_at(const struct tvn_tapped *self, uint32_t index,
                                           const uint8_t **out_bytes, uint32_t *out_length)
{
    const struct tvn_edge *edge = self->source;
    tvn_assert(index < self->count);
    const struct tvn_element *element = tvn_queue_at(&edge->queue, self->first + index);
    const struct tvn_buffer *buffer = tvn_flow_payload(self->flow, element);
    *out_bytes = buffer ? buffer->bytes : NULL;
    *out_length = buffer ? buffer->length : 0;
    return element;
}

void tvn_stage_tap(struct tvn_flow *flow, const struct tvn_stage *stage, uint32_t count)
{
    tvn_assert(flow->events && flow->events->ops->tap);
    for (uint32_t i = 0; i < stage->input_count; i++) {
        struct tvn_edge *edge = stage->inputs[i];
        uint32_t end = tvn_min(count, edge->queue.count);
        if (edge->tapped >= end) {
            continue;
        }
        const struct tvn_tapped tapped = {
            .edge = (uint32_t)(edge - flow->edges),
            .count = end - edge->tapped,
            .at = tapped_at,
            .flow = flow,
            .source = edge,
            .first = edge->tapped,
        };
        flow->events->ops->tap(flow->events, &tapped);
        edge->tapped = end;
    }
}
