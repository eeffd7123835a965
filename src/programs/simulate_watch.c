/* SPDX-License-Identifier: Apache-2.0 */
/* The event sink of a flow: what it is told must be what the model knows. */
#include "programs/simulate_internal.h"

#include <inttypes.h>

/* Calls of a vector that is watched as a whole come in a row. */
static void watch_row(struct tvn_sim_flow *flow, const struct tvn_watched *watched)
{
    bool is_first = flow->row_calls == 0;
    tvn_sim_require(flow,
                    is_first || (watched->whole_vector && watched->stage == flow->row_stage &&
                                 watched->sequence != TVN_EVENT_NO_SEQUENCE),
                    "stage %u is called within a vector of stage %u", watched->stage,
                    flow->row_stage);
    flow->row_calls += watched->whole_vector;
    flow->row_stage = watched->stage;
}

static void watch_vector_end(struct tvn_event_sink *self)
{
    struct tvn_sim_flow *flow = TVN_CONTAINER_OF(self, struct tvn_sim_flow, events);
    flow->row_calls = 0;
    flow->watches_row = false;
}

/* `pulled` elements came before the call. */
static void check_call(struct tvn_sim_flow *flow, const struct tvn_watched *watched,
                       const struct tvn_call *call, uint64_t pulled)
{
    tvn_sim_require(flow,
                    watched->stage < flow->stage_count && watched->in == call->in &&
                        watched->invoker == &flow->stages[watched->stage].invoker,
                    "a call of stage %u is watched as another's", watched->stage);
    uint64_t sequence = TVN_EVENT_NO_SEQUENCE;
    if (call->in) {
        sequence = call->in->sequence;
        tvn_sim_require(flow,
                        watched->edge < flow->edge_count &&
                            flow->edges[watched->edge].to == watched->stage,
                        "stage %u is watched behind edge %u", watched->stage, watched->edge);
    } else if (watched->entry == TVN_ENTRY_PULL) {
        sequence = pulled;
    }
    tvn_sim_require(flow, watched->sequence == sequence,
                    "stage %u is watched with element %" PRIu64 " instead of %" PRIu64,
                    watched->stage, watched->sequence, sequence);
    uint32_t mask = tvn_watch_mask(&flow->events);
    tvn_sim_require(flow, (mask & (TVN_WATCH_SAMPLED | TVN_WATCH_CALLS)) != 0,
                    "a call is watched and nobody asked");
}

static void watched_call(struct tvn_sim_flow *flow, const struct tvn_watched *watched)
{
    if (watched->entry == TVN_ENTRY_PULL) {
        flow->events.sample_next = watched->sequence + 1 + tvn_sim_below(&flow->random, 8);
    }
    watch_row(flow, watched);
    flow->watched_calls++;
}

static enum tvn_outcome watch_call(struct tvn_event_sink *self, const struct tvn_watched *watched,
                                   struct tvn_call *call)
{
    struct tvn_sim_flow *flow = TVN_CONTAINER_OF(self, struct tvn_sim_flow, events);
    tvn_sim_require(flow, !flow->watches_row, "stage %u leaves a row that goes on", watched->stage);
    check_call(flow, watched, call, flow->pulled);
    watched_call(flow, watched);
    return tvn_invoke(watched->invoker, watched->entry, call);
}

/* Some rows are not allowed, some end early. */
static bool watch_row_begin(struct tvn_event_sink *self, const struct tvn_watched *watched)
{
    struct tvn_sim_flow *flow = TVN_CONTAINER_OF(self, struct tvn_sim_flow, events);
    tvn_sim_require(flow, watched->whole_vector, "stage %u has no row to be watched",
                    watched->stage);
    flow->watches_row = watched->sequence % 7 != 6;
    return flow->watches_row;
}

static bool watch_row_called(struct tvn_event_sink *self, const struct tvn_watched *watched,
                             const struct tvn_call *call, enum tvn_outcome outcome)
{
    struct tvn_sim_flow *flow = TVN_CONTAINER_OF(self, struct tvn_sim_flow, events);
    bool has_pulled = watched->entry == TVN_ENTRY_PULL && outcome == TVN_OUTCOME_EMIT;
    check_call(flow, watched, call, flow->pulled - has_pulled);
    watched_call(flow, watched);
    flow->watches_row =
        (outcome == TVN_OUTCOME_EMIT || outcome == TVN_OUTCOME_DROP) && watched->sequence % 5 != 4;
    return flow->watches_row;
}

static void throttling(struct tvn_sim_flow *flow, const struct tvn_event *event)
{
    tvn_sim_require(flow, event->edge < flow->edge_count, "an event of edge %u", event->edge);
    struct tvn_sim_edge *edge = &flow->edges[event->edge];
    bool begins = event->kind == TVN_EVENT_THROTTLED;
    tvn_sim_require(flow, event->capacity == edge->capacity && event->depth <= edge->capacity,
                    "an event with depth %u of %u", event->depth, event->capacity);
    if (begins) {
        tvn_sim_require(flow, !flow->events_always || !edge->event_throttled,
                        "edge %u is throttled twice", event->edge);
        edge->event_since_ns = event->now_ns;
    } else if (flow->events_always) {
        tvn_sim_require(flow, edge->event_throttled, "edge %u is relieved twice", event->edge);
        tvn_sim_require(flow, event->duration_ns == event->now_ns - edge->event_since_ns,
                        "edge %u was throttled for %" PRIu64 " ns, not for %" PRIu64, event->edge,
                        event->now_ns - edge->event_since_ns, event->duration_ns);
        edge->event_ns += event->duration_ns;
    }
    edge->event_throttled = begins;
}

