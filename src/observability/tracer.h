/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The spans of one running flow: which elements are traced, what is remembered of the others, and
 * when that is exported after all.
 *
 * The unit is the element. Its span has the trace that its source named, else one of its own, is
 * linked to the flow's span, and is the parent of a span for each call (span.h shows the tree).
 *  - Head sampling: each element with probability sample_rate, or as its incoming context says. All
 *    of its spans are exported as they end.
 *  - The ring remembers the spans of all other elements whose calls are watched: at level
 *    DIAGNOSTIC every element, at level PRODUCTION those whose times are taken
 *    (TVN_RECORDER_SAMPLE_EVERY). Of the rest of PRODUCTION's elements nothing is recorded and no
 *    clock is read.
 *  - Promotion: an error, or an element that took longer than latency_promote_ns from pull to its
 *    end, exports the ring, and marks all elements from then on, until TVN_TRACER_CALM of those in
 *    a row have been neither. An element that was not watched when its call failed is exported with
 *    that call alone, without times (`torvyn.timed` = 0).  Slowness is seen of watched elements
 *    only. After TVN_TRACER_PROMOTED_MAX spans in a second nothing more is promoted in it.
 *  - At level DIAGNOSTIC calls have resource:* spans and the depth of the queue they took from;
 *    the end of back-pressure on an edge is a backpressure:* span.
 *
 * Threads: the flow's, until finish. Memory: create allocates everything. Limits: elements that are
 * followed at a time, as the recorder's in_flight; tracestates of TVN_TRACER_STATES_MAX of them.
 */
#include "observability/graph.h"
#include "observability/span.h"
#include "types/event_sink.h"
#include "types/flow_stats.h"
#include "types/trace_context.h"

#define TVN_TRACER_CALM         16   /* elements */
#define TVN_TRACER_PROMOTED_MAX 4000 /* spans a second */
#define TVN_TRACER_STATES_MAX   1024

struct tvn_call_record;
struct tvn_tracer;

struct tvn_tracer_options {
    const struct tvn_graph *graph;      /* outlives the tracer */
    const struct tvn_trace_ids *ids;    /* of the elements; enabled; outlives the tracer */
    struct tvn_span_exporter *exporter; /* outlives the tracer */
    double sample_rate;                 /* 0 to 1 */
    bool error_promote;
    uint64_t latency_promote_ns; /* 0: never */
    uint32_t ring_capacity;      /* 1 to TVN_SPAN_RING_MAX */
    uint32_t in_flight;          /* elements between source and sink */
    uint64_t seed;
    uint64_t (*ticks)(void);   /* the clocks; NULL: tvn_ticks_now */
    uint64_t (*unix_ns)(void); /* NULL: tvn_clock_wall_ns */
};

// COLD PATH. NULL: no memory.
struct tvn_tracer *tvn_tracer_create(const struct tvn_tracer_options *options);
void tvn_tracer_destroy(struct tvn_tracer *tracer);
TVN_DEFINE_CLEANUP(tvn_tracer, tvn_tracer_destroy)

/* COLD PATH. Before the flow starts: a source hands in contexts, so every pull must be watched. */
TVN_NODISCARD bool tvn_tracer_take_contexts(struct tvn_tracer *tracer);
/* COLD PATH. Before the flow starts: where the depth of a queue is. Outlives the tracer. */
void tvn_tracer_set_stream(struct tvn_tracer *tracer, uint32_t edge,
                           const struct tvn_stream_stats *stats);

/* ---- for the recorder ---- */

/* HOT PATH. The first sequence whose pull the tracer wants to see. */
uint64_t tvn_tracer_next(const struct tvn_tracer *tracer);
/*
 * WARM PATH. A pull that put out an element; `timed`: it is watched anyway. True: watch it. Sets or
 * clears TVN_ELEMENT_SAMPLED of the output.
 */
bool tvn_tracer_pulled(struct tvn_tracer *tracer, const struct tvn_call_record *record, bool timed,
                       bool details);
/* WARM PATH. Another watched call; `details`: level DIAGNOSTIC, copies are filled in. */
void tvn_tracer_called(struct tvn_tracer *tracer, const struct tvn_call_record *record,
                       bool details);
void tvn_tracer_event(struct tvn_tracer *tracer, const struct tvn_event *event, bool details);

/* COLD PATH. Once, when nobody runs the flow any more: what is under way and the flow's own span.
 * Any thread that it was handed over to. */
void tvn_tracer_finish(struct tvn_tracer *tracer);
