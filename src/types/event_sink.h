/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * How a flow tells what happens in it, to whoever observes it: metrics, traces, benchmarks.
 *
 * Counting is not its business: counters are exact at every level and live in types/flow_stats.h. A
 * sink gets
 *  - calls: the reactor hands a call to the sink, which makes it and may look at clock, counters
 * and elements before and after. Which calls, the sink's mask says: none; those of elements that
 * the sink chose at their source (TVN_ELEMENT_WATCHED); or all. Copies and transfers are what the
 * call changed in the stage's counters and elements.
 *  - events: what is rare, one by one.
 *  - elements with their payloads, as they stand at the head of an edge and before the stage behind
 * it is called with them, each once; only while the mask has TAPS. One that is evicted meanwhile
 * was shown all the same.
 *
 * Cost: the mask is read once per vector. A call that is not watched costs one comparison more than
 * without a sink.
 *
 * Threads: the reactor calls the sink on the thread that runs the flow, never two at a time. The
 * mask may be changed by any thread at any time; it holds from the next vector on. Memory: the sink
 * outlives the flow. Nothing here allocates, and no operation may on the hot path.
 */
#include "types/flow_state.h"
#include "types/invoker.h"

#include <assert.h>

enum tvn_watch {
    TVN_WATCH_EVENTS = 1u << 0,
    TVN_WATCH_SAMPLED = TVN_ELEMENT_WATCHED, /* calls of elements that have this flag */
    TVN_WATCH_CALLS = 1u << 2,               /* all calls */
    TVN_WATCH_TAPS = 1u << 3,                /* elements of all edges */
};
static_assert(TVN_ELEMENT_WATCHED == 1u << 1, "a bit of the mask and of an element's flags");

/* Index of no stage, no edge. */
#define TVN_EVENT_NOWHERE UINT32_MAX

enum tvn_event_kind {
    TVN_EVENT_STATE,     /* the flow's state changed: state */
    TVN_EVENT_THROTTLED, /* back-pressure begins: edge, depth, capacity */
    TVN_EVENT_RELIEVED,  /* and ends: edge, depth, capacity, duration_ns */
    TVN_EVENT_EVICTED, /* an element met a full queue and the policy dropped one: edge, sequence */
    TVN_EVENT_DISCARDED, /* an element in the queue of a flow that ends: edge, sequence */
    TVN_EVENT_FAULT, /* a call ended with ERROR or DEAD: stage, entry, outcome, sequence, fault */
    TVN_EVENT_RESTARTED,   /* the stage has a new instance: stage */
    TVN_EVENT_DEAD_LETTER, /* an element went to the dead letters: stage, sequence */
    TVN_EVENT_KIND_COUNT,
};
const char *tvn_event_kind_name(enum tvn_event_kind kind); /* "throttled" */

#define TVN_EVENT_NO_SEQUENCE UINT64_MAX

/* Fields that a kind does not name are zero, NOWHERE or NO_SEQUENCE. */
struct tvn_event {
    enum tvn_event_kind kind;
    uint32_t stage;
    uint32_t edge;
    uint32_t depth;
    uint32_t capacity;
    enum tvn_entry entry;
    enum tvn_outcome outcome;
    enum tvn_flow_state state;
    uint64_t now_ns; /* the flow's monotonic clock */
    uint64_t sequence;
    uint64_t duration_ns;
    const struct tvn_fault *fault; /* valid during the call */
};

struct tvn_event_sink;

/* Which call is watched. */
struct tvn_watched {
    uint32_t stage;
    uint32_t edge; /* through which `in` came; NOWHERE without */
    struct tvn_invoker *invoker;
    enum tvn_entry entry;
    uint64_t sequence;      /* of `in`; of a PULL the one its output will get; else NO_SEQUENCE */
    struct tvn_element *in; /* call->in; NULL without */
    bool
        whole_vector; /* every call of its vector is watched; vector_end comes after the last one */
};