static void watch_event(struct tvn_event_sink *self, const struct tvn_event *event)
{
    struct tvn_sim_flow *flow = TVN_CONTAINER_OF(self, struct tvn_sim_flow, events);
    tvn_sim_require(flow, (unsigned)event->kind < TVN_EVENT_KIND_COUNT, "an event of kind %d",
                    (int)event->kind);
    tvn_sim_require(flow, event->now_ns <= flow->world->now_ns, "an event of the future");
    flow->event_counts[event->kind]++;
    tvn_sim_trace(flow->world, (uint64_t)event->kind << 48 | event->now_ns);
    switch (event->kind) {
    case TVN_EVENT_STATE:
        tvn_sim_require(flow,
                        !flow->events_always ||
                            tvn_flow_state_may_follow(flow->event_state, event->state),
                        "%s follows %s", tvn_flow_state_name(event->state),
                        tvn_flow_state_name(flow->event_state));
        flow->event_state = event->state;
        break;
    case TVN_EVENT_THROTTLED:
    case TVN_EVENT_RELIEVED:
        throttling(flow, event);
        break;
    case TVN_EVENT_EVICTED:
    case TVN_EVENT_DISCARDED:
        tvn_sim_require(flow,
                        event->edge < flow->edge_count && event->sequence != TVN_EVENT_NO_SEQUENCE,
                        "an element is lost nowhere");
        break;
    case TVN_EVENT_FAULT:
        tvn_sim_require(flow, event->stage < flow->stage_count && event->fault,
                        "a fault without a stage");
        break;
    case TVN_EVENT_RESTARTED:
    case TVN_EVENT_DEAD_LETTER:
        break;
    case TVN_EVENT_KIND_COUNT:
        tvn_unreachable();
    }
}

struct tvn_event_sink *tvn_sim_watch_init(struct tvn_sim_flow *flow)
{
    static const struct tvn_event_sink_ops ops = {.call = watch_call,
                                                  .row_begin = watch_row_begin,
                                                  .row_called = watch_row_called,
                                                  .vector_end = watch_vector_end,
                                                  .event = watch_event};
    static const uint32_t masks[] = {
        0,
        TVN_WATCH_EVENTS,
        TVN_WATCH_EVENTS | TVN_WATCH_SAMPLED,
        TVN_WATCH_EVENTS | TVN_WATCH_CALLS,
    };
    uint32_t draw = tvn_sim_below(&flow->random, TVN_ARRAY_LEN(masks) + 1);
    flow->events.ops = &ops;
    flow->event_state = TVN_FLOW_CREATED;
    if (draw == TVN_ARRAY_LEN(masks)) {
        return NULL;
    }
    atomic_init(&flow->events.mask, masks[draw]);
    flow->events_always = draw > 0;
    return &flow->events;
}

/* Every change was told, once. */
void tvn_sim_watch_check(struct tvn_sim_flow *flow)
{
    if (!flow->events_always) {
        return;
    }
    uint64_t throttled = 0;
    uint64_t relieved = 0;
    uint64_t evicted = 0;
    for (uint32_t i = 0; i < flow->edge_count; i++) {
        const struct tvn_sim_edge *edge = &flow->edges[i];
        uint64_t events = tvn_stat_get(&edge->stats.backpressure_events);
        throttled += events;
        relieved += events - edge->event_throttled;
        evicted += edge->dropped;
        tvn_sim_require(flow, edge->event_throttled == edge->throttled,
                        "edge %u: the events say throttled %d", i, edge->event_throttled);
        tvn_sim_require(flow, edge->event_ns == tvn_stat_get(&edge->stats.backpressure_ns),
                        "edge %u: the events say %" PRIu64 " ns of back-pressure", i,
                        edge->event_ns);
    }
    const uint64_t expected[TVN_EVENT_KIND_COUNT] = {
        [TVN_EVENT_STATE] = flow->event_counts[TVN_EVENT_STATE],
        [TVN_EVENT_THROTTLED] = throttled,
        [TVN_EVENT_RELIEVED] = relieved,
        [TVN_EVENT_EVICTED] = evicted,
        [TVN_EVENT_DISCARDED] = flow->discarded,
        [TVN_EVENT_FAULT] = flow->errors,
        [TVN_EVENT_RESTARTED] = flow->restarts,
        [TVN_EVENT_DEAD_LETTER] = flow->letters,
    };
    for (uint32_t kind = 0; kind < TVN_EVENT_KIND_COUNT; kind++) {
        tvn_sim_require(flow, flow->event_counts[kind] == expected[kind],
                        "%" PRIu64 " events '%s', expected %" PRIu64, flow->event_counts[kind],
                        tvn_event_kind_name((enum tvn_event_kind)kind), expected[kind]);
    }
    tvn_sim_require(flow, flow->event_state == tvn_flow_state(flow->flow), "the events say %s",
                    tvn_flow_state_name(flow->event_state));
}
