/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "observability/recorder.h"
#include "observability/sampler.h"
#include "observability/span_ring.h"
#include "observability/tracer.h"

#define TVN_TRACER_BATCH     16
#define TVN_TRACER_ERROR_MAX 256

/* An element that is followed. */
struct tvn_traced {
    uint64_t sequence_plus_one; /* 0: nobody */
    uint64_t begin_ticks;
    uint64_t end_ticks; /* of its last call */
    int32_t records;    /* of it, in queues and calls */
    bool is_watched;    /* all of its calls are seen */
    bool exports;       /* its spans are exported as they end */
    bool is_errored;
    bool is_promoted;   /* marked because of a promotion */
    uint64_t parent_id; /* incoming; 0: none */
    uint8_t trace_id[16];
};

struct tvn_traced_state {
    uint64_t sequence_plus_one;
    uint16_t length;
    char text[TVN_TRACESTATE_MAX];
};

#define TVN_TRACER_PRESSURE    "backpressure:"
#define TVN_TRACER_STREAM_NAME 288

struct tvn_traced_edge {
    const struct tvn_stream_stats *stats; /* NULL: not told */
    uint32_t throttled_depth;
    char name[TVN_TRACER_STREAM_NAME]; /* "backpressure:FROM→TO" */
};

struct tvn_tracer {
    struct tvn_tracer_options options;
    struct tvn_sampler sampler;
    struct tvn_span_ring *ring;
    struct tvn_traced *slots; /* by sequence */
    uint32_t slot_mask;
    struct tvn_traced_state *states; /* NULL: no source hands contexts in */
    uint32_t state_count;
    struct tvn_traced_edge *edges;
    uint64_t *errored_plus_one; /* by stage: the sequence whose last call there failed */
    char (*prefixes)[160];      /* by stage: "component:NAME:invoke:" */
    uint64_t random;
    uint64_t base_ticks; /* at this reading of the wall clock; renewed now and then */
    uint64_t base_unix_ns;
    uint64_t begin_unix_ns; /* of the flow */
    /* promotion */
    bool promoted;
    const char *reason;     /* "error", "latency" */
    uint64_t promoted_from; /* sequence */
    uint64_t last_pulled_plus_one;
    uint32_t calm;
    uint64_t window_ticks; /* one second */
    uint64_t window_begin_ticks;
    uint32_t window_count;
    /* the last error */
    uint64_t error_sequence_plus_one;
    uint32_t error_stage;
    char error_text[TVN_TRACER_ERROR_MAX];
    /* the flow's span */
    uint8_t flow_trace_id[16];
    uint8_t flow_span_id[8];
    bool started;
    bool failed;
    uint32_t batch_count;
    struct tvn_trace_span batch[TVN_TRACER_BATCH];
};

/* tracer_spans.c: makes spans of the record and puts them into the batch. */
void tvn_tracer_export(struct tvn_tracer *tracer, const struct tvn_span_record *record);
void tvn_tracer_export_backpressure(struct tvn_tracer *tracer, const struct tvn_event *event,
                                    uint64_t end_ticks);
void tvn_tracer_export_flow(struct tvn_tracer *tracer, uint64_t end_ticks);
/* The wall clock at these ticks. */
uint64_t tvn_tracer_unix_ns(const struct tvn_tracer *tracer, uint64_t ticks);
/* tracer_spans.c: offers the batch. */
void tvn_tracer_send(struct tvn_tracer *tracer);
uint64_t tvn_tracer_random(struct tvn_tracer *tracer); /* not 0 */