/* Elements at the head of an edge that were not shown yet. Only those that are asked for are
 * looked up. */
struct tvn_tapped {
    uint32_t edge;
    uint32_t count;
    /* `index` is below the count. The payload may be NULL, of length 0. */
    const struct tvn_element *(*at)(const struct tvn_tapped *self, uint32_t index,
                                    const uint8_t **out_bytes, uint32_t *out_length);
    const void *flow; /* of `at` */
    const void *source;
    uint32_t first;
};

struct tvn_event_sink_ops {
    /*
     * HOT PATH. Makes the call (tvn_invoke) and returns its outcome. The sink may set in->spare,
     * which the outputs get from the reactor after the call; of a PULL's output it may set flags
     * and spare. Mandatory.
     */
    enum tvn_outcome (*call)(struct tvn_event_sink *self, const struct tvn_watched *watched,
                             struct tvn_call *call);
    /*
     * HOT PATH. Of a vector that is watched as a whole: may its calls from this one on be made in a
     * row, by the invoker (tvn_invoker_ops.invoke_row) or for it? Then each is told by row_called
     * as soon as it has ended, `watched` being that call's, instead of going through `call`; that
     * sets what `call` may set, and is false when the row must end there. Optional, together.
     */
    bool (*row_begin)(struct tvn_event_sink *self, const struct tvn_watched *watched);
    bool (*row_called)(struct tvn_event_sink *self, const struct tvn_watched *watched,
                       const struct tvn_call *call, enum tvn_outcome outcome);
    /* HOT PATH. After the calls of a vector that is watched as a whole. Optional. */
    void (*vector_end)(struct tvn_event_sink *self);
    /* WARM PATH. Mandatory. */
    void (*event)(struct tvn_event_sink *self, const struct tvn_event *event);
    /* HOT PATH. With TAPS; all is valid during the call. Mandatory for a sink whose mask may have
     * TAPS. */
    void (*tap)(struct tvn_event_sink *self, const struct tvn_tapped *tapped);
};

/* Embedded as the first field of every implementation. */
struct tvn_event_sink {
    const struct tvn_event_sink_ops *ops;
    _Atomic uint32_t mask; /* enum tvn_watch */
    uint64_t sample_next;  /* with SAMPLED: the first pull whose sequence is not less is watched;
                              set by `call` */
};

/* HOT PATH. Once per vector. `sink` may be NULL. */
static inline uint32_t tvn_watch_mask(const struct tvn_event_sink *sink)
{
    return sink ? atomic_load_explicit(&sink->mask, memory_order_relaxed) : 0;
}
/* HOT PATH. Is the call that takes an element with these flags watched? */
static inline bool tvn_watch_element(uint32_t mask, uint32_t element_flags)
{
    return ((element_flags & TVN_WATCH_SAMPLED & mask) | (mask & TVN_WATCH_CALLS)) != 0;
}
/* HOT PATH. Is the pull that will make the element `sequence` watched? */
static inline bool tvn_watch_pull(const struct tvn_event_sink *sink, uint32_t mask,
                                  uint64_t sequence)
{
    return (mask & (TVN_WATCH_SAMPLED | TVN_WATCH_CALLS)) != 0 &&
           ((mask & TVN_WATCH_CALLS) != 0 || sequence >= sink->sample_next);
}
/* Are calls that take no element (init, notify, flush, complete, teardown) watched? */
static inline bool tvn_watch_other(uint32_t mask)
{
    return (mask & (TVN_WATCH_SAMPLED | TVN_WATCH_CALLS)) != 0;
}

/* WARM PATH. Tells an event if anyone wants events. `sink` may be NULL. */
static inline void tvn_event_tell(struct tvn_event_sink *sink, const struct tvn_event *event)
{
    if (tvn_watch_mask(sink) & TVN_WATCH_EVENTS) {
        sink->ops->event(sink, event);
    }
}
