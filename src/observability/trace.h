/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The path of every element through one flow, call by call: what `torvyn trace` shows.
 *
 * A trace listens to the flow's recorder (level DIAGNOSTIC). An element is ready when nothing of it
 * is under way any more; ready elements come out in the order of their sequence, between the
 * back-pressure events in the order of time.
 *
 * Life: create → listen (before the flow starts) → take and free items while the flow runs → finish
 * → take the rest → destroy. Threads: the flow's thread fills; any one thread may take. When
 * TVN_TRACE_READY_MAX items wait to be taken the flow's thread waits, until one is taken or
 * tvn_trace_let_go is called. Limits: TVN_TRACE_STEPS_MAX calls an element, TVN_TRACE_ACTIVE_MAX
 * elements under way; beyond, the oldest comes out as it is.
 */
#include "base/str.h"
#include "format/json_writer.h"
#include "observability/graph.h"
#include "observability/recorder.h"
#include "types/trace_context.h"

#define TVN_TRACE_STEPS_MAX   1024
#define TVN_TRACE_ACTIVE_MAX  65536u
#define TVN_TRACE_READY_MAX   16384u
#define TVN_TRACE_CONTENT_MAX 64 /* bytes of a buffer that are shown */

/* What is in a buffer; valid until the call that it is asked in is over. */
struct tvn_trace_content {
    const uint8_t *bytes;
    uint32_t length;
};

/* A buffer's number in the trace, from 1; 0: none. */
struct tvn_trace_buffer {
    uint32_t number;
    uint32_t length;
    uint32_t shown; /* bytes of `content` */
    uint8_t content[TVN_TRACE_CONTENT_MAX];
};

/* One call. */
struct tvn_trace_step {
    uint32_t stage;
    enum tvn_entry entry;
    enum tvn_outcome outcome;
    bool has_output;   /* the element went on */
    uint64_t begin_ns; /* since the beginning of the trace */
    uint64_t duration_ns;
    uint64_t wait_ns;
    uint64_t ports;
    struct tvn_trace_buffer input;
    struct tvn_trace_buffer output; /* number 0 or the input's when it was handed on */
    uint64_t copies[TVN_COPY_REASON_COUNT];
    uint64_t copy_bytes[TVN_COPY_REASON_COUNT];
    char *error; /* owned; NULL: none */
};

enum tvn_trace_end {
    TVN_TRACE_DONE,      /* delivered, filtered, failed: the steps tell */
    TVN_TRACE_EVICTED,   /* a full queue's policy dropped a record of it */
    TVN_TRACE_DISCARDED, /* the flow ended with it in a queue */
};

struct tvn_trace_element {
    uint64_t sequence;
    uint64_t latency_ns; /* to the last sink that took it; 0: none did */
    uint8_t trace_id[16];
    uint8_t span_id[8];
    uint8_t parent_id[8]; /* of an incoming trace context; zero without */
    enum tvn_trace_end end;
    struct tvn_trace_step *steps; /* owned */
    uint32_t step_count;
    uint32_t steps_left_out;
};

enum tvn_trace_kind {
    TVN_TRACE_ELEMENT,
    TVN_TRACE_THROTTLED,
    TVN_TRACE_NOTIFIED,
    TVN_TRACE_RELIEVED
};

struct tvn_trace_item {
    enum tvn_trace_kind kind;
    struct tvn_trace_element element; /* ELEMENT */
    /* the others: */
    uint32_t edge;
    uint64_t depth;
    uint64_t capacity;
    uint64_t at_ns;
    uint64_t duration_ns;   /* RELIEVED: of the suspension */
    uint64_t drained;       /* RELIEVED: elements taken meanwhile */
    enum tvn_signal signal; /* NOTIFIED */
    struct tvn_trace_item *next;
};

struct tvn_trace_options {
    const struct tvn_graph *graph;   /* outlives the trace */
    const struct tvn_trace_ids *ids; /* of the elements; outlives the trace */
    /* What is in a buffer that exists; false when it does not. On the flow's thread. */
    bool (*look)(void *context, struct tvn_buffer_id id, struct tvn_trace_content *out_content);
    void *context;
    bool show_buffers; /* keep the content's beginning */
};

struct tvn_trace_summary {
    uint64_t elements;
    uint64_t lost; /* elements of which nothing could be kept for want of memory */
    uint64_t copies[TVN_COPY_REASON_COUNT];
    uint64_t copy_bytes[TVN_COPY_REASON_COUNT];
    uint64_t buffers;
    uint64_t reused; /* buffers that had been another one before */
    uint64_t backpressure_events;
};

struct tvn_trace;

// COLD PATH. TVN_E_OUT_OF_MEMORY.
TVN_NODISCARD enum tvn_status tvn_trace_create(const struct tvn_trace_options *options,
                                               struct tvn_trace **out_trace);
void tvn_trace_destroy(struct tvn_trace *trace);
TVN_DEFINE_CLEANUP(tvn_trace, tvn_trace_destroy)
void tvn_trace_listen(struct tvn_trace *trace, struct tvn_recorder *recorder);

/* The items that are ready, oldest first, linked by `next`; NULL: none. Free each. */
struct tvn_trace_item *tvn_trace_take(struct tvn_trace *trace);
void tvn_trace_item_destroy(struct tvn_trace_item *item);
TVN_DEFINE_CLEANUP(tvn_trace_item, tvn_trace_item_destroy)
/* The flow's thread waits for nobody any more: what does not fit is lost. Any thread. */
void tvn_trace_let_go(struct tvn_trace *trace);
/* When the flow has ended: what was under way comes out too. */
void tvn_trace_finish(struct tvn_trace *trace);
/* After tvn_trace_finish. */
void tvn_trace_summary(const struct tvn_trace *trace, struct tvn_trace_summary *out_summary);

/* trace_text.c: for people. The tree of an element, or a line of back-pressure. */
void tvn_trace_text(const struct tvn_graph *graph, const struct tvn_trace_item *item,
                    bool show_buffers, struct tvn_strbuf *out);
/* "4.2µs", "1.8ms", "2.0s" */
void tvn_trace_duration(struct tvn_strbuf *out, uint64_t ns);

/* trace_json.c: one object an item. */
void tvn_trace_json(const struct tvn_graph *graph, const struct tvn_trace_item *item,
                    bool show_buffers, struct tvn_json_writer *json);
/* trace_otlp.c: OTLP's JSON form: the spans of an item, into an open array. `flow_span` is the
 * flow's. */
struct tvn_trace_flow_span {
    uint8_t trace_id[16];
    uint8_t span_id[8];
    uint64_t begin_unix_ns; /* wall clock at the beginning of the trace */
};
void tvn_trace_otlp(const struct tvn_graph *graph, const struct tvn_trace_flow_span *flow_span,
                    const struct tvn_trace_item *item, struct tvn_json_writer *json);
/* The flow's own span, last. */
void tvn_trace_otlp_flow(const struct tvn_graph *graph, const struct tvn_trace_flow_span *flow_span,
                         uint64_t duration_ns, struct tvn_json_writer *json);
